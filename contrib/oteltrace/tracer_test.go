package oteltrace_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/contrib/oteltrace"
	"github.com/botwright/botwright/discordtest"
)

const (
	event = "process MESSAGE_CREATE"
	route = "/channels/{id}/messages/{id}/reactions/{emoji}/@me"
)

// TestEvent follows a message to the request that its handler makes.
func TestEvent(t *testing.T) {
	r := start(t, oteltrace.Config{}, reply)
	r.say("hello")
	all := r.wait(event, 1)
	spans := traceOf(all, one(t, all, event))
	const want = `process MESSAGE_CREATE (consumer)
  wait for turn (internal)
  handle oteltrace_test.reply (internal)
    call PUT ` + route + ` (internal)
      PUT ` + route + ` (client)
`
	if got := tree(spans); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	has(t, one(t, spans, event), map[string]string{
		"messaging.system": "discord", "messaging.operation.type": "process",
		"messaging.operation.name": "process", "messaging.destination.name": "MESSAGE_CREATE",
		"discord.shard.id": "0", "discord.event.replayed": ""})
	has(t, one(t, spans, "wait for turn"), map[string]string{"discord.wait.reason": "turn"})
	has(t, one(t, spans, "handle oteltrace_test.reply"),
		map[string]string{"discord.handler.name": "oteltrace_test.reply"})
	_, port, _ := strings.Cut(strings.TrimPrefix(r.Server.URL, "http://"), ":")
	request := map[string]string{"http.request.method": "PUT", "url.template": route,
		"http.response.status_code": "204", "error.type": ""}
	has(t, one(t, spans, "call PUT "+route), request)
	request["server.address"], request["server.port"] = "127.0.0.1", port
	request["http.request.resend_count"] = ""
	has(t, one(t, spans, "PUT "+route), request)
}

func reply(ctx context.Context, s *discordgo.Session, m *discordgo.MessageCreate) error {
	return s.MessageReactionAdd(m.ChannelID, m.ID, "👍", discordgo.WithContext(ctx))
}

// TestHandlers has an event handled by several handlers, in orders of their own, of which some fail:
// all are in one trace, and the event ends last.
func TestHandlers(t *testing.T) {
	release := make(chan struct{})
	r := startWith(t, oteltrace.Config{}, func(b *botwright.Bot) {
		botwright.On(b, first)
		botwright.On(b, fails)
		botwright.On(b, func(ctx context.Context, _ *discordgo.Session, _ *discordgo.MessageCreate) error {
			<-release
			panic("no")
		}, botwright.Concurrent())
	})
	r.say("hello")
	all := r.wait("handle oteltrace_test.fails", 1)
	if len(named(all, event)) != 0 {
		t.Errorf("the event has ended before its last handler\n%s", tree(all))
	}
	close(release)
	all = r.wait(event, 1)
	if err := r.Error(); err == nil {
		t.Error("no error")
	}
	if err := r.Error(); err == nil {
		t.Error("no second error")
	}
	process := one(t, all, event)
	panicked := one(t, all, "handle oteltrace_test.TestHandlers.func1.1")
	for span, failure := range map[string]string{
		"handle oteltrace_test.first": "", "handle oteltrace_test.fails": "*errors.errorString",
		panicked.Name: "panic",
	} {
		s := one(t, all, span)
		has(t, s, map[string]string{"error.type": failure})
		if s.Parent.SpanID() != process.SpanContext.SpanID() {
			t.Errorf("%s is not within the event\n%s", span, tree(all))
		}
		if s.EndTime.After(process.EndTime) {
			t.Errorf("%s ends after the event", span)
		}
	}
	has(t, process, map[string]string{"error.type": "*errors.errorString"})
}

func first(context.Context, *discordgo.Session, *discordgo.MessageCreate) error { return nil }

func fails(context.Context, *discordgo.Session, *discordgo.MessageCreate) error {
	return errors.New("secret words")
}

