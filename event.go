package botwright

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/events"
	"github.com/botwright/botwright/internal/frame"
	"github.com/botwright/botwright/internal/session"
)

//go:generate go run ./internal/gen

// An Event is one event from Discord's gateway, on its way to the handlers that want it.
//
// All handlers of an event share one Event and what Payload returns, possibly at the same time:
// treat both as read-only. They stay valid for as long as they are referred to.
type Event struct {
	Type     string    // its name on the wire, such as MESSAGE_CREATE
	ShardID  int       // the shard it came in on
	Sequence int64     // its number in the shard's session
	Received time.Time // when it was read from the connection

	// Replayed says that Discord sent the event when a session was resumed: it came while there
	// was no connection, and may be minutes old. Within one process no event is handled twice.
	// The next process handles an event again if its handlers had not all returned, or if that
	// had not been saved yet; see [WithSessionStore].
	Replayed bool

	// Session is the discordgo session of the shard.
	Session *discordgo.Session

	// The ids by which the event is routed, known before it is decoded; empty where it has none.
	// UserID is who did it or whom it is about: the author of a message, the user of an
	// interaction, the member of a member event.
	GuildID, ChannelID, UserID string

	bot     *Bot
	owner   uint64 // the guild that it counts for in the queue
	arrived uint64 // when, as events are counted
	tracker *session.Tracker
	tracked *session.Event // who holds it keeps the event from counting as handled
	care    care
	raw     []byte
	decode  sync.Once
	value   any
	err     error
}

// Payload returns the event as a pointer to discordgo's struct for it, such as
// *discordgo.MessageCreate. It is decoded by the first call. The error is a [*DecodeError] if the
// payload does not decode, or if discordgo has no struct for events of this type; Raw works for
// all of them.
func (e *Event) Payload() (any, error) {
	e.decode.Do(func() {
		e.value, e.err = events.Decode(e.Type, e.raw)
		if e.err != nil {
			e.value, e.err = nil, &DecodeError{Type: e.Type, Err: e.err}
		}
	})
	return e.value, e.err
}

// Raw returns the event's data as Discord sent it: the d of the gateway payload, well-formed
// JSON. It must not be modified.
func (e *Event) Raw() json.RawMessage { return e.raw }

// NewEvent makes an event from what the gateway sends as its data, for tests of a [Middleware],
// [KeyFunc] or [Filter] of your own. It has the ids that Discord's event would have, and no Session:
// set the fields that your code reads. No bot has received it, so that Debounce and the like handle
// it at once. The error says that eventType is empty or data is not JSON.
func NewEvent(eventType string, data json.RawMessage) (*Event, error) {
	switch {
	case eventType == "":
		return nil, errors.New("botwright: NewEvent: the event type is empty")
	case !json.Valid(data):
		return nil, fmt.Errorf("botwright: NewEvent(%s): the data is not JSON", eventType)
	}
	raw := bytes.Clone(data)
	route := frame.RouteOf(eventType, raw)
	return &Event{
		Type: eventType, Received: time.Now(), raw: raw, GuildID: string(route.Guild),
		ChannelID: string(route.Channel), UserID: string(route.User),
	}, nil
}

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
