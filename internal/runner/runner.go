package runner

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/botwright/botwright/internal/dispatch"
	"github.com/botwright/botwright/internal/expect"
	"github.com/botwright/botwright/internal/interaction"
	"github.com/botwright/botwright/internal/protect"
)

// ErrGoexit is reported for a handler that has ended its goroutine.
var ErrGoexit = errors.New("botwright: the handler has ended its goroutine (runtime.Goexit): " +
	"return an error instead, and keep the FailNow and Fatal of tests out of handlers")

// Config is what a Runner is made of. All functions are needed, and may be called from many
// goroutines.
type Config[E comparable] struct {
	Queue  dispatch.Config
	Slow   time.Duration // how long a handler may run before it is reported; see Watch
	Logger *slog.Logger

	Ticket func(E) *Ticket // the one that goes with an event
	About  func(E) About   // what an event is

	// Follow is told of events on their way. Its functions may be nil.
	Follow Follow[E]

	// Report is the error handler. The event may be zero. It may panic, and end its goroutine.
	Report func(ctx context.Context, e E, err error)

	Errors Errors
}

// Follow is told of events on their way to handlers: all of its functions, or none.
type Follow[E comparable] struct {
	Divided func(e E, parts int) // before the parts in which it is handled are queued
	Begin   Begin[E]             // a call of a handler begins
	Ended   func(E)              // a part has ended, or was not taken
}

// Begin is told that a call of a handler begins. The handler is given the context returned. end is
// called once, with the handler's error.
type Begin[E comparable] func(ctx context.Context, h *Handler[E], e E) (_ context.Context, end func(error))

// Errors makes the errors that a Runner reports.
type Errors struct {
	Panic     func(value any, stack []byte) error
	Slow      func(Slow) error
	Overflow  func(Overflow) error
	Unclaimed func(interaction.Name) error // of an interaction that nobody handles
}

// A Runner runs the handlers of a bot. Make one with [New]. Its methods may be called from any
// goroutine.
type Runner[E comparable] struct {
	Handlers Handlers[E]
	Board    expect.Board[E] // who expects events

	cfg       Config[E]
	ctx       context.Context // of all handlers
	cancel    context.CancelCauseFunc
	queue     *dispatch.Queue[work[E]]
	watchdog  *watchdog[E]
	failures  atomic.Uint64 // errors of handlers
	telling   atomic.Int32  // calls of the error handler
	asides    chan aside[E]
	losses    dispatch.Losses[Overflow]
	unclaimed unclaimed
}

// New returns a Runner without handlers.
func New[E comparable](cfg Config[E]) *Runner[E] {
	r := &Runner[E]{cfg: cfg, asides: make(chan aside[E], maxAsides)}
	r.Handlers.ticket = cfg.Ticket
	r.ctx, r.cancel = context.WithCancelCause(context.Background())
	r.queue = dispatch.New(cfg.Queue, dispatch.Funcs[work[E]]{
		Prepare: r.prepare, Run: r.handle, Dropped: r.dropped})
	r.watchdog = newWatchdog(cfg.Slow, r.reportSlow)
	return r
}

// Context returns the context of all handlers.
func (r *Runner[E]) Context() context.Context { return r.ctx }

// Cancel ends the context of all handlers, for that reason.
func (r *Runner[E]) Cancel(cause error) { r.cancel(cause) }

// Stop has all shards refuse events from now on. What was taken is still handled.
func (r *Runner[E]) Stop() { r.queue.Stop() }

// Drain waits until nothing waits or runs, or until ctx is done, when it returns how many events
// are left.
func (r *Runner[E]) Drain(ctx context.Context) (left int) { return r.queue.Drain(ctx) }

// Discard forgets what waits and returns how much it was.
func (r *Runner[E]) Discard() int { return r.queue.Discard() }

// Stats describes the queue.
func (r *Runner[E]) Stats() dispatch.Stats { return r.queue.Stats() }

// Failures returns how often handlers have failed.
func (r *Runner[E]) Failures() uint64 { return r.failures.Load() }

// Protect calls f and makes an error of its panic.
func (r *Runner[E]) Protect(f func() error) error { return protect.Call(f, r.cfg.Errors.Panic) }
