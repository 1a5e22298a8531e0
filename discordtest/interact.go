package discordtest

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/bwmarrin/discordgo"
)

// A CommandOption is a value that a user gave for an option of a slash command.
type CommandOption = discordgo.ApplicationCommandInteractionDataOption

// Option makes an option of a slash command. Its type follows from the value: string, bool, int,
// float64, or a *discordgo.User, *discordgo.Channel or *discordgo.Role. It panics for any other
// type.
func Option(name string, value any) *CommandOption {
	o := &CommandOption{Name: name, Value: value}
	switch v := value.(type) {
	case string:
		o.Type = discordgo.ApplicationCommandOptionString
	case bool:
		o.Type = discordgo.ApplicationCommandOptionBoolean
	case int:
		o.Type = discordgo.ApplicationCommandOptionInteger
	case float64:
		o.Type = discordgo.ApplicationCommandOptionNumber
	case *discordgo.User:
		o.Type, o.Value = discordgo.ApplicationCommandOptionUser, v.ID
	case *discordgo.Channel:
		o.Type, o.Value = discordgo.ApplicationCommandOptionChannel, v.ID
	case *discordgo.Role:
		o.Type, o.Value = discordgo.ApplicationCommandOptionRole, v.ID
	default:
		panic(fmt.Sprintf("discordtest: option %q has a value of type %T", name, value))
	}
	return o
}

// SlashCommand lets a user send a slash command. The guild may be "" for a DM. The command need not be
// registered; if it is, the interaction names its id. What is wrong with the arguments is in
// [Interaction.Err].
func (s *Server) SlashCommand(guildID, channelID, userID, name string,
	options ...*CommandOption) *Interaction {
	return s.command(discordgo.InteractionApplicationCommand, guildID, channelID, userID, name, options)
}

// Autocomplete lets a user type in an option of a slash command: the one that is marked Focused,
// else the last.
func (s *Server) Autocomplete(guildID, channelID, userID, name string,
	options ...*CommandOption) *Interaction {
	focused := make([]*CommandOption, len(options))
	marked := false
	for i, o := range options {
		c := *o
		focused[i] = &c
		marked = marked || o.Focused
	}
	if !marked && len(focused) > 0 {
		focused[len(focused)-1].Focused = true
	}
	const kind = discordgo.InteractionApplicationCommandAutocomplete
	return s.command(kind, guildID, channelID, userID, name, focused)
}

func (s *Server) command(kind discordgo.InteractionType, guildID, channelID, userID, name string,
	options []*CommandOption) *Interaction {
	return s.interact(kind, channelID, userID, func(in *Interaction) (any, error) {
		if in.guildID != guildID {
			return nil, fmt.Errorf("%w %q in guild %q", ErrUnknownChannel, channelID, guildID)
		}
		data := map[string]any{"id": s.commandIDLocked(guildID, name), "name": name, "type": 1}
		if len(options) > 0 {
			data["options"] = options
			data["resolved"] = s.resolveLocked(guildID, options)
		}
		return data, nil
	})
}

// commandIDLocked returns the id of a registered command, or a new one.
func (s *Server) commandIDLocked(guildID, name string) string {
	for _, scope := range []string{guildID, ""} {
		for _, c := range s.world.commands[scope] {
			if c.name == name && c.kind == 1 {
				return c.id
			}
		}
	}
	return s.newIDLocked()
}

// resolveLocked collects the objects that options name by id.
func (s *Server) resolveLocked(guildID string, options []*CommandOption) any {
	out := make(map[string]map[string]any)
	put := func(kind, id string, v any) {
		if out[kind] == nil {
			out[kind] = make(map[string]any)
		}
		out[kind][id] = v
	}
	g := s.world.guilds[guildID]
	var walk func([]*CommandOption)
	walk = func(options []*CommandOption) {
		for _, o := range options {
			walk(o.Options)
			id, _ := o.Value.(string)
			switch {
			case o.Type == discordgo.ApplicationCommandOptionUser && s.world.users[id] != nil:
				put("users", id, s.world.users[id])
				if g != nil && g.members[id] != nil {
					put("members", id, g.members[id].bare())
				}
			case o.Type == discordgo.ApplicationCommandOptionChannel && s.world.channels[id] != nil:
				put("channels", id, s.world.channels[id])
			case o.Type == discordgo.ApplicationCommandOptionRole && g != nil && g.role(id) != nil:
				put("roles", id, g.role(id))
			}
		}
	}
	walk(options)
	return out
}

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
	Type       int             `json:"type"`
	CustomID   string          `json:"custom_id,omitempty"`
	Value      string          `json:"value,omitempty"`
	Components json.RawMessage `json:"components,omitempty"`
	Component  json.RawMessage `json:"component,omitempty"`
	Accessory  json.RawMessage `json:"accessory,omitempty"`
}

// findComponent looks for a custom id in a list of components, at any depth.
func findComponent(list json.RawMessage, customID string) *component {
	var all []component
	if json.Unmarshal(list, &all) != nil {
		return nil
	}
	for i := range all {
		c := &all[i]
		if c.CustomID == customID {
			return c
		}
		for _, nested := range []json.RawMessage{c.Components, listOf(c.Component), listOf(c.Accessory)} {
			if found := findComponent(nested, customID); found != nil {
				return found
			}
		}
	}
	return nil
}

func listOf(one json.RawMessage) json.RawMessage {
	if one == nil {
		return nil
	}
	return append(append([]byte("["), one...), ']')
}

// ErrNoModal is in [Interaction.Err] when a form is submitted that the bot has not opened.
var ErrNoModal = errors.New("discordtest: the interaction was not answered with a modal")

// Modal lets the user submit the form that opened in response to an earlier interaction, with a
// value for each custom id of a text input.
func (s *Server) Modal(opened *Interaction, values map[string]string) *Interaction {
	const kind = discordgo.InteractionModalSubmit
	if opened.err != nil {
		return &Interaction{srv: s, Type: kind, err: opened.err}
	}
	return s.interact(kind, opened.channel.ID, opened.user.ID, func(in *Interaction) (any, error) {
		r := opened.response
		if r == nil || r.Type != discordgo.InteractionResponseModal {
			return nil, ErrNoModal
		}
		var modal struct {
			Components json.RawMessage `json:"components"`
		}
		if err := json.Unmarshal(r.Data, &modal); err != nil {
			return nil, fmt.Errorf("discordtest: decode modal: %w", err)
		}
		in.source = opened.source
		rows := []map[string]any{}
		for id, value := range values {
			found := findComponent(modal.Components, id)
			if found == nil {
				return nil, fmt.Errorf("%w %q in modal %q", ErrUnknownComponent, id, r.CustomID)
			}
			input := component{Type: found.Type, CustomID: id, Value: value}
			rows = append(rows, map[string]any{"type": 1, "components": []component{input}})
		}
		return map[string]any{"custom_id": r.CustomID, "components": rows}, nil
	})
}
