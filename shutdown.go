package botwright

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/botwright/botwright/internal/callstack"
	"github.com/botwright/botwright/internal/runner"
)

// # The life of a bot
//
// A bot is new, then open, then stopping, under Bot.mu; it never goes back. What runs for it has
// an owner, and Shutdown waits for each of them, one after the other, until when the last column
// says. D is the deadline of Shutdown, which WithShutdownTimeout sets if its ctx has none.
//
//	what runs                     begun by            may be held up by                 until
//	handlers, on the queue        Queue.Put           handlers, middleware, filters,    D-2.5s, cut
//	                                                  the error handler about them      off then; D-2s
//	debounced handlers            Debounce            the same                          the same
//	Reshard                       its caller          WithSessionConfig                 D-1.5s
//	shards, each with its reader  startShards         KeyFuncs, WithDialer              D-1s
//	tasks beside the shards       open (startTask)    checks, alerters, the store       D-0.5s
//	errors put aside              reportAside         the error handler                 D
//
// Invariants:
//
//   - When D comes, or when ctx ends before it, each stage that is left still has a moment, so that
//     what respects its context can end and sessions are saved. So Shutdown ends at most five
//     moments after ctx, and before D if there were 5 s to begin with.
//   - No stage needs an earlier one to have ended: one that is stuck costs its own time alone. Its
//     goroutines are left behind and named in the ShutdownError; they end when user code returns.
//   - What must go on while an error handler hangs does not call it, but reportAside: readers, the
//     gate of the shards, the saver, the watchdog. Only the queue's goroutines, whose handler has
//     failed, and the goroutine of the asides wait for it.
//   - Nothing begins once the bot is stopping: startTask, startShards and Reshard look at the state
//     under the lock under which Shutdown changes it.
//   - Shutdown does its work on a goroutine of its own, because the logger, the registry of metrics
//     and the HTTP transport are user code as well, without a deadline: the caller leaves them behind.
//   - A call from below one of these goroutines would wait for itself: it only begins the shutdown.

// closeReserve is what Shutdown keeps of its time for closing the shards.
const closeReserve = 5 * moment

// moment is what each stage of Shutdown has, however late it is.
const moment = 500 * time.Millisecond

// ErrShutdownInHandler is returned by [Bot.Shutdown] if the caller is something it would wait for.
var ErrShutdownInHandler = errors.New("botwright: Shutdown was called by a handler, the error " +
	"handler or another function that it waits for: the bot is shutting down, but this call does " +
	"not wait for it")

// Shutdown stops the bot. It accepts no more events, waits for the handlers of the events it has,
// and closes the connections. When ctx is about to end, it cancels the contexts of handlers that
// are still running, with [ErrShutdown] as the cause, and returns a [*ShutdownError] that names
// what it had to leave behind. If ctx has no deadline, the one of [WithShutdownTimeout] applies.
// Shutdown returns by the deadline no matter what your functions do, or at most 3 seconds later if
// there were less than 5 seconds or ctx was canceled.
//
// The bot appears offline at once, unless it has a [SessionStore] and may be resumed. The discordgo
// sessions close within a second after Shutdown, because discordgo sleeps that long: a test that
// counts goroutines has to wait for it.
//
// After Shutdown, a bot cannot be opened. A second call waits for the first one or for its own ctx,
// and returns the first one's result. A call from a handler, the error handler, a [KeyFunc] or a
// session store would wait for itself: it begins the shutdown, which then has the time of
// [WithShutdownTimeout], and returns [ErrShutdownInHandler] at once. [Bot.Run] returns when the
// shutdown has ended. A goroutine that a handler started may call Shutdown and wait, as long as the
// handler does not wait for that goroutine.
func (b *Bot) Shutdown(ctx context.Context) error {
	within := b.waitsForCaller()
	if within {
		ctx = context.WithoutCancel(ctx) // a handler's ends with the handler
	}
	ctx, cancel := b.withLimit(ctx)
	if b.beginShutdown() {
		go func() {
			defer cancel()
			b.shutDown(ctx)
		}()
	} else {
		defer cancel()
		if !within {
			return b.awaitShutdown(ctx, 0)
		}
	}
	if within {
		return ErrShutdownInHandler
	}
	return b.awaitShutdown(ctx, closeReserve+moment)
}

// withLimit gives ctx a deadline if it has none.
func (b *Bot) withLimit(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, b.cfg.shutdownTimeout)
}

// beginShutdown notes that the bot is stopping. It is false if it was before.
func (b *Bot) beginShutdown() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	first := b.state != botStopping
	if first {
		b.opened, b.state = b.state == botOpen, botStopping
	}
	return first
}

