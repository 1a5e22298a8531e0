package webhook_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf16"

	"go.uber.org/goleak"

	"github.com/botwright/botwright/internal/webhook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const hookURL = "https://discord.example/api/webhooks/123/very-secret_token"

// A script is a Discord that answers with one reply after the other, the last one again and
// again.
type script struct {
	replies []reply
	seen    []string // method, path and query, and when
	bodies  []webhook.Message
}

type reply struct {
	status int
	body   string
	header string // Retry-After
	err    error
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	next := s.replies[min(len(s.seen), len(s.replies)-1)]
	s.seen = append(s.seen, fmt.Sprintf("%s %s?%s", r.Method, r.URL.Path, r.URL.RawQuery))
	var m webhook.Message
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		return nil, err
	}
	s.bodies = append(s.bodies, m)
	if next.err != nil {
		return nil, next.err
	}
	header := http.Header{}
	if next.header != "" {
		header.Set("Retry-After", next.header)
	}
	return &http.Response{StatusCode: next.status, Header: header,
		Body: io.NopCloser(strings.NewReader(next.body))}, nil
}

func newClient(t *testing.T, s *script, log io.Writer) *webhook.Client {
	t.Helper()
	c, err := webhook.New(webhook.Config{
		URL: hookURL, Client: &http.Client{Transport: s}, UserAgent: "test",
		Logger: slog.New(slog.NewTextHandler(log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var hello = webhook.Message{Embeds: []webhook.Embed{{Title: "hello"}}}

func TestPost(t *testing.T) {
	taken := reply{status: 200, body: `{"id":"9"}`}
	tests := []struct {
		name     string
		replies  []reply
		calls    int
		min, max time.Duration
		want     string // of the error; "" for none
	}{
		{"taken", []reply{taken}, 1, 0, 0, ""},
		{"rate limited, in the body", []reply{{status: 429, body: `{"retry_after":40.5}`}, taken},
			2, 40500 * time.Millisecond, 40500 * time.Millisecond, ""},
		{"rate limited, in the header", []reply{{status: 429, header: "7"}, taken},
			2, 7 * time.Second, 7 * time.Second, ""},
		{"rate limited for an hour", []reply{{status: 429, header: "3600"}}, 1, 0, 0, "429"},
		{"down for a moment", []reply{{status: 502, body: "<html>"}, {status: 500}, taken},
			3, 1500 * time.Millisecond, 3 * time.Second, ""},
		{"no route", []reply{{err: errors.New("no route to host")}, taken},
			2, 500 * time.Millisecond, time.Second, ""},
		{"down for long", []reply{{status: 503}}, 6, 15 * time.Second, 31 * time.Second, "503"},
		{"refused", []reply{{status: 400, body: `{"message":"Invalid Form Body"}`}},
			1, 0, 0, "400 Bad Request Invalid Form Body"},
		{"deleted", []reply{{status: 404, body: `{"code":10015}`}}, 1, 0, 0, "it no longer exists"},
		{"a proxy's 404", []reply{{status: 404, body: "<html>nginx</html>"}}, 1, 0, 0, "404"},
		{"Cloudflare's 403", []reply{{status: 403, body: "error code: 1015"}}, 1, 0, 0, "403"},
		{"wrong token", []reply{{status: 401, body: `{"code":50027}`}}, 1, 0, 0, "it no longer exists"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{replies: tt.replies}
				c := newClient(t, s, io.Discard)
				start := time.Now()
				err := c.Post(t.Context(), hello)
				took := time.Since(start)
				if (err == nil) != (tt.want == "") || (err != nil && !strings.Contains(err.Error(), tt.want)) {
					t.Errorf("error %v, want %q", err, tt.want)
				}
				if err != nil && strings.Contains(err.Error(), "secret") {
					t.Errorf("the error shows the URL: %v", err)
				}
				if len(s.seen) != tt.calls || took < tt.min || took > tt.max {
					t.Errorf("%d calls in %v", len(s.seen), took)
				}
				if want := "POST /api/webhooks/123/very-secret_token?wait=true"; s.seen[0] != want {
					t.Errorf("it was %s", s.seen[0])
				}
			})
		})
	}
}

func TestGone(t *testing.T) {
	var log bytes.Buffer
	s := &script{replies: []reply{{status: 404, body: `{"code":10015}`}}}
	c := newClient(t, s, &log)
	for range 3 {
		if err := c.Post(t.Context(), hello); !errors.Is(err, webhook.ErrGone) {
			t.Errorf("error %v", err)
		}
	}
	if len(s.seen) != 1 {
		t.Errorf("Discord was asked %d times", len(s.seen))
	}
	if n := strings.Count(log.String(), "giving up"); n != 1 {
		t.Errorf("%d log lines: %s", n, &log)
	}
	if strings.Contains(log.String(), "secret") {
		t.Errorf("the log shows the URL: %s", &log)
	}
}

func TestPostHeedsItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{replies: []reply{{status: 429, header: "30"}}}
		c := newClient(t, s, io.Discard)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := c.Post(ctx, hello); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
	})
}

