package botwright_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

// A lineTracer keeps a line for each span that has ended: the names of those around it, and how it
// ended.
type lineTracer struct {
	mu    sync.Mutex // guards lines
	lines []string
}

type lineKey struct{}

func (l *lineTracer) Start(ctx context.Context, s botwright.Span) (context.Context, func(botwright.SpanEnd)) {
	kind := [...]string{"session", "event", "wait", "handler", "debounced", "call", "wait", "attempt", "load",
		"gather", "operation"}[s.Kind]
	name := strings.Join(strings.Fields(kind+" "+s.Method+" "+s.Name+" "+s.Reason), " ")
	if within := l.TraceID(ctx); within != "" {
		name = within + " > " + name
	}
	for _, link := range s.Links {
		name += " ← " + l.TraceID(link)
	}
	return context.WithValue(ctx, lineKey{}, name), func(e botwright.SpanEnd) {
		if e.Err != nil {
			name += ": " + e.Err.Error()
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.lines = append(l.lines, name)
	}
}

func (l *lineTracer) TraceID(ctx context.Context) string {
	name, _ := ctx.Value(lineKey{}).(string)
	return name
}

func (l *lineTracer) Inject(ctx context.Context, carrier map[string]string) {
	carrier["span"] = l.TraceID(ctx)
}

func (l *lineTracer) Extract(ctx context.Context, carrier map[string]string) context.Context {
	return context.WithValue(ctx, lineKey{}, carrier["span"])
}

func (l *lineTracer) has(t *testing.T, lines ...string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, want := range lines {
		if !slices.Contains(l.lines, want) {
			t.Errorf("no span %q in\n%s", want, strings.Join(l.lines, "\n"))
		}
	}
}

func (l *lineTracer) count(line string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, x := range l.lines {
		if x == line {
			n++
		}
	}
	return n
}

// TestTracer follows messages whose handler lets one through at a time, and calls it again when it
// has failed. The error handler, and a metric, are told of the span.
func TestTracer(t *testing.T) {
	t.Parallel()
	tracer, reg := &lineTracer{}, prometheus.NewRegistry()
	errs := make(chan string, 1)
	srv := newServer(t, discordtest.Config{Guilds: 1})
	bot := newBot(t, srv, botwright.WithTracer(tracer), botwright.WithMetrics(reg),
		botwright.WithErrorHandler(func(ctx context.Context, _ *botwright.Event, _ error) {
			errs <- tracer.TraceID(ctx)
		}))
	goOn := make(chan struct{})
	botwright.On(bot, func(context.Context, *discordgo.Session, *discordgo.MessageCreate) error {
		<-goOn
		return errors.New("no such webhook: /webhooks/1/SECRET")
	}, botwright.Concurrent(), botwright.MaxConcurrent(1, nil), botwright.Retry(2))
	open(t, bot)
	say(t, srv, "one")
	say(t, srv, "two")
	for bot.Queue().Parked == 0 { // in MaxConcurrent
		<-time.After(time.Millisecond)
	}
	close(goOn)
	const event = "event MESSAGE_CREATE"
	handler := event + " > handler botwright_test.TestTracer.func2"
	for range 2 {
		if span := receive(t, errs); span != handler {
			t.Errorf("an error with the span %q", span)
		}
	}
	if got := exemplar(t, reg, "discord_handler_duration_seconds"); got != handler {
		t.Errorf("exemplar %q", got)
	}
	if err := bot.Shutdown(testContext(t)); err != nil {
		t.Fatal(err)
	}
	tracer.has(t, "session", event+" > wait", handler+" > wait max_concurrent", handler+" > wait retry",
		handler+": no such webhook: /webhooks/1/{token}", event+": no such webhook: /webhooks/1/{token}")
	for _, line := range tracer.lines {
		if strings.Contains(line, "SECRET") {
			t.Errorf("a token is told: %s", line)
		}
	}
	if n := strings.Count(strings.Join(tracer.lines, "\n")+"\n", event+": "); n != 2 {
		t.Errorf("%d of 2 events have ended", n)
	}
}

// exemplar returns the trace that a histogram shows.
func exemplar(t *testing.T, reg prometheus.Gatherer, name string) (trace string) {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, b := range m.GetHistogram().GetBucket() {
				if labels := b.GetExemplar().GetLabel(); f.GetName() == name && len(labels) > 0 {
					trace = labels[0].GetValue()
				}
			}
		}
	}
	return trace
}

// TestSlowHandlersAreTraced looks at what the error handler is told of a handler that still runs.
func TestSlowHandlersAreTraced(t *testing.T) {
	t.Parallel()
	tracer := &lineTracer{}
	slow := make(chan string, 1)
	srv := newServer(t, discordtest.Config{Guilds: 1})
	bot := newBot(t, srv, botwright.WithTracer(tracer),
		botwright.WithQueue(botwright.QueueConfig{Slow: 10 * time.Millisecond}),
		botwright.WithErrorHandler(func(ctx context.Context, _ *botwright.Event, err error) {
			if _, ok := errors.AsType[*botwright.SlowHandlerError](err); ok {
				select {
				case slow <- tracer.TraceID(ctx):
				default:
				}
			}
		}))
	goOn := make(chan struct{})
	botwright.On(bot, func(context.Context, *discordgo.Session, *discordgo.MessageCreate) error {
		<-goOn
		return nil
	})
	open(t, bot)
	say(t, srv, "one")
	if span := receive(t, slow); span != "event MESSAGE_CREATE" {
		t.Errorf("a slow handler with the span %q", span)
	}
	close(goOn)
}

