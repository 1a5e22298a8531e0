package rest

import (
	"container/list"
	"context"
	"sync"
	"time"
)

// A limiter decides who passes a gate. Its methods are called under the gate's lock.
type limiter interface {
	// admit lets the call's next request pass, or not.
	admit(c *call, now time.Time) bool
	// undo takes back an admission that was not used.
	undo(c *call)
	// next returns when admit may say yes without anything else happening; zero if that depends
	// on an answer.
	next() time.Time
	// refusal returns why a call that has so many others before it need not begin to wait; nil
	// if it may.
	refusal(c *call, ahead int, now time.Time) error
	// scopeAt returns whose limit it is that is waited for.
	scopeAt(now time.Time) string
}

// A gate is where calls wait for a limiter.
type gate struct {
	mu    *sync.Mutex // guards what follows, and the limiter
	line  line
	timer *time.Timer // looks again at next; nil if nobody waits for it
}

// take returns nil when the call may pass. front puts it before those of its level that wait.
// mu must be held; it is released.
func (g *gate) take(c *call, l limiter, front bool) (err error) {
	now := time.Now()
	if (front || g.line.before(c.level) == 0) && l.admit(c, now) {
		g.mu.Unlock()
		return nil
	}
	ahead := 0
	if !front {
		ahead = g.line.before(c.level)
	}
	if err := l.refusal(c, ahead, now); err != nil {
		g.mu.Unlock()
		return err
	}
	w := g.line.push(c, front)
	g.armLocked(l, now)
	scope := l.scopeAt(now)
	g.mu.Unlock()
	ctx := c.request.Context()
	resume := c.wait(ctx, scope)
	defer func() { resume(err) }()
	select {
	case err = <-w.done:
		return err
	case <-ctx.Done():
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.line.remove(w) && <-w.done == nil {
		l.undo(c)
	}
	g.pumpLocked(l)
	return context.Cause(ctx)
}

// pumpLocked lets pass whoever may now. The limiter's owner calls it when something has changed.
func (g *gate) pumpLocked(l limiter) {
	now := time.Now()
	for w := g.line.first(); w != nil && l.admit(w.call, now); w = g.line.first() {
		g.line.remove(w)
		w.done <- nil
	}
	g.armLocked(l, now)
}

// refuseLocked ends the wait of those who would wait too long by now.
func (g *gate) refuseLocked(l limiter) {
	now := time.Now()
	for ahead, w := range g.line.all() {
		if err := l.refusal(w.call, ahead, now); err != nil {
			g.line.remove(w)
			w.done <- err
		}
	}
	g.armLocked(l, now)
}

// armLocked sees to it that the gate is looked at when its limiter may admit the next call.
func (g *gate) armLocked(l limiter, now time.Time) {
	next := l.next()
	if g.line.first() == nil || next.IsZero() {
		if g.timer != nil {
			g.timer.Stop()
			g.timer = nil
		}
		return
	}
	// A timer that fires early would find nothing to do and be armed again.
	wait := max(next.Sub(now), time.Microsecond)
	if g.timer != nil {
		g.timer.Reset(wait)
		return
	}
	g.timer = time.AfterFunc(wait, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.pumpLocked(l)
	})
}

// A waiter is a call that stands in a line.
type waiter struct {
	call  *call
	place *list.Element
	done  chan error // gets nil when it may pass; holds one value
}

// A line is where calls stand, those of a higher level before those of a lower one.
type line struct {
	levels [High + 1]*list.List // nil: nobody ever stood there
}

func (l *line) push(c *call, front bool) *waiter {
	w := &waiter{call: c, done: make(chan error, 1)}
	if l.levels[c.level] == nil {
		l.levels[c.level] = list.New()
	}
	if front {
		w.place = l.levels[c.level].PushFront(w)
	} else {
		w.place = l.levels[c.level].PushBack(w)
	}
	return w
}

// remove reports whether w stood in the line.
func (l *line) remove(w *waiter) bool {
	if w.place == nil {
		return false
	}
	l.levels[w.call.level].Remove(w.place)
	w.place = nil
	return true
}

// first returns who is next, nil for nobody.
func (l *line) first() *waiter {
	for level := High; level >= Low; level-- {
		if waiting := l.levels[level]; waiting != nil && waiting.Len() > 0 {
			w, _ := waiting.Front().Value.(*waiter)
			return w
		}
	}
	return nil
}

// before returns how many a newcomer of that level has to let pass.
func (l *line) before(level Level) int {
	n := 0
	for ; level <= High; level++ {
		if waiting := l.levels[level]; waiting != nil {
			n += waiting.Len()
		}
	}
	return n
}

// all returns who stands in the line, in order.
func (l *line) all() []*waiter {
	var all []*waiter
	for level := High; level >= Low; level-- {
		if l.levels[level] == nil {
			continue
		}
		for e := l.levels[level].Front(); e != nil; e = e.Next() {
			w, _ := e.Value.(*waiter)
			all = append(all, w)
		}
	}
	return all
}
