package discordtest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
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

func TestMessagesOverREST(t *testing.T) {
	srv := start(t, discordtest.Config{NoRateLimits: true})
	g := srv.Guilds()[0]
	path := "/channels/" + g.Channels[0].ID + "/messages"
	c := loginAll(t, srv)

	var m discordgo.Message
	rest(t, srv, "POST", path, map[string]any{
		"content": "hi <@" + g.Members[1].User.ID + ">", "embeds": []any{map[string]string{"title": "T"}},
	}).want(200, 0).into(&m)
	f := c.event("MESSAGE_CREATE")
	var seen discordgo.Message
	c.decode(f.D, &seen)
	if seen.ID != m.ID || seen.GuildID != g.ID || seen.Member == nil || len(seen.Mentions) != 1 || seen.Embeds[0].Title != "T" {
		t.Errorf("event is %s", f.D)
	}
	rest(t, srv, "PATCH", path+"/"+m.ID, map[string]any{"content": "changed"}).want(200, 0)
	c.event("MESSAGE_UPDATE")
	rest(t, srv, "PUT", "/channels/"+g.Channels[0].ID+"/pins/"+m.ID, nil).want(204, 0)
	c.event("CHANNEL_PINS_UPDATE")
	var pins []*discordgo.Message
	rest(t, srv, "GET", "/channels/"+g.Channels[0].ID+"/pins", nil).into(&pins)
	if len(pins) != 1 || pins[0].Content != "changed" {
		t.Errorf("pins: %+v", pins)
	}
	rest(t, srv, "POST", "/channels/"+g.Channels[0].ID+"/typing", nil).want(204, 0)
	c.event("TYPING_START")
	heart := path + "/" + m.ID + "/reactions/" + url.PathEscape("❤️")
	rest(t, srv, "PUT", heart+"/@me", nil).want(204, 0)
	c.event("MESSAGE_REACTION_ADD")
	rest(t, srv, "PUT", path+"/"+m.ID+"/reactions/x/@me", nil).want(400, 10014)
	var items struct {
		Items []struct{ Message discordgo.Message }
	}
	rest(t, srv, "GET", path+"/pins", nil).into(&items)
	if len(items.Items) != 1 || items.Items[0].Message.ID != m.ID {
		t.Errorf("pins: %+v", items)
	}
	rest(t, srv, "DELETE", path+"/pins/"+m.ID, nil).want(204, 0)
	c.event("CHANNEL_PINS_UPDATE")
	var users []*discordgo.User
	rest(t, srv, "GET", heart, nil).into(&users)
	if len(users) != 1 || users[0].ID != srv.Bot().ID {
		t.Errorf("reactions by %+v", users)
	}
	rest(t, srv, "DELETE", heart+"/@me", nil).want(204, 0)
	c.event("MESSAGE_REACTION_REMOVE")
	rest(t, srv, "DELETE", heart, nil).want(204, 0)
	c.event("MESSAGE_REACTION_REMOVE_EMOJI")
	rest(t, srv, "DELETE", path+"/"+m.ID+"/reactions", nil).want(204, 0)
	c.event("MESSAGE_REACTION_REMOVE_ALL")
	gone := say(t, srv, 0, "gone")
	c.event("MESSAGE_CREATE")
	rest(t, srv, "DELETE", path+"/"+gone.ID, nil).want(204, 0)
	c.event("MESSAGE_DELETE")
	other := say(t, srv, 0, "mine")
	c.event("MESSAGE_CREATE")
	rest(t, srv, "PATCH", path+"/"+other.ID, map[string]any{"content": "x"}).want(403, 50005)
	rest(t, srv, "POST", path+"/bulk-delete", map[string]any{"messages": []string{m.ID, other.ID}}).want(204, 0)
	c.event("MESSAGE_DELETE_BULK")
	if left := srv.Messages(g.Channels[0].ID); len(left) != 0 {
		t.Errorf("%d messages left", len(left))
	}
}

func TestListMessages(t *testing.T) {
	srv := start(t, discordtest.Config{NoRateLimits: true})
	var ids []string
	for i := range 9 {
		ids = append(ids, say(t, srv, 0, fmt.Sprint(i)).ID)
	}
	path := "/channels/" + srv.Guilds()[0].Channels[0].ID + "/messages"
	for query, want := range map[string]string{
		"limit=3":                   "8 7 6",
		"limit=2&before=" + ids[4]:  "3 2",
		"limit=2&after=" + ids[4]:   "6 5",
		"limit=3&around=" + ids[4]:  "5 4 3",
		"limit=50&after=" + ids[6]:  "8 7",
		"limit=50&before=" + ids[0]: "",
	} {
		var got []discordgo.Message
		rest(t, srv, "GET", path+"?"+query, nil).want(200, 0).into(&got)
		var contents []string
		for _, m := range got {
			contents = append(contents, m.Content)
		}
		if s := strings.Join(contents, " "); s != want {
			t.Errorf("%s: %q, want %q", query, s, want)
		}
	}
}

