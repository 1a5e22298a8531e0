package runner

import (
	"bytes"
	"context"
	"fmt"
	"runtime/pprof"
	"slices"
	"sync"
	"time"

	"github.com/botwright/botwright/internal/dispatch"
)

// A watchdog notices handlers that run for too long.
//
// Each running handler has a call, whose number is a label of its goroutine: by that its stack is
// found in a goroutine profile. Calls are reused, so that watching costs no allocation.
type watchdog[E comparable] struct {
	slow   time.Duration
	report func(E, Slow)
	start  time.Time // instants are durations since then: half the price of time.Now

	mu    sync.Mutex // guards what follows
	calls []*call[E]
	free  []*call[E]
	slows map[*Handler[E]]*slowness[E]
}

// call is one handler that runs.
type call[E comparable] struct {
	number string
	ctx    context.Context // the runner's, with the label

	// Guarded by watchdog.mu. handler is nil while the call is free.
	handler *Handler[E]
	event   E
	run     *dispatch.Run[work[E]] // nil: not the queue's
	began   time.Duration
	held    bool // its handler has yet to begin
	slow    bool // it has been noticed
}

// newWatchdog returns a watchdog that reports nothing until it is told to watch.
func newWatchdog[E comparable](slow time.Duration, report func(E, Slow)) *watchdog[E] {
	return &watchdog[E]{slow: slow, report: report, start: time.Now(),
		slows: make(map[*Handler[E]]*slowness[E])}
}

const callLabel = "botwright_call"

// callKey is the context's key of the call that a handler is run by.
type callKey struct{}

// begin notes that a handler begins. The call's context is to be given to it.
func (w *watchdog[E]) begin(
	ctx context.Context, h *Handler[E], e E, run *dispatch.Run[work[E]],
) *call[E] {
	w.mu.Lock()
	var c *call[E]
	if n := len(w.free); n > 0 {
		c, w.free = w.free[n-1], w.free[:n-1]
	} else {
		// The watchdog's address, because other bots of the process label their goroutines too.
		c = &call[E]{number: fmt.Sprintf("%p-%d", w, len(w.calls))}
		ctx = context.WithValue(ctx, callKey{}, c)
		c.ctx = pprof.WithLabels(ctx, pprof.Labels(callLabel, c.number))
		w.calls = append(w.calls, c)
	}
	c.handler, c.event, c.run = h, e, run
	c.began, c.held, c.slow = time.Since(w.start), false, false
	w.mu.Unlock()
	pprof.SetGoroutineLabels(c.ctx)
	return c
}

// end notes that the handler has returned.
func (w *watchdog[E]) end(ctx context.Context, c *call[E]) {
	pprof.SetGoroutineLabels(ctx)
	var none E
	w.mu.Lock()
	isSlow := c.slow
	var ended call[E]
	var told *Slow
	if isSlow {
		ended = *c
		told = w.endSlowLocked(&ended)
	}
	c.handler, c.event, c.run = nil, none, nil
	w.free = append(w.free, c)
	w.mu.Unlock()
	if told != nil {
		w.report(ended.event, *told)
	}
}

// running returns the names of the handlers that run, sorted.
func (w *watchdog[E]) running() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var names []string
	for _, c := range w.calls {
		if c.handler != nil {
			names = append(names, c.handler.Name)
		}
	}
	slices.Sort(names)
	return names
}

// Running returns the names of the handlers that run, sorted. One that runs twice is there twice.
func (r *Runner[E]) Running() []string { return r.watchdog.running() }

// callOf returns the call that ctx was made for, nil if it is of none.
func (w *watchdog[E]) callOf(ctx context.Context) *call[E] {
	c, _ := ctx.Value(callKey{}).(*call[E])
	return c
}

// handlerOf returns whose call it is that ctx was made for, for what runs the handler later; nil if
// that has returned or ctx is of no call.
func (w *watchdog[E]) handlerOf(ctx context.Context) *Handler[E] {
	c := w.callOf(ctx)
	if c == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return c.handler
}

// runOf returns what ctx's handler is run by, nil if that has returned or is not the queue's.
func (w *watchdog[E]) runOf(ctx context.Context) *dispatch.Run[work[E]] {
	c := w.callOf(ctx)
	if c == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return c.run
}

// hold stops the watch of a call until release is called, when it begins anew.
func (w *watchdog[E]) hold(ctx context.Context) (release func()) {
	c := w.callOf(ctx)
	if c == nil {
		return func() {}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	c.held = true
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		c.held, c.began = false, time.Since(w.start)
	}
}

// Watch looks for slow handlers until ctx is done. It is of no use if Config.Slow is not positive.
func (r *Runner[E]) Watch(ctx context.Context) {
	w := r.watchdog
	tick := time.NewTicker(min(max(w.slow/4, 10*time.Millisecond), time.Second))
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			w.look()
		case <-ctx.Done():
			return
		}
	}
}

// stackIn returns the stack of the call's goroutine. There is none if it has just returned. A
// goroutine that a handler has started inherits its label and has not callFunction on its stack.
func (c *call[E]) stackIn(profile []byte) string {
	label := fmt.Appendf(nil, "%q:%q", callLabel, c.number)
	for goroutine := range bytes.SplitSeq(profile, []byte("\n\n")) {
		if bytes.Contains(goroutine, label) && bytes.Contains(goroutine, []byte(callFunction+"+")) {
			return string(goroutine)
		}
	}
	return ""
}
