package botwright

import (
	"bytes"
	"fmt"
	"runtime/pprof"
	"time"
)

// A SlowHandlerError reports a handler that runs for longer than [QueueConfig].Slow. It goes to
// the [ErrorHandler]: when the handler is slow for the first time, with its stack; once a minute
// while that lasts, however many calls it has; and when all of them have returned. The handler is
// left alone.
type SlowHandlerError struct {
	Handler string        // the name of its function
	Type    string        // of the event
	Key     string        // the guild and channel of the event, or its shard if it has neither
	Age     time.Duration // since it began; of several calls the one that began first
	Calls   int           // that are slow now, or were and have returned since the last report
	Ended   bool          // they have returned; Age is how long the last one took
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
	if e.Calls > 1 {
		text += fmt.Sprintf("; %d calls of it were slow", e.Calls)
	}
	if e.Blocks && !e.Ended {
		text += "; what happens there meanwhile waits for it: register a handler that waits with " +
			"Concurrent"
	}
	return text
}

// slowEvery is how often a handler that goes on being slow is reported.
const slowEvery = time.Minute

// slowness is what the watchdog remembers of a handler that is slow, until it has been quick for
// as long as a report covers.
type slowness struct {
	running  int  // slow calls that have not returned
	returned int  // those that have, since the last report
	open     bool // the last report said that it is running
	told     time.Duration
	last     call          // the one that returned last
	took     time.Duration // and how long it ran
}

// endSlowLocked notes that a slow call has returned. It returns what is to be reported, if it is
// the last of those that were.
func (w *watchdog) endSlowLocked(c *call) *SlowHandlerError {
	s := w.slows[c.registration]
	s.running--
	s.returned++
	s.last, s.took = *c, time.Since(w.start)-c.began
	if s.running > 0 || !s.open {
		return nil
	}
	return s.ended()
}

// ended reports that the handler is slow no longer.
func (s *slowness) ended() *SlowHandlerError {
	e := s.last.slowError(s.last.began + s.took)
	e.Ended, e.Calls = true, s.returned
	s.open, s.returned = false, 0
	return e
}

// look reports the handlers that have become slow, and those that still are when a minute has
// passed.
func (w *watchdog) look() {
	now := time.Since(w.start)
	type report struct {
		call
		err *SlowHandlerError
	}
	var reports []report
	w.mu.Lock()
	oldest := w.markLocked(now)
	for r, s := range w.slows {
		switch first := s.told == 0; {
		case !first && now-s.told < slowEvery:
		case s.running > 0:
			c := *oldest[r]
			e := c.slowError(now)
			e.Calls = s.running + s.returned
			s.open, s.returned, s.told = true, 0, now
			reports = append(reports, report{c, e})
		case s.returned > 0:
			reports = append(reports, report{s.last, s.ended()})
			s.told = now
		default:
			delete(w.slows, r)
		}
	}
	w.mu.Unlock()
	if len(reports) == 0 {
		return
	}
	var profile bytes.Buffer
	// A profile in text form is the only one that shows labels and lines.
	_ = pprof.Lookup("goroutine").WriteTo(&profile, 1)
	for _, r := range reports {
		if !r.err.Ended {
			r.err.Stack = r.stackIn(profile.Bytes())
		}
		w.report(r.event, r.err)
	}
}

// markLocked notes which calls are slow, and returns the oldest one of each handler.
func (w *watchdog) markLocked(now time.Duration) map[*registration]*call {
	oldest := make(map[*registration]*call)
	for _, c := range w.calls {
		if c.event == nil || !c.slow && (c.held || now-c.began < w.slow) {
			continue
		}
		r := c.registration
		if !c.slow {
			c.slow = true
			if w.slows[r] == nil {
				w.slows[r] = &slowness{}
			}
			w.slows[r].running++
		}
		if o := oldest[r]; o == nil || c.began < o.began {
			oldest[r] = c
		}
	}
	return oldest
}

func (c *call) slowError(now time.Duration) *SlowHandlerError {
	return &SlowHandlerError{
		Handler: c.registration.name, Type: c.event.Type, Age: now - c.began,
		Key: keyText(c.event), Blocks: !c.registration.alone() && c.event.Type != interactionCreate,
	}
}
