package botwright

import (
	"context"
	"time"

	"github.com/botwright/botwright/internal/group"
)

// maxAsides is how many errors wait for the error handler. More come only if it hangs.
const maxAsides = 64

// An aside is an error for the error handler.
type aside struct {
	event *Event // may be nil
	err   error
}

// reportAside reports an error from a goroutine that must not wait for the error handler.
func (b *Bot) reportAside(e *Event, err error) {
	select {
	case b.asides <- aside{e, err}:
	default:
		b.cfg.logger.Error("the error handler does not keep up with errors", "error", err)
	}
}

// reportAsides tells the error handler what others do not wait for, until ctx is done.
func (b *Bot) reportAsides(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case a := <-b.asides:
			b.tell(a)
		case <-tick.C:
		case <-ctx.Done():
		}
		for _, loss := range b.overflow.losses.Due(time.Now()) {
			err := loss.Of
			err.Dropped = loss.Dropped
			b.tell(aside{err: &err})
		}
	}
}

// tell gives an error to the error handler, which has a goroutine of its own to end, and waits.
func (b *Bot) tell(a aside) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.report(b.handlerCtx, a.event, a.err)
	}()
	<-done
}

// endAsides tells the error handler what was put aside last, such as by the tasks as they ended. It
// returns that the error handler is left, if it is.
func (b *Bot) endAsides(ctx context.Context) (left []string) {
	stage, cancel := stageOf(ctx, 0)
	defer cancel()
	var last group.Group
	if b.telling.Load() == 0 {
		last.Go("error handler", func() {
			for {
				select {
				case a := <-b.asides:
					b.tell(a)
				default:
					return
				}
			}
		})
	}
	last.Wait(stage)
	if b.telling.Load() > 0 {
		return []string{"error handler"}
	}
	return nil
}
