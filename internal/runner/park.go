package runner

import (
	"context"

	"github.com/botwright/botwright/internal/callstack"
	"github.com/botwright/botwright/internal/deadline"
)

const packagePath = "github.com/botwright/botwright/internal/runner"

// callFunction is on the stack of every handler.
const callFunction = packagePath + ".(*Runner[...]).call"

// Within reports whether one of the functions that a Runner calls has called the caller, which a
// shutdown would wait for.
func Within() bool {
	return callstack.Has(callFunction, packagePath+".(*Runner[...]).report",
		packagePath+".(*Shard[...]).Receive", packagePath+".(*Runner[...]).prepare")
}

// Park lets others have the worker of the handler that ctx was made for, while that waits for
// something other than the machine, until resume is called. The handler counts as running. It does
// nothing for a goroutine that a handler has started: that has no worker, and ctx may be of a
// handler that has returned.
func (r *Runner[E]) Park(ctx context.Context) (resume func()) { return r.park(ctx, true) }

func (r *Runner[E]) park(ctx context.Context, begun bool) (resume func()) {
	if run := r.watchdog.runOf(ctx); run != nil && callstack.Has(callFunction) {
		return run.Park(begun)
	}
	return func() {}
}

// HoldBack is Park for a handler that has yet to begin: its time, for the watchdog and its
// deadlines, begins when resume is called.
func (r *Runner[E]) HoldBack(ctx context.Context) (resume func()) {
	release := deadline.Hold(ctx)
	if !callstack.Has(callFunction) {
		return release
	}
	begin, resumeRun := r.watchdog.hold(ctx), r.park(ctx, false)
	return func() {
		resumeRun()
		begin()
		release()
	}
}
