package discordtest

import (
	"fmt"
	"slices"

	"github.com/bwmarrin/discordgo"
)

func permitRoutes(r router) {
	const commands = "/applications/{application}/guilds/{guild}/commands"
	r.on("GET", commands+"/permissions", (*exchange).listPermits)
	r.on("GET", commands+"/{command}/permissions", (*exchange).getPermits)
	// Only people may set them, with a token of their own: see Server.SetCommandPermissions.
	r.on("PUT", commands+"/permissions", (*exchange).notForBots)
	r.on("PUT", commands+"/{command}/permissions", (*exchange).notForBots)
}

// commandPermits says who may use a command in a guild.
type commandPermits struct {
	ID            string   `json:"id"` // of the command
	ApplicationID string   `json:"application_id"`
	GuildID       string   `json:"guild_id"`
	Permissions   []permit `json:"permissions"`
}

type permit struct {
	ID      string                                     `json:"id"`
	Type    discordgo.ApplicationCommandPermissionType `json:"type"`
	Allowed bool                                       `json:"permission"`
}

// permits returns those of a command, or nil.
func (g *guild) permitsOf(commandID string) *commandPermits {
	for _, p := range g.permits {
		if p.ID == commandID {
			return p
		}
	}
	return nil
}

func (x *exchange) listPermits() (any, error) {
	if _, err := x.scope(); err != nil {
		return nil, err
	}
	g, err := x.guild()
	if err != nil {
		return nil, err
	}
	return append([]*commandPermits{}, g.permits...), nil
}

func (x *exchange) getPermits() (any, error) {
	if _, err := x.scope(); err != nil {
		return nil, err
	}
	g, err := x.guild()
	if err != nil {
		return nil, err
	}
	if p := g.permitsOf(x.params["command"]); p != nil {
		return p, nil
	}
	return nil, &apiError{404, 10066, "Unknown application command permissions", nil}
}

// ErrUnknownCommand says that no command with the id is registered.
var ErrUnknownCommand = fmt.Errorf("discordtest: unknown command")

// SetCommandPermissions sets who may use a registered command in a guild, as an administrator does
// in the guild's settings, and dispatches APPLICATION_COMMAND_PERMISSIONS_UPDATE. A user, role or
// channel that is not listed may use it, if the command's default permissions let them.
func (s *Server) SetCommandPermissions(guildID, commandID string,
	permissions ...*discordgo.ApplicationCommandPermissions) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.world.guild(guildID)
	if err != nil {
		return err
	}
	registered := slices.Concat(s.world.commands[guildID], s.world.commands[""])
	if !slices.ContainsFunc(registered, func(c *command) bool { return c.id == commandID }) {
		return fmt.Errorf("%w %q in guild %s", ErrUnknownCommand, commandID, guildID)
	}
	p := &commandPermits{ID: commandID, ApplicationID: s.world.bot.ID, GuildID: guildID, Permissions: []permit{}}
	for _, in := range permissions {
		p.Permissions = append(p.Permissions, permit{in.ID, in.Type, in.Permission})
	}
	g.permits = append(slices.DeleteFunc(g.permits, func(old *commandPermits) bool { return old.ID == commandID }), p)
	s.emitLocked(guildID, "APPLICATION_COMMAND_PERMISSIONS_UPDATE", p)
	return nil
}
