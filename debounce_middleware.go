package botwright

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Debounce handles of a burst of events with the same key only the last one, when there has been
// none for the time of wait. It returns at once and the handler runs later, on a goroutine of
// its own: middleware around it does not see the handler's error, which goes to the bot's
// [ErrorHandler], and its context is the bot's. What waits when the bot shuts down is handled
// then; after the handler was removed, nothing is. For a [SessionStore] the event that waits has
// not been handled, so that the next process gets it again if this one is killed; those before it
// in the burst have been. An event that a test has made, rather than a bot received, is handled at
// once. Debounce panics if wait is not positive or key is nil.
func Debounce(wait time.Duration, key KeyFunc) Middleware {
	if wait <= 0 {
		panic(fmt.Sprintf("botwright: Debounce(%v): pass a positive duration", wait))
	}
	return DebounceWith(DebouncerConfig{Wait: wait}, key)
}

// DebounceWith is [Debounce] with more to say: handle the first of a burst as well or instead, or
// limit how long a burst can put the handler off. OnPanic is not used: a panic goes to the
// [ErrorHandler]. DebounceWith panics if a field is negative or key is nil.
func DebounceWith(cfg DebouncerConfig, key KeyFunc) Middleware {
	mustBe("DebounceWith", cfg.problem())
	checkKey("Debounce", key)
	return func(next Handler) Handler {
		d := &debounce{next: next, key: key, debouncer: NewDebouncer[string](cfg)}
		return d.handle
	}
}

// debounce is the state of one debounced handler.
type debounce struct {
	next      Handler
	key       KeyFunc
	debouncer *Debouncer[string]
	attach    sync.Once
	inner     *registration // how run calls next; set by attach
}

func (d *debounce) handle(ctx context.Context, e *Event) error {
	key := d.key(e)
	if key == "" || e.bot == nil {
		return d.next(ctx, e)
	}
	e.care.claim() // its turn comes later
	d.attach.Do(func() {
		handler := e.bot.watchdog.registrationOf(ctx)
		d.inner = &registration{name: "debounced handler", run: d.next}
		if handler != nil {
			d.inner.name = handler.name
		}
		e.bot.addDebouncer(d.debouncer, handler)
	})
	e.tracked.Hold()
	switch d.debouncer.trigger(key, func() { d.run(e, e.tracked.Release) }, e.tracked.Release) {
	case triggerTaken:
		return nil
	case triggerSkipped:
		e.tracked.Release()
		return nil
	}
	defer e.tracked.Release()
	return d.next(ctx, e) // the debouncer is closed or overwhelmed: late beats never
}

// run handles an event and then calls handled, unless Shutdown has cut that off: the event then
// counts as unhandled.
func (d *debounce) run(e *Event, handled func()) {
	if !e.bot.call(nil, d.inner, e) {
		handled()
	}
}

// handlerDebounces returns the figures of the Debounce middleware of all handlers.
func (b *Bot) handlerDebounces() DebouncerStats {
	debouncers, sum := b.attachedDebouncers()
	for _, a := range debouncers {
		sum.add(a.debouncer.Stats())
	}
	return sum
}
