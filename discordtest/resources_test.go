package discordtest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/discordtest"
)

// A step is a request and the events that follow it. What it returns is kept: the id, or another
// field after a colon, goes by the name in save.
type step struct {
	method, path string
	body         any
	status, code int
	events       []string
	save         string
}

// walk takes steps one after the other, as a bot that hears everything.
func walk(t *testing.T, srv *discordtest.Server, names map[string]string, steps []step) *client {
	t.Helper()
	fill := newFiller(t, srv)
	c := loginAll(t, srv)
	named := func(s string) string {
		for name, v := range names {
			s = strings.ReplaceAll(s, "{"+name+"}", v)
		}
		return fill.text(s)
	}
	for _, s := range steps {
		var body any
		if s.body != nil {
			raw, err := json.Marshal(s.body)
			if err != nil {
				t.Fatal(err)
			}
			body = json.RawMessage(named(string(raw)))
		}
		r := rest(t, srv, s.method, named(s.path), body).want(s.status, s.code)
		for _, e := range s.events {
			c.event(e)
		}
		if name, key, _ := strings.Cut(s.save, ":"); name != "" {
			var out object
			if r.into(&out); key == "" {
				key = "id"
			}
			names[name] = fmt.Sprint(out[key])
		}
	}
	return c
}

func TestResources(t *testing.T) {
	event := func(typ, what string) []string { return []string{typ + "_" + what} }
	image := "data:image/png;base64,iVBORw0KGgo="
	for name, steps := range map[string][]step{
		"threads": {
			{"POST", "/channels/{c}/messages/{m}/threads", object{"name": "on a message"}, 201, 0,
				[]string{"THREAD_CREATE", "THREAD_MEMBERS_UPDATE", "THREAD_MEMBER_UPDATE", "MESSAGE_UPDATE"}, "t"},
			{"POST", "/channels/{c}/messages/{m}/threads", object{"name": "again"}, 400, 160004, nil, ""},
			{"POST", "/channels/{t}/messages", object{"content": "x"}, 200, 0, []string{"MESSAGE_CREATE"}, ""},
			{"PUT", "/channels/{t}/thread-members/{u}", nil, 204, 0, []string{"THREAD_MEMBERS_UPDATE"}, ""},
			{"GET", "/channels/{t}/thread-members", nil, 200, 0, nil, ""},
			{"DELETE", "/channels/{t}/thread-members/{u}", nil, 204, 0, []string{"THREAD_MEMBERS_UPDATE"}, ""},
			{"PATCH", "/channels/{t}", object{"archived": true}, 200, 0, []string{"THREAD_UPDATE"}, ""},
			{"PUT", "/channels/{t}/thread-members/{u}", nil, 400, 50083, nil, ""},
			{"GET", "/channels/{c}/threads/archived/public", nil, 200, 0, nil, ""},
			{"POST", "/channels/{t}/messages", object{"content": "wake"}, 200, 0, []string{"MESSAGE_CREATE", "THREAD_UPDATE"}, ""},
			{"DELETE", "/channels/{t}/thread-members/@me", nil, 204, 0, []string{"THREAD_MEMBERS_UPDATE"}, ""},
			{"DELETE", "/channels/{t}", nil, 200, 0, []string{"THREAD_DELETE"}, ""},
			{"GET", "/channels/{t}", nil, 404, 10003, nil, ""},
			{"POST", "/channels/{voice}/threads", object{"name": "x"}, 400, 50024, nil, ""},
		},
		"forum": {
			{"POST", "/channels/{forum}/messages", object{"content": "x"}, 400, 50008, nil, ""},
			{"POST", "/channels/{forum}/threads", object{"name": "post"}, 400, 50035, nil, ""},
			{"POST", "/channels/{forum}/threads", object{"name": "post", "message": object{"content": "x"}}, 201, 0,
				[]string{"THREAD_CREATE", "THREAD_MEMBERS_UPDATE", "THREAD_MEMBER_UPDATE", "MESSAGE_CREATE"}, "t"},
			{"GET", "/channels/{t}/messages/{t}", nil, 200, 0, nil, ""},
			{"DELETE", "/channels/{forum}", nil, 200, 0, []string{"THREAD_DELETE", "CHANNEL_DELETE"}, ""},
		},
		"overwrites": {
			{"PUT", "/channels/{c}/permissions/{u}", object{"type": 1, "allow": "1024"}, 204, 0, []string{"CHANNEL_UPDATE"}, ""},
			{"PUT", "/channels/{c}/permissions/1", object{"type": 1}, 404, 10009, nil, ""},
			{"DELETE", "/channels/{c}/permissions/{u}", nil, 204, 0, []string{"CHANNEL_UPDATE"}, ""},
			{"DELETE", "/channels/{c}/permissions/{u}", nil, 404, 10009, nil, ""},
		},
		"invites": {
			{"POST", "/channels/{c}/invites", object{"max_uses": 3}, 200, 0, []string{"INVITE_CREATE"}, "i:code"},
			{"GET", "/invites/{i}?with_counts=true", nil, 200, 0, nil, ""},
			{"DELETE", "/invites/{i}", nil, 200, 0, []string{"INVITE_DELETE"}, ""},
			{"GET", "/invites/{i}", nil, 404, 10006, nil, ""},
		},
		"emojis": {
			{"POST", "/guilds/{g}/emojis", object{"name": "wave", "image": image}, 201, 0, []string{"GUILD_EMOJIS_UPDATE"}, "e"},
			{"PUT", "/channels/{c}/messages/{m}/reactions/wave:{e}/@me", nil, 204, 0, []string{"MESSAGE_REACTION_ADD"}, ""},
			{"PUT", "/channels/{c}/messages/{m}/reactions/wave:1/@me", nil, 400, 10014, nil, ""},
			{"PATCH", "/guilds/{g}/emojis/{e}", object{"name": "hand"}, 200, 0, []string{"GUILD_EMOJIS_UPDATE"}, ""},
			{"DELETE", "/guilds/{g}/emojis/{e}", nil, 204, 0, []string{"GUILD_EMOJIS_UPDATE"}, ""},
			{"GET", "/guilds/{g}/emojis/{e}", nil, 404, 10014, nil, ""},
		},
		"scheduled events": {
			{"POST", "/guilds/{g}/scheduled-events", object{"name": "n", "privacy_level": 2, "entity_type": 2,
				"channel_id": "{voice}", "scheduled_start_time": "2030-01-01T00:00:00Z"}, 200, 0, event("GUILD_SCHEDULED_EVENT", "CREATE"), "s"},
			{"PATCH", "/guilds/{g}/scheduled-events/{s}", object{"name": "m"}, 200, 0, event("GUILD_SCHEDULED_EVENT", "UPDATE"), ""},
			{"PATCH", "/guilds/{g}/scheduled-events/{s}", object{"scheduled_end_time": "2029-01-01T00:00:00Z"}, 400, 50035, nil, ""},
			{"GET", "/guilds/{g}/scheduled-events/{s}/users", nil, 200, 0, nil, ""},
			{"DELETE", "/guilds/{g}/scheduled-events/{s}", nil, 204, 0, event("GUILD_SCHEDULED_EVENT", "DELETE"), ""},
			{"GET", "/guilds/{g}/scheduled-events/{s}", nil, 404, 10070, nil, ""},
		},
		"stages": {
			{"POST", "/stage-instances", object{"channel_id": "{c}", "topic": "x"}, 400, 50024, nil, ""},
			{"POST", "/stage-instances", object{"channel_id": "{stage}", "topic": "x"}, 200, 0, event("STAGE_INSTANCE", "CREATE"), ""},
			{"POST", "/stage-instances", object{"channel_id": "{stage}", "topic": "x"}, 400, 150006, nil, ""},
			{"PATCH", "/stage-instances/{stage}", object{"topic": "y"}, 200, 0, event("STAGE_INSTANCE", "UPDATE"), ""},
			{"DELETE", "/stage-instances/{stage}", nil, 204, 0, event("STAGE_INSTANCE", "DELETE"), ""},
			{"GET", "/stage-instances/{stage}", nil, 404, 10067, nil, ""},
		},
		"automod": {
			{"POST", "/guilds/{g}/auto-moderation/rules", object{"name": "n", "event_type": 1, "trigger_type": 3,
				"actions": list{object{"type": 1}}}, 200, 0, event("AUTO_MODERATION_RULE", "CREATE"), "r"},
			{"POST", "/guilds/{g}/auto-moderation/rules", object{"name": "n", "event_type": 1, "trigger_type": 3,
				"actions": list{object{"type": 1}}}, 400, 50035, nil, ""},
			{"PATCH", "/guilds/{g}/auto-moderation/rules/{r}", object{"enabled": true}, 200, 0, event("AUTO_MODERATION_RULE", "UPDATE"), ""},
			{"DELETE", "/guilds/{g}/auto-moderation/rules/{r}", nil, 204, 0, event("AUTO_MODERATION_RULE", "DELETE"), ""},
			{"GET", "/guilds/{g}/auto-moderation/rules/{r}", nil, 404, 10066, nil, ""},
		},
		"announcements": {
			{"POST", "/channels/{news}/messages", object{"content": "x"}, 200, 0, []string{"MESSAGE_CREATE"}, "p"},
			{"POST", "/channels/{news}/messages/{p}/crosspost", nil, 200, 0, []string{"MESSAGE_UPDATE"}, ""},
			{"POST", "/channels/{news}/messages/{p}/crosspost", nil, 400, 40033, nil, ""},
			{"POST", "/channels/{c}/messages/{m}/crosspost", nil, 400, 50024, nil, ""},
			{"POST", "/channels/{news}/followers", object{"webhook_channel_id": "{c}"}, 200, 0, []string{"WEBHOOKS_UPDATE"}, ""},
		},
		"webhooks": {
			{"POST", "/channels/{c}/webhooks", object{"name": "w"}, 200, 0, []string{"WEBHOOKS_UPDATE"}, "w"},
			{"PATCH", "/webhooks/{w}", object{"name": "v", "channel_id": "{news}"}, 200, 0, []string{"WEBHOOKS_UPDATE"}, ""},
			{"GET", "/guilds/{g}/webhooks", nil, 200, 0, nil, ""},
			{"DELETE", "/webhooks/{w}", nil, 204, 0, []string{"WEBHOOKS_UPDATE"}, ""},
		},
		"entitlements": {
			{"POST", "/applications/{me}/entitlements", object{"sku_id": "1", "owner_id": "{u}", "owner_type": 2}, 200, 0, event("ENTITLEMENT", "CREATE"), "e"},
			{"POST", "/applications/{me}/entitlements/{e}/consume", nil, 204, 0, event("ENTITLEMENT", "UPDATE"), ""},
			{"DELETE", "/applications/{me}/entitlements/{e}", nil, 204, 0, event("ENTITLEMENT", "DELETE"), ""},
			{"DELETE", "/applications/{me}/entitlements/{e}", nil, 404, 10073, nil, ""},
		},
		"templates": {
			{"POST", "/guilds/{g}/templates", object{"name": "n"}, 200, 0, nil, "code:code"},
			{"POST", "/guilds/{g}/templates", object{"name": "n"}, 400, 30031, nil, ""},
			{"GET", "/guilds/templates/{code}", nil, 200, 0, nil, ""},
			{"DELETE", "/guilds/{g}/templates/{code}", nil, 200, 0, nil, ""},
			{"GET", "/guilds/templates/{code}", nil, 404, 10057, nil, ""},
		},
		"voice": {
			{"PATCH", "/guilds/{g}/members/{u}", object{"mute": true}, 400, 40032, nil, ""},
		},
		"guild": {
			{"PATCH", "/guilds/{g}", object{"name": "x"}, 400, 50035, nil, ""},
			{"PATCH", "/guilds/{g}", object{"description": "d", "verification_level": 2}, 200, 0, []string{"GUILD_UPDATE"}, ""},
			{"PATCH", "/guilds/{g}/channels", list{object{"id": "{c}", "position": 2}}, 204, 0, []string{"CHANNEL_UPDATE"}, ""},
			{"POST", "/guilds/{g}/prune", object{"days": 1}, 200, 0, []string{"GUILD_MEMBER_REMOVE"}, ""},
		},
	} {
		t.Run(name, func(t *testing.T) {
			srv := start(t, discordtest.Config{Guilds: 1, NoRateLimits: true})
			g := srv.Guilds()[0]
			names := map[string]string{"voice": g.VoiceChannels[0].ID}
			for name, kind := range map[string]discordgo.ChannelType{
				"forum": discordgo.ChannelTypeGuildForum, "news": discordgo.ChannelTypeGuildNews,
				"stage": discordgo.ChannelTypeGuildStageVoice,
			} {
				c, err := srv.AddChannelType(g.ID, name, kind)
				if err != nil {
					t.Fatal(err)
				}
				names[name] = c.ID
			}
			walk(t, srv, names, steps)
		})
	}
}

