package discordtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/bwmarrin/discordgo"
)

// ErrUnknownComponent is in [Interaction.Err] when a message has no component with the given custom
// id.
var ErrUnknownComponent = errors.New("discordtest: unknown component")

// Component lets a user click a button, or choose values in a select menu, on a message.
func (s *Server) Component(channelID, messageID, userID, customID string, values ...string) *Interaction {
	const kind = discordgo.InteractionMessageComponent
	return s.interact(kind, channelID, userID, func(in *Interaction) (any, error) {
		_, m, err := s.world.message(channelID, messageID)
		if err != nil {
			return nil, err
		}
		found := findComponent(m.Components, customID)
		if found == nil {
			return nil, fmt.Errorf("%w %q on message %s", ErrUnknownComponent, customID, messageID)
		}
		if found.Disabled {
			return nil, fmt.Errorf("%w: component %q is disabled", ErrBadInput, customID)
		}
		in.source = m
		data := map[string]any{"custom_id": customID, "component_type": found.Type}
		if len(values) > 0 {
			data["values"] = values
		}
		return data, nil
	})
}

// A component is the part of a message component that is needed to click it or to fill it in.
type component struct {
	Type       discordgo.ComponentType `json:"type"`
	CustomID   string                  `json:"custom_id,omitempty"`
	Value      string                  `json:"value,omitempty"`
	Disabled   bool                    `json:"disabled,omitempty"`
	Required   *bool                   `json:"required,omitempty"`
	MinLength  int                     `json:"min_length,omitempty"`
	MaxLength  int                     `json:"max_length,omitempty"`
	Components []*component            `json:"components,omitempty"`
	Component  *component              `json:"component,omitempty"`
	Accessory  *component              `json:"accessory,omitempty"`
}

// nested returns the components inside of one.
func (c *component) nested() []*component {
	inner := c.Components
	for _, one := range []*component{c.Component, c.Accessory} {
		if one != nil {
			inner = append(slices.Clip(inner), one)
		}
	}
	return inner
}

// findComponent looks for a custom id in a list of components, at any depth.
func findComponent(list json.RawMessage, customID string) *component {
	var all []*component
	if json.Unmarshal(list, &all) != nil {
		return nil
	}
	for len(all) > 0 {
		c := all[0]
		if c.CustomID == customID {
			return c
		}
		all = append(all[1:], c.nested()...)
	}
	return nil
}

// ErrNoModal is in [Interaction.Err] when a form is to be submitted, and the bot has answered with
// something else.
var ErrNoModal = errors.New("discordtest: the interaction was not answered with a modal")

// Modal waits for the form that opens in response to an earlier interaction and lets its user submit
// it, with a value for each custom id of a text input. If ctx ends first, or the response is no
// form, [Interaction.Err] says so.
func (s *Server) Modal(ctx context.Context, opened *Interaction, values map[string]string) *Interaction {
	const kind = discordgo.InteractionModalSubmit
	if _, err := opened.Response(ctx); err != nil {
		return &Interaction{srv: s, Type: kind, err: err}
	}
	return s.interact(kind, opened.channel.ID, opened.user.ID, func(in *Interaction) (any, error) {
		r := opened.response
		if r.Type != discordgo.InteractionResponseModal {
			return nil, ErrNoModal
		}
		var modal struct {
			Components []*component `json:"components"`
		}
		if err := json.Unmarshal(r.Data, &modal); err != nil {
			return nil, fmt.Errorf("discordtest: decode modal: %w", err)
		}
		in.source = opened.source
		left := maps.Clone(values)
		rows, err := fill(modal.Components, left)
		if err != nil {
			return nil, err
		}
		for id := range left {
			return nil, fmt.Errorf("%w %q in modal %q", ErrUnknownComponent, id, r.CustomID)
		}
		return map[string]any{"custom_id": r.CustomID, "components": rows}, nil
	})
}

// fill returns what a form sends for its components, in their order: each text input with the value
// that the user gave, which is taken from values.
func fill(list []*component, values map[string]string) ([]any, error) {
	out := []any{}
	for _, c := range list {
		filled := map[string]any{"type": c.Type}
		switch {
		case c.Type == discordgo.TextInputComponent:
			given, ok := values[c.CustomID]
			if !ok {
				given = c.Value // what the bot filled in
			}
			delete(values, c.CustomID)
			n := utf8.RuneCountInString(given)
			required := c.Required == nil || *c.Required
			if (n == 0 && required) || (n > 0 && n < c.MinLength) || (c.MaxLength > 0 && n > c.MaxLength) {
				return nil, fmt.Errorf("%w: %d characters for %q", ErrBadInput, n, c.CustomID)
			}
			filled["custom_id"], filled["value"] = c.CustomID, given
		case c.Component != nil:
			inner, err := fill([]*component{c.Component}, values)
			if err != nil {
				return nil, err
			}
			filled["component"] = inner[0]
		case c.Components != nil:
			inner, err := fill(c.Components, values)
			if err != nil {
				return nil, err
			}
			filled["components"] = inner
		default:
			if given, ok := values[c.CustomID]; ok && c.CustomID != "" { // a select menu
				delete(values, c.CustomID)
				filled["custom_id"], filled["values"] = c.CustomID, []string{given}
			}
		}
		out = append(out, filled)
	}
	return out, nil
}
