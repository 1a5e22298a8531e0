package botwright

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/botwright/botwright/internal/debounce"
)

// DebouncerConfig says when a [Debouncer] runs its callbacks. The zero value waits one second after
// the last trigger of a key and then runs the last callback.
type DebouncerConfig struct {
	// Wait is how long a key has to be quiet before its callback runs. Default: 1s, because Discord
	// sends the updates that belong to one action within that time, and a person does not notice
	// the delay.
	Wait time.Duration

	// MaxWait is how long triggers that never pause can put a callback off, counted from the first
	// trigger that waits. A value below Wait counts as Wait. Default: 0, no limit, as one expects
	// of a debouncer.
	MaxWait time.Duration

	// Leading runs the first callback of a burst at once. What follows within the burst still runs
	// when the key has become quiet, so a single trigger means one call and several mean two.
	Leading bool

	// LeadingOnly runs the first callback of a burst at once and drops the rest of the burst. It
	// implies Leading.
	LeadingOnly bool

	// MaxKeys is how many keys wait at the same time. When one more arrives, nothing is lost: a key
	// that is close to its turn gets its call early. Default: 262,144, the members of a large
	// server, in about 30 MB.
	MaxKeys int

	// MaxInFlight is how many callbacks run at the same time; those whose turn comes meanwhile wait
	// for one to return. Default: 1,024, which is plenty for callbacks that wait for REST, and
	// keeps a Flush of many keys from starting a goroutine for each.
	MaxInFlight int

	// OnPanic gets the panic of a callback, in the callback's goroutine. It must not panic itself.
	// Default: an error in slog's default logger, because a panic must not go unseen.
	OnPanic func(key any, err *PanicError)
}

// problem returns what is wrong with the configuration, or "".
func (c DebouncerConfig) problem() string {
	return negative(map[string]int64{
		"Wait": int64(c.Wait), "MaxWait": int64(c.MaxWait),
		"MaxKeys": int64(c.MaxKeys), "MaxInFlight": int64(c.MaxInFlight),
	})
}