func TestNonce(t *testing.T) {
	srv := start(t, discordtest.Config{})
	path := "/channels/" + srv.Guilds()[0].Channels[0].ID + "/messages"
	var first, second, third discordgo.Message
	body := map[string]any{"content": "once", "nonce": "n", "enforce_nonce": true}
	rest(t, srv, "POST", path, body).into(&first)
	rest(t, srv, "POST", path, body).into(&second)
	srv.Advance(10 * time.Minute)
	rest(t, srv, "POST", path, body).into(&third)
	if first.ID != second.ID || first.ID == third.ID {
		t.Errorf("ids %s, %s, %s: want the first two equal", first.ID, second.ID, third.ID)
	}
}

func TestFormErrors(t *testing.T) {
	srv := start(t, discordtest.Config{NoRateLimits: true})
	path := "/channels/" + srv.Guilds()[0].Channels[0].ID + "/messages"
	field := func(n int) map[string]string { return map[string]string{"name": "n", "value": strings.Repeat("v", n)} }
	for name, tc := range map[string]struct {
		body  any
		field string
	}{
		"content":           {map[string]any{"content": strings.Repeat("é", 2001)}, "content"},
		"embeds":            {map[string]any{"embeds": make([]struct{}, 11)}, "embeds"},
		"embed description": {map[string]any{"embeds": []any{map[string]any{"description": strings.Repeat("x", 4097)}}}, "embeds"},
		"embed field":       {map[string]any{"embeds": []any{map[string]any{"fields": []any{field(1025)}}}}, "embeds"},
		"embed total": {map[string]any{"embeds": []any{
			map[string]any{"description": strings.Repeat("x", 3001)}, map[string]any{"description": strings.Repeat("x", 3001)},
		}}, "embeds"},
		"wrong type": {map[string]any{"content": 7}, "_body"},
	} {
		t.Run(name, func(t *testing.T) {
			var e struct{ Errors map[string]any }
			rest(t, srv, "POST", path, tc.body).want(400, 50035).into(&e)
			if _, ok := e.Errors[tc.field]; !ok {
				t.Errorf("errors %v, want one of field %s", e.Errors, tc.field)
			}
		})
	}
	rest(t, srv, "POST", path, map[string]any{"content": strings.Repeat("é", 2000)}).want(200, 0)
}

