package discordtest

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/bwmarrin/discordgo"
)

func interactionRoutes(r router) {
	const callback = "/interactions/{interaction}/{token}/callback"
	r.on("POST", callback, (*exchange).respond).limited(limitNone).anyone()
}

// respond handles the first response to an interaction.
func (x *exchange) respond() (any, error) {
	in := x.world.interactions[x.params["token"]]
	now := x.nowLocked()
	switch {
	case in == nil || in.ID != x.params["interaction"]:
		return nil, errUnknownInteraction
	case in.response != nil:
		return nil, errAcknowledged
	case now.Sub(in.created) > x.cfg.InteractionTimeout:
		return nil, errUnknownInteraction
	}
	var body struct {
		Type discordgo.InteractionResponseType `json:"type"`
		Data json.RawMessage                   `json:"data"`
	}
	if err := x.decode(&body); err != nil {
		return nil, err
	}
	if !in.allows(body.Type) {
		return nil, formError("type", "BASE_TYPE_CHOICES", "This response is not possible here.")
	}
	r := &Response{Time: now, Type: body.Type, Data: body.Data}
	if err := x.applyResponse(in, r); err != nil {
		return nil, err
	}
	in.response = r
	x.changedLocked()
	if x.req.URL.Query().Get("with_response") != "true" {
		return nil, nil
	}
	resource := map[string]any{"type": r.Type}
	about := map[string]any{"id": in.ID, "type": in.Type}
	if in.original != nil {
		resource["message"] = in.original
		about["response_message_id"] = in.original.ID
		about["response_message_loading"] = in.original.Flags&flagLoading != 0
		about["response_message_ephemeral"] = in.original.Flags&flagEphemeral != 0
	}
	return map[string]any{"interaction": about, "resource": resource}, nil
}

// allows reports whether an interaction can be answered with a type of response.
func (in *Interaction) allows(t discordgo.InteractionResponseType) bool {
	completion := in.Type == discordgo.InteractionApplicationCommandAutocomplete
	switch t {
	case discordgo.InteractionApplicationCommandAutocompleteResult:
		return completion
	case discordgo.InteractionResponseChannelMessageWithSource,
		discordgo.InteractionResponseDeferredChannelMessageWithSource:
		return !completion
	case discordgo.InteractionResponseDeferredMessageUpdate, discordgo.InteractionResponseUpdateMessage:
		return in.source != nil
	case discordgo.InteractionResponseModal:
		return !completion && in.Type != discordgo.InteractionModalSubmit
	}
	return false
}

// applyResponse carries a response out: it makes or changes the message.
func (x *exchange) applyResponse(in *Interaction, r *Response) error {
	d := &draft{files: x.files}
	var extra struct {
		CustomID string                                      `json:"custom_id"`
		Title    string                                      `json:"title"`
		Choices  []*discordgo.ApplicationCommandOptionChoice `json:"choices"`
	}
	if isSet(r.Data) {
		if json.Unmarshal(r.Data, d) != nil || json.Unmarshal(r.Data, &extra) != nil {
			return formError("data", "BASE_TYPE_BAD", "Data is not valid.")
		}
		if err := checkResponse(r.Type, r.Data, d); err != nil {
			return err
		}
	} else if r.Type == discordgo.InteractionResponseModal {
		return formError("data", "BASE_TYPE_REQUIRED", "This field is required")
	}
	r.CustomID, r.Title, r.Choices = extra.CustomID, extra.Title, extra.Choices
	r.Ephemeral = d.Flags != nil && *d.Flags&flagEphemeral != 0
	switch r.Type {
	case discordgo.InteractionResponseChannelMessageWithSource:
		if d.empty() {
			return errEmptyMessage
		}
		in.original = x.postAnswerLocked(in, d, 0)
	case discordgo.InteractionResponseDeferredChannelMessageWithSource:
		in.original = x.postAnswerLocked(in, d, flagLoading)
		return nil
	case discordgo.InteractionResponseDeferredMessageUpdate:
		in.original = in.source
		return nil
	case discordgo.InteractionResponseUpdateMessage:
		in.original = in.source
		x.rewriteLocked(in.channel, in.source, d)
	default:
		return nil
	}
	r.Message = in.original.public(in.guildID)
	return nil
}

