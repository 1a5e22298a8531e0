package botwright

import (
	"context"
	"fmt"

	"github.com/botwright/botwright/internal/deadline"
	"github.com/botwright/botwright/internal/semaphore"
)

// A KeyFunc returns what an event belongs to, for options that treat events of the same key alike.
// An empty key means that the option does not apply to the event. A KeyFunc runs before the event
// is decoded and should not call Payload.
type KeyFunc func(e *Event) string

// ByGuild is the [KeyFunc] of the guild. Direct messages have none.
func ByGuild(e *Event) string { return e.GuildID }

// ByChannel is the [KeyFunc] of the channel.
func ByChannel(e *Event) string { return e.ChannelID }

// ByUser is the [KeyFunc] of the user, wherever they are.
func ByUser(e *Event) string { return e.UserID }

// ByMember is the [KeyFunc] of the user within the guild.
func ByMember(e *Event) string {
	if e.UserID == "" {
		return ""
	}
	return e.GuildID + "/" + e.UserID
}

// A handlerOption is a HandlerOption that is not a middleware.
type handlerOption func(*registration)

func (o handlerOption) apply(r *registration) { o(r) }

// Concurrent lets the handler run for several events of one channel or guild at the same time, in
// any order. Use it for a slow handler that does not depend on order, together with [MaxConcurrent]
// if there may be many calls.
func Concurrent() HandlerOption {
	return handlerOption(func(r *registration) {
		r.Concurrent, r.Order = true, nil
	})
}

// Ordered runs the handler in order for the events of one key, instead of one channel or guild.
// Events of different keys are handled in parallel, and other handlers do not wait for this one.
// Events without a key are handled at once. Ordered panics if key is nil.
func Ordered(key KeyFunc) HandlerOption {
	checkKey("Ordered", key)
	return handlerOption(func(r *registration) {
		r.Concurrent, r.Order = false, key
	})
}

// MaxConcurrent runs the handler for at most n events of one key at the same time; others wait. A
// nil key counts all events together. Use it with [Concurrent], with [Ordered] and for
// interactions: otherwise events of one channel or guild wait for each other anyway. If the context
// ends while an event waits, the event is not handled and the context's cause is reported.
func MaxConcurrent(n int, key KeyFunc) Middleware {
	if n < 1 {
		panic(fmt.Sprintf("botwright: MaxConcurrent(%d): pass at least 1", n))
	}
	return func(next Handler) Handler {
		limit := semaphore.New(n)
		return func(ctx context.Context, e *Event) error {
			k := ""
			if key != nil {
				if k = key(e); k == "" {
					return next(ctx, e)
				}
			}
			if !limit.TryAcquire(k) {
				err := func() error {
					defer e.wait(ctx)()
					return limit.Acquire(ctx, k)
				}()
				if err != nil {
					return fmt.Errorf("wait for MaxConcurrent: %w", err)
				}
			}
			defer limit.Release(k)
			return next(ctx, e)
		}
	}
}

// wait begins the wait of an event whose handler has not begun, and returns what ends it.
func (e *Event) wait(ctx context.Context) (resume func()) {
	traced, held := e.traceWait(ctx, "max_concurrent"), e.holdBack(ctx)
	return func() {
		held()
		traced()
	}
}

// holdBack lets others have the worker of e's handler, which has yet to begin: its time begins when
// resume is called.
func (e *Event) holdBack(ctx context.Context) (resume func()) {
	if e.home == nil { // not one that a test has made
		return deadline.Hold(ctx)
	}
	return e.home.runner.HoldBack(ctx)
}

func checkKey(name string, key KeyFunc) {
	if key == nil {
		panic("botwright: " + name + " was given a nil key: pass a KeyFunc, such as ByGuild")
	}
}
