package discordtest_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/discordtest"
)

// A reply is the answer to a REST request.
type reply struct {
	t      *testing.T
	status int
	header http.Header
	body   []byte
}

func (r reply) into(v any) {
	r.t.Helper()
	if err := json.Unmarshal(r.body, v); err != nil {
		r.t.Fatalf("decode %q: %v", r.body, err)
	}
}

// code returns the JSON error code.
func (r reply) code() int {
	r.t.Helper()
	var e struct{ Code int }
	r.into(&e)
	return e.Code
}

// want fails unless the answer has a status and, for errors, a code.
func (r reply) want(status, code int) reply {
	r.t.Helper()
	if r.status != status || (status >= 400 && r.code() != code) {
		r.t.Fatalf("got %d %s, want %d with code %d", r.status, r.body, status, code)
	}
	return r
}

var direct = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// rest makes a request as the bot.
func rest(t *testing.T, srv *discordtest.Server, method, path string, body any) reply {
	t.Helper()
	return restAs(t, srv, "Bot "+srv.Token, method, path, body)
}

func restAs(t *testing.T, srv *discordtest.Server, auth, method, path string, body any) reply {
	t.Helper()
	var in io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		in = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(deadline(t), method, srv.URL+"/api/v10"+path, in)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if auth != "" {
		req.Header.Set("Authorization", auth)
	}
	return do(t, req)
}

func do(t *testing.T, req *http.Request) reply {
	t.Helper()
	resp, err := direct.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{t, resp.StatusCode, resp.Header, b}
}

func TestAuthorization(t *testing.T) {
	srv := start(t, discordtest.Config{})
	for _, auth := range []string{"", "Bot wrong", srv.Token, "Bearer " + srv.Token} {
		got := restAs(t, srv, auth, "GET", "/users/@me", nil).want(401, 0)
		if want := `{"code":0,"message":"401: Unauthorized"}`; string(got.body) != want {
			t.Errorf("got %s, want %s", got.body, want)
		}
	}
	var me discordgo.User
	rest(t, srv, "GET", "/users/@me", nil).want(200, 0).into(&me)
	if me.ID != srv.Bot().ID || !me.Bot {
		t.Errorf("/users/@me is %+v", me)
	}
	restAs(t, srv, "", "GET", "/gateway", nil).want(200, 0)
}