// awaitShutdown returns what Shutdown has come to, when it has or when ctx was done so long ago.
func (b *Bot) awaitShutdown(ctx context.Context, patience time.Duration) error {
	select {
	case <-b.done:
		return b.ended
	case <-ctx.Done():
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-b.done:
		return b.ended
	case <-late.C:
		return fmt.Errorf("botwright: the shutdown goes on: %w", context.Cause(ctx))
	}
}

// waitsForCaller reports whether Shutdown would wait for the goroutine that calls it.
func (b *Bot) waitsForCaller() bool {
	return runner.Within() || callstack.Has(modulePath+".(*Bot).runStore")
}

// shutDown goes through the stages. The context has a deadline.
func (b *Bot) shutDown(ctx context.Context) {
	begun := time.Now()
	if b.opened {
		b.cfg.logger.Info("shutting down", "events_waiting", b.runner.Stats().Events)
	}
	b.changes.Notify()
	close(b.ending)
	b.leaveCluster(ctx)
	b.runner.Stop()
	cut := b.drain(ctx)
	if b.stop != nil {
		b.stop()
	}
	cut.Others = append(cut.Others, b.closeFleets(ctx)...)
	b.stopTasks()
	stage, cancel := stageOf(ctx, moment)
	defer cancel()
	if left := b.tasks.Wait(stage); left != nil {
		cut.Others = append(cut.Others, left...)
	}
	cut.Others = append(cut.Others, b.router.Wait(stage)...)
	if !b.tellRest(ctx) {
		cut.Others = append(cut.Others, "error handler")
	}
	b.unregisterMetrics()
	if cut.Running+cut.Waiting+len(cut.Others) > 0 {
		b.ended = cut
	}
	if b.opened {
		b.logStopped(time.Since(begun))
	}
	close(b.done)
}

// tellRest tells the error handler what the tasks, for one, have put aside as they ended. It is false
// if the error handler is left.
func (b *Bot) tellRest(ctx context.Context) bool {
	stage, cancel := stageOf(ctx, 0)
	defer cancel()
	return b.runner.TellRest(stage)
}

// leaveCluster hands the shards over to the other processes of the cluster, if there are any, each
// with the handlers of its events. What is not handed over in time is closed later.
func (b *Bot) leaveCluster(ctx context.Context) {
	f := b.currentFleet()
	if f == nil || b.cfg.cluster == nil || !f.others() {
		return
	}
	stage, cancel := stageOf(ctx, closeReserve+moment)
	defer cancel()
	if err := f.leave(stage); err != nil {
		b.cfg.logger.Warn("shards were not handed over to other processes", "error", err)
	}
}

// stageOf returns the context of a stage: it ends when so much is left of the time of Shutdown, or a
// moment after ctx has, but never sooner than a moment from now.
func stageOf(ctx context.Context, left time.Duration) (context.Context, context.CancelFunc) {
	deadline, _ := ctx.Deadline()
	stage, cancel := context.WithTimeout(context.WithoutCancel(ctx),
		max(time.Until(deadline)-left, moment))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(moment, cancel) })
	return stage, func() {
		stop()
		cancel()
	}
}

func (b *Bot) logStopped(took time.Duration) {
	attrs := []any{"took", took.Round(time.Millisecond).String()}
	if b.ended != nil {
		b.cfg.logger.Warn("stopped, not in order", append(attrs, "error", b.ended)...)
		return
	}
	b.cfg.logger.Info("stopped", attrs...)
}

// This file is what Shutdown waits for: handlers, debounced ones, tasks.

// drain waits for the handlers, as long as ctx allows, and cuts off those that are left.
func (b *Bot) drain(ctx context.Context) *ShutdownError {
	defer b.runner.Cancel(ErrShutdown)
	deadline, _ := ctx.Deadline()
	early := max(time.Until(deadline)-closeReserve, time.Until(deadline)/2)
	wait, cancel := context.WithTimeout(ctx, early)
	defer cancel()
	b.home.debouncers.Flush(wait) // not to wait out their delays
	left := b.runner.Drain(wait)
	running, waiting := b.home.debouncers.Flush(wait) // what the last events have triggered
	if left+running+waiting == 0 {
		b.home.debouncers.Close(ctx)
		return &ShutdownError{}
	}
	// What respects its context returns now.
	discarded := b.runner.Discard()
	b.runner.Cancel(ErrShutdown)
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), moment)
	defer cancel()
	left = b.runner.Drain(grace)
	running, waiting = b.home.debouncers.Flush(grace)
	b.home.debouncers.Close(grace)
	cut := &ShutdownError{Running: left + running, Waiting: discarded + waiting}
	if cut.Running > 0 {
		cut.Handlers = b.runner.Running()
	}
	return cut
}
