package discordtest

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/bwmarrin/discordgo"
)

func inviteRoutes(r router) {
	r.on("GET", "/channels/{channel}/invites", (*exchange).listChannelInvites, discordgo.PermissionManageChannels)
	r.on("POST", "/channels/{channel}/invites", (*exchange).createInvite, discordgo.PermissionCreateInstantInvite)
	r.on("GET", "/guilds/{guild}/invites", (*exchange).listGuildInvites, discordgo.PermissionManageGuild)
	r.on("GET", "/invites/{code}", (*exchange).getInvite)
	r.on("POST", "/invites/{code}", (*exchange).notForBots)
	r.on("DELETE", "/invites/{code}", (*exchange).deleteInvite)
}

// An invite leads to a channel of a guild.
type invite struct {
	Code      string         `json:"code"`
	Type      int            `json:"type"`
	Guild     map[string]any `json:"guild"`
	Channel   *channel       `json:"channel"`
	Inviter   *user          `json:"inviter"`
	Uses      int            `json:"uses"`
	MaxUses   int            `json:"max_uses"`
	MaxAge    int            `json:"max_age"` // seconds, 0 for ever
	Temporary bool           `json:"temporary"`
	CreatedAt string         `json:"created_at"`
	ExpiresAt *string        `json:"expires_at"`

	guildID string
}

// maxInvites is Discord's limit for a guild.
const maxInvites = 1000

func (x *exchange) createInvite() (any, error) {
	c, err := x.channel()
	if err != nil {
		return nil, err
	}
	g := x.world.guilds[c.GuildID]
	if g == nil || c.isThread() {
		return nil, errWrongChannel
	}
	in := struct {
		MaxAge    int  `json:"max_age"`
		MaxUses   int  `json:"max_uses"`
		Temporary bool `json:"temporary"`
	}{MaxAge: 86_400}
	if err := x.decode(&in); err != nil {
		return nil, err
	}
	var f form
	f.number("max_age", float64(in.MaxAge), 0, 604_800)
	f.number("max_uses", float64(in.MaxUses), 0, 100)
	if err := f.err(); err != nil {
		return nil, err
	}
	if len(x.invites(func(i *invite) bool { return i.guildID == g.id })) >= maxInvites {
		return nil, &apiError{400, 30016, "Maximum number of invites reached (1000)", nil}
	}
	now := x.nowLocked()
	i := &invite{
		Code: strconv.FormatUint(rand.Uint64()|1<<60, 36)[:8], Guild: map[string]any{"id": g.id, "name": g.name},
		Channel: c, Inviter: x.world.bot, MaxAge: in.MaxAge, MaxUses: in.MaxUses, Temporary: in.Temporary,
		CreatedAt: timestamp(now), guildID: g.id,
	}
	if in.MaxAge > 0 {
		end := timestamp(now.Add(time.Duration(in.MaxAge) * time.Second))
		i.ExpiresAt = &end
	}
	x.world.invites[i.Code] = i
	x.inviteEvent("INVITE_CREATE", i, map[string]any{
		"created_at": i.CreatedAt, "inviter": i.Inviter, "max_age": i.MaxAge, "max_uses": i.MaxUses,
		"temporary": i.Temporary, "uses": i.Uses,
	})
	x.auditLocked(g.id, discordgo.AuditLogActionInviteCreate, "", auditChange{"code", nil, i.Code})
	return i, nil
}

// inviteEvent tells of an invite, which only those hear who may manage its channel.
func (x *exchange) inviteEvent(typ string, i *invite, event map[string]any) {
	event["code"], event["channel_id"], event["guild_id"] = i.Code, i.Channel.ID, i.guildID
	if x.botIn(i.Channel).has(discordgo.PermissionManageChannels) {
		x.emitInLocked(i.Channel, typ, event)
	}
}

// invites returns some of the invites that have not expired, oldest first, and forgets the others.
func (x *exchange) invites(want func(*invite) bool) []*invite {
	now := x.nowLocked()
	maps.DeleteFunc(x.world.invites, func(_ string, i *invite) bool {
		end := parseTime(i.ExpiresAt)
		return end != nil && now.After(*end)
	})
	out := []*invite{}
	for _, i := range x.world.invites {
		if want(i) {
			out = append(out, i)
		}
	}
	slices.SortFunc(out, func(a, b *invite) int {
		return parseTime(&a.CreatedAt).Compare(*parseTime(&b.CreatedAt))
	})
	return out
}

func (x *exchange) listChannelInvites() (any, error) {
	c, err := x.channel()
	if err != nil {
		return nil, err
	}
	return x.invites(func(i *invite) bool { return i.Channel == c }), nil
}

func (x *exchange) listGuildInvites() (any, error) {
	g, err := x.guild()
	if err != nil {
		return nil, err
	}
	return x.invites(func(i *invite) bool { return i.guildID == g.id }), nil
}

// invite returns the invite of the path.
func (x *exchange) invite() (*invite, error) {
	found := x.invites(func(i *invite) bool { return i.Code == x.params["code"] })
	if len(found) == 0 {
		return nil, &apiError{404, 10006, "Unknown Invite", nil}
	}
	return found[0], nil
}

func (x *exchange) getInvite() (any, error) {
	i, err := x.invite()
	if err != nil {
		return nil, err
	}
	if x.req.URL.Query().Get("with_counts") != "true" {
		return i, nil
	}
	g := x.world.guilds[i.guildID]
	return struct {
		*invite
		Members   int `json:"approximate_member_count"`
		Presences int `json:"approximate_presence_count"`
	}{i, len(g.order), len(g.presences)}, nil
}

func (x *exchange) deleteInvite() (any, error) {
	i, err := x.invite()
	if err != nil {
		return nil, err
	}
	may := x.botMay(x.world.guilds[i.guildID]).has(discordgo.PermissionManageGuild) ||
		x.botIn(i.Channel).has(discordgo.PermissionManageChannels)
	if !may {
		return nil, errMissingPermissions
	}
	delete(x.world.invites, i.Code)
	x.inviteEvent("INVITE_DELETE", i, map[string]any{})
	x.auditLocked(i.guildID, discordgo.AuditLogActionInviteDelete, "", auditChange{"code", i.Code, nil})
	return i, nil
}
