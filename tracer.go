package botwright

import (
	"context"
	"time"

	"github.com/botwright/botwright/internal/redact"
	"github.com/botwright/botwright/internal/rest"
)

// A Tracer follows what happens in a bot, and what caused it, in spans: pieces of work with a begin,
// an end and a span around them. [WithTracer] gives a bot one. Package oteltrace, a module of its own
// in contrib, makes them spans of OpenTelemetry.
//
// The methods may be called from any goroutine. They must not block or panic.
type Tracer interface {
	// Start begins a span within the one that ctx carries, or a trace if it carries none. What
	// belongs to the span is given the context returned. end is called once.
	Start(ctx context.Context, s Span) (_ context.Context, end func(SpanEnd))

	// TraceID returns the id of the trace that ctx belongs to, for a metric that shows one as an
	// exemplar; "" if there is none, or none that is kept.
	TraceID(ctx context.Context) string

	// Inject writes into carrier which span ctx carries, for another process.
	Inject(ctx context.Context, carrier map[string]string)

	// Extract returns ctx with the span that Inject wrote into carrier.
	Extract(ctx context.Context, carrier map[string]string) context.Context
}

// WithTracer sets what follows the bot's events, its calls of Discord's API, the fetches of
// [TTLCache.Load] and operations across processes. Code of yours takes part by its context: give that
// of the handler to every call, with discordgo.WithContext for those of a session. By default nothing
// is followed, and that costs nothing.
//
// Spans have no ids of guilds, channels, users or messages and no text that users wrote, unless the
// Tracer takes them from Span.Event.
func WithTracer(t Tracer) Option {
	return func(c *config) {
		if t == nil {
			c.problem("WithTracer", "the tracer is nil: leave the option out")
			return
		}
		c.tracer = t
	}
}

// A SpanKind says what a span is about.
type SpanKind int

// Kinds of spans, with what surrounds them.
const (
	// SpanSession is the begin of a shard's session with Discord's gateway. It has no length and
	// begins a trace; events that Discord has sent again are linked to it.
	SpanSession SpanKind = iota

	// SpanEvent is an event, from when it was received until all of its handlers have returned. It
	// begins a trace, and there is none for an event that no handler is called with.
	SpanEvent

	// SpanQueue is the time in which an event, or with a Reason a handler of it, waited for its
	// turn. It is within that.
	SpanQueue

	// SpanHandler is a call of a handler, middleware included, within its event.
	SpanHandler

	// SpanDebounced is a call that [Debounce] has put off. It begins a trace, which is linked to the
	// events that the call stands for, the last 32 of them.
	SpanDebounced

	// SpanREST is a call of Discord's API with all that it waited for, within what made it.
	SpanREST

	// SpanRESTWait is the time in which a call waited for a limit or another attempt, within it.
	SpanRESTWait

	// SpanAttempt is a request to Discord, until the headers of the answer had come, within its call.
	SpanAttempt

	// SpanLoad is a fetch of [TTLCache.Load], within what called Load. With the Reason "shared" it is
	// the wait for the fetch of another caller.
	SpanLoad

	// SpanGather is an operation that other processes are asked for, within what asked.
	SpanGather

	// SpanOperation is the work of one process for a SpanGather, within that.
	SpanOperation
)

// A Span says what a span is about. Fields that its kind has no use for are zero.
type Span struct {
	Kind  SpanKind
	Start time.Time // if it began before Start was called; else zero

	// Name is the type of an event, the name of a handler or operation, the type of a cache's values,
	// or the route of a call, such as /channels/{id}/messages.
	Name string

	Method string // of a call: GET, POST …
	Server string // that a call goes to, such as discord.com
	Shard  int    // of an event or session

	// Reason is what was waited for: for SpanRESTWait whose limit it is, as in RateLimitError.Scope,
	// or "invalid_requests" or "retry"; for SpanQueue "", "max_concurrent" or "retry".
	Reason string

	Attempt int    // from 1: that a call makes, or waits for
	Event   *Event // that was received or is handled

	Links []context.Context // carry the spans that this one is linked to
	More  int               // further spans that it would be linked to
}

// A SpanEnd says how a span ended.
type SpanEnd struct {
	Err    error  // nil if it went well
	Status int    // of Discord's answer; 0 if there was none
	Scope  string // of an answer of status 429: whose limit it is
}

// noSpan ends a span that nobody follows.
func noSpan(SpanEnd) {}

// span begins a span; nothing without a tracer.
func (c *config) span(ctx context.Context, s Span) (context.Context, func(SpanEnd)) {
	if c.tracer == nil {
		return ctx, noSpan
	}
	ctx, end := c.tracer.Start(ctx, s)
	return ctx, func(e SpanEnd) {
		e.Err = redact.Error(e.Err)
		end(e)
	}
}

// traceREST has the calls of a transport followed.
func (c *config) traceREST(cfg *rest.Config) {
	if c.tracer == nil {
		return
	}
	kinds := [...]SpanKind{
		rest.StepCall: SpanREST, rest.StepWait: SpanRESTWait, rest.StepAttempt: SpanAttempt}
	cfg.Trace = func(ctx context.Context, s rest.Span) (context.Context, func(rest.Result)) {
		ctx, end := c.span(ctx, Span{Kind: kinds[s.Step], Name: s.Route, Method: s.Method,
			Server: c.api.Host, Reason: s.Reason, Attempt: s.Attempt})
		return ctx, func(r rest.Result) {
			end(SpanEnd{Err: publicError(r.Err), Status: r.Status, Scope: r.Scope})
		}
	}
}

// traceGather begins the span of an operation that all processes are asked for.
func (c *config) traceGather(ctx context.Context, op string) (context.Context, func(SpanEnd)) {
	return c.span(ctx, Span{Kind: SpanGather, Name: op})
}

// carrier returns what tells another process of the span that ctx carries.
func (c *config) carrier(ctx context.Context) map[string]string {
	if c.tracer == nil {
		return nil
	}
	carrier := make(map[string]string)
	c.tracer.Inject(ctx, carrier)
	return carrier
}

// traceOperation begins the span of what this process does for another, which has sent a carrier.
func (c *config) traceOperation(
	ctx context.Context, op string, carrier map[string]string,
) (context.Context, func(error)) {
	if c.tracer == nil {
		return ctx, func(error) {}
	}
	ctx = context.WithValue(c.tracer.Extract(ctx, carrier), tracerKey{}, c.tracer)
	ctx, end := c.span(ctx, Span{Kind: SpanOperation, Name: op})
	return ctx, func(err error) { end(SpanEnd{Err: err}) }
}

// tracerKey is the context's key of the bot's tracer, by which parts find it that know no bot.
type tracerKey struct{}

// traceLoad has a fetch of a TTLCache followed if ctx is of a bot with a tracer.
func traceLoad(ctx context.Context, name string, shared bool) (context.Context, func(error)) {
	t, ok := ctx.Value(tracerKey{}).(Tracer)
	if !ok {
		return ctx, func(error) {}
	}
	s := Span{Kind: SpanLoad, Name: name}
	if shared {
		s.Reason = "shared"
	}
	ctx, end := t.Start(ctx, s)
	return ctx, func(err error) { end(SpanEnd{Err: redact.Error(err)}) }
}
