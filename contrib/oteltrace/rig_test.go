package oteltrace_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/bottest"
	"github.com/botwright/botwright/contrib/oteltrace"
	"github.com/botwright/botwright/discordtest"
	"github.com/botwright/botwright/internal/leftover"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(afterSessions{m}) }

// afterSessions waits, before goroutines are counted, until discordgo has closed the sessions.
type afterSessions struct{ *testing.M }

func (m afterSessions) Run() int {
	code := m.M.Run()
	leftover.AwaitSessions()
	return code
}

// A rig is a bot whose spans are kept.
type rig struct {
	*bottest.Bot
	t     *testing.T
	spans *tracetest.InMemoryExporter
}

// start starts a bot that handles messages with onMessage, if that is not nil.
func start(
	t *testing.T, cfg oteltrace.Config, onMessage botwright.HandlerFunc[discordgo.MessageCreate],
	opts ...botwright.HandlerOption,
) *rig {
	t.Helper()
	return startWith(t, cfg, func(b *botwright.Bot) {
		if onMessage != nil {
			botwright.On(b, onMessage, append(opts, botwright.NotBot())...)
		}
	})
}

func startWith(
	t *testing.T, cfg oteltrace.Config, register func(*botwright.Bot), more ...botwright.Option,
) *rig {
	t.Helper()
	spans := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	t.Cleanup(func() { _ = provider.Shutdown(context.Background()) })
	cfg.Provider = provider
	bot := bottest.Start(t, discordtest.Config{Guilds: 1, Channels: 1},
		func(token string, opts ...botwright.Option) (*botwright.Bot, error) {
			opts = append(opts, botwright.WithTracer(oteltrace.New(cfg)),
				botwright.WithIntents(discordgo.IntentsGuilds|discordgo.IntentsGuildMessages|
					discordgo.IntentsMessageContent))
			b, err := botwright.New(token, append(opts, more...)...)
			if err == nil {
				register(b)
			}
			return b, err
		})
	return &rig{Bot: bot, t: t, spans: spans}
}

// say has a person say something.
func (r *rig) say(text string) {
	r.t.Helper()
	if _, err := r.Server.Say(r.ChannelID, r.UserID, text); err != nil {
		r.t.Fatal(err)
	}
}

// wait waits until so many spans of a name have ended, and returns all spans.
func (r *rig) wait(name string, n int) tracetest.SpanStubs {
	r.t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		all := r.spans.GetSpans()
		if ended := named(all, name); len(ended) >= n {
			return all
		}
		select {
		case <-time.After(time.Millisecond):
		case <-deadline:
			r.t.Fatalf("want %d spans %q in\n%s", n, name, tree(all))
		}
	}
}

func named(spans tracetest.SpanStubs, name string) tracetest.SpanStubs {
	var found tracetest.SpanStubs
	for _, s := range spans {
		if s.Name == name {
			found = append(found, s)
		}
	}
	return found
}

// one returns the only span of a name.
func one(t *testing.T, spans tracetest.SpanStubs, name string) tracetest.SpanStub {
	t.Helper()
	found := named(spans, name)
	if len(found) != 1 {
		t.Fatalf("%d spans %q in\n%s", len(found), name, tree(spans))
	}
	return found[0]
}

// traceOf returns the spans of the trace of a span.
func traceOf(spans tracetest.SpanStubs, of tracetest.SpanStub) tracetest.SpanStubs {
	return slices.DeleteFunc(slices.Clone(spans), func(s tracetest.SpanStub) bool {
		return s.SpanContext.TraceID() != of.SpanContext.TraceID()
	})
}

// tree writes spans as lines, each below the one that it is within.
func tree(spans tracetest.SpanStubs) string {
	children := make(map[trace.SpanID]tracetest.SpanStubs)
	for _, s := range spans {
		children[s.Parent.SpanID()] = append(children[s.Parent.SpanID()], s)
	}
	var b strings.Builder
	var write func(trace.SpanID, string)
	write = func(id trace.SpanID, indent string) {
		list := children[id]
		slices.SortStableFunc(list, func(a, b tracetest.SpanStub) int {
			return cmp.Or(a.StartTime.Compare(b.StartTime), a.EndTime.Compare(b.EndTime))
		})
		for _, s := range list {
			fmt.Fprintf(&b, "%s%s (%s)", indent, s.Name, s.SpanKind)
			if s.Status.Code == codes.Error {
				b.WriteString(" " + strings.TrimSpace("failed "+s.Status.Description))
			}
			b.WriteString("\n")
			write(s.SpanContext.SpanID(), indent+"  ")
		}
	}
	write(trace.SpanID{}, "")
	return b.String()
}

// attributes returns those of a span as text, by key.
func attributes(s tracetest.SpanStub) map[string]string {
	m := make(map[string]string)
	for _, kv := range s.Attributes {
		m[string(kv.Key)] = kv.Value.String()
	}
	return m
}

// has compares some attributes of a span.
func has(t *testing.T, s tracetest.SpanStub, want map[string]string) {
	t.Helper()
	got := attributes(s)
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if got[key] != want[key] {
			t.Errorf("span %q has %s %q, want %q", s.Name, key, got[key], want[key])
		}
	}
}
