package runner

import (
	"context"
	"hash/maphash"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/botwright/botwright/internal/gateway"
)

// A Func handles events.
type Func[E any] = func(ctx context.Context, e E) error

// A Wrap is a middleware: it returns what is to be called in place of next.
type Wrap[E any] = func(next Func[E]) Func[E]

// A Handler is a function that handles events, and how to call it. The fields are not changed once
// it was added.
type Handler[E comparable] struct {
	EventType string // or "*"
	Name      string // for people
	Func      Func[E]

	Middleware []Wrap[E] // its own, the first one outermost
	Guards     []Wrap[E] // inside of that

	Concurrent bool           // its events have no order
	Order      func(E) string // its events have an order of their own

	seed    maphash.Seed // of the keys of that order, which no other handler shares
	run     Func[E]      // Func inside all middleware; set before it is published
	ticket  func(E) *Ticket
	removed atomic.Bool
}

// Alone reports whether the handler does not run in the order of the event's channel or guild.
func (h *Handler[E]) Alone() bool { return h.Concurrent || h.Order != nil }

// Removed reports whether the handler was removed.
func (h *Handler[E]) Removed() bool { return h.removed.Load() }

// handle calls the function, unless the handler was removed while a middleware held the event back.
func (h *Handler[E]) handle(ctx context.Context, e E) error {
	if h.removed.Load() {
		return nil
	}
	h.ticket(e).Claim()
	return h.Func(ctx, e)
}

// compose puts the function inside all middleware, and that inside the probes.
func (h *Handler[E]) compose(global []Wrap[E], probes []Probe[E]) {
	h.run = h.handle
	for _, wrap := range slices.Backward(slices.Concat(global, h.Middleware, h.Guards)) {
		h.run = wrap(h.run)
	}
	for _, p := range probes {
		h.run = p(h, h.run)
	}
}

// orderKey returns the key in the queue of an event for a handler with an order of its own. An event
// whose order cannot be told, or that has none, has key 0.
func (r *Runner[E]) orderKey(h *Handler[E], e E) (key uint64, err error) {
	if h.Order == nil {
		return 0, nil
	}
	var k string
	err = r.Protect(func() error { k = h.Order(e); return nil })
	if err != nil || k == "" {
		return 0, err
	}
	// No snowflake has the highest bit.
	return maphash.String(h.seed, k) | 1<<63, nil
}

// A Probe measures a handler. Unlike a middleware it sees whose call it is.
type Probe[E comparable] func(h *Handler[E], next Func[E]) Func[E]

// Handlers is the registry of a Runner. Readers see an immutable snapshot. Its methods may be called
// from any goroutine.
type Handlers[E comparable] struct {
	ticket  func(E) *Ticket
	current atomic.Pointer[handlerSet[E]]

	mu     sync.Mutex // guards what follows
	list   []*Handler[E]
	global []Wrap[E]
	probes []Probe[E]
	sealed bool // the bot has been opened: no more Use
}

// A handlerSet says who handles what.
type handlerSet[E comparable] struct {
	byType map[string]*Wanted[E]
	any    *Wanted[E] // for all types that are not in byType; nil if nobody wants those
}

// Wanted is an event type that somebody handles.
type Wanted[E comparable] struct {
	Together []*Handler[E] // called one after the other, in the order of channel or guild
	Alone    []*Handler[E]

	eventType string // empty: any
}

func (w *Wanted[E]) add(h *Handler[E]) {
	if h.Alone() {
		w.Alone = append(w.Alone, h)
	} else {
		w.Together = append(w.Together, h)
	}
}

// parts returns how often an event is queued: once for each order that it is handled in.
func (w *Wanted[E]) parts(forward bool) int {
	n := len(w.Alone)
	if len(w.Together) > 0 {
		n++
	}
	if forward {
		n++
	}
	return n
}

// typeOf returns the type of an event, without allocating if somebody handles it by its name.
func (w *Wanted[E]) typeOf(f *gateway.Frame) string {
	if w != nil && w.eventType != "" {
		return w.eventType
	}
	return string(f.Type)
}

// Find returns who wants an event type, nil for nobody, without allocating. It must not be called
// before Seal.
func (h *Handlers[E]) Find(eventType []byte) *Wanted[E] {
	set := h.current.Load()
	if w := set.byType[string(eventType)]; w != nil {
		return w
	}
	return set.any
}

// Add adds a handler. No call of it begins after remove has returned.
func (h *Handlers[E]) Add(x *Handler[E]) (remove func()) {
	x.ticket, x.seed = h.ticket, maphash.MakeSeed()
	h.mu.Lock()
	sealed, global, probes := h.sealed, h.global, h.probes
	if !sealed {
		h.list = append(h.list, x)
	}
	h.mu.Unlock()
	if sealed {
		x.compose(global, probes) // calls the user's middleware: not under the lock
		h.mu.Lock()
		defer h.mu.Unlock()
		h.list = append(h.list, x)
		h.publishLocked()
	}
	return func() { h.remove(x) }
}

func (h *Handlers[E]) remove(x *Handler[E]) {
	x.removed.Store(true)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list = slices.DeleteFunc(h.list, func(y *Handler[E]) bool { return x == y })
	if h.sealed {
		h.publishLocked()
	}
}

// Use adds middleware around all handlers. It is false once they are sealed.
func (h *Handlers[E]) Use(wraps ...Wrap[E]) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.sealed {
		h.global = append(h.global, wraps...)
	}
	return !h.sealed
}

// Instrument puts a probe around each handler and its middleware. It must be called before Seal.
func (h *Handlers[E]) Instrument(p Probe[E]) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.probes = append(h.probes, p)
}

// Seal ends the time of Use and publishes the first snapshot. To seal twice is to seal once.
func (h *Handlers[E]) Seal() {
	h.mu.Lock()
	before := h.sealed
	h.sealed = true
	early, global, probes := slices.Clone(h.list), h.global, h.probes
	h.mu.Unlock()
	if before {
		return
	}
	for _, x := range early {
		x.compose(global, probes)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.publishLocked()
}

func (h *Handlers[E]) publishLocked() {
	set := &handlerSet[E]{byType: make(map[string]*Wanted[E])}
	for _, x := range h.list {
		if x.EventType == "*" {
			set.any = &Wanted[E]{}
		} else {
			set.byType[x.EventType] = &Wanted[E]{eventType: x.EventType}
		}
	}
	for _, x := range h.list { // handlers of one event run in the order of registration
		for _, w := range set.byType {
			if x.EventType == w.eventType || x.EventType == "*" {
				w.add(x)
			}
		}
		if x.EventType == "*" {
			set.any.add(x)
		}
	}
	h.current.Store(set)
}

// A Registered is an event type that handlers were added for.
type Registered struct{ EventType, Names string }

// Types returns the event types that handlers were added for, sorted, with the handlers' names.
func (h *Handlers[E]) Types() []Registered {
	h.mu.Lock()
	defer h.mu.Unlock()
	names := make(map[string][]string)
	for _, x := range h.list {
		names[x.EventType] = append(names[x.EventType], x.Name)
	}
	var types []Registered
	for _, t := range slices.Sorted(maps.Keys(names)) {
		types = append(types, Registered{t, strings.Join(names[t], ", ")})
	}
	return types
}
