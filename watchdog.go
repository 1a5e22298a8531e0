package botwright

import (
	"bytes"
	"context"
	"fmt"
	"runtime/pprof"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/botwright/botwright/internal/dispatch"
)

// A watchdog notices handlers that run for too long.
//
// Each running handler has a call, whose number is a label of its goroutine: by that its stack is
// found in a goroutine profile. Calls are reused, so that watching costs no allocation.
type watchdog struct {
	slow   time.Duration
	report func(*Event, error)
	start  time.Time // instants are durations since then: half the price of time.Now

	mu    sync.Mutex // guards what follows
	calls []*call
	free  []*call
	slows map[*registration]*slowness
}

// call is one handler that runs.
type call struct {
	number string
	ctx    context.Context // the bot's, with the label

	// Guarded by watchdog.mu. event is nil while the call is free.
	registration *registration
	event        *Event
	run          *dispatch.Run[work] // nil: not the queue's
	began        time.Duration
	held         bool // its handler has yet to begin
	slow         bool // it has been noticed
}

// newWatchdog returns a watchdog that reports nothing until it is told to watch.
func newWatchdog(slow time.Duration, report func(*Event, error)) *watchdog {
	return &watchdog{slow: slow, report: report, start: time.Now(),
		slows: make(map[*registration]*slowness)}
}

const callLabel = "botwright_call"

// callKey is the context's key of the call that a handler is run by.
type callKey struct{}

// callFrame is on the stack of every handler. A goroutine that a handler has started inherits its
// label and has not this.
const callFrame = "botwright.(*Bot).call+"

// begin notes that a handler begins. The context is to be given to it.
func (w *watchdog) begin(
	ctx context.Context, r *registration, e *Event, run *dispatch.Run[work],
) *call {
	w.mu.Lock()
	var c *call
	if n := len(w.free); n > 0 {
		c, w.free = w.free[n-1], w.free[:n-1]
	} else {
		// The watchdog's address, because other bots of the process label their goroutines too.
		c = &call{number: fmt.Sprintf("%p-%d", w, len(w.calls))}
		ctx = context.WithValue(ctx, callKey{}, c)
		c.ctx = pprof.WithLabels(ctx, pprof.Labels(callLabel, c.number))
		w.calls = append(w.calls, c)
	}
	c.registration, c.event, c.run = r, e, run
	c.began, c.held, c.slow = time.Since(w.start), false, false
	w.mu.Unlock()
	pprof.SetGoroutineLabels(c.ctx)
	return c
}

// end notes that the handler has returned.
func (w *watchdog) end(ctx context.Context, c *call) {
	pprof.SetGoroutineLabels(ctx)
	w.mu.Lock()
	ended := *c
	c.registration, c.event, c.run = nil, nil, nil
	w.free = append(w.free, c)
	var told *SlowHandlerError
	if ended.slow {
		told = w.endSlowLocked(&ended)
	}
	w.mu.Unlock()
	if told != nil {
		w.report(ended.event, told)
	}
}

// running returns the names of the handlers that run, sorted.
func (w *watchdog) running() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var names []string
	for _, c := range w.calls {
		if c.event != nil {
			names = append(names, c.registration.name)
		}
	}
	slices.Sort(names)
	return names
}

// registrationOf returns whose call it is that ctx was made for, for what runs the handler later;
// nil if that has returned or ctx is of no call.
func (w *watchdog) registrationOf(ctx context.Context) *registration {
	c, ok := ctx.Value(callKey{}).(*call)
	if !ok {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return c.registration
}

// runOf returns what ctx's handler is run by, nil if that has returned or is not the queue's.
func (w *watchdog) runOf(ctx context.Context) *dispatch.Run[work] {
	c, ok := ctx.Value(callKey{}).(*call)
	if !ok {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return c.run
}

// hold stops the watch of a call until release is called, when it begins anew.
func (w *watchdog) hold(ctx context.Context) (release func()) {
	c, ok := ctx.Value(callKey{}).(*call)
	if !ok {
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

// watch looks for slow handlers until ctx is done.
func (w *watchdog) watch(ctx context.Context) {
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

// keyText says where an event belongs, for people to read.
func keyText(e *Event) string {
	switch {
	case e.GuildID == "" && e.ChannelID == "":
		return "shard " + strconv.Itoa(e.ShardID)
	case e.ChannelID == "":
		return "guild " + e.GuildID
	case e.GuildID == "":
		return "channel " + e.ChannelID
	}
	return "guild " + e.GuildID + ", channel " + e.ChannelID
}

// stackIn returns the stack of the call's goroutine. There is none if it has just returned.
func (c *call) stackIn(profile []byte) string {
	label := fmt.Appendf(nil, "%q:%q", callLabel, c.number)
	for goroutine := range bytes.SplitSeq(profile, []byte("\n\n")) {
		if bytes.Contains(goroutine, label) && bytes.Contains(goroutine, []byte(callFrame)) {
			return string(goroutine)
		}
	}
	return ""
}
