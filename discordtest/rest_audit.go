package discordtest

import (
	"net/url"
	"slices"
	"strconv"

	"github.com/bwmarrin/discordgo"
)

func auditRoutes(r router) {
	r.on("GET", "/guilds/{guild}/audit-logs", (*exchange).getAuditLog, discordgo.PermissionViewAuditLogs)
}

// An auditEntry is what the bot did in a guild over REST.
type auditEntry struct {
	ID       string                   `json:"id"`
	UserID   string                   `json:"user_id"`
	TargetID *string                  `json:"target_id"`
	Action   discordgo.AuditLogAction `json:"action_type"`
	Changes  []auditChange            `json:"changes,omitempty"`
	Reason   string                   `json:"reason,omitempty"`
}

// An auditChange is one changed field; nil stands for its absence.
type auditChange struct {
	Key string `json:"key"`
	Old any    `json:"old_value,omitempty"`
	New any    `json:"new_value,omitempty"`
}

// maxAudit is how many entries a guild keeps.
const maxAudit = 1000

// auditLocked writes an entry into the guild's log, with the reason that the request gives. Changes
// that change nothing are left out.
func (x *exchange) auditLocked(guildID string, action discordgo.AuditLogAction, targetID string,
	changes ...auditChange) {
	g := x.world.guilds[guildID]
	if g == nil {
		return
	}
	e := &auditEntry{
		ID: x.newIDLocked(), UserID: x.world.bot.ID, TargetID: orNil(targetID), Action: action,
		Changes: slices.DeleteFunc(changes, func(c auditChange) bool { return c.Old == c.New }),
	}
	e.Reason = x.reason()
	if len(g.audit) >= maxAudit {
		g.audit = slices.Clone(g.audit[maxAudit/2:])
	}
	g.audit = append(g.audit, e)
	if x.botMay(g).has(discordgo.PermissionViewAuditLogs) {
		x.emitLocked(g.id, "GUILD_AUDIT_LOG_ENTRY_CREATE", struct {
			*auditEntry
			GuildID string `json:"guild_id"`
		}{e, g.id})
	}
}

// reason returns what the request gives as its reason for the audit log.
func (x *exchange) reason() string {
	sent := x.req.Header.Get("X-Audit-Log-Reason")
	if text, err := url.PathUnescape(sent); err == nil {
		return text
	}
	return sent
}

// getAuditLog returns the newest entries first, and the users that they name.
func (x *exchange) getAuditLog() (any, error) {
	g, err := x.guild()
	if err != nil {
		return nil, err
	}
	q, limit := x.req.URL.Query(), x.number("limit", 50, 1, 100)
	action, _ := strconv.Atoi(q.Get("action_type"))
	entries, users := []*auditEntry{}, map[string]*user{}
	for _, e := range slices.Backward(g.audit) {
		switch {
		case len(entries) == limit,
			q.Get("user_id") != "" && q.Get("user_id") != e.UserID,
			action != 0 && action != int(e.Action),
			q.Get("before") != "" && compareIDs(e.ID, q.Get("before")) >= 0,
			q.Get("after") != "" && compareIDs(e.ID, q.Get("after")) <= 0:
			continue
		}
		entries = append(entries, e)
		for _, id := range []string{e.UserID, deref(e.TargetID)} {
			if u := x.world.users[id]; u != nil {
				users[id] = u
			}
		}
	}
	named := []*user{}
	for _, u := range users {
		named = append(named, u)
	}
	slices.SortFunc(named, func(a, b *user) int { return compareIDs(a.ID, b.ID) })
	out := map[string]any{"audit_log_entries": entries, "users": named}
	for _, empty := range []string{
		"application_commands", "auto_moderation_rules", "guild_scheduled_events", "integrations",
		"threads", "webhooks",
	} {
		out[empty] = []struct{}{}
	}
	return out, nil
}
