package discordtest

import (
	"maps"
	"slices"

	"github.com/bwmarrin/discordgo"
)

func banRoutes(r router) {
	const bans, may = "/guilds/{guild}/bans", discordgo.PermissionBanMembers
	r.on("GET", bans, (*exchange).listBans, may)
	r.on("GET", bans+"/{user}", (*exchange).getBan, may)
	r.on("PUT", bans+"/{user}", (*exchange).ban, may)
	r.on("DELETE", bans+"/{user}", (*exchange).unban, may)
}

func (x *exchange) listBans() (any, error) {
	g, err := x.guild()
	if err != nil {
		return nil, err
	}
	q, limit := x.req.URL.Query(), x.number("limit", 1000, 1, 1000)
	before, after := q.Get("before"), q.Get("after")
	out := []*ban{}
	for _, id := range slices.SortedFunc(maps.Keys(g.bans), compareIDs) {
		if (after == "" || compareIDs(id, after) > 0) && (before == "" || compareIDs(id, before) < 0) {
			out = append(out, g.bans[id])
		}
	}
	if len(out) > limit && before != "" {
		return out[len(out)-limit:], nil
	}
	return out[:min(len(out), limit)], nil
}

func (x *exchange) getBan() (any, error) {
	g, err := x.guild()
	if err != nil {
		return nil, err
	}
	b := g.bans[x.params["user"]]
	if b == nil {
		return nil, errUnknownBan
	}
	return b, nil
}

func (x *exchange) ban() (any, error) {
	g, err := x.guild()
	if err != nil {
		return nil, err
	}
	u := x.world.users[x.params["user"]]
	if u == nil {
		return nil, errUnknownUser
	}
	if m := g.members[u.ID]; m != nil && !x.outranks(g, m) {
		return nil, errMissingPermissions
	}
	g.bans[u.ID] = &ban{Reason: orNil(x.reason()), User: u}
	x.emitLocked(g.id, "GUILD_BAN_ADD", map[string]any{"guild_id": g.id, "user": u})
	if m := g.members[u.ID]; m != nil {
		x.removeMemberLocked(g, m)
	}
	x.auditLocked(g.id, discordgo.AuditLogActionMemberBanAdd, u.ID)
	return nil, nil
}

func (x *exchange) unban() (any, error) {
	g, err := x.guild()
	if err != nil {
		return nil, err
	}
	b := g.bans[x.params["user"]]
	if b == nil {
		return nil, errUnknownBan
	}
	delete(g.bans, b.User.ID)
	x.emitLocked(g.id, "GUILD_BAN_REMOVE", map[string]any{"guild_id": g.id, "user": b.User})
	x.auditLocked(g.id, discordgo.AuditLogActionMemberBanRemove, b.User.ID)
	return nil, nil
}