// checkResponse holds the data of a response against Discord's limits.
func checkResponse(kind discordgo.InteractionResponseType, data json.RawMessage, d *draft) error {
	var f form
	switch kind {
	case discordgo.InteractionResponseModal:
		checkModal(&f, data)
	case discordgo.InteractionApplicationCommandAutocompleteResult:
		var in struct {
			Choices []choiceDefinition `json:"choices"`
		}
		if json.Unmarshal(data, &in) != nil {
			return formError("data.choices", "BASE_TYPE_BAD", "Choices are not valid.")
		}
		f.length("data.choices", len(in.Choices), 0, maxOptions)
		for i, c := range in.Choices {
			f.text(fmt.Sprintf("data.choices.%d.name", i), c.Name, 1, 100)
			if text, ok := c.Value.(string); ok {
				f.text(fmt.Sprintf("data.choices.%d.value", i), text, 1, 100)
			}
		}
	default:
		d.checkForm(&f, "data.")
	}
	return f.err()
}

// postAnswerLocked posts a message that belongs to an interaction.
func (s *Server) postAnswerLocked(in *Interaction, d *draft, flags int) *message {
	m := s.newMessageLocked(in.channel, s.world.bot, d)
	m.Flags = m.Flags&flagEphemeral | flags
	m.ApplicationID, m.WebhookID = s.world.bot.ID, s.world.bot.ID
	m.Interaction = &usedBy{ID: in.ID, Type: int(in.Type), User: in.user}
	if in.Type == discordgo.InteractionApplicationCommand {
		m.Type = 20
	}
	s.postLocked(in.channel, m)
	return m
}

// answered returns the interaction whose token the path names, once it was responded to.
func (x *exchange) answered() (*Interaction, error) {
	in := x.world.interactions[x.params["token"]]
	switch {
	case in == nil || in.response == nil:
		return nil, errUnknownWebhook
	case x.nowLocked().Sub(in.created) > tokenLife:
		return nil, errWebhookToken
	}
	return in, nil
}

// followUp handles a further message of an interaction. The first after a deferred response takes
// its place.
func (x *exchange) followUp() (any, error) {
	in, err := x.answered()
	if err != nil {
		return nil, err
	}
	d, err := x.draft()
	if err != nil {
		return nil, err
	}
	if d.empty() {
		return nil, errEmptyMessage
	}
	if m := in.original; m != nil && !in.deleted && m.Flags&flagLoading != 0 {
		x.editOriginal(in, d)
		in.followups = append(in.followups, m)
		return m, nil
	}
	m := x.postAnswerLocked(in, d, 0)
	in.followups = append(in.followups, m)
	return m, nil
}

func (x *exchange) editOriginal(in *Interaction, d *draft) {
	m := in.original
	m.Flags &^= flagLoading
	if d.Flags != nil {
		flags := m.Flags // what the user sees cannot be changed afterwards
		d.Flags = &flags
	}
	x.rewriteLocked(in.channel, m, d)
	in.edits = append(in.edits, m.clone())
}

// answerMessage returns the message of an interaction that the path names.
func (x *exchange) answerMessage() (*Interaction, *message, error) {
	in, err := x.answered()
	if err != nil {
		return nil, nil, err
	}
	id := x.params["message"]
	if in.original != nil && !in.deleted && (id == "@original" || id == in.original.ID) {
		return in, in.original, nil
	}
	for _, m := range in.followups {
		if m.ID == id {
			return in, m, nil
		}
	}
	return nil, nil, errUnknownMessage
}

func (x *exchange) editAnswer() (any, error) {
	in, m, err := x.answerMessage()
	if err != nil {
		return nil, err
	}
	d, err := x.draft()
	if err != nil {
		return nil, err
	}
	if m == in.original {
		x.editOriginal(in, d)
	} else {
		x.rewriteLocked(in.channel, m, d)
	}
	return m, nil
}

func (x *exchange) deleteAnswer() (any, error) {
	in, m, err := x.answerMessage()
	if err != nil {
		return nil, err
	}
	x.removeMessageLocked(in.channel, m)
	if m == in.original {
		in.deleted = true
	}
	in.followups = slices.DeleteFunc(in.followups, func(f *message) bool { return f == m })
	x.changedLocked()
	return nil, nil
}