// TestGoexitIsTraced has a handler end its goroutine: its span and the event's end all the same.
func TestGoexitIsTraced(t *testing.T) {
	t.Parallel()
	tracer := &lineTracer{}
	srv := newServer(t, discordtest.Config{Guilds: 1})
	errs := make(chan error, 1)
	bot := newBot(t, srv, botwright.WithTracer(tracer),
		botwright.WithErrorHandler(func(_ context.Context, _ *botwright.Event, err error) { errs <- err }))
	botwright.On(bot, func(context.Context, *discordgo.Session, *discordgo.MessageCreate) error {
		runtime.Goexit()
		return nil
	})
	open(t, bot)
	say(t, srv, "one")
	if err := receive(t, errs); !errors.Is(err, botwright.ErrGoexit) {
		t.Errorf("error %v", err)
	}
	if err := bot.Shutdown(testContext(t)); err != nil {
		t.Fatal(err)
	}
	const event = "event MESSAGE_CREATE"
	tracer.has(t, event+" > handler botwright_test.TestGoexitIsTraced.func2: "+botwright.ErrGoexit.Error(),
		event+": "+botwright.ErrGoexit.Error())
}

// TestOperationsAreTraced follows operations to the shards of another process and their calls.
func TestOperationsAreTraced(t *testing.T) {
	t.Parallel()
	w := newClusterWorld(t)
	register := func(b *botwright.Bot) {
		botwright.RegisterOp(b, "look", func(ctx context.Context, s botwright.ShardSession, _ any) (int, error) {
			_, err := s.Guild(w.srv.Guilds()[s.ID].ID, discordgo.WithContext(ctx))
			return s.ID, err
		})
	}
	asks, answers := &lineTracer{}, &lineTracer{}
	one := w.startWith(register, botwright.WithTracer(asks))
	two := w.startWith(register, botwright.WithTracer(answers))
	w.awaitShards(map[*process]int{one: 3, two: 3})
	ctx := context.WithValue(testContext(t), lineKey{}, "handler")
	if replies, err := botwright.Gather[int](ctx, one.Bot, "look", nil); err != nil || len(replies) != clusterShards {
		t.Fatal(replies, err)
	}
	const call, gather = " > call GET /guilds/{id}", "handler > gather look"
	asks.has(t, gather, gather+call)
	answers.has(t, gather+" > operation look", gather+" > operation look"+call)
	if err := botwright.Broadcast(ctx, one.Bot, "look", nil); err != nil {
		t.Fatal(err)
	}
	w.await("the calls of a broadcast", func() bool { return answers.count(gather+" > operation look"+call) == 6 })
	if _, err := botwright.Gather[int](ctx, one.Bot, "missing", nil); !errors.Is(err, botwright.ErrUnknownOp) {
		t.Error(err)
	} else {
		asks.has(t, "handler > gather missing: "+err.Error())
	}
}

// TestNoTracer says that the path of an event, and the miss of a cache, cost what they would cost if
// there were no tracers; TestDispatchAllocations and TestPathAllocations hold the rest.
func TestNoTracer(t *testing.T) {
	if _, err := botwright.New(someToken, botwright.WithTracer(nil)); err == nil {
		t.Error("a nil tracer is taken")
	}
	cache := botwright.NewTTLCache(botwright.TTLCacheConfig[int, int]{})
	ctx := t.Context()
	fetch := func(context.Context) (int, error) { return 1, nil }
	key := 0
	allocs := func(ctx context.Context) float64 {
		return testing.AllocsPerRun(200, func() {
			key++
			if _, err := cache.Load(ctx, key, fetch); err != nil {
				t.Fatal(err)
			}
			cache.Delete(key)
		})
	}
	if n := allocs(ctx); n > 8 {
		t.Errorf("a miss: %v allocations, want at most 8", n)
	}
}

// BenchmarkTracer is BenchmarkPath without a tracer, and with one that does nothing.
func BenchmarkTracer(b *testing.B) {
	for name, opts := range map[string][]botwright.Option{
		"without": nil, "with": {botwright.WithTracer(idleTracer{})},
	} {
		b.Run(name, func(b *testing.B) {
			bot := closedBot(b, opts...)
			bot.Handle("MESSAGE_CREATE", func(context.Context, *botwright.Event) error { return nil })
			read, wait := botwright.NewPath("MESSAGE_CREATE", messageData, bot)
			b.ReportAllocs()
			for b.Loop() {
				read()
			}
			wait()
		})
	}
}

// An idleTracer follows nothing.
type idleTracer struct{}

func (idleTracer) Start(ctx context.Context, _ botwright.Span) (context.Context, func(botwright.SpanEnd)) {
	return ctx, func(botwright.SpanEnd) {}
}
func (idleTracer) TraceID(context.Context) string                                   { return "" }
func (idleTracer) Inject(context.Context, map[string]string)                        {}
func (idleTracer) Extract(ctx context.Context, _ map[string]string) context.Context { return ctx }
