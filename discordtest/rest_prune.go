package discordtest

import (
	"slices"
	"time"

	"github.com/bwmarrin/discordgo"
)

func pruneRoutes(r router) {
	const prune = "/guilds/{guild}/prune"
	const manage, kick = discordgo.PermissionManageGuild, discordgo.PermissionKickMembers
	r.on("GET", prune, (*exchange).countPrune, manage, kick)
	r.on("POST", prune, (*exchange).prune, manage, kick)
}

func (x *exchange) countPrune() (any, error) {
	g, err := x.guild()
	if err != nil {
		return nil, err
	}
	return map[string]int{"pruned": len(x.inactive(g, x.number("days", 7, 1, 30)))}, nil
}

func (x *exchange) prune() (any, error) {
	g, err := x.guild()
	if err != nil {
		return nil, err
	}
	in := struct {
		Days int `json:"days"`
	}{Days: 7}
	if err := x.decode(&in); err != nil {
		return nil, err
	}
	var f form
	if f.number("days", float64(in.Days), 1, 30); f.tree != nil {
		return nil, f.err()
	}
	gone := x.inactive(g, in.Days)
	for _, m := range gone {
		x.removeMemberLocked(g, m)
	}
	x.auditLocked(g.id, discordgo.AuditLogActionMemberPrune, "")
	return map[string]int{"pruned": len(gone)}, nil
}

// inactive returns the members that a prune takes: those without roles who are not online, did not
// join and wrote nothing within the given number of days.
func (x *exchange) inactive(g *guild, days int) []*member {
	since := x.nowLocked().AddDate(0, 0, -days)
	active := make(map[string]bool)
	for _, c := range slices.Concat(g.channels, g.threads) {
		for _, m := range c.messages {
			if born, _ := snowflakeTime(m.ID); born.After(since) {
				active[m.Author.ID] = true
			}
		}
	}
	var out []*member
	for _, id := range g.order {
		m := g.members[id]
		joined, _ := time.Parse(time.RFC3339, m.JoinedAt)
		if len(m.Roles) == 0 && id != g.ownerID && g.presences[id] == nil && !active[id] && joined.Before(since) {
			out = append(out, m)
		}
	}
	return out
}
