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
	return s.use(kind, guildID, channelID, userID, func(*Interaction) (map[string]any, error) {
		target, err := s.world.user(targetID)
		if err != nil {
			return nil, err
		}
		resolved := make(resolution)
		resolved.user(s.world.guilds[guildID], target)
		return s.commandDataLocked(guildID, name, discordgo.UserApplicationCommand, map[string]any{
			"target_id": targetID, "resolved": resolved,
		}), nil
	})
}

// MessageCommand lets a user run a command from the context menu of a message in the channel. It is
// otherwise like [Server.SlashCommand].
func (s *Server) MessageCommand(guildID, channelID, userID, name, messageID string) *Interaction {
	const kind = discordgo.InteractionApplicationCommand
	return s.use(kind, guildID, channelID, userID, func(*Interaction) (map[string]any, error) {
		_, m, err := s.world.message(channelID, messageID)
		if err != nil {
			return nil, err
		}
		resolved := resolution{"messages": {messageID: m}}
		return s.commandDataLocked(guildID, name, discordgo.MessageApplicationCommand, map[string]any{
			"target_id": messageID, "resolved": resolved,
		}), nil
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
	return s.use(kind, guildID, channelID, userID, func(*Interaction) (map[string]any, error) {
		const chat = discordgo.ChatApplicationCommand
		complete := kind == discordgo.InteractionApplicationCommand
		if c := s.registeredLocked(guildID, name, chat); c != nil {
			if err := c.accepts(options, complete); err != nil {
				return nil, err
			}
		}
		more := map[string]any{}
		if len(options) > 0 {
			more["options"] = options
			more["resolved"] = s.resolveLocked(guildID, options)
		}
		return s.commandDataLocked(guildID, name, chat, more), nil
	})
}

// use makes the interaction of a command in a channel of a guild, or in a DM.
func (s *Server) use(kind discordgo.InteractionType, guildID, channelID, userID string,
	data func(*Interaction) (map[string]any, error)) *Interaction {
	return s.interact(kind, channelID, userID, func(in *Interaction) (any, error) {
		if in.guildID != guildID {
			return nil, fmt.Errorf("%w %q in guild %q", ErrUnknownChannel, channelID, guildID)
		}
		return data(in)
	})
}

// commandDataLocked adds to the data of an interaction which command it is of.
func (s *Server) commandDataLocked(guildID, name string, kind discordgo.ApplicationCommandType,
	data map[string]any) map[string]any {
	data["name"], data["type"] = name, kind
	if c := s.registeredLocked(guildID, name, kind); c != nil {
		data["id"] = c.id
	} else {
		data["id"] = s.newIDLocked()
	}
	return data
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
