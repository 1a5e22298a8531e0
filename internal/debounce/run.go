package debounce

import (
	"slices"
	"time"

	"github.com/botwright/botwright/internal/callstack"
	"github.com/botwright/botwright/internal/protect"
)

// This file is what happens to a debounced key after its trigger: its turn comes, its callback
// runs, it is forgotten.

// unarmed is not an instant of a Debouncer: those count from its making.
const unarmed time.Duration = -1

// turn returns when e's wait or burst ends if nothing else happens.
func (d *Debouncer[K]) turn(e wait) time.Duration {
	at := e.last + d.cfg.Wait
	if d.cfg.MaxWait > 0 {
		at = min(at, e.since+d.cfg.MaxWait)
	}
	return at
}

// scheduleLocked sees to it that a key triggered now is looked at when its turn has come. If there
// are too many keys, the one whose check is next makes room.
func (d *Debouncer[K]) scheduleLocked(key K, now time.Duration) {
	if len(d.checks) >= d.cfg.MaxKeys {
		next := d.checks.pop()
		e := d.keys[next]
		delete(d.keys, next)
		if e.fn != nil {
			d.waiting--
			d.stats.Early++
			d.fireLocked(next, e.fn, e.replaced)
		}
	}
	d.checks.pushLast(check[K]{now + d.cfg.Wait, key})
	if d.armed == unarmed {
		d.armLocked(now)
	}
}

func (d *Debouncer[K]) armLocked(now time.Duration) {
	if len(d.checks) == 0 {
		d.armed = unarmed
		return
	}
	d.armed = d.checks[0].at
	if d.timer == nil {
		d.timer = time.AfterFunc(d.armed-now, d.expire)
		return
	}
	d.timer.Reset(d.armed - now)
}

// expire looks at every key whose check has come up. It lets go of the lock now and then, because
// the keys of one burst come up together and Trigger must not wait for all of them.
func (d *Debouncer[K]) expire() {
	const keysPerLock = 256
	for more := true; more; {
		d.mu.Lock()
		more = d.expireLocked(keysPerLock)
		d.mu.Unlock()
	}
}

func (d *Debouncer[K]) expireLocked(limit int) (more bool) {
	now := time.Since(d.start)
	for range limit {
		if len(d.checks) == 0 || d.checks[0].at > now {
			d.armLocked(now)
			return false
		}
		key := d.checks[0].key
		e := d.keys[key]
		if e.fn != nil && d.turn(e) <= now {
			d.waiting--
			d.fireLocked(key, e.fn, e.replaced)
			e.fn, e.replaced, e.since = nil, nil, now
		}
		// A wait goes on after further triggers, and a burst even when MaxWait has cut the wait.
		if turn := d.turn(e); turn > now {
			d.keys[key] = e
			d.checks.postpone(turn)
			continue
		}
		d.checks.pop()
		delete(d.keys, key)
		d.shrinkLocked()
	}
	return true
}

// fireLocked makes fn due: it starts at once unless the key's previous callback or MaxInFlight
// holds it up.
func (d *Debouncer[K]) fireLocked(key K, fn, replaced func()) {
	c, busy := d.due[key]
	if c.fn == nil {
		c.round = d.round.join()
		d.waiting++
	}
	if c.replaced != nil {
		c.replaced()
	}
	c.fn, c.replaced = fn, replaced
	d.due[key] = c
	if !busy {
		d.queue.push(key)
		d.startDueLocked()
	}
}

// startDueLocked starts what is due, as far as MaxInFlight allows.
func (d *Debouncer[K]) startDueLocked() {
	for d.queue.len() > 0 && d.inFlight < d.cfg.MaxInFlight {
		key := d.queue.pop()
		c := d.due[key]
		if c.fn == nil { // cancelled
			delete(d.due, key)
			continue
		}
		d.due[key] = dueCallback{}
		d.waiting--
		d.inFlight++
		d.stats.Runs++
		go d.run(key, c)
	}
}

func (d *Debouncer[K]) run(key K, c dueCallback) {
	defer d.finish(key, c.round) // also when the callback ends its goroutine
	_ = protect.Call(func() error {
		call(c.fn)
		return nil
	}, func(value any, stack []byte) error {
		d.panicked(key, value, stack)
		return nil
	})
}

// panicked reports a panic instead of letting it end the program.
func (d *Debouncer[K]) panicked(key K, value any, stack []byte) {
	d.mu.Lock()
	d.stats.Panics++
	d.mu.Unlock()
	d.cfg.OnPanic(key, value, stack)
}

func (d *Debouncer[K]) finish(key K, r *round) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r.leave()
	d.inFlight--
	if d.due[key].fn != nil {
		d.queue.push(key)
	} else {
		delete(d.due, key)
	}
	d.startDueLocked()
	d.shrinkLocked()
}

func (d *Debouncer[K]) dropDueLocked(key K) bool {
	c := d.due[key]
	if c.fn == nil {
		return false
	}
	d.due[key] = dueCallback{}
	d.waiting--
	c.round.leave()
	return true
}

// shrinkLocked gives memory back once nothing is going on: maps and slices do not do that by
// themselves.
func (d *Debouncer[K]) shrinkLocked() {
	const worthIt = 1024
	if len(d.keys) == 0 && len(d.due) == 0 && cap(d.checks) > worthIt {
		d.keys = make(map[K]wait)
		d.due = make(map[K]dueCallback)
		d.checks, d.queue = nil, queue[K]{}
	}
}

// resetLocked forgets all keys but those that are running, and begins a new round. It returns the
// rounds that still have callbacks to run.
func (d *Debouncer[K]) resetLocked() []*round {
	clear(d.keys)
	clear(d.checks)
	d.checks = d.checks[:0]
	d.armed = unarmed
	if d.timer != nil {
		d.timer.Stop()
	}
	d.shrinkLocked()

	d.sealed = slices.DeleteFunc(d.sealed, func(r *round) bool { return r.open == 0 })
	if d.round.open > 0 {
		d.round.done = make(chan struct{})
		d.sealed = append(d.sealed, d.round)
		d.round = &round{}
	}
	return slices.Clone(d.sealed)
}

// A round is the callbacks whose turn came between one Flush and the next. It lets a Flush
// wait for exactly those before it, while new ones keep coming.
type round struct {
	open int           // callbacks that have not returned
	done chan struct{} // made when nobody can join any more, closed when open is zero
}

func (r *round) join() *round {
	r.open++
	return r
}

func (r *round) leave() {
	r.open--
	if r.open == 0 && r.done != nil {
		close(r.done)
	}
}

// callFunction is the name of call in a stack.
const callFunction = "github.com/botwright/botwright/internal/debounce.call"

// call is on the stack of every callback of every Debouncer.
func call(fn func()) { fn() }

// inside reports whether the caller is a debounced callback, which must not wait for others: they
// could be waiting for it. The stack is the only place that tells, as callbacks have no context.
func inside() bool { return callstack.Has(callFunction) }
