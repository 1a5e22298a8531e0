package discordtest_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/botwright/botwright/discordtest"
)

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
