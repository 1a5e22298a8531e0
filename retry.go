package botwright

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/bwmarrin/discordgo"
)

// Retry calls the handler again when it has failed, up to attempts times in all, after a random
// pause of up to 0.5 s that doubles each time, up to 30 s. It does not try again after a panic, an
// event that does not decode, an error made by [Permanent], a request that Discord refused (4xx:
// asking again changes nothing, and counts towards a ban), an interaction that was answered or
// deferred before or has expired, or the end of the context. It returns the last error, joined with
// the first one if that is another: what went wrong may only show at first. Meanwhile the events
// behind it wait, so that their order is kept. Retry panics if attempts is less than 2.
func Retry(attempts int) Middleware {
	if attempts < 2 {
		panic(fmt.Sprintf("botwright: Retry(%d): pass at least 2 attempts", attempts))
	}
	const first, longest = 500 * time.Millisecond, 30 * time.Second
	return func(next Handler) Handler {
		return func(ctx context.Context, e *Event) error {
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
				if n == attempts || !retryable(err) || ctx.Err() != nil {
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

// Permanent marks an error that [Retry] shall not try to get over. It returns nil for nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanentError{err}
}

type permanentError struct{ err error }

func (e *permanentError) Error() string { return e.err.Error() }
func (e *permanentError) Unwrap() error { return e.err }
