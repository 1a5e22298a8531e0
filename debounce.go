package botwright

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// DebouncerConfig says when a [Debouncer] runs its callbacks. The zero value waits one second after
// the last trigger of a key and then runs the last callback.
type DebouncerConfig struct {
	// Wait is how long a key has to be quiet before its callback runs. Default 1 s: Discord sends
	// the updates that belong to one action within that time, and a person does not notice the
	// delay.
	Wait time.Duration

	// MaxWait is how long triggers that never pause can put a callback off, counted from the first
	// trigger that waits. A value below Wait counts as Wait. Default 0: no limit, as a debouncer is
	// expected to have.
	MaxWait time.Duration

	// Leading runs the first callback of a burst at once. What follows within the burst still runs
	// when the key has become quiet, so a single trigger means one call and several mean two.
	Leading bool

	// LeadingOnly runs the first callback of a burst at once and drops the rest of the burst. It
	// implies Leading.
	LeadingOnly bool

	// MaxKeys is how many keys wait at the same time. When one more arrives, nothing is lost: a key
	// that is close to its turn gets its call early. Default 262,144: a server's worth of members,
	// in about 30 MB.
	MaxKeys int

	// MaxInFlight is how many callbacks run at the same time; those whose turn comes meanwhile wait
	// for one to return. Default 1,024: plenty for callbacks that wait for REST, and a Flush of
	// many keys does not start a goroutine for each of them.
	MaxInFlight int

	// OnPanic gets the panic of a callback, in the callback's goroutine. It must not panic itself.
	// Default: an error in slog's default logger, because a panic must not go unseen.
	OnPanic func(key any, err *PanicError)
}

const (
	defaultDebounceWait        = time.Second
	defaultDebounceMaxKeys     = 1 << 18
	defaultDebounceMaxInFlight = 1 << 10
)

// problem returns what is wrong with the configuration, or "".
func (c DebouncerConfig) problem() string {
	return negative(map[string]int64{
		"Wait": int64(c.Wait), "MaxWait": int64(c.MaxWait),
		"MaxKeys": int64(c.MaxKeys), "MaxInFlight": int64(c.MaxInFlight),
	})
}

func (c DebouncerConfig) withDefaults() DebouncerConfig {
	setDefault(&c.Wait, defaultDebounceWait)
	if c.MaxWait > 0 {
		c.MaxWait = max(c.MaxWait, c.Wait)
	}
	setDefault(&c.MaxKeys, defaultDebounceMaxKeys)
	setDefault(&c.MaxInFlight, defaultDebounceMaxInFlight)
	if c.OnPanic == nil {
		c.OnPanic = logDebouncedPanic
	}
	c.Leading = c.Leading || c.LeadingOnly
	return c
}

func logDebouncedPanic(key any, err *PanicError) {
	//nolint:sloglint // a debouncer without OnPanic has no logger of its own
	slog.Error("debounced callback panicked", "key", key, "error", err, "stack", string(err.Stack))
}

// A Debouncer runs one callback for many triggers of a key: the last one, once the key has been
// quiet for a while. Use it where events come in bursts and only the final state matters, such as
// writing a member's roles to a database.
//
// Callbacks run in goroutines of their own. Those of one key run one after another, in the order of
// their triggers; those of different keys run in parallel. A panic in a callback is contained.
//
// All methods may be called concurrently and from inside callbacks. A Debouncer at rest has no
// goroutine. A trigger of a key that already waits costs a map lookup and allocates nothing; a
// waiting key costs less than 200 bytes.
type Debouncer[K comparable] struct {
	cfg   DebouncerConfig
	start time.Time // instants are durations since then: 8 bytes each, and monotonic

	mu     sync.Mutex
	closed bool
	stats  DebouncerStats

	// Keys that wait or are within a burst. Each has one item in checks: when to look at it.
	keys   map[K]debounced
	checks debounceHeap[K]
	timer  *time.Timer   // runs expire; made with the first check
	armed  time.Duration // when it does, or unarmed

	// Keys whose callback runs or is due, with the callback that is due.
	due      map[K]dueCallback
	queue    debounceQueue[K] // of due: those that no callback of the same key holds up
	inFlight int

	waiting int              // callbacks that have yet to start
	round   *debounceRound   // of what becomes due now
	sealed  []*debounceRound // of what was due at an earlier Flush and has not all returned
}

