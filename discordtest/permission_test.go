package discordtest_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/discordtest"
)

const everything = int64(1<<53 - 1)

// Each request is refused once something is taken from the bot, and works before.
func TestPermissions(t *testing.T) {
	say := map[string]any{"content": "x"}
	for _, tc := range []struct {
		name, method, path string // {c} is a channel, {g} the guild, {u} a member, {m} a message of theirs
		body               any
		take               int64
		code               int
	}{
		{"see", "GET", "/channels/{c}", nil, discordgo.PermissionViewChannel, 50001},
		{"send unseen", "POST", "/channels/{c}/messages", say, discordgo.PermissionViewChannel, 50001},
		{"send", "POST", "/channels/{c}/messages", say, discordgo.PermissionSendMessages, 50013},
		{"embed", "POST", "/channels/{c}/messages", map[string]any{"embeds": []any{map[string]any{"title": "x"}}},
			discordgo.PermissionEmbedLinks, 50013},
		{"reply", "POST", "/channels/{c}/messages", map[string]any{"content": "x", "message_reference": map[string]any{"message_id": "{m}"}},
			discordgo.PermissionReadMessageHistory, 160002},
		{"type", "POST", "/channels/{c}/typing", nil, discordgo.PermissionSendMessages, 50013},
		{"read one", "GET", "/channels/{c}/messages/{m}", nil, discordgo.PermissionReadMessageHistory, 50013},
		{"delete", "DELETE", "/channels/{c}/messages/{m}", nil, discordgo.PermissionManageMessages, 50013},
		{"pin", "PUT", "/channels/{c}/pins/{m}", nil, discordgo.PermissionManageMessages | 1<<51, 50013},
		{"react", "PUT", "/channels/{c}/messages/{m}/reactions/%F0%9F%91%8D/@me", nil, discordgo.PermissionAddReactions, 50013},
		{"clear reactions", "DELETE", "/channels/{c}/messages/{m}/reactions", nil, discordgo.PermissionManageMessages, 50013},
		{"thread", "POST", "/channels/{c}/messages/{m}/threads", map[string]any{"name": "t"}, discordgo.PermissionCreatePublicThreads, 50013},
		{"private thread", "POST", "/channels/{c}/threads", map[string]any{"name": "t"}, discordgo.PermissionCreatePrivateThreads, 50013},
		{"edit channel", "PATCH", "/channels/{c}", map[string]any{"name": "n"}, discordgo.PermissionManageChannels, 50013},
		{"make channel", "POST", "/guilds/{g}/channels", map[string]any{"name": "n"}, discordgo.PermissionManageChannels, 50013},
		{"overwrite", "PUT", "/channels/{c}/permissions/{u}", map[string]any{"type": 1}, discordgo.PermissionManageRoles, 50013},
		{"invite", "POST", "/channels/{c}/invites", map[string]any{}, discordgo.PermissionCreateInstantInvite, 50013},
		{"webhook", "POST", "/channels/{c}/webhooks", map[string]any{"name": "w"}, discordgo.PermissionManageWebhooks, 50013},
		{"kick", "DELETE", "/guilds/{g}/members/{u}", nil, discordgo.PermissionKickMembers, 50013},
		{"ban", "PUT", "/guilds/{g}/bans/{u}", nil, discordgo.PermissionBanMembers, 50013},
		{"rename", "PATCH", "/guilds/{g}/members/{u}", map[string]any{"nick": "n"}, discordgo.PermissionManageNicknames, 50013},
		{"rename itself", "PATCH", "/guilds/{g}/members/@me", map[string]any{"nick": "n"}, discordgo.PermissionChangeNickname, 50013},
		{"give roles", "PATCH", "/guilds/{g}/members/{u}", map[string]any{"roles": []string{}}, discordgo.PermissionManageRoles, 50013},
		{"time out", "PATCH", "/guilds/{g}/members/{u}", map[string]any{"communication_disabled_until": time.Now().Add(time.Hour)},
			discordgo.PermissionModerateMembers, 50013},
		{"make role", "POST", "/guilds/{g}/roles", map[string]any{"name": "r"}, discordgo.PermissionManageRoles, 50013},
		{"audit log", "GET", "/guilds/{g}/audit-logs", nil, discordgo.PermissionViewAuditLogs, 50013},
		{"rules", "GET", "/guilds/{g}/auto-moderation/rules", nil, discordgo.PermissionManageGuild, 50013},
		{"emoji", "POST", "/guilds/{g}/emojis", map[string]any{"name": "wave", "image": "data:image/png;base64,AA=="},
			discordgo.PermissionCreateGuildExpressions, 50013},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, cfg := range []discordtest.Config{{NoRateLimits: true}, {NoRateLimits: true, NoPermissions: true}} {
				srv := start(t, cfg)
				g := srv.Guilds()[0]
				fill := newFiller(t, srv)
				path, body := fill.text(tc.path), fill.body(tc.body)
				if err := srv.SetBotPermissions(g.ID, everything&^8&^tc.take); err != nil {
					t.Fatal(err)
				}
				if cfg.NoPermissions {
					if r := rest(t, srv, tc.method, path, body); r.status >= 300 {
						t.Errorf("without permissions: %d %s", r.status, r.body)
					}
					continue
				}
				rest(t, srv, tc.method, path, body).want(403, tc.code)
				if err := srv.SetBotPermissions(g.ID, everything&^8); err != nil {
					t.Fatal(err)
				}
				if r := rest(t, srv, tc.method, path, body); r.status >= 300 {
					t.Errorf("with all permissions: %d %s", r.status, r.body)
				}
			}
		})
	}
}

