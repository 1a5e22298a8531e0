package discordtest

import (
	"fmt"
	"slices"

	"github.com/bwmarrin/discordgo"
)

// SlashCommand lets a user run a slash command. The guild may be "" for a DM. The command need not
// be registered; if it is, the interaction names its id, and the options must fit its definition.
// What is wrong with the arguments is in [Interaction.Err].
func (s *Server) SlashCommand(guildID, channelID, userID, name string,
	options ...*CommandOption) *Interaction {
	const kind = discordgo.InteractionApplicationCommand
	return s.slash(kind, guildID, channelID, userID, name, copyOptions(options))
}

// UserCommand lets a user run a command from the context menu of another user. It is otherwise like
// [Server.SlashCommand].
func (s *Server) UserCommand(guildID, channelID, userID, name, targetID string) *Interaction {
	const kind = discordgo.InteractionApplicationCommand
	const menu = discordgo.UserApplicationCommand
	return s.use(kind, guildID, channelID, userID, name, menu, func() (map[string]any, error) {
		target, err := s.world.user(targetID)
		if err != nil {
			return nil, err
		}
		resolved := make(resolution)
		resolved.user(s.world.guilds[guildID], target)
		return map[string]any{"target_id": targetID, "resolved": resolved}, nil
	})
}

// MessageCommand lets a user run a command from the context menu of a message in the channel. It is
// otherwise like [Server.SlashCommand].
func (s *Server) MessageCommand(guildID, channelID, userID, name, messageID string) *Interaction {
	const kind = discordgo.InteractionApplicationCommand
	const menu = discordgo.MessageApplicationCommand
	return s.use(kind, guildID, channelID, userID, name, menu, func() (map[string]any, error) {
		_, m, err := s.world.message(channelID, messageID)
		if err != nil {
			return nil, err
		}
		resolved := resolution{"messages": {messageID: m}}
		return map[string]any{"target_id": messageID, "resolved": resolved}, nil
	})
}

// Autocomplete lets a user type in an option of a slash command: the one that is marked Focused,
// else the last.
func (s *Server) Autocomplete(guildID, channelID, userID, name string,
	options ...*CommandOption) *Interaction {
	focused := copyOptions(options)
	leaf := focused
	for len(leaf) == 1 && len(leaf[0].Options) > 0 { // the options of a subcommand
		leaf = leaf[0].Options
	}
	marked := func(o *CommandOption) bool { return o.Focused }
	if len(leaf) > 0 && !slices.ContainsFunc(leaf, marked) {
		leaf[len(leaf)-1].Focused = true
	}
	const kind = discordgo.InteractionApplicationCommandAutocomplete
	return s.slash(kind, guildID, channelID, userID, name, focused)
}

func (s *Server) slash(kind discordgo.InteractionType, guildID, channelID, userID, name string,
	options []*CommandOption) *Interaction {
	const chat = discordgo.ChatApplicationCommand
	return s.use(kind, guildID, channelID, userID, name, chat, func() (map[string]any, error) {
		complete := kind == discordgo.InteractionApplicationCommand
		if c := s.registeredLocked(guildID, name, chat); c != nil {
			if err := c.accepts(options, complete); err != nil {
				return nil, err
			}
		}
		data := map[string]any{}
		if len(options) > 0 {
			data["options"] = options
			data["resolved"] = s.resolveLocked(guildID, options)
		}
		return data, nil
	})
}

// use makes the interaction of a command in a channel of a guild, or in a DM. The data is asked for
// with the lock held; the command's name, type and id are added to it.
func (s *Server) use(kind discordgo.InteractionType, guildID, channelID, userID, name string,
	of discordgo.ApplicationCommandType, data func() (map[string]any, error)) *Interaction {
	return s.interact(kind, channelID, userID, func(in *Interaction) (any, error) {
		if in.guildID != guildID {
			return nil, fmt.Errorf("%w %q in guild %q", ErrUnknownChannel, channelID, guildID)
		}
		c := s.registeredLocked(guildID, name, of)
		if c != nil && !s.mayUseLocked(in, c) {
			return nil, fmt.Errorf("%w: %s by user %s", ErrNotAllowed, name, userID)
		}
		d, err := data()
		if err != nil {
			return nil, err
		}
		d["name"], d["type"] = name, of
		if c != nil {
			d["id"] = c.id
		} else {
			d["id"] = s.newIDLocked()
		}
		return d, nil
	})
}

// registeredLocked returns the command that a user of the guild finds under a name, or nil.
func (s *Server) registeredLocked(guildID, name string, kind discordgo.ApplicationCommandType) *command {
	for _, scope := range []string{guildID, ""} {
		for _, c := range s.world.commands[scope] {
			if c.name == name && c.kind == int(kind) {
				return c
			}
		}
	}
	return nil
}
