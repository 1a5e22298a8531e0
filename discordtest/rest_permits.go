package discordtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

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
var ErrUnknownCommand = errors.New("discordtest: unknown command")

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

// ErrNotAllowed is in [Interaction.Err] when Discord does not show a registered command to the user:
// for lack of the command's default permissions, by [Server.SetCommandPermissions], or in a DM.
var ErrNotAllowed = errors.New("discordtest: the user may not use the command")

// mayUseLocked reports whether the user of an interaction finds a command. What an administrator of
// the guild has set for the user or a role of theirs goes before the command's default.
func (s *Server) mayUseLocked(in *Interaction, c *command) bool {
	var def struct {
		Needed *string `json:"default_member_permissions"`
		DMs    *bool   `json:"dm_permission"`
	}
	_ = json.Unmarshal(marshal(c), &def)
	g := s.world.guilds[in.guildID]
	if g == nil {
		return def.DMs == nil || *def.DMs
	}
	m := g.members[in.user.ID]
	have := s.permissionsIn(g, m, in.channel)
	if have.has(discordgo.PermissionAdministrator) {
		return true
	}
	if allowed, set := g.permitsOf(c.id).decide(g, m, in.channel); set {
		return allowed
	}
	if def.Needed == nil {
		return true
	}
	needed := parsePermissions(*def.Needed)
	return needed != 0 && have.has(needed)
}

// decide returns what the permissions of a command say about a member in a channel, and whether
// they say anything. Ids next to the guild's stand for everybody and for all channels.
func (p *commandPermits) decide(g *guild, m *member, c *channel) (allowed, set bool) {
	if p == nil {
		return false, false
	}
	by := make(map[string]bool, len(p.Permissions))
	for _, one := range p.Permissions {
		by[one.ID] = one.Allowed
	}
	all, _ := strconv.ParseUint(g.id, 10, 64)
	allChannels := strconv.FormatUint(all-1, 10)
	for _, id := range []string{c.ID, deref(c.ParentID), allChannels} {
		if here, ok := by[id]; ok && id != "" {
			if !here {
				return false, true
			}
			break
		}
	}
	if allowed, set = by[m.User.ID]; set {
		return allowed, true
	}
	for _, id := range m.Roles {
		one, ok := by[id]
		allowed, set = allowed || one, set || ok
	}
	if !set {
		allowed, set = by[g.id]
	}
	return allowed, set
}
