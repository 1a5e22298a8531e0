// Package events turns the payload of a gateway dispatch into the discordgo struct that a handler
// receives, and knows which intents make Discord send it.
package events

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"
)

// ErrUnknownType reports an event that Discord sends and discordgo has no struct for.
var ErrUnknownType = errors.New("no discordgo struct for this event type")

// Decode returns the payload d of a dispatch, its "d", as a pointer to a new discordgo struct: a
// *discordgo.MessageCreate for MESSAGE_CREATE. The struct equals the one that a discordgo session
// gives to its handlers, guild IDs of channels, members and voice states included, and shares no
// memory with d; short strings of one payload share some, at most 512 bytes. Two things differ, both
// on purpose:
//
//   - A component of a type that discordgo does not know is left out of its message, container,
//     section or row, and a section's accessory of such a type is nil. discordgo gives up on the
//     whole message.
//   - A payload without what handlers rely on, such as a message without an author, is an error
//     and not a struct full of nils.
//
// An error wraps [ErrUnknownType], a *[PayloadError] or a *[PanicError], and shows nothing of the
// payload. Decode does not panic, keeps no state and may be called from any goroutine.
func Decode(eventType string, d []byte) (any, error) { return DecodeKept(eventType, d, nil) }

// DecodeKept is [Decode] for what is kept for long. Its strings share no memory but with those that
// are equal, if names has them.
func DecodeKept(eventType string, d []byte, names *Names) (any, error) {
	var payload any
	err := contain(func() (err error) {
		payload, err = decode(eventType, d, names)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("decode %s: %w", eventType, err)
	}
	return payload, nil
}

func decode(eventType string, d []byte, names *Names) (any, error) {
	if payload := read(eventType, d, names); payload != nil {
		return payload, nil
	}
	return decodeGeneral(eventType, d)
}

// read returns what a reader makes of a payload, nil if that is not for it.
func read(eventType string, d []byte, names *Names) any {
	r := newReader(d, names)
	payload := r.payload(eventType)
	if payload == nil || !r.all() || missing(payload) != "" {
		return nil
	}
	setGuildIDs(payload)
	return payload
}

func decodeGeneral(eventType string, d []byte) (any, error) {
	payload := newPayload(eventType)
	if payload == nil {
		return nil, ErrUnknownType
	}
	if got, want := jsontext.Value(d).Kind(), payloadKind(payload); got != want {
		return nil, &PayloadError{Reason: "not a JSON " + kindName(want)}
	}
	if err := unmarshal(d, payload); err != nil {
		return nil, err
	}
	if err := check(payload); err != nil {
		return nil, err
	}
	setGuildIDs(payload)
	return payload, nil
}

func unmarshal(d []byte, v any) error {
	if err := json.Unmarshal(d, v, decodeOptions); err != nil {
		return describe(err)
	}
	return nil
}

// decodeOptions is never changed. Where they matter for what Discord sends, the options are those
// of encoding/json, which discordgo's struct tags are written for. Names are matched exactly:
// Discord's are lower case throughout, and folding them costs time.
//
//nolint:gochecknoglobals // a constant that Go cannot spell
var decodeOptions = json.JoinOptions(
	// Names and messages come from users and may hold half a surrogate pair.
	jsontext.AllowInvalidUTF8(true),
	jsontext.AllowDuplicateNames(true),
	// discordgo tags permissions with "string" and accepts null for them.
	jsonv1.StringifyWithLegacySemantics(true),
	jsonv1.MergeWithLegacySemantics(true),
	jsonv1.ParseTimeWithLooseRFC3339(true),
	jsonv1.UnmarshalArrayFromAnyLength(true),
	json.WithUnmarshalers(unmarshalers()),
)
