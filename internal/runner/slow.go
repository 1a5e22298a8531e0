package runner

import (
	"bytes"
	"runtime/pprof"
	"time"
)

// Slow describes a handler that runs for longer than Config.Slow.
type Slow struct {
	Handler string        // its name
	Type    string        // of the event
	Key     string        // where the event belongs, for people
	Age     time.Duration // since it began; of several calls the one that began first
	Calls   int           // that are slow now, or were and have returned since the last report
	Ended   bool          // they have returned; Age is how long the last one took
	Stack   string        // what it was doing; empty when it has returned
	Blocks  bool          // what happens in the same place waits for it
}

// slowEvery is how often a handler that goes on being slow is reported.
const slowEvery = time.Minute

// slowness is what the watchdog remembers of a handler that is slow, until it has been quick for
// as long as a report covers.
type slowness[E comparable] struct {
	running  int  // slow calls that have not returned
	returned int  // those that have, since the last report
	open     bool // the last report said that it is running
	told     time.Duration
	last     call[E]       // the one that returned last
	took     time.Duration // and how long it ran
}

// endSlowLocked notes that a slow call has returned. It returns what is to be reported, if it is
// the last of those that were.
func (w *watchdog[E]) endSlowLocked(c *call[E]) *Slow {
	s := w.slows[c.handler]
	s.running--
	s.returned++
	s.last, s.took = *c, time.Since(w.start)-c.began
	if s.running > 0 || !s.open {
		return nil
	}
	return s.ended()
}

// ended says that the handler is slow no longer.
func (s *slowness[E]) ended() *Slow {
	e := s.last.slowness(s.last.began + s.took)
	e.Ended, e.Calls = true, s.returned
	s.open, s.returned = false, 0
	return e
}

// look reports the handlers that have become slow, and those that still are when a minute has
// passed.
func (w *watchdog[E]) look() {
	now := time.Since(w.start)
	type report struct {
		call[E]
		slow *Slow
	}
	var reports []report
	w.mu.Lock()
	oldest := w.markLocked(now)
	for h, s := range w.slows {
		switch first := s.told == 0; {
		case !first && now-s.told < slowEvery:
		case s.running > 0:
			c := *oldest[h]
			e := c.slowness(now)
			e.Calls = s.running + s.returned
			s.open, s.returned, s.told = true, 0, now
			reports = append(reports, report{c, e})
		case s.returned > 0:
			reports = append(reports, report{s.last, s.ended()})
			s.told = now
		default:
			delete(w.slows, h)
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
		if !r.slow.Ended {
			r.slow.Stack = r.stackIn(profile.Bytes())
		}
		w.report(r.event, *r.slow)
	}
}

// markLocked notes which calls are slow, and returns the oldest one of each handler.
func (w *watchdog[E]) markLocked(now time.Duration) map[*Handler[E]]*call[E] {
	oldest := make(map[*Handler[E]]*call[E])
	for _, c := range w.calls {
		if c.handler == nil || !c.slow && (c.held || now-c.began < w.slow) {
			continue
		}
		h := c.handler
		if !c.slow {
			c.slow = true
			if w.slows[h] == nil {
				w.slows[h] = &slowness[E]{}
			}
			w.slows[h].running++
		}
		if o := oldest[h]; o == nil || c.began < o.began {
			oldest[h] = c
		}
	}
	return oldest
}

// slowness describes the call as a slow one; what the event says is added by reportSlow.
func (c *call[E]) slowness(now time.Duration) *Slow {
	return &Slow{Handler: c.handler.Name, Age: now - c.began, Blocks: !c.handler.Alone()}
}

// reportSlow reports a slow handler.
func (r *Runner[E]) reportSlow(e E, s Slow) {
	about := r.cfg.About(e)
	s.Type, s.Key = about.Type, about.place()
	s.Blocks = s.Blocks && about.Type != interactionCreate
	r.Report(e, r.cfg.Errors.Slow(s))
}