// TestWaits looks at what a call waits for, apart from its requests.
func TestWaits(t *testing.T) {
	r := start(t, oteltrace.Config{}, reply)
	n := 0
	defer r.Server.FailREST(func(q *http.Request) *discordtest.RESTFault {
		if q.Method != http.MethodPut {
			return nil
		}
		switch n++; n {
		case 1:
			return &discordtest.RESTFault{Status: 502}
		case 2:
			return &discordtest.RESTFault{Status: 429, Body: `{"retry_after": 0.05}`,
				Header: http.Header{"X-Ratelimit-Scope": {"shared"}}}
		}
		return nil
	})()
	r.say("hello")
	all := r.wait(event, 1)
	const want = `call PUT ` + route + ` (internal)
  PUT ` + route + ` (client) failed
  wait for retry (internal)
  PUT ` + route + ` (client) failed
  wait for shared bucket (internal)
  PUT ` + route + ` (client)
`
	got := tree(traceOf(all, one(t, all, event)))
	if !strings.HasSuffix(strings.ReplaceAll(got, "\n    ", "\n"), want) {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	attempts := named(all, "PUT "+route)
	for i, want := range []map[string]string{
		{"http.response.status_code": "502", "error.type": "502", "http.request.resend_count": ""},
		{"http.response.status_code": "429", "error.type": "429", "http.request.resend_count": "1",
			"discord.rate_limit.scope": "shared"},
		{"http.response.status_code": "204", "error.type": "", "http.request.resend_count": "2"},
	} {
		has(t, attempts[i], want)
	}
	has(t, one(t, all, "wait for retry"),
		map[string]string{"discord.wait.reason": "retry", "http.request.resend_count": "1"})
	has(t, one(t, all, "wait for shared bucket"),
		map[string]string{"discord.wait.reason": "shared", "http.request.resend_count": "2"})
}

// TestLoad follows a cache to what it fetches, and a caller to the fetch of another.
func TestLoad(t *testing.T) {
	cache := botwright.NewTTLCache(botwright.TTLCacheConfig[string, *discordgo.Channel]{})
	fetching, fetched := make(chan struct{}), make(chan struct{})
	load := func(ctx context.Context, s *discordgo.Session, m *discordgo.MessageCreate) error {
		_, err := cache.Load(ctx, m.ChannelID, func(ctx context.Context) (*discordgo.Channel, error) {
			close(fetching)
			<-fetched
			return s.Channel(m.ChannelID, discordgo.WithContext(ctx))
		})
		return err
	}
	r := start(t, oteltrace.Config{}, load, botwright.Concurrent())
	r.say("first")
	<-fetching
	r.say("second")
	for cache.Stats().Misses < 2 {
		<-time.After(time.Millisecond)
	}
	close(fetched)
	all := r.wait(event, 2)
	load1, load2 := one(t, all, "load *discordgo.Channel"), one(t, all, "wait for load *discordgo.Channel")
	if load1.SpanContext.TraceID() == load2.SpanContext.TraceID() {
		t.Errorf("both callers are in one trace\n%s", tree(all))
	}
	for _, s := range []trace.SpanID{load1.Parent.SpanID(), load2.Parent.SpanID()} {
		if !s.IsValid() {
			t.Errorf("a load has nothing around it\n%s", tree(all))
		}
	}
	if call := one(t, all, "call GET /channels/{id}"); call.Parent.SpanID() != load1.SpanContext.SpanID() {
		t.Errorf("the call is not within the fetch\n%s", tree(all))
	}
	has(t, load1, map[string]string{"discord.cache.type": "*discordgo.Channel"})
	r.say("third")
	all = r.wait(event, 3)
	one(t, all, load1.Name) // a hit has no span
	one(t, all, load2.Name)
}

// TestDebounce looks at the links of a call that stands for several events.
func TestDebounce(t *testing.T) {
	r := start(t, oteltrace.Config{}, reply, botwright.Debounce(200*time.Millisecond, botwright.ByChannel))
	const events = 40
	for i := range events {
		r.say(strconv.Itoa(i))
	}
	r.wait("call PUT "+route, 1)
	all := r.wait("handle oteltrace_test.reply", events+1)
	linked := 0
	for _, s := range named(all, "handle oteltrace_test.reply") {
		if s.SpanKind != trace.SpanKindConsumer {
			continue
		}
		if s.Parent.IsValid() {
			t.Error("a debounced call is within an event")
		}
		batch, err := strconv.Atoi(attributes(s)["messaging.batch.message_count"])
		if err != nil || len(s.Links) != min(batch, 32) {
			t.Errorf("%d links for a burst of %d, %v", len(s.Links), batch, err)
		}
		linked += batch
		for _, l := range s.Links {
			if from := spanOf(all, l.SpanContext.SpanID()); !strings.HasPrefix(from, "handle ") {
				t.Errorf("linked to %q", from)
			}
		}
	}
	if linked == 0 || linked > events {
		t.Errorf("%d of %d events are linked", linked, events)
	}
}

func spanOf(spans tracetest.SpanStubs, id trace.SpanID) string {
	for _, s := range spans {
		if s.SpanContext.SpanID() == id {
			return s.Name
		}
	}
	return ""
}

// TestReplay looks for the session of what Discord has sent again.
func TestReplay(t *testing.T) {
	r := start(t, oteltrace.Config{}, reply)
	session := one(t, r.wait("session", 1), "session")
	if session.Parent.IsValid() || session.SpanKind != trace.SpanKindInternal {
		t.Errorf("%+v", session)
	}
	has(t, session, map[string]string{"discord.shard.id": "0"})
	r.Server.RefuseGateway(true)
	r.Server.Conn(0).Reset()
	r.say("hello")
	r.Server.RefuseGateway(false)
	all := r.wait(event, 1)
	process := one(t, all, event)
	has(t, process, map[string]string{"discord.event.replayed": "true"})
	if len(process.Links) != 1 || !process.Links[0].SpanContext.Equal(session.SpanContext) {
		t.Errorf("linked to %+v", process.Links)
	}
	one(t, all, "session")
}

// TestUnsampled has a call whose trace is not kept.
func TestTraceID(t *testing.T) {
	tracer := oteltrace.New(oteltrace.Config{})
	if id := tracer.TraceID(t.Context()); id != "" {
		t.Errorf("trace %q of nothing", id)
	}
	sc := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}})
	ctx := trace.ContextWithSpanContext(t.Context(), sc)
	if id := tracer.TraceID(ctx); id != "" {
		t.Errorf("trace %q, which nobody keeps", id)
	}
	ctx = trace.ContextWithSpanContext(t.Context(), sc.WithTraceFlags(trace.FlagsSampled))
	if id := tracer.TraceID(ctx); id != sc.TraceID().String() {
		t.Errorf("trace %q", id)
	}
}

// TestCarrier takes a span to another process.
func TestCarrier(t *testing.T) {
	tracer := oteltrace.New(oteltrace.Config{})
	sc := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2},
		TraceFlags: trace.FlagsSampled})
	carrier := make(map[string]string)
	tracer.Inject(trace.ContextWithSpanContext(t.Context(), sc), carrier)
	got := trace.SpanContextFromContext(tracer.Extract(t.Context(), carrier))
	if !got.IsRemote() || got.TraceID() != sc.TraceID() || got.SpanID() != sc.SpanID() || !got.IsSampled() {
		t.Errorf("%v became %v by way of %v", sc, got, carrier)
	}
}
