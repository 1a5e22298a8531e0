package botwright

import (
	"context"
	"fmt"

	"github.com/bwmarrin/discordgo"
)

// A Handler handles events of any type. It runs on a goroutine of its own kind: it may block, and
// events of the same channel or guild then wait for it, unless it is registered with [Concurrent];
// those of interactions nobody waits for. ctx ends when a deadline of the handler
// passes or when [Bot.Shutdown] has waited long enough, with [ErrShutdown] as its cause. An
// error goes to the bot's [ErrorHandler]; so does a panic, as a [*PanicError].
type Handler func(ctx context.Context, e *Event) error

// A HandlerFunc handles events of one type, decoded. It is run as a [Handler] is.
type HandlerFunc[E GatewayEvent] func(ctx context.Context, s *discordgo.Session, e *E) error

// On registers h for the events whose discordgo struct is E. It may be called at any time and
// from any goroutine, also from within a handler. remove takes the handler out again: no call of
// it begins after remove has returned, though one may still be running.
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

// Handle registers h for events by their name on the wire, also for those that discordgo has no
// struct for, such as RATE_LIMITED or VOICE_CHANNEL_STATUS_UPDATE. The name "*" stands for all
// events. Otherwise it works as [On] does.
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
