package runner

import (
	"context"
	"time"

	"github.com/botwright/botwright/internal/group"
	"github.com/botwright/botwright/internal/protect"
	"github.com/botwright/botwright/internal/redact"
)

// Report gives an error to the error handler, and waits for it. The event may be zero.
func (r *Runner[E]) Report(e E, err error) { r.report(r.ctx, e, err) }

// report gives an error to the error handler and contains its panic.
func (r *Runner[E]) report(ctx context.Context, e E, err error) {
	err = redact.Error(err) // what does not come from a session of the bot's may show a URL
	r.telling.Add(1)
	defer r.telling.Add(-1)
	_ = protect.Call(func() error {
		r.cfg.Report(ctx, e, err)
		return nil
	}, func(v any, _ []byte) error {
		r.cfg.Logger.Error("the error handler panicked", "panic", v, "error", err)
		return nil
	})
}

// handlerKey is the context's key of the name of the handler that an error is of.
type handlerKey struct{}

// withHandler says whose error it is that is reported with the context.
func withHandler(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, handlerKey{}, name)
}

// HandlerName returns the name of the handler that the error is of that is reported with ctx, and
// false if it is none's.
func HandlerName(ctx context.Context) (name string, ok bool) {
	name, ok = ctx.Value(handlerKey{}).(string)
	return name, ok
}

// maxAsides is how many errors wait for the error handler. More come only if it hangs.
const maxAsides = 64

// An aside is an error for the error handler.
type aside[E comparable] struct {
	event E // may be zero
	err   error
}

// ReportAside reports an error from a goroutine that must not wait for the error handler.
func (r *Runner[E]) ReportAside(e E, err error) {
	select {
	case r.asides <- aside[E]{e, err}:
	default:
		r.cfg.Logger.Error("the error handler is too slow for the errors", "error", err)
	}
}

// Tell tells the error handler what others do not wait for, until ctx is done.
func (r *Runner[E]) Tell(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case a := <-r.asides:
			r.tell(a)
		case <-tick.C:
		case <-ctx.Done():
		}
		for _, err := range r.lossesDue() {
			r.tell(aside[E]{err: err})
		}
	}
}

// tell gives an error to the error handler, which has a goroutine of its own to end, and waits.
func (r *Runner[E]) tell(a aside[E]) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.Report(a.event, a.err)
	}()
	<-done
}

// TellRest tells the error handler what was put aside last, until ctx is done. It is false if the
// error handler has not returned by then.
func (r *Runner[E]) TellRest(ctx context.Context) bool {
	var last group.Group
	if r.telling.Load() == 0 {
		last.Go("error handler", func() {
			for {
				select {
				case a := <-r.asides:
					r.tell(a)
				default:
					return
				}
			}
		})
	}
	last.Wait(ctx)
	return r.telling.Load() == 0
}