func TestEdit(t *testing.T) {
	s := &script{replies: []reply{
		{status: 200, body: `{"id":"7"}`},
		{status: 200, body: `{"id":"7"}`},
		{status: 404, body: `{"code":10008,"message":"Unknown Message"}`},
		{status: 200, body: `{"id":"8"}`},
		{status: 200, body: `{"id":"8"}`},
	}}
	c := newClient(t, s, io.Discard)
	for range 4 {
		if err := c.Edit(t.Context(), "", hello); err != nil {
			t.Fatal(err)
		}
	}
	base := "/api/webhooks/123/very-secret_token"
	want := []string{
		"POST " + base + "?wait=true",
		"PATCH " + base + "/messages/7?wait=true",
		"PATCH " + base + "/messages/7?wait=true", // somebody has deleted it
		"POST " + base + "?wait=true",
		"PATCH " + base + "/messages/8?wait=true",
	}
	if !slices.Equal(s.seen, want) {
		t.Errorf("calls:\n%s", strings.Join(s.seen, "\n"))
	}
}

func TestEditOfAGivenMessage(t *testing.T) {
	s := &script{replies: []reply{{status: 200, body: `{"id":"55"}`}}}
	c := newClient(t, s, io.Discard)
	if err := c.Edit(t.Context(), "55", hello); err != nil {
		t.Fatal(err)
	}
	if len(s.seen) != 1 || !strings.HasPrefix(s.seen[0], "PATCH ") || !strings.Contains(s.seen[0], "/messages/55?") {
		t.Errorf("calls: %v", s.seen)
	}
}

func TestLimits(t *testing.T) {
	long := strings.Repeat("🦊x", 4000)
	fields := make([]webhook.Field, 40)
	for i := range fields {
		fields[i] = webhook.Field{Name: fmt.Sprintf("field %d", i), Value: "value"}
	}
	longFields := slices.Clone(fields)
	for i := range longFields {
		longFields[i].Value = long
	}
	tests := map[string]webhook.Embed{
		"nothing":     {},
		"long texts":  {Title: long, Description: long, Footer: &webhook.Footer{Text: long}},
		"many fields": {Title: "title", Fields: fields},
		"25 fields":   {Title: "title", Fields: fields[:25]},
		"long fields": {Title: "title", Fields: longFields},
		"all":         {Title: long, Description: long, Fields: longFields, Footer: &webhook.Footer{Text: long}},
		"blanks":      {Title: "title", Fields: []webhook.Field{{Name: " ", Value: "\n"}}},
	}
	for name, embed := range tests {
		t.Run(name, func(t *testing.T) {
			s := &script{replies: []reply{{status: 204}}}
			c := newClient(t, s, io.Discard)
			if err := c.Post(t.Context(), webhook.Message{Content: long, Embeds: []webhook.Embed{embed}}); err != nil {
				t.Fatal(err)
			}
			got := s.bodies[0]
			e := got.Embeds[0]
			total := 0
			check := func(what, s string, limit, least int) {
				n := len(utf16.Encode([]rune(s)))
				total += n
				if n > limit || n < least || strings.ContainsRune(s, '\uFFFD') {
					t.Errorf("%s has %d characters: %.40q…", what, n, s)
				}
			}
			check("title", e.Title, 256, 0)
			check("description", e.Description, 4096, 0)
			if e.Footer != nil {
				check("footer", e.Footer.Text, 2048, 0)
			}
			for _, f := range e.Fields {
				check("name", f.Name, 256, 1)
				check("value", f.Value, 1024, 1)
			}
			if total > 6000 || len(e.Fields) > 25 {
				t.Errorf("%d characters, %d fields", total, len(e.Fields))
			}
			if given := len(embed.Fields); given > len(e.Fields) && len(e.Fields) > 0 {
				want := fmt.Sprintf("%d others", given-len(e.Fields)+1)
				if more := e.Fields[len(e.Fields)-1].Value; !strings.Contains(more, want) {
					t.Errorf("the last field says %q, want %s", more, want)
				}
			}
			if n := len(utf16.Encode([]rune(got.Content))); n > 2000 {
				t.Errorf("content has %d characters", n)
			}
			if got.AllowedMentions.Parse == nil {
				t.Error("allowed_mentions.parse is null, which means everybody")
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	for _, u := range []string{"", "x", "https://discord.com", "ftp://discord.com/api/webhooks/1/secret",
		"https://discord.com/api/webhooks/1", "https://[::1/api/webhooks/1/secret",
		"http://discord.com/api/webhooks/1/secret", "http://10.0.0.1/api/webhooks/1/secret"} {
		_, err := webhook.New(webhook.Config{URL: u})
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("New(%q): %v", u, err)
		}
	}
}

func TestLoopbackNeedsNoTLS(t *testing.T) {
	for _, host := range []string{"localhost:80", "127.0.0.1", "[::1]:8080"} {
		if _, err := webhook.New(webhook.Config{URL: "http://" + host + "/webhooks/1/x"}); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
}

// A redirect may lead anywhere, and turns a POST into a GET, which a webhook answers with 200.
func TestRedirectsAreFailures(t *testing.T) {
	var elsewhere atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		elsewhere.Add(1)
	}))
	defer other.Close()
	for _, code := range []int{301, 302, 303, 307, 308} {
		for _, location := range []string{other.URL + "/secret", "http://[secret", ""} {
			front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", location)
				w.WriteHeader(code)
			}))
			c, err := webhook.New(webhook.Config{
				URL:    front.URL + "/webhooks/1/secret",
				Client: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return nil }},
			})
			if err != nil {
				t.Fatal(err)
			}
			err = c.Post(t.Context(), hello)
			front.Close()
			if err == nil || strings.Contains(err.Error(), "secret") ||
				!strings.Contains(err.Error(), strconv.Itoa(code)) {
				t.Errorf("%d to %q: %v", code, location, err)
			}
		}
	}
	if n := elsewhere.Load(); n > 0 {
		t.Errorf("%d requests went to the other host", n)
	}
}
