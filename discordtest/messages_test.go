package discordtest_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/discordtest"
)

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

func TestMessagesAreFull(t *testing.T) {
	srv := start(t, discordtest.Config{NoRateLimits: true})
	channel := "/channels/" + srv.Guilds()[0].Channels[0].ID
	first := say(t, srv, 0, "first")
	for i := range 20 {
		e := url.PathEscape(string(rune(0x1F600 + i)))
		rest(t, srv, "PUT", channel+"/messages/"+first.ID+"/reactions/"+e+"/@me", nil).want(204, 0)
	}
	one := url.PathEscape("👍")
	rest(t, srv, "PUT", channel+"/messages/"+first.ID+"/reactions/"+one+"/@me", nil).want(400, 30010)
	for range 250 {
		rest(t, srv, "PUT", channel+"/pins/"+say(t, srv, 0, "pin").ID, nil).want(204, 0)
	}
	rest(t, srv, "PUT", channel+"/pins/"+first.ID, nil).want(400, 30003)
}
