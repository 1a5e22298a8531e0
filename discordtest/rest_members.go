package discordtest

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/bwmarrin/discordgo"
)

func memberRoutes(r router) {
	const members = "/guilds/{guild}/members"
	r.on("GET", members, (*exchange).listMembers)
	r.on("GET", members+"/search", (*exchange).searchMembers)
	r.on("GET", members+"/{user}", (*exchange).getMember)
	r.on("PUT", members+"/{user}", (*exchange).addMember, discordgo.PermissionCreateInstantInvite)
	r.on("PATCH", members+"/{user}", (*exchange).patchMember)
	r.on("PATCH", members+"/@me/nick", (*exchange).patchNick)
	r.on("DELETE", members+"/{user}", (*exchange).kick, discordgo.PermissionKickMembers)
}

// mayListMembers refuses whole lists of members to an application without the privileged intent.
func (x *exchange) mayListMembers() error {
	if x.cfg.PrivilegedIntents&discordgo.IntentGuildMembers == 0 {
		return errMissingAccess
	}
	return nil
}

func (x *exchange) listMembers() (any, error) {
	g, err := x.guild()
	if err != nil {
		return nil, err
	}
	if err := x.mayListMembers(); err != nil {
		return nil, err
	}
	limit, after := x.number("limit", 1, 1, 1000), x.req.URL.Query().Get("after")
	out := []*member{}
	for _, id := range slices.SortedFunc(slices.Values(g.order), compareIDs) {
		if len(out) < limit && (after == "" || compareIDs(id, after) > 0) {
			out = append(out, g.members[id])
		}
	}
	return out, nil
}

func (x *exchange) searchMembers() (any, error) {
	g, err := x.guild()
	if err != nil {
		return nil, err
	}
	limit, prefix := x.number("limit", 1, 1, 1000), strings.ToLower(x.req.URL.Query().Get("query"))
	out := []*member{}
	for _, id := range g.order {
		if m := g.members[id]; len(out) < limit && m.named(prefix) {
			out = append(out, m)
		}
	}
	return out, nil
}

func (x *exchange) getMember() (any, error) {
	_, m, err := x.member()
	if err != nil {
		return nil, err
	}
	return m, nil
}

// memberEdit are the fields of a member that can be set; null differs from absence.
type memberEdit struct {
	Nick         json.RawMessage `json:"nick"`
	Roles        []string        `json:"roles"`
	Mute         *bool           `json:"mute"`
	Deaf         *bool           `json:"deaf"`
	ChannelID    json.RawMessage `json:"channel_id"`
	TimeoutUntil json.RawMessage `json:"communication_disabled_until"`
}

// maxTimeout is the longest timeout.
const maxTimeout = 28 * 24 * time.Hour

func (x *exchange) patchMember() (any, error) {
	g, m, err := x.member()
	if err != nil {
		return nil, err
	}
	var in memberEdit
	if err := x.decode(&in); err != nil {
		return nil, err
	}
	if err := in.allowed(x, g, m); err != nil {
		return nil, err
	}
	next := *m
	if err := in.apply(&next, x.nowLocked()); err != nil {
		return nil, err
	}
	if in.Mute != nil || in.Deaf != nil || in.ChannelID != nil {
		if err := x.moveLocked(g, &next, in.ChannelID); err != nil {
			return nil, err
		}
	}
	x.replaceMemberLocked(g, &next)
	x.auditLocked(g.id, discordgo.AuditLogActionMemberUpdate, m.User.ID,
		auditChange{"nick", deref(m.Nick), deref(next.Nick)},
		auditChange{"communication_disabled_until", deref(m.TimeoutUntil), deref(next.TimeoutUntil)})
	return &next, nil
}

// patchNick is the older way for a bot to name itself, which discordgo takes.
func (x *exchange) patchNick() (any, error) {
	x.params["user"] = "@me"
	return x.patchMember()
}