func TestOverwrites(t *testing.T) {
	srv := start(t, discordtest.Config{NoRateLimits: true})
	g := srv.Guilds()[0]
	channel, say := g.Channels[0].ID, map[string]any{"content": "x"}
	send := func() reply { return rest(t, srv, "POST", "/channels/"+channel+"/messages", say) }
	set := func(id string, allow, deny int64) {
		t.Helper()
		if err := srv.SetPermissions(channel, id, allow, deny); err != nil {
			t.Fatal(err)
		}
	}
	set(g.ID, 0, discordgo.PermissionSendMessages)
	send().want(403, 50013)
	set(g.Roles[3].ID, discordgo.PermissionSendMessages, 0) // the bot's own role
	send().want(200, 0)
	set(srv.Bot().ID, 0, discordgo.PermissionViewChannel)
	send().want(403, 50001)
	c := login(t, srv, discordgo.IntentGuildMessages|discordgo.IntentMessageContent)
	if _, err := srv.Say(channel, g.OwnerID, "secret"); err != nil {
		t.Fatal(err)
	}
	if _, err := srv.Say(g.Channels[1].ID, g.OwnerID, "open"); err != nil {
		t.Fatal(err)
	}
	var m discordgo.Message
	if c.decode(c.event("MESSAGE_CREATE").D, &m); m.Content != "open" {
		t.Errorf("the bot hears %q in a channel that it does not see", m.Content)
	}
	// An administrator sees through all of it.
	if err := srv.SetBotPermissions(g.ID, discordgo.PermissionAdministrator); err != nil {
		t.Fatal(err)
	}
	send().want(200, 0)
	if err := srv.SetPermissions(channel, "1", 0, 0); err == nil {
		t.Error("an overwrite for nobody")
	}
}