func TestUpload(t *testing.T) {
	srv := start(t, discordtest.Config{})
	channel := srv.Guilds()[0].Channels[0].ID
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	must(0, form.WriteField("payload_json", `{"content":"see file"}`))
	must(must(form.CreateFormFile("files[0]", "a.txt")).Write([]byte("hello")))
	must(0, form.Close())
	req := must(http.NewRequestWithContext(deadline(t), "POST", srv.URL+"/api/v9/channels/"+channel+"/messages", &body))
	req.Header.Set("Content-Type", form.FormDataContentType())
	req.Header.Set("Authorization", "Bot "+srv.Token)
	do(t, req).want(200, 0)
	m := srv.Messages(channel)[0]
	if m.Content != "see file" || len(m.Attachments) != 1 || m.Attachments[0].Filename != "a.txt" || m.Attachments[0].Size != 5 {
		t.Errorf("message %+v", m)
	}
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

func TestRateLimits(t *testing.T) {
	srv := start(t, discordtest.Config{})
	path := "/channels/" + srv.Guilds()[0].Channels[0].ID + "/messages"
	other := "/channels/" + srv.Guilds()[0].Channels[1].ID + "/messages"
	body := map[string]string{"content": "x"}
	for i := range 5 {
		r := rest(t, srv, "POST", path, body).want(200, 0)
		if got := r.header.Get("X-RateLimit-Remaining"); got != fmt.Sprint(4-i) {
			t.Errorf("request %d: remaining %s", i, got)
		}
		for _, name := range []string{"Limit", "Reset", "Reset-After", "Bucket"} {
			if r.header.Get("X-RateLimit-"+name) == "" {
				t.Errorf("request %d has no X-RateLimit-%s", i, name)
			}
		}
	}
	r := rest(t, srv, "POST", path, body)
	var limited struct {
		RetryAfter float64 `json:"retry_after"`
		Global     bool
	}
	if r.into(&limited); r.status != 429 || limited.RetryAfter <= 0 || limited.RetryAfter > 5 || limited.Global ||
		r.header.Get("X-RateLimit-Scope") != "user" || r.header.Get("Retry-After") == "" {
		t.Errorf("sixth request: %d %s %v", r.status, r.body, r.header)
	}
	rest(t, srv, "POST", other, body).want(200, 0)
	srv.Advance(5 * time.Second)
	rest(t, srv, "POST", path, body).want(200, 0)
}

func TestGlobalRateLimit(t *testing.T) {
	srv := start(t, discordtest.Config{Guilds: 60, Members: 1, Channels: 1})
	guilds, ctx := srv.Guilds(), deadline(t)
	for i := 0; ctx.Err() == nil; i++ { // until 51 requests fall into one second
		r := rest(t, srv, "GET", "/guilds/"+guilds[i%len(guilds)].ID, nil)
		if r.status == 200 {
			continue
		}
		var limited struct{ Global bool }
		r.into(&limited)
		if i < 50 || r.status != 429 || !limited.Global || r.header.Get("X-RateLimit-Global") != "true" ||
			r.header.Get("X-RateLimit-Scope") != "global" || r.header.Get("X-RateLimit-Bucket") != "" {
			t.Errorf("request %d: %d %s %v", i, r.status, r.body, r.header)
		}
		srv.Advance(time.Second)
		rest(t, srv, "GET", "/users/@me", nil).want(200, 0)
		return
	}
	t.Error("the global limit was never reached")
}

func TestFailREST(t *testing.T) {
	srv := start(t, discordtest.Config{})
	channel := srv.Guilds()[0].Channels[0].ID
	path := "/channels/" + channel + "/messages"
	body := map[string]string{"content": "x"}
	fail := func(f *discordtest.RESTFault) func() {
		return srv.FailREST(func(r *http.Request) *discordtest.RESTFault {
			if b, _ := io.ReadAll(r.Body); r.Method == "POST" && bytes.Contains(b, []byte("content")) {
				return f
			}
			return nil
		})
	}
	remove := fail(discordtest.CloudflareBan())
	if r := rest(t, srv, "POST", path, body); r.status != 429 || r.header.Get("Content-Type") != "text/html" ||
		r.header.Get("Retry-After") != "" || !strings.HasPrefix(string(r.body), "<!DOCTYPE") {
		t.Errorf("ban: %d %v", r.status, r.header)
	}
	rest(t, srv, "GET", path, nil).want(200, 0)
	remove()
	remove = fail(discordtest.RateLimited(time.Hour, "global"))
	if r := rest(t, srv, "POST", path, body); r.status != 429 || r.header.Get("Retry-After") != "3600" {
		t.Errorf("global: %d %v", r.status, r.header)
	}
	remove()
	remove = fail(discordtest.BadGateway())
	if r := rest(t, srv, "POST", path, body); r.status != 502 {
		t.Errorf("bad gateway: %d", r.status)
	}
	remove()
	remove = fail(&discordtest.RESTFault{Delay: time.Millisecond})
	rest(t, srv, "POST", path, body).want(200, 0)
	remove()

	for name, f := range map[string]*discordtest.RESTFault{
		"reset":         {Reset: true},
		"applied reset": {Reset: true, Apply: true},
	} {
		remove = fail(f)
		before := len(srv.Messages(channel))
		req := must(http.NewRequestWithContext(deadline(t), "POST", srv.URL+"/api/v10"+path, strings.NewReader(`{"content":"y"}`)))
		req.Header.Set("Authorization", "Bot "+srv.Token)
		if resp, err := direct.Do(req); err == nil {
			_ = resp.Body.Close()
			t.Errorf("%s: answered with %d", name, resp.StatusCode)
		}
		if applied := len(srv.Messages(channel)) > before; applied != f.Apply {
			t.Errorf("%s: message created: %t", name, applied)
		}
		remove()
	}
	if !slices.ContainsFunc(srv.Requests(), func(r discordtest.Request) bool { return r.Fault && r.Status == 502 }) {
		t.Error("the fault is not recorded")
	}
}

func TestStalledBody(t *testing.T) {
	srv := start(t, discordtest.Config{})
	srv.FailREST(func(*http.Request) *discordtest.RESTFault {
		return &discordtest.RESTFault{Status: 200, Body: `{"id":"1"}`, Stall: true}
	})
	resp, err := direct.Get(srv.URL + "/api/v10/gateway")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	half := make([]byte, 5)
	if _, err := io.ReadFull(resp.Body, half); err != nil || string(half) != `{"id"` {
		t.Fatalf("read %q, %v", half, err)
	}
	srv.Close() // must not wait for the client
}
