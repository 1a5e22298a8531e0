package botwright

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/botwright/botwright/internal/runner"
)

// An eventTrace is the span of an event. The first call of a handler begins it, and the end of the
// last of the parts in which the event is handled ends it. That of an event that nobody follows is
// nil.
type eventTrace struct {
	shard  *shard
	parts  atomic.Int32 // that have not ended
	failed atomic.Pointer[error]
	once   sync.Once // of begin
	begun  atomic.Pointer[begunTrace]
}

type begunTrace struct {
	ctx context.Context // carries the span
	end func(SpanEnd)
}

// newEventTrace returns what an event of the shard is followed with.
func (s *shard) newEventTrace() *eventTrace {
	if s.bot.cfg.tracer == nil {
		return nil
	}
	return &eventTrace{shard: s}
}

// follow returns what tells the tracer of events, if there is one.
func (c *config) follow() runner.Follow[*Event] {
	if c.tracer == nil {
		return runner.Follow[*Event]{}
	}
	return runner.Follow[*Event]{
		Divided: func(e *Event, parts int) { e.trace.parts.Store(int32(parts)) },
		Begin:   c.traceCall,
		Ended:   func(e *Event) { e.trace.endPart() },
	}
}

// traceCall begins the span of a call of a handler within that of its event.
func (c *config) traceCall(
	ctx context.Context, h *registration, e *Event,
) (context.Context, func(error)) {
	ctx, end := c.span(spanContext{ctx, e.trace.begin(c, e), c.tracer},
		Span{Kind: SpanHandler, Name: h.Name, Event: e})
	return ctx, func(err error) {
		if err != nil {
			e.trace.failed.CompareAndSwap(nil, &err)
		}
		end(SpanEnd{Err: err})
	}
}

// begin begins the span unless it has begun, and returns its context.
func (t *eventTrace) begin(c *config, e *Event) context.Context {
	t.once.Do(func() {
		s := Span{Kind: SpanEvent, Name: e.Type, Start: e.Received, Shard: e.ShardID, Event: e}
		if e.Replayed {
			s.Links = []context.Context{t.shard.traceSession()}
		}
		ctx, end := c.span(context.Background(), s)
		_, waited := c.span(ctx, Span{Kind: SpanQueue, Start: e.Received})
		waited(SpanEnd{})
		t.begun.Store(&begunTrace{ctx, end})
	})
	return t.begun.Load().ctx
}

// endPart notes that a part has ended, or will not begin.
func (t *eventTrace) endPart() {
	if t.parts.Add(-1) > 0 {
		return
	}
	begun := t.begun.Load()
	if begun == nil {
		return
	}
	var end SpanEnd
	if err := t.failed.Load(); err != nil {
		end.Err = *err
	}
	begun.end(end)
}

// traceWait has the time followed, until end is called, that a handler waits for the reason.
func (e *Event) traceWait(ctx context.Context, reason string) (end func()) {
	if e.trace == nil {
		return func() {}
	}
	_, ended := e.trace.shard.bot.cfg.span(ctx, Span{Kind: SpanQueue, Reason: reason})
	return func() { ended(SpanEnd{}) }
}

// within returns ctx with the span of the event, if it has one and ctx has none.
func (e *Event) within(ctx context.Context) context.Context {
	if e == nil || e.trace == nil {
		return ctx
	}
	begun := e.trace.begun.Load()
	if begun == nil {
		return ctx
	}
	return spanContext{ctx, begun.ctx, e.trace.shard.bot.cfg.tracer}
}

// A spanContext is a context with the span of another, unless it has one itself.
type spanContext struct {
	context.Context
	span   context.Context
	tracer Tracer
}

// Value implements context.Context.
func (c spanContext) Value(key any) any {
	if key == (tracerKey{}) {
		return c.tracer
	}
	if v := c.Context.Value(key); v != nil {
		return v
	}
	return c.span.Value(key)
}

// A sessionTrace is the span of a session with the gateway.
type sessionTrace struct {
	id  string
	ctx context.Context // carries the span
}

// traceSession returns a context with the span of the shard's session, which it begins unless it has
// begun. It must not be called without a tracer.
func (s *shard) traceSession() context.Context {
	id := s.gateway.Resumable().ID
	old := s.traced.Load()
	if old != nil && old.id == id {
		return old.ctx
	}
	ctx, end := s.bot.cfg.span(context.Background(), Span{Kind: SpanSession, Shard: s.id})
	end(SpanEnd{})
	if !s.traced.CompareAndSwap(old, &sessionTrace{id, ctx}) {
		return s.traceSession() // another event has begun it
	}
	return ctx
}

// A burst is the events that a debounced call stands for.
type burst struct {
	events []context.Context // of their handlers; the last maxLinks
	more   int               // before those
}

// maxLinks is how many events a debounced call is linked to: more than anybody looks at.
const maxLinks = 32

func (u *burst) add(event context.Context) {
	u.events = append(u.events, event)
	if n := len(u.events) - maxLinks; n > 0 {
		u.events, u.more = slices.Delete(u.events, 0, n), u.more+n
	}
}

// standFor returns what begins the span of a call that stands for a burst; nil if nobody follows it.
func (t *eventTrace) standFor(u *burst) runner.Begin[*Event] {
	if t == nil {
		return nil
	}
	c := t.shard.bot.cfg
	return func(ctx context.Context, h *registration, e *Event) (context.Context, func(error)) {
		ctx = context.WithValue(ctx, tracerKey{}, c.tracer)
		ctx, end := c.span(ctx, Span{Kind: SpanDebounced, Name: h.Name, Shard: e.ShardID, Event: e,
			Links: u.events, More: u.more})
		return ctx, func(err error) { end(SpanEnd{Err: err}) }
	}
}

// bursts keep the events whose turn another one of the same key has taken, until that is handled.
type bursts struct {
	mu    sync.Mutex // guards byKey
	byKey map[string]*burst
}

// add notes an event that was replaced by another one.
func (s *bursts) add(event context.Context, key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byKey == nil {
		s.byKey = make(map[string]*burst)
	}
	u := s.byKey[key]
	if u == nil {
		u = new(burst)
		s.byKey[key] = u
	}
	u.add(event)
}

// take returns the events that were replaced, with the one that is handled.
func (s *bursts) take(event context.Context, key string) *burst {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.byKey[key]
	if u == nil {
		u = new(burst)
	}
	delete(s.byKey, key)
	u.add(event)
	return u
}
