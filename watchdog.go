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
)

// A SlowHandlerError reports a handler that runs for longer than [QueueConfig].Slow: once while it
// runs, with its stack, and once when it has returned. It goes to the [ErrorHandler]. The
// handler is left alone.
type SlowHandlerError struct {
	Handler string        // the name of its function
	Type    string        // of the event
	Key     string        // the guild and channel of the event, or its shard if it has neither
	Age     time.Duration // since it began
	Ended   bool          // it has returned
	Stack   string        // what it was doing; empty when it has returned

	// Blocks says that what happens in the same channel or guild waits for it: it was registered
	// with neither Concurrent nor Ordered, and the event is not an interaction.
	Blocks bool
}

func (e *SlowHandlerError) Error() string {
	state := "has been running for"
	if e.Ended {
		state = "returned after"
	}
	text := fmt.Sprintf("handler %s of %s (%s) %s %s",
		e.Handler, e.Type, e.Key, state, e.Age.Round(time.Millisecond))
	if e.Blocks && !e.Ended {
		text += "; what happens there meanwhile waits for it: register a handler that waits with " +
			"Concurrent"
	}
	return text
}

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
}

// call is one handler that runs.
type call struct {
	number string
	ctx    context.Context // the bot's, with the label

	// Guarded by watchdog.mu. event is nil while the call is free.
	registration *registration
	event        *Event
	began        time.Duration
	reported     bool
}

// newWatchdog returns a watchdog that reports nothing until it is told to watch.
func newWatchdog(slow time.Duration, report func(*Event, error)) *watchdog {
	return &watchdog{slow: slow, report: report, start: time.Now()}
}

const callLabel = "botwright_call"

// callKey is the context's key of the call that a handler is run by.
type callKey struct{}

// callFrame is on the stack of every handler. A goroutine that a handler has started inherits its
// label and has not this.
const callFrame = "botwright.(*Bot).call+"

// begin notes that a handler begins. The context is to be given to it.
func (w *watchdog) begin(ctx context.Context, r *registration, e *Event) *call {
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
	c.registration, c.event, c.began, c.reported = r, e, time.Since(w.start), false
	w.mu.Unlock()
	pprof.SetGoroutineLabels(c.ctx)
	return c
}

// end notes that the handler has returned.
func (w *watchdog) end(ctx context.Context, c *call) {
	pprof.SetGoroutineLabels(ctx)
	w.mu.Lock()
	ended := *c
	c.registration, c.event = nil, nil
	w.free = append(w.free, c)
	w.mu.Unlock()
	if ended.reported {
		slow := ended.slow(time.Since(w.start))
		slow.Ended = true
		w.report(ended.event, slow)
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

// look reports the handlers that have become slow.
func (w *watchdog) look() {
	now := time.Since(w.start)
	var late []call
	w.mu.Lock()
	for _, c := range w.calls {
		if c.event != nil && !c.reported && now-c.began >= w.slow {
			c.reported = true
			late = append(late, *c)
		}
	}
	w.mu.Unlock()
	if len(late) == 0 {
		return
	}
	var profile bytes.Buffer
	// A profile in text form is the only one that shows labels and lines.
	_ = pprof.Lookup("goroutine").WriteTo(&profile, 1)
	for _, c := range late {
		slow := c.slow(now)
		slow.Stack = c.stackIn(profile.Bytes())
		w.report(c.event, slow)
	}
}

func (c *call) slow(now time.Duration) *SlowHandlerError {
	return &SlowHandlerError{
		Handler: c.registration.name, Type: c.event.Type, Age: now - c.began,
		Key: keyText(c.event), Blocks: !c.registration.alone() && c.event.Type != interactionCreate,
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
