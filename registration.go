package botwright

import (
	"context"
	"hash/maphash"
	"maps"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// A HandlerOption changes how one handler is run. Every [Middleware] is one: it wraps that
// handler alone, inside the middleware of [Bot.Use].
type HandlerOption interface {
	apply(*registration)
}

// A registration is a handler and how to run it.
type registration struct {
	eventType  string // or "*"
	name       string // of the handler's function, for logs
	handler    Handler
	middleware []Middleware
	guards     []Middleware // inside of it
	concurrent bool         // its events have no order
	order      KeyFunc      // its events have an order of their own
	seed       maphash.Seed // of the keys of that order, which no other handler shares
	internal   bool         // not the user's: global middleware is not for it
	run        Handler      // handler inside all middleware; set before it is published
	removed    atomic.Bool
}

// alone reports whether the handler does not run in the order of the event's channel or guild.
func (r *registration) alone() bool { return r.concurrent || r.order != nil }

// handle calls the handler, unless it was removed while a middleware such as Debounce held the
// event back.
func (r *registration) handle(ctx context.Context, e *Event) error {
	if r.removed.Load() {
		return nil
	}
	if !r.internal {
		e.care.claim()
	}
	return r.handler(ctx, e)
}

// compose puts the handler inside its middleware, and that inside the probes.
func (r *registration) compose(global []Middleware, probes []probe) {
	if r.internal {
		r.run = Chain(slices.Concat(r.middleware, r.guards)...)(r.handle)
		return
	}
	r.run = Chain(slices.Concat(global, r.middleware, r.guards)...)(r.handle)
	for _, p := range probes {
		r.run = p(r, r.run)
	}
}

// A probe measures a handler. Unlike a middleware it sees whose call it is.
type probe func(*registration, Handler) Handler

// handlers is the registry of a bot. Readers see an immutable snapshot.
type handlers struct {
	current atomic.Pointer[handlerSet]

	mu     sync.Mutex // guards what follows
	list   []*registration
	global []Middleware
	probes []probe
	sealed bool // the bot has been opened: no more Use
}

// A handlerSet says who handles what.
type handlerSet struct {
	byType map[string]*wanted
	any    *wanted // for all types that are not in byType; nil if nobody wants those
}

// wanted is an event type that somebody handles.
type wanted struct {
	eventType string          // empty: any
	together  []*registration // run one after the other, in the order of channel or guild
	alone     []*registration
}

func (w *wanted) add(r *registration) {
	if r.alone() {
		w.alone = append(w.alone, r)
	} else {
		w.together = append(w.together, r)
	}
}

// parts returns how often an event is queued: once for each order that it is handled in.
func (w *wanted) parts(forward bool) int {
	n := len(w.alone)
	if len(w.together) > 0 {
		n++
	}
	if forward {
		n++
	}
	return n
}

// find returns who wants an event type, nil for nobody, without allocating.
func (s *handlerSet) find(eventType []byte) *wanted {
	if w := s.byType[string(eventType)]; w != nil {
		return w
	}
	return s.any
}

func (b *Bot) register(
	eventType, name string, h Handler, opts []HandlerOption,
) (remove func()) {
	r := &registration{eventType: eventType, name: name, handler: h}
	for _, opt := range opts {
		if opt == nil {
			panic("botwright: a handler was given a nil option: leave it out")
		}
		opt.apply(r)
	}
	b.handlers.add(r)
	b.checkLate(r)
	return func() { b.handlers.remove(r) }
}

func (h *handlers) add(r *registration) {
	h.mu.Lock()
	sealed, global, probes := h.sealed, h.global, h.probes
	if !sealed {
		h.list = append(h.list, r)
	}
	h.mu.Unlock()
	if sealed {
		r.compose(global, probes) // calls the user's middleware: not under the lock
		h.mu.Lock()
		defer h.mu.Unlock()
		h.list = append(h.list, r)
		h.publishLocked()
	}
}

func (h *handlers) remove(r *registration) {
	r.removed.Store(true)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list = slices.DeleteFunc(h.list, func(x *registration) bool { return x == r })
	if h.sealed {
		h.publishLocked()
	}
}

func (h *handlers) use(mw []Middleware) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.sealed {
		panic("botwright: Use was called after Open: " +
			"add middleware before the bot is opened, so that no event misses it")
	}
	if slices.ContainsFunc(mw, func(m Middleware) bool { return m == nil }) {
		panic("botwright: Use was given a nil middleware: leave it out")
	}
	h.global = append(h.global, mw...)
}

// instrument puts a probe around each handler and its middleware. It must be called before the bot
// is opened.
func (h *handlers) instrument(p probe) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.probes = append(h.probes, p)
}

// seal ends the time of Use and publishes the first snapshot.
func (h *handlers) seal() {
	h.mu.Lock()
	h.sealed = true
	early, global, probes := slices.Clone(h.list), h.global, h.probes
	h.mu.Unlock()
	for _, r := range early {
		r.compose(global, probes)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.publishLocked()
}

func (h *handlers) publishLocked() {
	set := &handlerSet{byType: make(map[string]*wanted)}
	for _, r := range h.list {
		if r.eventType == "*" {
			set.any = &wanted{}
		} else {
			set.byType[r.eventType] = &wanted{eventType: r.eventType}
		}
	}
	for _, r := range h.list { // handlers of one event run in the order of registration
		for _, w := range set.byType {
			if r.eventType == w.eventType || r.eventType == "*" {
				w.add(r)
			}
		}
		if r.eventType == "*" {
			set.any.add(r)
		}
	}
	h.current.Store(set)
}

// types returns the event types that handlers were registered for, sorted, with the handlers' names.
func (h *handlers) types() []wantedType {
	h.mu.Lock()
	defer h.mu.Unlock()
	names := make(map[string][]string)
	for _, r := range h.list {
		names[r.eventType] = append(names[r.eventType], r.name)
	}
	var types []wantedType
	for _, t := range slices.Sorted(maps.Keys(names)) {
		types = append(types, wantedType{t, strings.Join(names[t], ", ")})
	}
	return types
}

// funcName returns the name of a function for people to read, such as "main.onMessage".
func funcName(f any) string {
	fn := runtime.FuncForPC(reflect.ValueOf(f).Pointer())
	if fn == nil {
		return "unknown"
	}
	name := fn.Name()
	return strings.TrimSuffix(name[strings.LastIndexByte(name, '/')+1:], "-fm")
}