func TestPolls(t *testing.T) {
	srv := start(t, discordtest.Config{Guilds: 1, NoRateLimits: true})
	g := srv.Guilds()[0]
	names, channel := map[string]string{}, g.Channels[0].ID
	c := walk(t, srv, names, []step{{"POST", "/channels/{c}/messages", object{"poll": object{
		"question": object{"text": "which?"}, "duration": 1, "answers": list{
			object{"poll_media": object{"text": "this"}}, object{"poll_media": object{"text": "that"}}}}},
		200, 0, []string{"MESSAGE_CREATE"}, "p"}})
	user := g.Members[2].User.ID
	for _, answer := range []int{1, 2} {
		if err := srv.Vote(channel, names["p"], user, answer); err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range []string{"MESSAGE_POLL_VOTE_ADD", "MESSAGE_POLL_VOTE_REMOVE", "MESSAGE_POLL_VOTE_ADD"} {
		c.event(e)
	}
	poll := "/channels/" + channel + "/polls/" + names["p"]
	var voters struct{ Users []discordgo.User }
	if rest(t, srv, "GET", poll+"/answers/2", nil).want(200, 0).into(&voters); len(voters.Users) != 1 || voters.Users[0].ID != user {
		t.Errorf("voters %+v", voters)
	}
	rest(t, srv, "GET", poll+"/answers/3", nil).want(400, 520001)
	rest(t, srv, "POST", poll+"/expire", nil).want(200, 0)
	rest(t, srv, "POST", poll+"/expire", nil).want(400, 520006)
	if err := srv.Vote(channel, names["p"], user, 1); err == nil {
		t.Error("a vote after the end")
	}
	if p := srv.Messages(channel)[1].Poll; p == nil || !p.Results.Finalized || p.Results.AnswerCounts[0].ID != 2 {
		t.Errorf("poll %+v", p)
	}
}

func TestStickers(t *testing.T) {
	srv := start(t, discordtest.Config{})
	g := srv.Guilds()[0]
	c := loginAll(t, srv)
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for name, value := range map[string]string{"name": "cat", "description": "", "tags": "cat"} {
		must(0, form.WriteField(name, value))
	}
	must(must(form.CreateFormFile("file", "cat.png")).Write([]byte("png")))
	must(0, form.Close())
	req := must(http.NewRequestWithContext(deadline(t), "POST", srv.URL+"/api/v9/guilds/"+g.ID+"/stickers", &body))
	req.Header.Set("Content-Type", form.FormDataContentType())
	req.Header.Set("Authorization", "Bot "+srv.Token)
	var s discordgo.Sticker
	do(t, req).want(201, 0).into(&s)
	c.event("GUILD_STICKERS_UPDATE")
	rest(t, srv, "PATCH", "/guilds/"+g.ID+"/stickers/"+s.ID, object{"name": "dog"}).want(200, 0)
	c.event("GUILD_STICKERS_UPDATE")
	rest(t, srv, "GET", "/stickers/"+s.ID, nil).want(200, 0).into(&s)
	if s.Name != "dog" {
		t.Errorf("sticker %+v", s)
	}
	rest(t, srv, "DELETE", "/guilds/"+g.ID+"/stickers/"+s.ID, nil).want(204, 0)
	rest(t, srv, "GET", "/guilds/"+g.ID+"/stickers/"+s.ID, nil).want(404, 10060)
}

func TestAuditLog(t *testing.T) {
	srv := start(t, discordtest.Config{})
	g := srv.Guilds()[0]
	user := g.Members[2].User.ID
	c := loginAll(t, srv)
	req := must(http.NewRequestWithContext(deadline(t), "PUT", srv.URL+"/api/v10/guilds/"+g.ID+"/bans/"+user, nil))
	req.Header.Set("Authorization", "Bot "+srv.Token)
	req.Header.Set("X-Audit-Log-Reason", "spam%20and%20eggs")
	do(t, req).want(204, 0)
	rest(t, srv, "POST", "/guilds/"+g.ID+"/roles", object{"name": "r"}).want(200, 0)
	for _, e := range []string{"GUILD_BAN_ADD", "GUILD_MEMBER_REMOVE", "GUILD_AUDIT_LOG_ENTRY_CREATE", "GUILD_ROLE_CREATE"} {
		c.event(e)
	}
	var log discordgo.GuildAuditLog
	rest(t, srv, "GET", "/guilds/"+g.ID+"/audit-logs?action_type=22", nil).want(200, 0).into(&log)
	if len(log.AuditLogEntries) != 1 || log.AuditLogEntries[0].TargetID != user || log.AuditLogEntries[0].Reason != "spam and eggs" {
		t.Errorf("log %+v", log)
	}
	rest(t, srv, "GET", "/guilds/"+g.ID+"/audit-logs?limit=1", nil).want(200, 0).into(&log)
	if len(log.AuditLogEntries) != 1 || *log.AuditLogEntries[0].ActionType != discordgo.AuditLogActionRoleCreate {
		t.Errorf("newest %+v", log.AuditLogEntries)
	}
}

func TestCommandPermissions(t *testing.T) {
	s := newStage(t)
	var c discordgo.ApplicationCommand
	rest(t, s.srv, "POST", "/applications/"+s.srv.Bot().ID+"/commands", object{"name": "x", "description": "d"}).into(&c)
	path := "/applications/" + s.srv.Bot().ID + "/guilds/" + s.guild + "/commands/" + c.ID + "/permissions"
	rest(t, s.srv, "GET", path, nil).want(404, 10066)
	if err := s.srv.SetCommandPermissions(s.guild, "1"); err == nil {
		t.Error("permissions of an unknown command")
	}
	err := s.srv.SetCommandPermissions(s.guild, c.ID, &discordgo.ApplicationCommandPermissions{
		ID: s.user, Type: discordgo.ApplicationCommandPermissionTypeUser})
	if err != nil {
		t.Fatal(err)
	}
	s.c.event("APPLICATION_COMMAND_PERMISSIONS_UPDATE")
	rest(t, s.srv, "GET", path, nil).want(200, 0)
	use := func(channel, user, name string) error { return s.srv.SlashCommand(s.guild, channel, user, name).Err() }
	g := s.srv.Guilds()[0]
	other := g.Members[3].User.ID
	if err := use(s.channel, s.user, "x"); !errors.Is(err, discordtest.ErrNotAllowed) {
		t.Errorf("who may not: %v", err)
	}
	if err := errors.Join(use(s.channel, g.OwnerID, "x"), use(s.channel, other, "x")); err != nil {
		t.Error(err)
	}
	rest(t, s.srv, "POST", "/applications/"+s.srv.Bot().ID+"/commands",
		object{"name": "ban", "description": "d", "default_member_permissions": "4"}).into(&c)
	if err := use(s.channel, other, "ban"); !errors.Is(err, discordtest.ErrNotAllowed) {
		t.Errorf("who may not ban: %v", err)
	}
	err = s.srv.SetCommandPermissions(s.guild, c.ID,
		&discordgo.ApplicationCommandPermissions{ID: g.ID, Type: discordgo.ApplicationCommandPermissionTypeRole, Permission: true},
		&discordgo.ApplicationCommandPermissions{ID: g.Channels[1].ID, Type: discordgo.ApplicationCommandPermissionTypeChannel})
	if err != nil {
		t.Fatal(err)
	}
	if err := use(s.channel, other, "ban"); err != nil {
		t.Errorf("everyone may by now: %v", err)
	}
	if err := use(g.Channels[1].ID, other, "ban"); !errors.Is(err, discordtest.ErrNotAllowed) {
		t.Errorf("but not there: %v", err)
	}
}

// A person's thread, and what becomes of old ones.
func TestStartThread(t *testing.T) {
	srv := start(t, discordtest.Config{NoRateLimits: true})
	g := srv.Guilds()[0]
	c := loginAll(t, srv)
	thread, err := srv.StartThread(g.Channels[0].ID, g.OwnerID, "talk")
	if err != nil {
		t.Fatal(err)
	}
	c.event("THREAD_CREATE")
	c.event("THREAD_MEMBERS_UPDATE")
	if _, err := srv.Say(thread.ID, g.Members[2].User.ID, "hi"); err != nil {
		t.Fatal(err)
	}
	c.event("MESSAGE_CREATE")
	c.event("THREAD_MEMBERS_UPDATE")
	var page discordgo.ThreadsList
	rest(t, srv, "GET", "/guilds/"+g.ID+"/threads/active", nil).into(&page)
	if len(page.Threads) != 1 || page.Threads[0].MemberCount != 2 || page.Threads[0].MessageCount != 1 || len(page.Members) != 0 {
		t.Errorf("threads %+v", page)
	}
	rest(t, srv, "PATCH", "/channels/"+thread.ID, object{"archived": true, "locked": true}).want(200, 0)
	before := srv.Now().Add(time.Hour).Format(time.RFC3339)
	rest(t, srv, "GET", "/channels/"+g.Channels[0].ID+"/threads/archived/public?before="+before, nil).want(200, 0).into(&page)
	if len(page.Threads) != 1 || page.HasMore {
		t.Errorf("archived %+v", page)
	}
	if g := srv.Guilds()[0]; len(g.Threads) != 1 || !g.Threads[0].ThreadMetadata.Locked || g.Threads[0].OwnerID != g.OwnerID {
		t.Errorf("threads of the guild: %+v", g.Threads)
	}
}