// debounced is a key that waits or is within a burst. It is a value in the map rather than behind a
// pointer, because with many keys a trigger costs what the memory it touches costs.
type debounced struct {
	fn       func()        // waits for its turn; nil if none does
	replaced func()        // called when another one takes its place; may be nil
	last     time.Duration // the latest trigger
	since    time.Duration // the first trigger of this wait or burst: MaxWait counts from here
}

// dueCallback is a callback whose turn has come and which has yet to start. The zero value is none.
type dueCallback struct {
	fn       func()
	replaced func()
	round    *debounceRound // which fn has joined
}

// NewDebouncer returns a Debouncer for keys of type K. A zero cfg is fine. It panics if a
// field is negative.
func NewDebouncer[K comparable](cfg DebouncerConfig) *Debouncer[K] {
	mustBe("NewDebouncer", cfg.problem())
	return &Debouncer[K]{
		cfg:   cfg.withDefaults(),
		start: time.Now(),
		keys:  make(map[K]debounced),
		armed: unarmed,
		due:   make(map[K]dueCallback),
		round: &debounceRound{},
	}
}

// Trigger asks for fn to run once key has been quiet for Wait, in place of the callback that
// already waits for key. It never blocks and never runs fn itself. If the key's previous callback
// is still running when fn's turn comes, fn runs as soon as that one has returned, unless a later
// one of key is due by then and takes its place.
//
// Trigger reports whether it has taken fn. It has not after Close, and for a new key when callbacks
// hang: MaxInFlight of them run and MaxKeys more could not start. A nil fn panics.
func (d *Debouncer[K]) Trigger(key K, fn func()) bool {
	if fn == nil {
		panic("botwright: Debouncer.Trigger needs a function, got nil")
	}
	return d.trigger(key, fn, nil) != triggerRefused
}

// What became of a trigger.
type triggered int

const (
	triggerTaken   triggered = iota
	triggerSkipped           // counts, but its callback will not run: LeadingOnly
	triggerRefused
)

// trigger is Trigger with a function that is called when a later callback takes fn's place. It is
// called under the lock: it must be quick and stay off the Debouncer.
func (d *Debouncer[K]) trigger(key K, fn, replaced func()) triggered {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return triggerRefused
	}
	now := time.Since(d.start)
	e, held := d.keys[key]
	if !held && d.queue.len() >= d.cfg.MaxKeys {
		if _, known := d.due[key]; !known {
			d.stats.Rejected++
			return triggerRefused
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
		return triggerTaken
	}
	inBurst := held && now < d.turn(e)
	if inBurst && d.cfg.LeadingOnly {
		e.last = now
		d.keys[key] = e
		return triggerSkipped
	}
	e = debounced{last: now, since: now}
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
	return triggerTaken
}

// Cancel drops the callback that waits for key and ends the key's burst. It reports whether there
// was one. A callback that has started is not stopped.
func (d *Debouncer[K]) Cancel(key K) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	e, held := d.keys[key]
	if held {
		// The next trigger finds a burst that is over, and the check a key with nothing to run.
		d.keys[key] = debounced{last: time.Since(d.start) - d.cfg.Wait}
	}
	if e.fn != nil {
		d.waiting--
	}
	return d.dropDueLocked(key) || e.fn != nil
}

// Flush starts every waiting callback now and waits until these and all that were running have
// returned. What is triggered meanwhile waits as usual. If ctx ends first, Flush returns an error
// that wraps its cause, and the callbacks go on.
//
// Called from inside a callback, Flush starts the others and returns nil at once, as it could wait
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

	if insideDebounced() {
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
// Called from inside a callback, of this or another Debouncer, Close does not wait, as it could
// wait for itself.
func (d *Debouncer[K]) Close() {
	d.mu.Lock()
	d.closed = true
	for key := range d.due {
		d.dropDueLocked(key)
	}
	rounds := d.resetLocked()
	d.waiting = 0
	d.mu.Unlock()

	if insideDebounced() {
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

// DebouncerStats counts what a [Debouncer] has done since it was made.
type DebouncerStats struct {
	Triggers uint64 // callbacks that Trigger has taken
	Rejected uint64 // callbacks that it has not taken before Close
	Runs     uint64 // callbacks started
	Early    uint64 // callbacks started before their turn, because MaxKeys was reached
	Panics   uint64 // callbacks that panicked
}

func (s *DebouncerStats) add(o DebouncerStats) {
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

// Stats returns the counters, for a metrics collector that reads them when it is scraped.
func (d *Debouncer[K]) Stats() DebouncerStats {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.stats
}
