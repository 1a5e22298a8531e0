package botwright

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/debounce"
	"github.com/botwright/botwright/internal/events"
	"github.com/botwright/botwright/internal/frame"
	"github.com/botwright/botwright/internal/interaction"
	"github.com/botwright/botwright/internal/runner"
)

//go:generate go run ./internal/gen

// An Event is one event from Discord's gateway, on its way to the handlers that want it.
//
// All handlers of an event share one Event and what Payload returns, possibly at the same time:
// treat both as read-only. You may keep them.
type Event struct {
	Type     string    // its name on the wire, such as MESSAGE_CREATE
	ShardID  int       // the shard it came in on
	Sequence int64     // its number in the shard's session
	Received time.Time // when it was read from the connection

	// Replayed says that Discord sent the event after a session was resumed. It happened while
	// there was no connection, and may be minutes old. Within one process no event is handled
	// twice. The next process handles an event again if not all its handlers had returned, or if
	// that was not saved yet; see [WithSessionStore].
	Replayed bool

	// Session is the discordgo session of the shard.
	Session *discordgo.Session

	// The ids that route the event. They are known before it is decoded, and empty if it has none.
	// UserID is who did it or whom it is about: the author of a message, the user of an
	// interaction, the member of a member event.
	GuildID, ChannelID, UserID string

	home   *home // nil for an event that no bot has received
	ticket runner.Ticket
	trace  *eventTrace // nil without a tracer
	raw    []byte
	decode sync.Once
	value  any
	err    error
}

// A home is what an event has of the bot that has received it, for the middleware of its handlers.
type home struct {
	runner     *runner.Runner[*Event]
	now        func() time.Time // see WithClock
	answers    interaction.Answers
	debouncers debounce.Set[string]
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
// [KeyFunc] or [Filter] of your own. It has the ids that Discord's event would have, and no
// Session: set the fields that your code reads. [Debounce] and similar middleware handle it at
// once, because no bot received it. Payload decodes data like Discord's, so a message, for example,
// needs an id and a channel_id. The error says that eventType is empty or data is not JSON.
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
