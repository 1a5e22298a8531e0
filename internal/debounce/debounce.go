// Package debounce runs one callback for many triggers of a key, once the key has been quiet for a
// while.
//
// # The states of a key
//
//	             Trigger                turn                  return
//	unknown ──────────────▶ waits ────────────▶ due, runs ────────────▶ unknown
//	                        ▲   │ Trigger: another callback takes its place
//	                        └───┘
//
// A key that waits, or is within a burst whose callback has run at once, is in keys and has one item
// in checks, which says when to look at it. A trigger that moves its turn leaves the check where it
// is: it then comes too early, sees that, and is put off. That makes a trigger of a waiting key cost
// a map lookup and no more. A key may be due, or run, and wait again meanwhile.
//
// # Invariants
//
//   - Of one key, one callback runs at a time, in the order of their triggers.
//   - A callback that Trigger has taken runs once or is replaced, unless Cancel or Close drops it.
//   - There is a timer when, and only when, there are checks. At rest there is no goroutine.
//   - A Flush waits for what was due before it, and for nothing later: what becomes due belongs to a
//     round, and Flush begins a new one.
//
// # Locks
//
// Debouncer.mu guards all. No callback runs under it; what Trigger is given as replaced does.
package debounce

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Config says when a [Debouncer] runs its callbacks. Each zero field but OnPanic is its default.
type Config struct {
	Wait        time.Duration // how long a key has to be quiet; 1 s
	MaxWait     time.Duration // how long a callback can be put off from the first trigger; no limit
	Leading     bool          // run the first callback of a burst at once
	LeadingOnly bool          // and drop the rest of the burst
	MaxKeys     int           // that wait at the same time; 262,144
	MaxInFlight int           // callbacks that run at the same time; 1,024

	// OnPanic gets the panic of a callback, in the callback's goroutine. It must not panic.
	OnPanic func(key, value any, stack []byte)
}

func (c Config) withDefaults() Config {
	if c.Wait == 0 {
		c.Wait = time.Second
	}
	if c.MaxWait > 0 {
		c.MaxWait = max(c.MaxWait, c.Wait)
	}
	if c.MaxKeys == 0 {
		c.MaxKeys = 1 << 18
	}
	if c.MaxInFlight == 0 {
		c.MaxInFlight = 1 << 10
	}
	c.Leading = c.Leading || c.LeadingOnly
	return c
}

// A Debouncer runs the callbacks of keys. Make one with [New]. Its methods may be called from any
// goroutine, also from inside callbacks.
type Debouncer[K comparable] struct {
	cfg   Config
	start time.Time // instants are durations since then: 8 bytes each, and monotonic

	mu     sync.Mutex
	closed bool
	stats  Stats

	// Keys that wait or are within a burst. Each has one item in checks: when to look at it.
	keys   map[K]wait
	checks heap[K]
	timer  *time.Timer   // runs expire; made with the first check
	armed  time.Duration // when it does, or unarmed

	// Keys whose callback runs or is due, with the callback that is due.
	due      map[K]dueCallback
	queue    queue[K] // of due: those that no callback of the same key holds up
	inFlight int

	waiting int      // callbacks that have yet to start
	round   *round   // of what becomes due now
	sealed  []*round // of what was due at an earlier Flush and has not all returned
}

// wait is a key that waits or is within a burst. It is a value in the map rather than behind a
// pointer, because with many keys a trigger costs what the memory it touches costs.
type wait struct {
	fn       func()        // waits for its turn; nil if none does
	replaced func()        // called when another one takes its place; may be nil
	last     time.Duration // the latest trigger
	since    time.Duration // the first trigger of this wait or burst: MaxWait counts from here
}

// dueCallback is a callback whose turn has come and which has yet to start. The zero value is none.
type dueCallback struct {
	fn       func()
	replaced func()
	round    *round // which fn has joined
}

// New returns a Debouncer.
func New[K comparable](cfg Config) *Debouncer[K] {
	return &Debouncer[K]{
		cfg:   cfg.withDefaults(),
		start: time.Now(),
		keys:  make(map[K]wait),
		armed: unarmed,
		due:   make(map[K]dueCallback),
		round: &round{},
	}
}

// A Result is what became of a trigger.
type Result int

// Results.
const (
	Taken   Result = iota
	Skipped        // it counts, but its callback will not run: LeadingOnly
	Refused        // after Close, or for a new key when callbacks hang
)

