package events

import (
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// unmarshalers returns the functions that stand in for every UnmarshalJSON method of discordgo on
// the way of an event. The methods hand their input to encoding/json, each one again for what it
// holds, which costs more than all other decoding. A function wins over a method at any depth.
//
// A function decodes into a type with the same fields and no methods; the functions for what it
// holds still apply. discordgo's methods leave lists of components empty and never nil.
func unmarshalers() *json.Unmarshalers {
	return json.JoinUnmarshalers(
		json.UnmarshalFromFunc(unmarshalMessageCreate),
		json.UnmarshalFromFunc(unmarshalMessageUpdate),
		json.UnmarshalFromFunc(unmarshalMessageDelete),
		json.UnmarshalFromFunc(unmarshalMessage),
		json.UnmarshalFromFunc(unmarshalInteractionCreate),
		json.UnmarshalFromFunc(unmarshalInteraction),
		json.UnmarshalFromFunc(unmarshalModalSubmit),
		json.UnmarshalFromFunc(unmarshalComponents),
		json.UnmarshalFromFunc(unmarshalComponent),
		json.UnmarshalFromFunc(unmarshalActionsRow),
		json.UnmarshalFromFunc(unmarshalSection),
		json.UnmarshalFromFunc(unmarshalContainer),
		json.UnmarshalFromFunc(unmarshalActivity),
		json.UnmarshalFromFunc(unmarshalTimeStamps),
	)
}

func unmarshalMessageCreate(d *jsontext.Decoder, m *discordgo.MessageCreate) error {
	return json.UnmarshalDecode(d, &m.Message)
}

func unmarshalMessageUpdate(d *jsontext.Decoder, m *discordgo.MessageUpdate) error {
	return json.UnmarshalDecode(d, &m.Message)
}

func unmarshalMessageDelete(d *jsontext.Decoder, m *discordgo.MessageDelete) error {
	return json.UnmarshalDecode(d, &m.Message)
}

type messageFields discordgo.Message

func unmarshalMessage(d *jsontext.Decoder, m *discordgo.Message) error {
	v := struct {
		*messageFields
		// The field of messageFields is tagged "-".
		Components []discordgo.MessageComponent `json:"components"`
	}{messageFields: (*messageFields)(m)}
	if err := json.UnmarshalDecode(d, &v); err != nil {
		return err
	}
	m.Components = nonNil(v.Components)
	return nil
}

func unmarshalInteractionCreate(d *jsontext.Decoder, i *discordgo.InteractionCreate) error {
	return json.UnmarshalDecode(d, &i.Interaction)
}

type interactionFields discordgo.Interaction

func unmarshalInteraction(d *jsontext.Decoder, i *discordgo.Interaction) error {
	v := struct {
		*interactionFields
		Data jsontext.Value `json:"data"`
	}{interactionFields: (*interactionFields)(i)}
	err := json.UnmarshalDecode(d, &v)
	if err != nil || len(v.Data) == 0 || v.Data.Kind() == 'n' {
		return err
	}
	switch i.Type {
	case discordgo.InteractionApplicationCommand,
		discordgo.InteractionApplicationCommandAutocomplete:
		i.Data, err = interactionData[discordgo.ApplicationCommandInteractionData](v.Data, d)
	case discordgo.InteractionMessageComponent:
		i.Data, err = interactionData[discordgo.MessageComponentInteractionData](v.Data, d)
	case discordgo.InteractionModalSubmit:
		i.Data, err = interactionData[discordgo.ModalSubmitInteractionData](v.Data, d)
	}
	return err
}

// interactionData returns the data of an interaction as a value, which is what the accessors of
// discordgo.Interaction assert.
func interactionData[T discordgo.InteractionData](
	value jsontext.Value, d *jsontext.Decoder,
) (discordgo.InteractionData, error) {
	var data T
	if err := json.Unmarshal(value, &data, d.Options()); err != nil {
		return nil, err
	}
	return data, nil
}

type modalSubmitFields discordgo.ModalSubmitInteractionData

func unmarshalModalSubmit(d *jsontext.Decoder, m *discordgo.ModalSubmitInteractionData) error {
	v := struct {
		*modalSubmitFields
		// The field of modalSubmitFields is tagged "-".
		Components []discordgo.MessageComponent `json:"components"`
	}{modalSubmitFields: (*modalSubmitFields)(m)}
	if err := json.UnmarshalDecode(d, &v); err != nil {
		return err
	}
	m.Components = nonNil(v.Components)
	return nil
}

type activityFields discordgo.Activity

func unmarshalActivity(d *jsontext.Decoder, a *discordgo.Activity) error {
	v := struct {
		*activityFields
		CreatedAt     int64          `json:"created_at"` // in milliseconds
		ApplicationID stringOrNumber `json:"application_id"`
	}{activityFields: (*activityFields)(a)}
	if err := json.UnmarshalDecode(d, &v); err != nil {
		return err
	}
	a.CreatedAt = unixMilli(v.CreatedAt)
	a.ApplicationID = string(v.ApplicationID)
	return nil
}

// unixMilli is not time.UnixMilli: discordgo lets times out of range wrap around, and so must an
// equal.
func unixMilli(ms int64) time.Time { return time.Unix(0, ms*int64(time.Millisecond)) }

// stringOrNumber is the text of a JSON string or number: clients put either in a rich presence.
type stringOrNumber string

func (s *stringOrNumber) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	switch d.PeekKind() {
	case 'n':
		return d.SkipValue()
	case '0':
		token, err := d.ReadToken()
		*s = stringOrNumber(token.String())
		return err
	default:
		return json.UnmarshalDecode(d, (*string)(s))
	}
}

func unmarshalTimeStamps(d *jsontext.Decoder, t *discordgo.TimeStamps) error {
	var v struct { // clients put fractions in a rich presence
		End   float64 `json:"end"`
		Start float64 `json:"start"`
	}
	if err := json.UnmarshalDecode(d, &v); err != nil {
		return err
	}
	t.EndTimestamp, t.StartTimestamp = int64(v.End), int64(v.Start)
	return nil
}
