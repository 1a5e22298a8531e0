package botwright

import (
	"context"
	"time"

	"github.com/botwright/botwright/internal/deadline"
)

// callFunction is on the stack of every handler.
const callFunction = modulePath + ".(*Bot).call"

// park lets others have the worker of the handler that ctx was made for, while that waits for
// something other than the machine, until resume is called. The handler counts as running. It does
// nothing for a goroutine that a handler has started: that has no worker, and ctx may be of a
// handler that has returned.
func (b *Bot) park(ctx context.Context) (resume func()) { return b.parkRun(ctx, true) }

func (b *Bot) parkRun(ctx context.Context, begun bool) (resume func()) {
	if run := b.watchdog.runOf(ctx); run != nil && onStack(callFunction) {
		return run.Park(begun)
	}
	return func() {}
}

// holdBack is park for a handler that has yet to begin: its time begins when resume is called.
func (e *Event) holdBack(ctx context.Context) (resume func()) {
	release := deadline.Hold(ctx)
	if e.bot == nil || !onStack(callFunction) {
		return release
	}
	begin, resumeRun := e.bot.watchdog.hold(ctx), e.bot.parkRun(ctx, false)
	return func() {
		resumeRun()
		begin()
		release()
	}
}

// pause lets a handler rest for d, without a worker. It is false if ctx ends first.
func (e *Event) pause(ctx context.Context, d time.Duration) bool {
	if e.bot != nil { // not one that a test has made
		defer e.bot.park(ctx)()
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