// allowed returns the error for an edit that the bot may not make.
func (e *memberEdit) allowed(x *exchange, g *guild, m *member) error {
	self := m.User.ID == x.world.bot.ID
	var need permissions
	for _, part := range []struct {
		set  bool
		need permissions
	}{
		{e.Nick != nil && !self, discordgo.PermissionManageNicknames},
		{e.Nick != nil && self, discordgo.PermissionChangeNickname},
		{e.Roles != nil, discordgo.PermissionManageRoles},
		{e.Mute != nil, discordgo.PermissionVoiceMuteMembers},
		{e.Deaf != nil, discordgo.PermissionVoiceDeafenMembers},
		{e.ChannelID != nil, discordgo.PermissionVoiceMoveMembers},
		{e.TimeoutUntil != nil, discordgo.PermissionModerateMembers},
	} {
		if part.set {
			need |= part.need
		}
	}
	if err := x.mayInGuild(g, need); err != nil {
		return err
	}
	if (e.Nick != nil || e.TimeoutUntil != nil) && !self && !x.outranks(g, m) {
		return errMissingPermissions
	}
	if e.TimeoutUntil != nil && g.permissions(m).has(discordgo.PermissionAdministrator) && !x.cfg.NoPermissions {
		return errMissingPermissions
	}
	for _, id := range e.Roles {
		if g.role(id) == nil {
			return errUnknownRole
		}
	}
	for _, r := range g.roles {
		changes := e.Roles != nil && slices.Contains(m.Roles, r.ID) != slices.Contains(e.Roles, r.ID)
		if changes && (r.Managed || !x.above(g, r)) {
			return errMissingPermissions
		}
	}
	return nil
}

func (e *memberEdit) apply(m *member, now time.Time) error {
	for _, f := range []struct {
		raw json.RawMessage
		dst **string
	}{{e.Nick, &m.Nick}, {e.TimeoutUntil, &m.TimeoutUntil}} {
		var v *string
		if f.raw != nil && json.Unmarshal(f.raw, &v) == nil {
			*f.dst = orNil(deref(v))
		}
	}
	var f form
	f.text("nick", deref(m.Nick), 0, 32)
	if until := parseTime(m.TimeoutUntil); e.TimeoutUntil != nil && m.TimeoutUntil != nil &&
		(until == nil || until.Sub(now) > maxTimeout) {
		f.wrong("communication_disabled_until", "DATE_TIME_TYPE_PARSE",
			"Must be an ISO 8601 timestamp within the next 28 days.")
	}
	if e.Roles != nil {
		m.Roles = e.Roles
	}
	set(&m.Mute, e.Mute)
	set(&m.Deaf, e.Deaf)
	return f.err()
}

// moveLocked carries an edit over to the member's voice state, and moves the member if a channel is
// given.
func (x *exchange) moveLocked(g *guild, m *member, channelID json.RawMessage) error {
	old := g.voice[m.User.ID]
	if old == nil {
		return &apiError{400, 40032, "Target user is not connected to voice.", nil}
	}
	v := *old
	v.Mute, v.Deaf, v.Member = m.Mute, m.Deaf, m
	if channelID != nil {
		if json.Unmarshal(channelID, &v.ChannelID) != nil ||
			(v.ChannelID != nil && x.world.channels[*v.ChannelID] == nil) {
			return errUnknownChannel
		}
	}
	x.setVoiceLocked(g, &v)
	return nil
}

// addMember adds a person who has granted the scope guilds.join; any access token stands for that.
func (x *exchange) addMember() (any, error) {
	g, err := x.guild()
	if err != nil {
		return nil, err
	}
	u := x.world.users[x.params["user"]]
	if u == nil {
		return nil, errUnknownUser
	}
	if g.members[u.ID] != nil {
		return nil, nil
	}
	var in struct {
		AccessToken string   `json:"access_token"`
		Nick        string   `json:"nick"`
		Roles       []string `json:"roles"`
	}
	if err := x.decode(&in); err != nil {
		return nil, err
	}
	if in.AccessToken == "" {
		return nil, &apiError{403, 50025, "Invalid OAuth2 access token", nil}
	}
	m := g.add(u, x.nowLocked())
	m.Nick, m.Roles = orNil(in.Nick), append([]string{}, in.Roles...)
	x.announceMemberLocked(g, m)
	return created{m}, nil
}

// announceMemberLocked dispatches GUILD_MEMBER_ADD.
func (s *Server) announceMemberLocked(g *guild, m *member) {
	s.emitLocked(g.id, "GUILD_MEMBER_ADD", struct {
		*member
		GuildID string `json:"guild_id"`
	}{m, g.id})
}

func (x *exchange) kick() (any, error) {
	g, m, err := x.member()
	if err != nil {
		return nil, err
	}
	if !x.outranks(g, m) {
		return nil, errMissingPermissions
	}
	x.removeMemberLocked(g, m)
	x.auditLocked(g.id, discordgo.AuditLogActionMemberKick, m.User.ID)
	return nil, nil
}

// removeMemberLocked takes a member out of a guild and tells everybody.
func (s *Server) removeMemberLocked(g *guild, m *member) {
	g.remove(m.User.ID)
	s.emitLocked(g.id, "GUILD_MEMBER_REMOVE", map[string]any{"guild_id": g.id, "user": m.User})
}
