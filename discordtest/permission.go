package discordtest

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/bwmarrin/discordgo"
)

// permissions is a set of Discord's permission bits.
type permissions int64

// Permissions that discordgo has no name for, and sets of several.
const (
	permissionPinMessages permissions = 1 << 51

	allPermissions permissions = 1<<53 - 1
	// botPermissions is what the bot's role has in a new guild: a bot that is an administrator
	// would not notice what is denied to it.
	botPermissions = allPermissions &^ discordgo.PermissionAdministrator
	// everyonePermissions is what @everyone has in a new guild.
	everyonePermissions permissions = 2222085186637376
	// timedOut is what is left of a member's permissions during a timeout.
	timedOut permissions = discordgo.PermissionViewChannel | discordgo.PermissionReadMessageHistory
)

func (p permissions) has(need permissions) bool { return p&need == need }

func (p permissions) String() string { return strconv.FormatInt(int64(p), 10) }

func parsePermissions(s string) permissions {
	n, _ := strconv.ParseInt(s, 10, 64)
	return permissions(n)
}

// An overwrite changes what a role or a member may do in one channel.
type overwrite struct {
	ID    string                            `json:"id"`
	Type  discordgo.PermissionOverwriteType `json:"type"`
	Allow string                            `json:"allow"`
	Deny  string                            `json:"deny"`
}

func (o *overwrite) apply(p permissions) permissions {
	return p&^parsePermissions(o.Deny) | parsePermissions(o.Allow)
}

// permissions returns what a member may do in the guild at large.
func (g *guild) permissions(m *member) permissions {
	if m == nil {
		return 0
	}
	if m.User.ID == g.ownerID {
		return allPermissions
	}
	var p permissions
	for _, r := range g.roles {
		if r.ID == g.id || slices.Contains(m.Roles, r.ID) {
			p |= parsePermissions(r.Permissions)
		}
	}
	if p.has(discordgo.PermissionAdministrator) {
		return allPermissions
	}
	return p
}

// permissionsIn returns what a member may do in a channel of the guild, or in a thread, which
// inherits from its channel.
func (s *Server) permissionsIn(g *guild, m *member, c *channel) permissions {
	p := g.permissions(m)
	if p.has(discordgo.PermissionAdministrator) {
		return allPermissions
	}
	rules := c
	if c.isThread() {
		if rules = s.world.channels[deref(c.ParentID)]; rules == nil {
			return 0
		}
	}
	p = rules.overwritten(p, m, g.id)
	if !p.has(discordgo.PermissionViewChannel) {
		return 0
	}
	if m != nil && m.timedOut(s.nowLocked()) {
		p &= timedOut
	}
	if c.isThread() { // in threads one permission stands in for the other
		p &^= discordgo.PermissionSendMessages
		if p.has(discordgo.PermissionSendMessagesInThreads) {
			p |= discordgo.PermissionSendMessages
		}
	}
	return p
}

// overwritten applies the channel's overwrites: that of @everyone, those of the member's roles
// together, that of the member.
func (c *channel) overwritten(p permissions, m *member, guildID string) permissions {
	if m == nil {
		return 0
	}
	var allow, deny permissions
	var own *overwrite
	for i := range c.PermissionOverwrites {
		o := &c.PermissionOverwrites[i]
		switch {
		case o.ID == guildID:
			p = o.apply(p)
		case o.Type == discordgo.PermissionOverwriteTypeMember && o.ID == m.User.ID:
			own = o
		case o.Type == discordgo.PermissionOverwriteTypeRole && slices.Contains(m.Roles, o.ID):
			allow |= parsePermissions(o.Allow)
			deny |= parsePermissions(o.Deny)
		}
	}
	if p = p&^deny | allow; own != nil {
		p = own.apply(p)
	}
	return p
}

// botIn returns what the bot may do in a channel: everything in a DM.
func (s *Server) botIn(c *channel) permissions {
	g := s.world.guilds[c.GuildID]
	if g == nil || s.cfg.NoPermissions {
		return allPermissions
	}
	return s.permissionsIn(g, g.members[s.world.bot.ID], c)
}

// botMay returns what the bot may do in a guild.
func (s *Server) botMay(g *guild) permissions {
	if s.cfg.NoPermissions {
		return allPermissions
	}
	return g.permissions(g.members[s.world.bot.ID])
}