// Trigger asks for fn to run once key has been quiet for Wait, in place of the callback that already
// waits for key. It never blocks and never runs fn itself. replaced, unless nil, is called when a
// later callback takes fn's place. That is under the lock: it must be quick and stay off the
// Debouncer.
func (d *Debouncer[K]) Trigger(key K, fn, replaced func()) Result {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return Refused
	}
	now := time.Since(d.start)
	e, held := d.keys[key]
	if !held && d.queue.len() >= d.cfg.MaxKeys {
		if _, known := d.due[key]; !known {
			d.stats.Rejected++
			return Refused
		}
	}
	d.stats.Triggers++
	if e.fn != nil {
		// The check stays where it is. It comes too early now, and will see that the turn moved.
		if e.replaced != nil {
			e.replaced()
		}
		e.fn, e.replaced, e.last = fn, replaced, now
		d.keys[key] = e
		return Taken
	}
	inBurst := held && now < d.turn(e)
	if inBurst && d.cfg.LeadingOnly {
		e.last = now
		d.keys[key] = e
		return Skipped
	}
	e = wait{last: now, since: now}
	if d.cfg.Leading && !inBurst {
		d.fireLocked(key, fn, replaced)
	} else {
		e.fn, e.replaced = fn, replaced
		d.waiting++
	}
	if !held {
		d.scheduleLocked(key, now)
	}
	d.keys[key] = e
	return Taken
}

// Cancel drops the callback that waits for key and ends the key's burst. It reports whether there
// was one. A callback that has started is not stopped.
func (d *Debouncer[K]) Cancel(key K) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	e, held := d.keys[key]
	if held {
		// The next trigger finds a burst that is over, and the check a key with nothing to run.
		d.keys[key] = wait{last: time.Since(d.start) - d.cfg.Wait}
	}
	if e.fn != nil {
		d.waiting--
	}
	return d.dropDueLocked(key) || e.fn != nil
}

// Flush starts every waiting callback now and waits until these, and those that were running, have
// returned. Callbacks triggered in the meantime wait as usual. If ctx ends first, Flush returns an
// error that wraps its cause, and the callbacks continue.
//
// Called from a callback, Flush starts the others and returns nil at once, because it might wait
// for itself.
func (d *Debouncer[K]) Flush(ctx context.Context) error {
	d.mu.Lock()
	for key, e := range d.keys {
		if e.fn != nil {
			d.waiting--
			d.fireLocked(key, e.fn, e.replaced)
		}
	}
	rounds := d.resetLocked()
	d.mu.Unlock()

	if inside() {
		return nil
	}
	for _, r := range rounds {
		select {
		case <-r.done:
		case <-ctx.Done():
			return fmt.Errorf("flush debouncer: %w", context.Cause(ctx))
		}
	}
	return nil
}

// Close drops every waiting callback and waits for the running ones: none runs after it has
// returned. Call Flush before it to run them instead. Closing twice is fine.
//
// Called from a callback, of this or another Debouncer, Close does not wait, because it might wait
// for itself.
func (d *Debouncer[K]) Close() {
	d.mu.Lock()
	d.closed = true
	for key := range d.due {
		d.dropDueLocked(key)
	}
	rounds := d.resetLocked()
	d.waiting = 0
	d.mu.Unlock()

	if inside() {
		return
	}
	for _, r := range rounds {
		<-r.done
	}
}

// Len returns the number of callbacks that have yet to start.
func (d *Debouncer[K]) Len() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.waiting
}

// Stats counts what a Debouncer has done since it was made.
type Stats struct {
	Triggers uint64 // callbacks that Trigger has taken
	Rejected uint64 // callbacks that it has not taken before Close
	Runs     uint64 // callbacks started
	Early    uint64 // callbacks started before their turn, because MaxKeys was reached
	Panics   uint64 // callbacks that panicked
}

func (s *Stats) add(o Stats) {
	s.Triggers += o.Triggers
	s.Rejected += o.Rejected
	s.Runs += o.Runs
	s.Early += o.Early
	s.Panics += o.Panics
}

// left returns how many callbacks run and how many have yet to start.
func (d *Debouncer[K]) left() (running, waiting int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.inFlight, d.waiting
}

// Stats returns the counters.
func (d *Debouncer[K]) Stats() Stats {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.stats
}