// internal returns the configuration of the engine.
func (c DebouncerConfig) internal() debounce.Config {
	onPanic := c.OnPanic
	if onPanic == nil {
		onPanic = logDebouncedPanic
	}
	return debounce.Config{
		Wait: c.Wait, MaxWait: c.MaxWait, Leading: c.Leading, LeadingOnly: c.LeadingOnly,
		MaxKeys: c.MaxKeys, MaxInFlight: c.MaxInFlight,
		OnPanic: func(key, value any, stack []byte) {
			onPanic(key, &PanicError{Value: value, Stack: stack})
		},
	}
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
// All methods may be called concurrently and from inside callbacks. An idle Debouncer has no
// goroutine. Triggering a key that already waits costs a map lookup and allocates nothing. A
// waiting key takes less than 200 bytes.
type Debouncer[K comparable] struct{ engine *debounce.Debouncer[K] }

// NewDebouncer returns a Debouncer for keys of type K. A zero cfg is fine. It panics if a
// field is negative.
func NewDebouncer[K comparable](cfg DebouncerConfig) *Debouncer[K] {
	mustBe("NewDebouncer", cfg.problem())
	return &Debouncer[K]{debounce.New[K](cfg.internal())}
}

// Trigger runs fn once key has been quiet for Wait, in place of the callback that already waits for
// key. It never blocks and never runs fn itself. If the key's previous callback is still running
// when fn is due, fn runs as soon as that one has returned, unless a later callback of key is due
// by then and takes its place.
//
// Trigger reports whether it accepted fn. It does not after Close, nor for a new key when callbacks
// hang, so that MaxInFlight of them run and MaxKeys more could not start. A nil fn panics.
func (d *Debouncer[K]) Trigger(key K, fn func()) bool {
	if fn == nil {
		panic("botwright: Debouncer.Trigger needs a function, got nil")
	}
	return d.engine.Trigger(key, fn, nil) != debounce.Refused
}

// Cancel drops the callback that waits for key and ends the key's burst. It reports whether there
// was one. A callback that has started is not stopped.
func (d *Debouncer[K]) Cancel(key K) bool { return d.engine.Cancel(key) }

// Flush starts every waiting callback now and waits until these, and those that were running, have
// returned. Callbacks triggered in the meantime wait as usual. If ctx ends first, Flush returns an
// error that wraps its cause, and the callbacks continue.
//
// Called from a callback, Flush starts the others and returns nil at once, because it might wait
// for itself.
func (d *Debouncer[K]) Flush(ctx context.Context) error { return d.engine.Flush(ctx) }

// Close drops every waiting callback and waits for the running ones: none runs after it has
// returned. Call Flush before it to run them instead. Closing twice is fine.
//
// Called from a callback, of this or another Debouncer, Close does not wait, because it might wait
// for itself.
func (d *Debouncer[K]) Close() { d.engine.Close() }

// Len returns the number of callbacks that have yet to start.
func (d *Debouncer[K]) Len() int { return d.engine.Len() }

// DebouncerStats counts what a [Debouncer] has done since it was made.
type DebouncerStats struct {
	Triggers uint64 // callbacks that Trigger has taken
	Rejected uint64 // callbacks that it has not taken before Close
	Runs     uint64 // callbacks started
	Early    uint64 // callbacks started before their turn, because MaxKeys was reached
	Panics   uint64 // callbacks that panicked
}

// Stats returns the counters, for a metrics collector that reads them when it is scraped.
func (d *Debouncer[K]) Stats() DebouncerStats { return DebouncerStats(d.engine.Stats()) }

// Debounce handles only the last of a burst of events with the same key, once there has been none
// for wait. It returns at once, and the handler runs later on its own goroutine. So middleware
// around Debounce does not see the handler's error, which goes to the bot's ErrorHandler, and the
// handler's context is the bot's. Events that wait when the bot shuts down are handled then; once
// the handler is removed, they are dropped. For a [SessionStore] the waiting event counts as not
// handled, so that the next process gets it again if this one is killed; the events before it in
// the burst count as handled. An event that a test made with [NewEvent] is handled at once.
// Debounce panics if wait is not positive or key is nil.
func Debounce(wait time.Duration, key KeyFunc) Middleware {
	if wait <= 0 {
		panic(fmt.Sprintf("botwright: Debounce(%v): pass a positive duration", wait))
	}
	return DebounceWith(DebouncerConfig{Wait: wait}, key)
}

// DebounceWith is [Debounce] with more options: handle the first event of a burst too, or instead,
// or limit how long a burst can delay the handler. OnPanic is not used: a panic goes to the
// ErrorHandler. DebounceWith panics if a field is negative or key is nil.
func DebounceWith(cfg DebouncerConfig, key KeyFunc) Middleware {
	mustBe("DebounceWith", cfg.problem())
	checkKey("Debounce", key)
	return func(next Handler) Handler {
		d := &debouncedHandler{next: next, key: key, debouncer: debounce.New[string](cfg.internal())}
		return d.handle
	}
}

// debouncedHandler is the state of one debounced handler.
type debouncedHandler struct {
	next      Handler
	key       KeyFunc
	debouncer *debounce.Debouncer[string]
	attach    sync.Once
	inner     *registration // how run calls next; set by attach
	bursts    bursts
}

func (d *debouncedHandler) handle(ctx context.Context, e *Event) error {
	key := d.key(e)
	if key == "" || e.home == nil {
		return d.next(ctx, e)
	}
	e.ticket.Claim() // its turn comes later
	d.attach.Do(func() {
		var handler *registration
		d.inner, handler = e.home.runner.Later(ctx, d.next)
		e.home.debouncers.Add(d.debouncer, func() bool { return handler != nil && handler.Removed() })
	})
	e.ticket.Hold()
	run, replaced := func() { d.run(e, nil) }, e.ticket.Release
	if e.trace != nil {
		run = func() { d.run(e, d.bursts.take(ctx, key)) }
		replaced = func() { d.bursts.add(ctx, key); e.ticket.Release() }
	}
	switch d.debouncer.Trigger(key, run, replaced) {
	case debounce.Taken:
		return nil
	case debounce.Skipped:
		e.ticket.Release()
		return nil
	}
	defer e.ticket.Release()
	return d.next(ctx, e) // the debouncer is closed or overwhelmed: late beats never
}

// run handles an event, which stands for a burst. It then counts as handled unless Shutdown has cut
// that off.
func (d *debouncedHandler) run(e *Event, stands *burst) {
	if !e.home.runner.Call(d.inner, e, e.trace.standFor(stands)) {
		e.ticket.Release()
	}
}

// handlerDebounces returns the figures of the Debounce middleware of all handlers.
func (b *Bot) handlerDebounces() DebouncerStats { return DebouncerStats(b.home.debouncers.Stats()) }
