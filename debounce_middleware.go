package botwright

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/botwright/botwright/internal/group"
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
	if key == "" || e.home == nil {
		return d.next(ctx, e)
	}
	e.ticket.Claim() // its turn comes later
	d.attach.Do(func() {
		var handler *registration
		d.inner, handler = e.home.runner.Later(ctx, d.next)
		e.home.debouncers.add(d.debouncer, handler)
	})
	e.ticket.Hold()
	switch d.debouncer.trigger(key, func() { d.run(e, e.ticket.Release) }, e.ticket.Release) {
	case triggerTaken:
		return nil
	case triggerSkipped:
		e.ticket.Release()
		return nil
	}
	defer e.ticket.Release()
	return d.next(ctx, e) // the debouncer is closed or overwhelmed: late beats never
}

// run handles an event and then calls handled, unless Shutdown has cut that off: the event then
// counts as unhandled.
func (d *debounce) run(e *Event, handled func()) {
	if !e.home.runner.Call(d.inner, e) {
		handled()
	}
}

// attached is the debouncer of a handler.
type attached struct {
	debouncer *Debouncer[string]
	handler   *registration // nil: unknown
}

// spent reports whether the debouncer has nothing to do and never will have.
func (a attached) spent() bool {
	if a.handler == nil || !a.handler.Removed() {
		return false
	}
	running, waiting := a.debouncer.left()
	return running+waiting == 0
}

// debouncers are those of all handlers. Its zero value has none.
type debouncers struct {
	mu      sync.Mutex // guards what follows
	list    []attached
	retired DebouncerStats // of those whose handlers were removed
}

// add lets Shutdown know of a debouncer whose callbacks must not be lost, and forgets
// those of handlers that were removed.
func (s *debouncers) add(d *Debouncer[string], of *registration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = slices.DeleteFunc(s.list, func(a attached) bool {
		if !a.spent() {
			return false
		}
		s.retired.add(a.debouncer.Stats())
		return true
	})
	s.list = append(s.list, attached{d, of})
}

// snapshot returns the debouncers, and the counters of those that were retired.
func (s *debouncers) snapshot() (list []attached, retired DebouncerStats) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.list), s.retired
}

// stats returns the figures of all debouncers.
func (s *debouncers) stats() DebouncerStats {
	list, sum := s.snapshot()
	for _, a := range list {
		sum.add(a.debouncer.Stats())
	}
	return sum
}

// flush runs what waits in debouncers and returns how many callbacks have not returned
// and how many have not begun when ctx ended. No debouncer waits for another.
func (s *debouncers) flush(ctx context.Context) (running, waiting int) {
	list, _ := s.snapshot()
	var flushes sync.WaitGroup
	for _, a := range list {
		flushes.Go(func() { _ = a.debouncer.Flush(ctx) })
	}
	flushes.Wait()
	for _, a := range list {
		r, w := a.debouncer.left()
		running, waiting = running+r, waiting+w
	}
	return running, waiting
}

// close ends the debouncers. Only one whose callback does not return outlives ctx.
func (s *debouncers) close(ctx context.Context) {
	list, _ := s.snapshot()
	var closing group.Group
	for _, a := range list {
		closing.Go("", a.debouncer.Close)
	}
	closing.Wait(ctx)
}