func TestHierarchy(t *testing.T) {
	srv := start(t, discordtest.Config{NoRateLimits: true})
	g := srv.Guilds()[0]
	user, base := g.Members[2].User.ID, "/guilds/"+g.ID
	regular, moderator, own := g.Roles[2].ID, g.Roles[1].ID, g.Roles[3].ID
	for _, tc := range []struct {
		method, path string
		body         any
		status, code int
	}{
		{"PUT", base + "/bans/" + g.OwnerID, nil, 403, 50013},
		{"DELETE", base + "/members/" + g.OwnerID, nil, 403, 50013},
		{"PATCH", base + "/members/" + g.OwnerID, map[string]any{"nick": "n"}, 403, 50013},
		{"DELETE", base + "/roles/" + moderator, nil, 403, 50013},
		{"PATCH", base + "/roles/" + moderator, map[string]any{"name": "n"}, 403, 50013},
		{"PATCH", base + "/roles/" + own, map[string]any{"name": "n"}, 403, 50013},
		{"PUT", base + "/members/" + user + "/roles/" + moderator, nil, 403, 50013},
		{"PATCH", base + "/members/" + user, map[string]any{"roles": []string{moderator}}, 403, 50013},
		{"PUT", base + "/members/" + user + "/roles/" + regular, nil, 204, 0},
		{"PUT", base + "/members/" + user + "/roles/" + own, nil, 400, 50028},
		{"DELETE", base + "/roles/" + g.ID, nil, 400, 50028},
		{"POST", base + "/roles", map[string]any{"permissions": "8"}, 403, 50013},
		{"PATCH", base + "/roles", []any{map[string]any{"id": regular, "position": 9}}, 403, 50013},
		{"PATCH", base + "/roles/" + regular, map[string]any{"name": "n"}, 200, 0},
	} {
		t.Run(fmt.Sprint(tc.method, tc.path), func(t *testing.T) {
			rest(t, srv, tc.method, tc.path, tc.body).want(tc.status, tc.code)
		})
	}
	top, err := srv.AddRole(g.ID, "Chief", 0, math.MaxInt)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := srv.UpdateMember(g.ID, user, discordtest.MemberEdit{Roles: []string{top.ID}}); err != nil {
		t.Fatal(err)
	}
	rest(t, srv, "DELETE", base+"/members/"+user, nil).want(403, 50013)
	low, err := srv.AddRole(g.ID, "Guest", 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	after, err := srv.Guild(g.ID)
	if err != nil {
		t.Fatal(err)
	}
	if low.Position != 1 || after.Roles[2].Position != 2 || after.Roles[1].Position != 4 {
		t.Errorf("positions: %d, then %d and %d", low.Position, after.Roles[2].Position, after.Roles[1].Position)
	}
}

// A bot in timeout can only read.
func TestTimeout(t *testing.T) {
	srv := start(t, discordtest.Config{NoRateLimits: true})
	g := srv.Guilds()[0]
	channel := "/channels/" + g.Channels[0].ID
	member := "/guilds/" + g.ID + "/members/" + g.Members[2].User.ID
	until := func(d time.Duration) map[string]any {
		return map[string]any{"communication_disabled_until": srv.Now().Add(d)}
	}
	rest(t, srv, "PATCH", "/guilds/"+g.ID+"/members/@me", until(time.Hour)).want(200, 0)
	rest(t, srv, "POST", channel+"/messages", map[string]any{"content": "x"}).want(403, 50013)
	rest(t, srv, "GET", channel+"/messages", nil).want(200, 0)
	srv.Advance(2 * time.Hour)
	rest(t, srv, "POST", channel+"/messages", map[string]any{"content": "x"}).want(200, 0)
	rest(t, srv, "PATCH", member, until(29*24*time.Hour)).want(400, 50035)
}

// What a person may do comes with an interaction.
func TestPermissionsOfInteractions(t *testing.T) {
	s := newStage(t)
	g := s.srv.Guilds()[0]
	granted := func(user string) int64 {
		t.Helper()
		s.srv.SlashCommand(s.guild, s.channel, user, "x")
		var i struct {
			Member discordgo.Member
			App    int64 `json:"app_permissions,string"`
		}
		if s.c.decode(s.c.event("INTERACTION_CREATE").D, &i); i.App&discordgo.PermissionAdministrator != 0 || i.App == 0 {
			t.Errorf("the bot has %b", i.App)
		}
		return i.Member.Permissions
	}
	if p := granted(s.user); p&discordgo.PermissionBanMembers != 0 || p&discordgo.PermissionSendMessages == 0 {
		t.Errorf("somebody has %b", p)
	}
	if p := granted(g.OwnerID); p&discordgo.PermissionAdministrator == 0 {
		t.Errorf("the owner has %b", p)
	}
	r, err := s.srv.AddRole(s.guild, "Warden", discordgo.PermissionBanMembers, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.srv.UpdateMember(s.guild, s.user, discordtest.MemberEdit{Roles: []string{r.ID}}); err != nil {
		t.Fatal(err)
	}
	if p := granted(s.user); p&discordgo.PermissionBanMembers == 0 {
		t.Errorf("a warden has %b", p)
	}
}

// Whole lists of members are for applications with the privileged intent.
func TestMembersNeedTheIntent(t *testing.T) {
	srv := start(t, discordtest.Config{PrivilegedIntents: discordtest.NoPrivilegedIntents})
	g := srv.Guilds()[0]
	rest(t, srv, "GET", "/guilds/"+g.ID+"/members?limit=10", nil).want(403, 50001)
	rest(t, srv, "GET", "/guilds/"+g.ID+"/members/"+g.OwnerID, nil).want(200, 0)
	rest(t, srv, "GET", "/guilds/"+g.ID+"/members/search?query=a", nil).want(200, 0)
}