func TestUnknownThings(t *testing.T) {
	srv := start(t, discordtest.Config{})
	g := srv.Guilds()[0]
	ch := "/channels/" + g.Channels[0].ID
	for _, tc := range []struct {
		method, path string
		status, code int
	}{
		{"GET", "/no/such/route", 501, 0},
		{"PUT", "/users/@me", 501, 0},
		{"GET", "/channels/1", 404, 10003},
		{"GET", "/guilds/1", 404, 10004},
		{"GET", "/guilds/" + g.ID + "/members/1", 404, 10007},
		{"GET", ch + "/messages/1", 404, 10008},
		{"GET", "/guilds/" + g.ID + "/roles/1", 404, 10011},
		{"GET", "/users/1", 404, 10013},
		{"POST", "/webhooks/1/x", 404, 10015},
		{"GET", "/guilds/" + g.ID + "/bans/1", 404, 10026},
		{"POST", "/interactions/1/x/callback", 404, 10062},
		{"GET", "/applications/" + srv.Bot().ID + "/commands/1", 404, 10063},
		{"POST", ch + "/messages", 400, 50006},
	} {
		t.Run(tc.method+tc.path, func(t *testing.T) { rest(t, srv, tc.method, tc.path, nil).want(tc.status, tc.code) })
	}
	if got := do(t, must(http.NewRequestWithContext(deadline(t), "GET", srv.URL+"/elsewhere", nil))); got.status != 404 {
		t.Errorf("outside of /api: %d, want 404", got.status)
	}
	for _, prefix := range []string{"/api", "/api/v9", "/api/v8"} {
		if got := do(t, must(http.NewRequestWithContext(deadline(t), "GET", srv.URL+prefix+"/gateway", nil))); got.status != 200 {
			t.Errorf("%s/gateway: %d, want 200", prefix, got.status)
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestGuildsOverREST(t *testing.T) {
	srv := start(t, discordtest.Config{NoRateLimits: true})
	g := srv.Guilds()[0]
	user := g.Members[3].User.ID
	base := "/guilds/" + g.ID
	c := loginAll(t, srv)
	for _, step := range []struct {
		method, path string
		body         any
		status       int
		events       []string
	}{
		{"GET", base, nil, 200, nil},
		{"PATCH", base, map[string]string{"name": "New"}, 200, []string{"GUILD_UPDATE"}},
		{"GET", base + "/channels", nil, 200, nil},
		{"POST", base + "/channels", map[string]string{"name": "new"}, 201, []string{"CHANNEL_CREATE"}},
		{"PATCH", "/channels/" + g.Channels[1].ID, map[string]string{"topic": "t"}, 200, []string{"CHANNEL_UPDATE"}},
		{"DELETE", "/channels/" + g.Channels[1].ID, nil, 200, []string{"CHANNEL_DELETE"}},
		{"GET", base + "/members?limit=100", nil, 200, nil},
		{"GET", base + "/members/search?query=a&limit=5", nil, 200, nil},
		{"PATCH", base + "/members/" + user, map[string]string{"nick": "Z"}, 200, []string{"GUILD_MEMBER_UPDATE"}},
		{"PATCH", base + "/members/@me", map[string]string{"nick": "B"}, 200, []string{"GUILD_MEMBER_UPDATE"}},
		{"PUT", base + "/members/" + user + "/roles/" + g.Roles[2].ID, nil, 204, []string{"GUILD_MEMBER_UPDATE"}},
		{"DELETE", base + "/members/" + user + "/roles/" + g.Roles[2].ID, nil, 204, []string{"GUILD_MEMBER_UPDATE"}},
		{"POST", base + "/roles", map[string]string{"name": "r"}, 200, []string{"GUILD_ROLE_CREATE"}},
		{"PATCH", base + "/roles/" + g.Roles[2].ID, map[string]int{"color": 1}, 200, []string{"GUILD_ROLE_UPDATE"}},
		{"PATCH", base + "/roles", []any{map[string]any{"id": g.Roles[2].ID, "position": 1}}, 200, []string{"GUILD_ROLE_UPDATE"}},
		{"DELETE", base + "/roles/" + g.Roles[2].ID, nil, 204, []string{"GUILD_ROLE_DELETE"}},
		{"PUT", base + "/bans/" + user, nil, 204, []string{"GUILD_BAN_ADD", "GUILD_MEMBER_REMOVE"}},
		{"GET", base + "/bans", nil, 200, nil},
		{"GET", base + "/bans/" + user, nil, 200, nil},
		{"GET", base + "/roles", nil, 200, nil},
		{"GET", base + "/roles/" + g.Roles[1].ID, nil, 200, nil},
		{"POST", "/channels/" + g.Channels[0].ID + "/webhooks", map[string]string{"name": "w"}, 200, []string{"WEBHOOKS_UPDATE"}},
		{"GET", "/channels/" + g.Channels[0].ID + "/webhooks", nil, 200, nil},
		{"DELETE", base + "/bans/" + user, nil, 204, []string{"GUILD_BAN_REMOVE"}},
		{"DELETE", base + "/members/" + g.Members[4].User.ID, nil, 204, []string{"GUILD_MEMBER_REMOVE"}},
		{"PATCH", "/users/@me", map[string]string{"username": "renamed"}, 200, []string{"USER_UPDATE"}},
		{"GET", "/users/@me/guilds", nil, 200, nil},
		{"GET", "/users/" + user, nil, 200, nil},
		{"GET", "/applications/@me", nil, 200, nil},
		{"GET", "/oauth2/applications/@me", nil, 200, nil},
		{"DELETE", "/users/@me/guilds/" + g.ID, nil, 204, []string{"GUILD_DELETE"}},
	} {
		rest(t, srv, step.method, step.path, step.body).want(step.status, 0)
		for _, e := range step.events {
			c.event(e)
		}
	}
	if got := srv.Bot().Username; got != "renamed" {
		t.Errorf("the bot is called %s", got)
	}
	if routes := srv.Requests(); routes[0].Route != "/guilds/{guild}" || routes[0].Header.Get("Authorization") != "" {
		t.Errorf("first request is recorded as %+v", routes[0])
	}
}

func TestApplicationCommands(t *testing.T) {
	srv := start(t, discordtest.Config{NoRateLimits: true})
	for name, base := range map[string]string{
		"global": "/applications/" + srv.Bot().ID + "/commands",
		"guild":  "/applications/" + srv.Bot().ID + "/guilds/" + srv.Guilds()[0].ID + "/commands",
	} {
		t.Run(name, func(t *testing.T) {
			var a, again, b discordgo.ApplicationCommand
			rest(t, srv, "POST", base, map[string]any{"name": "a", "description": "1"}).want(201, 0).into(&a)
			rest(t, srv, "POST", base, map[string]any{"name": "a", "description": "2"}).want(200, 0).into(&again)
			if a.ID != again.ID || again.Description != "2" {
				t.Errorf("overwriting made %+v of %+v", again, a)
			}
			rest(t, srv, "PATCH", base+"/"+a.ID, map[string]any{"description": "3"}).want(200, 0).into(&b)
			if b.Description != "3" || b.Name != "a" {
				t.Errorf("patched: %+v", b)
			}
			var all []*discordgo.ApplicationCommand
			rest(t, srv, "PUT", base, []any{
				map[string]any{"name": "a", "description": "4"}, map[string]any{"name": "b", "description": "5"}}).want(200, 0).into(&all)
			if len(all) != 2 || all[0].ID != a.ID {
				t.Errorf("overwritten: %+v", all)
			}
			rest(t, srv, "DELETE", base+"/"+a.ID, nil).want(204, 0)
			rest(t, srv, "GET", base, nil).want(200, 0).into(&all)
			if len(all) != 1 || all[0].Name != "b" {
				t.Errorf("left: %+v", all)
			}
		})
	}
	if got := srv.RegisteredCommands(""); len(got) != 1 || got[0].Name != "b" {
		t.Errorf("registered: %+v", got)
	}
}

func TestWebhooks(t *testing.T) {
	srv := start(t, discordtest.Config{})
	channel := srv.Guilds()[0].Channels[0].ID
	hook, err := srv.AddWebhook(channel, "alerts")
	if err != nil {
		t.Fatal(err)
	}
	path := "/webhooks/" + hook.ID + "/" + hook.Token
	var m discordgo.Message
	restAs(t, srv, "", "POST", path+"?wait=true", map[string]any{"content": "down", "username": "Ops"}).want(200, 0).into(&m)
	if m.Author.Username != "Ops" || m.WebhookID != hook.ID {
		t.Errorf("message by %+v", m.Author)
	}
	restAs(t, srv, "", "POST", path, map[string]any{"content": "quiet"}).want(204, 0)
	restAs(t, srv, "", "PATCH", path+"/messages/"+m.ID, map[string]any{"content": "up"}).want(200, 0)
	srv.Advance(2 * time.Second)
	restAs(t, srv, "", "GET", path+"/messages/"+m.ID, nil).want(200, 0)
	restAs(t, srv, "", "GET", path+"/messages/1", nil).want(404, 10008)
	restAs(t, srv, "", "GET", path, nil).want(200, 0)
	restAs(t, srv, "", "POST", "/webhooks/"+hook.ID+"/wrong", map[string]any{"content": "x"}).want(401, 50027)
	if got := srv.Messages(channel); len(got) != 2 || got[0].Content != "up" {
		t.Errorf("messages: %+v", got)
	}
	restAs(t, srv, "", "DELETE", path+"/messages/"+m.ID, nil).want(204, 0)
	rest(t, srv, "DELETE", "/webhooks/"+hook.ID, nil).want(204, 0)
	restAs(t, srv, "", "POST", path, map[string]any{"content": "x"}).want(404, 10015)
}
