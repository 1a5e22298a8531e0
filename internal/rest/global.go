package rest

import (
	"slices"
	"sync"
	"time"
)

const (
	// globalWindow is the span over which Discord counts all requests of a bot.
	globalWindow = time.Second

	// countedWithin is how long after it was sent a request is taken to have been counted, even
	// if it is not answered yet: a slow answer must not hold up everybody.
	countedWithin = time.Second
)

// A global is the limit over all routes: a sliding window of as many slots as requests are
// allowed. Every slot says when it can be used again, so that no window of Discord's, wherever it
// begins, has more requests than there are slots.
type global struct {
	mu sync.Mutex // guards what follows
	gate
	slots   []*slot
	limit   int       // how many slots there should be; see share
	blocked time.Time // until when a 429 has closed it
}

type slot struct {
	free time.Time
	use  uint64 // counts the calls that had it
}

func newGlobal(limit int) *global {
	g := &global{}
	g.gate.mu = &g.mu
	g.shareLocked(limit, time.Time{})
	return g
}

// share changes the number of slots. One that is in use goes when it is free again: then another
// process may use it.
func (g *global) share(limit int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shareLocked(limit, time.Now())
	g.pumpLocked(g)
	g.refuseLocked(g)
}

func (g *global) shareLocked(limit int, now time.Time) {
	g.limit = limit
	for len(g.slots) < limit {
		g.slots = append(g.slots, &slot{})
	}
	g.retireLocked(now)
}

// retireLocked removes free slots that are too many.
func (g *global) retireLocked(now time.Time) {
	surplus := len(g.slots) - g.limit
	if surplus <= 0 {
		return
	}
	g.slots = slices.DeleteFunc(g.slots, func(s *slot) bool {
		if surplus == 0 || now.Before(s.free) {
			return false
		}
		surplus--
		return true
	})
}

// demand returns how many slots there are, and how many would be used.
func (g *global) demand(now time.Time) (held, wanted int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.retireLocked(now)
	wanted = g.line.before(Low)
	for _, s := range g.slots {
		if now.Before(s.free) {
			wanted++
		}
	}
	return len(g.slots), wanted
}

// admit implements limiter. The slot is in use until the call has been answered, and taken to be
// free some time later if it is not.
func (g *global) admit(c *call, now time.Time) bool {
	g.retireLocked(now)
	s := g.earliest()
	if now.Before(g.blocked) || s == nil || now.Before(s.free) {
		return false
	}
	s.use++
	s.free = now.Add(countedWithin + globalWindow)
	c.slot, c.use = s, s.use
	return true
}

// undo implements limiter.
func (g *global) undo(c *call) { g.freeLocked(c, time.Time{}) }

// answered notes that the call was answered.
func (g *global) answered(c *call, now time.Time, half time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.freeLocked(c, now.Add(globalWindow-half))
	g.armLocked(g, now)
}

// freeLocked says from when on the call's slot is free, unless another call has it already.
func (g *global) freeLocked(c *call, at time.Time) {
	if s := c.slot; s != nil && s.use == c.use && at.Before(s.free) {
		s.free = at
	}
	c.slot = nil
}

// block closes the gate after a 429.
func (g *global) block(until time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.blocked = until
	g.refuseLocked(g)
}

// next implements limiter.
func (g *global) next() time.Time {
	s := g.earliest()
	if s == nil { // until the process has a share again
		return time.Time{}
	}
	if g.blocked.After(s.free) {
		return g.blocked
	}
	return s.free
}

// refusal implements limiter.
func (g *global) refusal(c *call, ahead int, now time.Time) error {
	wait := max(g.next().Sub(now), 0) + time.Duration(ahead/max(len(g.slots), 1))*globalWindow
	if len(g.slots) == 0 {
		wait = globalWindow // at least: others have them all
	}
	if c.noWait || (!c.deadline.IsZero() && now.Add(wait).After(c.deadline)) {
		return &RateLimitError{Method: c.request.Method, Route: c.route.name,
			Scope: scopeGlobal, RetryAfter: wait}
	}
	return nil
}

// scopeAt implements limiter.
func (g *global) scopeAt(time.Time) string { return scopeGlobal }

func (g *global) earliest() *slot {
	var first *slot // nil: there is none
	for _, s := range g.slots {
		if first == nil || s.free.Before(first.free) {
			first = s
		}
	}
	return first
}
