package discordtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

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

// Subcommand makes the option that names a subcommand, or a group of them if what it holds is a
// Subcommand.
func Subcommand(name string, options ...*CommandOption) *CommandOption {
	o := &CommandOption{
		Name: name, Type: discordgo.ApplicationCommandOptionSubCommand, Options: options,
	}
	for _, inner := range options {
		if inner.Type == discordgo.ApplicationCommandOptionSubCommand {
			o.Type = discordgo.ApplicationCommandOptionSubCommandGroup
		}
	}
	return o
}

// copyOptions copies the options of a caller at every depth.
func copyOptions(options []*CommandOption) []*CommandOption {
	out := make([]*CommandOption, len(options))
	for i, o := range options {
		c := *o
		c.Options = copyOptions(o.Options)
		out[i] = &c
	}
	return out
}

// A resolution is the objects that the data of an interaction names by id, by kind.
type resolution map[string]map[string]any

func (r resolution) put(kind, id string, v any) {
	if r[kind] == nil {
		r[kind] = make(map[string]any)
	}
	r[kind][id] = v
}

// user adds a user and, in a guild, its member.
func (r resolution) user(g *guild, u *user) {
	r.put("users", u.ID, u)
	if g != nil && g.members[u.ID] != nil {
		r.put("members", u.ID, g.members[u.ID].bare())
	}
}

// resolveLocked collects the objects that options name.
func (s *Server) resolveLocked(guildID string, options []*CommandOption) resolution {
	out := make(resolution)
	g := s.world.guilds[guildID]
	var walk func([]*CommandOption)
	walk = func(options []*CommandOption) {
		for _, o := range options {
			walk(o.Options)
			id, _ := o.Value.(string)
			mentionable := o.Type == discordgo.ApplicationCommandOptionMentionable
			switch {
			case (mentionable || o.Type == discordgo.ApplicationCommandOptionUser) &&
				s.world.users[id] != nil:
				out.user(g, s.world.users[id])
			case o.Type == discordgo.ApplicationCommandOptionChannel && s.world.channels[id] != nil:
				out.put("channels", id, s.world.channels[id])
			case (mentionable || o.Type == discordgo.ApplicationCommandOptionRole) &&
				g != nil && g.role(id) != nil:
				out.put("roles", id, g.role(id))
			}
		}
	}
	walk(options)
	return out
}

// ErrBadInput is in [Interaction.Err] when Discord would not let a user enter something: an option
// that the registered command does not define, or a value outside of what an option or the text
// input of a form allows.
var ErrBadInput = errors.New("discordtest: input not possible")

// accepts reports whether a user could give the options to the command. A complete list has every
// option that is required. Types that follow from the definition are set.
func (c *command) accepts(given []*CommandOption, complete bool) error {
	var in struct {
		Options []optionDefinition `json:"options"`
	}
	if err := json.Unmarshal(marshal(c), &in); err != nil {
		return fmt.Errorf("discordtest: definition of %s: %w", c.name, err)
	}
	return acceptOptions(in.Options, given, complete)
}

func acceptOptions(defined []optionDefinition, given []*CommandOption, complete bool) error {
	for _, o := range given {
		i := slices.IndexFunc(defined, func(d optionDefinition) bool { return d.Name == o.Name })
		if i < 0 {
			return fmt.Errorf("%w: %q is not defined", ErrBadInput, o.Name)
		}
		if err := defined[i].accept(o, complete); err != nil {
			return err
		}
	}
	for _, d := range defined {
		named := func(o *CommandOption) bool { return o.Name == d.Name }
		if complete && d.Required && !slices.ContainsFunc(given, named) {
			return fmt.Errorf("%w: %q is required", ErrBadInput, d.Name)
		}
	}
	return nil
}

// accept checks one option against its definition.
func (d *optionDefinition) accept(o *CommandOption, complete bool) error {
	switch {
	case d.Type == discordgo.ApplicationCommandOptionNumber &&
		o.Type == discordgo.ApplicationCommandOptionInteger,
		d.Type == discordgo.ApplicationCommandOptionMentionable &&
			(o.Type == discordgo.ApplicationCommandOptionUser ||
				o.Type == discordgo.ApplicationCommandOptionRole):
		o.Type = d.Type
	case d.Type != o.Type:
		if o.Focused { // what was typed so far is a string
			o.Type = d.Type
			return nil
		}
		return fmt.Errorf("%w: %q is of type %v, not %v", ErrBadInput, o.Name, d.Type, o.Type)
	}
	if d.Type == discordgo.ApplicationCommandOptionSubCommand ||
		d.Type == discordgo.ApplicationCommandOptionSubCommandGroup {
		return acceptOptions(d.Options, o.Options, complete)
	}
	if o.Focused {
		return nil
	}
	if len(d.Choices) > 0 && !d.offers(o.Value) {
		return fmt.Errorf("%w: %v is no choice of %q", ErrBadInput, o.Value, o.Name)
	}
	return d.measure(o)
}

// offers reports whether a value is among the choices.
func (d *optionDefinition) offers(value any) bool {
	return slices.ContainsFunc(d.Choices, func(c choiceDefinition) bool {
		return fmt.Sprint(c.Value) == fmt.Sprint(value)
	})
}

// measure checks a number or a length against the limits of the definition.
func (d *optionDefinition) measure(o *CommandOption) error {
	var n float64
	least, most := d.MinValue, d.MaxValue
	switch v := o.Value.(type) {
	case int:
		n = float64(v)
	case float64:
		n = v
	case string:
		n = float64(utf8.RuneCountInString(v))
		least, most = d.MinLength, d.MaxLength
	}
	if (least != nil && n < *least) || (most != nil && n > *most) {
		return fmt.Errorf("%w: %v is outside of the limits of %q", ErrBadInput, o.Value, o.Name)
	}
	return nil
}
