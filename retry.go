package botwright

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/interaction"
)

// Retry calls the handler again when it has failed, up to attempts times in all, after a random
// pause of up to 0.5 s that doubles each time, up to 30 s. It does not retry after a panic, an
// event that does not decode, an error made by [Permanent], the end of the context, or a request
// that Discord refused (4xx), because asking again changes nothing and counts toward a ban. Nor
// does it retry once an interaction has expired or the handler has responded to it or deferred it,
// because Discord refuses a second response. It does retry what [AutoDefer] has deferred.
//
// Retry returns the last error, joined with the first one if they differ, because the cause may
// show only in the first. Events behind it wait, so that their order is kept. Retry panics if
// attempts is less than 2.
func Retry(attempts int) Middleware {
	if attempts < 2 {
		panic(fmt.Sprintf("botwright: Retry(%d): pass at least 2 attempts", attempts))
	}
	const first, longest = 500 * time.Millisecond, 30 * time.Second
	return func(next Handler) Handler {
		return func(ctx context.Context, e *Event) error {
			settled, forget := e.watchAnswer()
			defer forget()
			var earliest error
			for n := 1; ; n++ {
				err := next(ctx, e)
				if err == nil {
					return nil
				}
				if n == 1 {
					earliest = err
				} else if err.Error() != earliest.Error() {
					err = errors.Join(earliest, err)
				}
				if n == attempts || !retryable(err) || ctx.Err() != nil || settled() {
					return err
				}
				pause := rand.N(min(first<<min(n-1, 10), longest))
				if !e.pause(ctx, pause) {
					return err
				}
			}
		}
	}
}

// pause lets a handler rest for d, without a worker. It is false if ctx ends first.
func (e *Event) pause(ctx context.Context, d time.Duration) bool {
	defer e.traceWait(ctx, "retry")()
	if e.home != nil { // not one that a test has made
		defer e.home.runner.Park(ctx)()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// watchAnswer keeps a record of the interaction until forget is called. settled reports whether
// nothing can be responded to it since then. If that was so before, another handler has responded,
// and this one does something else.
func (e *Event) watchAnswer() (settled func() bool, forget func()) {
	i := interactionOf(e)
	if i == nil || e.home == nil { // an event of a test
		return func() bool { return false }, func() {}
	}
	record := e.home.answers.Track(i, interaction.OnMessage(e.raw))
	before := record.Settled()
	return func() bool { return !before && record.Settled() },
		func() { e.home.answers.Release(record) }
}

func retryable(err error) bool {
	if _, ok := errors.AsType[*permanentError](err); ok {
		return false
	}
	if _, ok := errors.AsType[*DecodeError](err); ok {
		return false
	}
	for _, over := range []error{
		ErrInteractionAnswered, ErrInteractionExpired, ErrInteractionDeferred,
	} {
		if errors.Is(err, over) {
			return false
		}
	}
	rest, ok := errors.AsType[*discordgo.RESTError](err)
	if ok && rest.Response != nil && rest.Response.StatusCode/100 == 4 {
		return false
	}
	_, panicked := errors.AsType[*PanicError](err)
	return !panicked
}

// Permanent marks an error that [Retry] should not retry. It returns nil for nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanentError{err}
}

type permanentError struct{ err error }

func (e *permanentError) Error() string { return e.err.Error() }
func (e *permanentError) Unwrap() error { return e.err }
