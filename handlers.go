package botwright

import (
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
	run        Handler // handler inside all middleware; set when the bot opens
	removed    atomic.Bool
}

// handlers is the registry of a bot. Readers see an immutable snapshot.
type handlers struct {
	current atomic.Pointer[handlerSet]

	mu     sync.Mutex // guards what follows
	list   []*registration
	global []Middleware
	sealed bool // the bot has been opened: no more Use
}

// A handlerSet says who handles what.
type handlerSet struct {
	byType map[string]*wanted
	any    []*registration // for all types that are not in byType
}

// wanted is an event type that somebody handles.
type wanted struct {
	eventType string
	handlers  []*registration
}

// find returns the name and handlers of an event type, without allocating for types that have
// handlers of their own or none at all.
func (s *handlerSet) find(eventType []byte) (string, []*registration) {
	if w := s.byType[string(eventType)]; w != nil {
		return w.eventType, w.handlers
	}
	if len(s.any) > 0 {
		return string(eventType), s.any
	}
	return "", nil
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
	defer h.mu.Unlock()
	h.list = append(h.list, r)
	if h.sealed {
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

// seal ends the time of Use and publishes the first snapshot.
func (h *handlers) seal() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sealed = true
	h.publishLocked()
}

func (h *handlers) publishLocked() {
	set := &handlerSet{byType: make(map[string]*wanted)}
	for _, r := range h.list {
		if r.run == nil {
			r.run = Chain(append(slices.Clone(h.global), r.middleware...)...)(r.handler)
		}
		if r.eventType != "*" {
			set.byType[r.eventType] = &wanted{eventType: r.eventType}
		}
	}
	for _, r := range h.list { // handlers of one event run in the order of registration
		for _, w := range set.byType {
			if r.eventType == w.eventType || r.eventType == "*" {
				w.handlers = append(w.handlers, r)
			}
		}
		if r.eventType == "*" {
			set.any = append(set.any, r)
		}
	}
	h.current.Store(set)
}

// types returns the event types that handlers were registered for, sorted.
func (h *handlers) types() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var types []string
	for _, r := range h.list {
		types = append(types, r.eventType)
	}
	slices.Sort(types)
	return slices.Compact(types)
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