// rank is the position of a member's highest role; the owner is above all.
func (g *guild) rank(m *member) int {
	if m.User.ID == g.ownerID {
		return 1 << 30
	}
	top := 0
	for _, r := range g.roles {
		if slices.Contains(m.Roles, r.ID) {
			top = max(top, r.Position)
		}
	}
	return top
}

// outranks reports whether the bot is above a member, and may kick, ban or rename them.
func (s *Server) outranks(g *guild, m *member) bool {
	return s.cfg.NoPermissions || g.rank(g.members[s.world.bot.ID]) > g.rank(m)
}

// above reports whether the bot is above a role, and may change it or give it to somebody.
func (s *Server) above(g *guild, r *role) bool {
	return s.cfg.NoPermissions || g.rank(g.members[s.world.bot.ID]) > r.Position
}

// SetBotPermissions sets what the bot may do in a guild, in the bits of discordgo, and dispatches
// GUILD_ROLE_UPDATE. The bot's own role gets exactly these permissions. @everyone loses the others,
// because a bot may do what any of its roles may.
//
// In a new guild the bot may do everything, but is not an administrator. Its role is above
// Regular and below Moderator, see [Guild].
func (s *Server) SetBotPermissions(guildID string, allowed int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.world.guild(guildID)
	if err != nil {
		return err
	}
	for i, r := range g.roles {
		next := *r
		switch {
		case r.Tags != nil:
			next.Permissions = permissions(allowed).String()
		case r.ID == g.id:
			next.Permissions = (parsePermissions(r.Permissions) & permissions(allowed)).String()
		default:
			continue
		}
		if next.Permissions != r.Permissions {
			s.replaceRoleLocked(g, i, &next)
		}
	}
	return nil
}

// SetPermissions sets what a role or a member may and may not do in a channel, beyond what they may
// in the guild, and dispatches CHANNEL_UPDATE. The id of @everyone is the guild's.
func (s *Server) SetPermissions(channelID, roleOrUserID string, allow, deny int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.world.channel(channelID)
	if err != nil {
		return err
	}
	o := overwrite{
		ID: roleOrUserID, Type: discordgo.PermissionOverwriteTypeMember,
		Allow: permissions(allow).String(), Deny: permissions(deny).String(),
	}
	g, err := s.world.guild(c.GuildID)
	if err != nil {
		return err
	}
	if g.role(roleOrUserID) != nil {
		o.Type = discordgo.PermissionOverwriteTypeRole
	} else if g.members[roleOrUserID] == nil {
		return fmt.Errorf("%w %q of guild %s", ErrUnknownMember, roleOrUserID, g.id)
	}
	s.overwriteLocked(c, o)
	return nil
}

// overwriteLocked puts an overwrite in the place of the one with the same id.
func (s *Server) overwriteLocked(c *channel, o overwrite) {
	next := slices.DeleteFunc(slices.Clone(c.PermissionOverwrites), func(old overwrite) bool {
		return old.ID == o.ID
	})
	c.PermissionOverwrites = append(next, o)
	s.emitLocked(c.GuildID, "CHANNEL_UPDATE", c)
}

// The errors for what the bot may not see, and may not do.
var (
	errMissingAccess      = &apiError{403, 50001, "Missing Access", nil}
	errMissingPermissions = &apiError{403, 50013, "Missing Permissions", nil}
)

// guild returns the guild of the path, if the bot has the permissions there that the route needs.
func (x *exchange) guild() (*guild, error) {
	g := x.world.guilds[x.params["guild"]]
	if g == nil {
		return nil, errUnknownGuild
	}
	return g, x.mayInGuild(g, x.route.need)
}

// channel returns the channel of the path, if the bot sees it and has the permissions there that
// the route needs.
func (x *exchange) channel() (*channel, error) {
	c := x.world.channels[x.params["channel"]]
	if c == nil {
		return nil, errUnknownChannel
	}
	return c, x.mayIn(c, x.route.need)
}

// mayInGuild returns the error for what the bot may not do in a guild.
func (x *exchange) mayInGuild(g *guild, need permissions) error {
	if !x.botMay(g).has(need) {
		return errMissingPermissions
	}
	return nil
}

// mayIn returns the error for what the bot may not do in a channel.
func (x *exchange) mayIn(c *channel, need permissions) error {
	switch have := x.botIn(c); {
	case !have.has(discordgo.PermissionViewChannel):
		return errMissingAccess
	case !have.has(need):
		return errMissingPermissions
	}
	return nil
}
