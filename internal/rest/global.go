package rest

import (
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
	slots   []slot
	blocked time.Time // until when a 429 has closed it
}

type slot struct {
	free time.Time
	use  uint64 // counts the calls that had it
}

func newGlobal(limit int) *global {
	g := &global{slots: make([]slot, limit)}
	g.gate.mu = &g.mu
	return g
}

// admit implements limiter. The slot is in use until the call has been answered, and taken to be
// free some time later if it is not.
func (g *global) admit(c *call, now time.Time) bool {
	s := g.earliest()
	if now.Before(g.blocked) || now.Before(s.free) {
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
	free := g.earliest().free
	if g.blocked.After(free) {
		return g.blocked
	}
	return free
}

// refusal implements limiter.
func (g *global) refusal(c *call, ahead int, now time.Time) error {
	wait := max(g.next().Sub(now), 0) + time.Duration(ahead/len(g.slots))*globalWindow
	if c.noWait || (!c.deadline.IsZero() && now.Add(wait).After(c.deadline)) {
		return &RateLimitError{Method: c.request.Method, Route: c.route.name,
			Scope: scopeGlobal, RetryAfter: wait}
	}
	return nil
}

// scopeAt implements limiter.
func (g *global) scopeAt(time.Time) string { return scopeGlobal }

func (g *global) earliest() *slot {
	first := &g.slots[0]
	for i := range g.slots {
		if g.slots[i].free.Before(first.free) {
			first = &g.slots[i]
		}
	}
	return first
}
