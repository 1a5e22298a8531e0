package botwright

import (
	"context"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/runner"
)

// A Handler handles events of any type. It may block. Events of the same channel or guild then wait
// for it, unless it is registered with [Concurrent] or is for interactions. ctx ends when a
// deadline of the handler passes, or when [Bot.Shutdown] has waited long enough, with [ErrShutdown]
// as its cause. An error goes to the bot's ErrorHandler, and so does a panic, as a [*PanicError].
type Handler func(ctx context.Context, e *Event) error

// A HandlerFunc handles decoded events of one type. It runs like a [Handler].
type HandlerFunc[E GatewayEvent] func(ctx context.Context, s *discordgo.Session, e *E) error

// On registers h for the events whose discordgo struct is E. You may call it at any time and from
// any goroutine, including a handler. remove removes the handler: no call of it begins after remove
// has returned, but one may still be running.
//
// An event whose payload does not decode is reported to the [ErrorHandler] and does not reach h.
// On panics if h is nil.
func On[E GatewayEvent](b *Bot, h HandlerFunc[E], opts ...HandlerOption) (remove func()) {
	if h == nil {
		panic("botwright: On was given a nil handler: " +
			"pass a func(context.Context, *discordgo.Session, *E) error")
	}
	return b.register(eventType[E](), funcName(h), func(ctx context.Context, e *Event) error {
		payload, err := e.Payload()
		if err != nil {
			return err
		}
		event, ok := payload.(*E)
		if !ok {
			return &DecodeError{Type: e.Type, Err: fmt.Errorf("decoded to a %T", payload)}
		}
		return h(ctx, e.Session, event)
	}, opts)
}

// Handle registers h for events by their name on the wire, including events for which discordgo has
// no struct, such as RATE_LIMITED or VOICE_CHANNEL_STATUS_UPDATE. The name "*" means all events.
// Otherwise it works like [On].
//
// Handle panics if h is nil or eventType is empty.
func (b *Bot) Handle(eventType string, h Handler, opts ...HandlerOption) (remove func()) {
	if h == nil {
		panic("botwright: Handle was given a nil handler: " +
			"pass a func(context.Context, *botwright.Event) error")
	}
	if eventType == "" {
		panic(`botwright: Handle was given no event type: pass its name, such as ` +
			`"MESSAGE_CREATE", or "*" for all`)
	}
	return b.register(eventType, funcName(h), h, opts)
}

// A HandlerOption changes how one handler runs. Every [Middleware] is one: it wraps only that
// handler, inside the middleware of [Bot.Use].
type HandlerOption interface {
	apply(*registration)
}

// A registration is a handler and how to run it.
type registration = runner.Handler[*Event]

func (b *Bot) register(
	eventType, name string, h Handler, opts []HandlerOption,
) (remove func()) {
	r := &registration{EventType: eventType, Name: name, Func: h}
	for _, opt := range opts {
		if opt == nil {
			panic("botwright: a handler was given a nil option: leave it out")
		}
		opt.apply(r)
	}
	remove = b.runner.Handlers.Add(r)
	b.checkLate(wantedType{eventType, name})
	return remove
}

// Use adds middleware around all handlers, including those added before. The first middleware is
// outermost, and all of them wrap the middleware of single handlers. Use panics after Open.
func (b *Bot) Use(mw ...Middleware) {
	if slices.ContainsFunc(mw, func(m Middleware) bool { return m == nil }) {
		panic("botwright: Use was given a nil middleware: leave it out")
	}
	wraps := make([]runner.Wrap[*Event], len(mw))
	for i, m := range mw {
		wraps[i] = m.wrap
	}
	if !b.runner.Handlers.Use(wraps...) {
		panic("botwright: Use was called after Open: " +
			"add middleware before the bot is opened, so that no event misses it")
	}
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
