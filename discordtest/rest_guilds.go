package discordtest

import (
	"encoding/json"
	"slices"
	"strings"
)

func (x *exchange) getGuild() (any, error) {
	g, err := x.guild()
	if err != nil {
		return nil, err
	}
	type counted struct {
		guildObject
		Members   int `json:"approximate_member_count,omitempty"`
		Presences int `json:"approximate_presence_count,omitempty"`
	}
	out := counted{guildObject: g.object()}
	if x.req.URL.Query().Get("with_counts") == "true" {
		out.Members, out.Presences = len(g.order), len(g.presences)
	}
	return out, nil
}

func (x *exchange) patchGuild() (any, error) {
	g, err := x.guild()
	if err != nil {
		return nil, err
	}
	var in struct {
		Name *string `json:"name"`
	}
	if err := x.decode(&in); err != nil {
		return nil, err
	}
	set(&g.name, in.Name)
	x.emitLocked(g.id, "GUILD_UPDATE", g.object())
	return g.object(), nil
}

func (x *exchange) listMembers() (any, error) {
	g, err := x.guild()
	if err != nil {
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

func (x *exchange) patchMember() (any, error) {
	g, m, err := x.member()
	if err != nil {
		return nil, err
	}
	var in struct {
		Nick         json.RawMessage `json:"nick"`
		Roles        []string        `json:"roles"`
		Mute         *bool           `json:"mute"`
		Deaf         *bool           `json:"deaf"`
		ChannelID    json.RawMessage `json:"channel_id"`
		TimeoutUntil json.RawMessage `json:"communication_disabled_until"`
	}
	if err := x.decode(&in); err != nil {
		return nil, err
	}
	next := *m
	for _, f := range []struct {
		raw json.RawMessage
		dst **string
	}{{in.Nick, &next.Nick}, {in.TimeoutUntil, &next.TimeoutUntil}} {
		var v *string
		if f.raw != nil && json.Unmarshal(f.raw, &v) == nil {
			*f.dst = orNil(deref(v))
		}
	}
	if len(deref(next.Nick)) > 32*4 {
		return nil, tooLong("nick", 32)
	}
	for _, id := range in.Roles {
		if g.role(id) == nil {
			return nil, errUnknownRole
		}
	}
	if in.Roles != nil {
		next.Roles = in.Roles
	}
	set(&next.Mute, in.Mute)
	set(&next.Deaf, in.Deaf)
	x.replaceMemberLocked(g, &next)
	return &next, nil
}

func (x *exchange) giveRole() (any, error) { return x.setRole(true) }
func (x *exchange) takeRole() (any, error) { return x.setRole(false) }

func (x *exchange) setRole(on bool) (any, error) {
	g, m, err := x.member()
	if err != nil {
		return nil, err
	}
	if g.role(x.params["role"]) == nil {
		return nil, errUnknownRole
	}
	if slices.Contains(m.Roles, x.params["role"]) != on {
		x.replaceMemberLocked(g, m.withRole(x.params["role"], on))
	}
	return nil, nil
}

func (x *exchange) kick() (any, error) {
	g, m, err := x.member()
	if err != nil {
		return nil, err
	}
	x.removeMemberLocked(g, m)
	return nil, nil
}

// removeMemberLocked takes a member out of a guild and tells everybody.
func (s *Server) removeMemberLocked(g *guild, m *member) {
	g.remove(m.User.ID)
	s.emitLocked(g.id, "GUILD_MEMBER_REMOVE", map[string]any{"guild_id": g.id, "user": m.User})
}

func (x *exchange) listBans() (any, error) {
	g, err := x.guild()
	if err != nil {
		return nil, err
	}
	out := []*ban{}
	for _, b := range g.bans {
		out = append(out, b)
	}
	slices.SortFunc(out, func(a, b *ban) int { return compareIDs(a.User.ID, b.User.ID) })
	return out, nil
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
	g.bans[u.ID] = &ban{Reason: orNil(x.req.Header.Get("X-Audit-Log-Reason")), User: u}
	x.emitLocked(g.id, "GUILD_BAN_ADD", map[string]any{"guild_id": g.id, "user": u})
	if m := g.members[u.ID]; m != nil {
		x.removeMemberLocked(g, m)
	}
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
	return nil, nil
}
