package rest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botwright/botwright/internal/rest"
)

// fails returns a fault that answers the first n requests with the statuses of their turn, and a
// header and body as Discord sends them.
func fails(n int, make func() *http.Response) func(int, *http.Request) (*http.Response, error) {
	return func(i int, _ *http.Request) (*http.Response, error) {
		if i >= n {
			return nil, nil
		}
		return make(), nil
	}
}

func refused() error { return &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("refused")} }

func reset() error { return &net.OpError{Op: "read", Net: "tcp", Err: errors.New("reset by peer")} }

// TestRetries says which requests are sent again after which failure.
func TestRetries(t *testing.T) {
	html := func(status int) func() *http.Response {
		return func() *http.Response { return answer(status, nil, "<html>") }
	}
	network := func(n int, err error) func(int, *http.Request) (*http.Response, error) {
		return func(i int, _ *http.Request) (*http.Response, error) {
			if i < n {
				return nil, err
			}
			return nil, nil
		}
	}
	const message, role = "/channels/1/messages", "/guilds/1/roles"
	tests := []struct {
		name, method, path string
		fault              func(int, *http.Request) (*http.Response, error)
		sent               int
		status             int // of the *RequestError; 0: none, or one without an answer
		fails              bool
	}{
		{"GET, 502 twice", "GET", role, fails(2, html(502)), 3, 0, false},
		{"GET, 502 always", "GET", role, fails(99, html(502)), 5, 502, true},
		{"PATCH, 503", "PATCH", role, fails(1, html(503)), 2, 0, false},
		{"DELETE, 504", "DELETE", role, fails(1, html(504)), 2, 0, false},
		{"PUT, 520", "PUT", role, fails(1, html(520)), 2, 0, false},
		{"GET, 500", "GET", role, fails(1, html(500)), 2, 0, false},
		{"POST of a role, 502", "POST", role, fails(1, html(502)), 1, 502, true},
		{"POST of a message, 502", "POST", message, fails(1, html(502)), 2, 0, false},
		{"GET, reset", "GET", role, network(1, reset()), 2, 0, false},
		{"POST of a role, reset", "POST", role, network(1, reset()), 1, 0, true},
		{"POST of a role, not connected", "POST", role, network(1, refused()), 2, 0, false},
		{"POST of a message, reset", "POST", message, network(1, reset()), 2, 0, false},
		{"GET, never connected", "GET", role, network(99, refused()), 5, 0, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &discord{latency: latency, fault: tt.fault}
				body := ""
				if tt.method != "GET" && tt.method != "DELETE" {
					body = `{"content":"hi"}`
				}
				_, err := do(t.Context(), rest.New(rest.Config{Next: d}), tt.method, tt.path, body)
				failed, typed := errors.AsType[*rest.RequestError](err)
				if typed != tt.fails || (err != nil) != tt.fails {
					t.Fatalf("error %v", err)
				}
				if typed && (failed.Status != tt.status || failed.Attempts != tt.sent) {
					t.Errorf("%+v", failed)
				}
				sent := d.requests()
				if len(sent) != tt.sent {
					t.Errorf("sent %d times, want %d", len(sent), tt.sent)
				}
				for _, r := range sent {
					if r.body != sent[0].body || (body != "" && !strings.HasSuffix(r.body, body[1:])) {
						t.Errorf("body %q, first %q", r.body, sent[0].body)
					}
				}
			})
		})
	}
}

// TestNonce looks at which messages get a nonce.
func TestNonce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, tt := range []struct {
			body  string
			added bool
		}{
			{`{"content":"hi"}`, true},
			{`{"content":"hi","nonce":"mine","enforce_nonce":true}`, false},
			{`{}`, false},
			{`null`, false},
		} {
			d := &discord{}
			if _, err := do(t.Context(), rest.New(rest.Config{Next: d}),
				"POST", "/channels/1/messages", tt.body); err != nil {
				t.Fatal(err)
			}
			got := d.requests()[0].body
			if added := got != tt.body; added != tt.added {
				t.Errorf("%s became %s", tt.body, got)
			} else if added && nonceOf(t, got) == "" {
				t.Errorf("no nonce in %s", got)
			}
		}
	})
}

// TestLimited says what becomes of answers with status 429.
func TestLimited(t *testing.T) {
	user := func(after time.Duration) func() *http.Response {
		return func() *http.Response { return tooMany(after, "user", nil) }
	}
	cloudflare := func() *http.Response {
		return answer(429, http.Header{"Content-Type": {"text/html"}}, "<html>error 1015")
	}
	tests := []struct {
		name     string
		fault    func(int, *http.Request) (*http.Response, error)
		deadline time.Duration // 0: none
		sent     int
		took     time.Duration // at least, and less than a second more
		scope    string        // of the error; empty: none
	}{
		{"once", fails(1, user(2*time.Second)), 0, 2, 2 * time.Second, ""},
		{"for ever", fails(99, user(time.Second)), 0, 5, 4 * time.Second, "user"},
		{"retry_after 0 for ever", fails(99, user(0)), 0, 5, 0, "user"},
		{"an hour", fails(1, user(time.Hour)), 0, 1, 0, "user"},
		{"longer than the deadline", fails(1, user(5*time.Second)), 4 * time.Second, 1, 0, "user"},
		{"shared", fails(1, func() *http.Response { return tooMany(2*time.Second, "shared", nil) }),
			0, 2, 2 * time.Second, ""},
		{"global", fails(1, func() *http.Response { return tooMany(2*time.Second, "global", nil) }),
			0, 2, 2 * time.Second, ""},
		{"Cloudflare", fails(1, cloudflare), 0, 2, time.Minute, ""},
		{"Cloudflare, with a deadline", fails(1, cloudflare), time.Second, 1, 0, "cloudflare"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &discord{latency: latency, fault: tt.fault}
				ctx := t.Context()
				if tt.deadline > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.deadline)
					defer cancel()
				}
				start := time.Now()
				err := get(ctx, rest.New(rest.Config{Next: d}), "/channels/1")
				took := time.Since(start)
				limited, typed := errors.AsType[*rest.RateLimitError](err)
				if typed != (tt.scope != "") || (err != nil) != typed {
					t.Fatalf("error %v", err)
				}
				if typed && (limited.Scope != tt.scope || !limited.Sent || limited.RetryAfter <= 0) {
					t.Errorf("%+v", limited)
				}
				if n := len(d.requests()); n != tt.sent {
					t.Errorf("sent %d times, want %d", n, tt.sent)
				}
				if took < tt.took || took > tt.took+time.Second {
					t.Errorf("took %v, want %v", took, tt.took)
				}
			})
		})
	}
}

// TestGlobalLimitStopsAll has one 429 of the global limit keep back everybody but interactions.
func TestGlobalLimitStopsAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &discord{latency: latency, fault: fails(1, func() *http.Response {
			return tooMany(2*time.Second, "global", nil)
		})}
		rt := rest.New(rest.Config{Next: d})
		var all sync.WaitGroup
		all.Go(func() { _ = get(t.Context(), rt, "/channels/1") })
		time.Sleep(2 * latency)
		start := time.Now()
		for i := range 200 {
			all.Go(func() {
				if err := get(t.Context(), rt, fmt.Sprintf("/channels/%d", i+2)); err != nil {
					t.Error(err)
				}
			})
		}
		if _, err := do(t.Context(), rt, "POST", "/interactions/1/t/callback", "{}"); err != nil ||
			time.Since(start) != latency {
			t.Errorf("an interaction: %v after %v", err, time.Since(start))
		}
		all.Wait()
		for _, r := range d.requests()[1:] {
			if !strings.Contains(r.path, "interactions") && r.at.Sub(start) < 2*time.Second-3*latency {
				t.Errorf("%s was sent after %v", r.path, r.at.Sub(start))
			}
		}
	})
}

// TestCloudflareStopsAll has a block keep back interactions too.
func TestCloudflareStopsAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &discord{fault: func(int, *http.Request) (*http.Response, error) {
			return answer(429, nil, "error code: 1015"), nil
		}}
		rt := rest.New(rest.Config{Next: d})
		for range 100 {
			_, err := do(rest.NoWait(t.Context()), rt, "POST", "/interactions/1/t/callback", "{}")
			limited, ok := errors.AsType[*rest.RateLimitError](err)
			if !ok || limited.Scope != "cloudflare" {
				t.Fatal(err)
			}
		}
		if n := len(d.requests()); n != 1 {
			t.Errorf("%d requests were sent, want 1", n)
		}
		time.Sleep(time.Minute)
		_, err := do(rest.NoWait(t.Context()), rt, "GET", "/channels/1", "")
		if limited, ok := errors.AsType[*rest.RateLimitError](err); !ok || limited.RetryAfter != 2*time.Minute {
			t.Errorf("the second block: %v", err)
		}
	})
}

// TestRefusedToken has a token refused until it is a matter for a person.
func TestRefusedToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &discord{fault: func(_ int, r *http.Request) (*http.Response, error) {
			if strings.Contains(r.URL.Path, "/webhooks/") {
				return nil, nil
			}
			return answer(401, nil, `{"message":"401: Unauthorized","code":0}`), nil
		}}
		calls := 0
		rt := rest.New(rest.Config{Next: d, Refused: func() { calls++ }})
		for i := range 50 {
			status, err := do(t.Context(), rt, "GET", "/users/@me", "")
			if i < 3 && status != 401 || i >= 3 && !errors.Is(err, rest.ErrUnauthorized) {
				t.Fatalf("call %d: status %d, %v", i, status, err)
			}
		}
		if n := len(d.requests()); n != 3 || calls != 1 {
			t.Errorf("%d requests, told %d times", n, calls)
		}
		if _, err := do(t.Context(), rt, "POST", "/webhooks/1/t", "{}"); err != nil {
			t.Errorf("a webhook needs no token: %v", err)
		}
		time.Sleep(time.Minute)
		if status, err := do(t.Context(), rt, "GET", "/users/@me", ""); status != 401 {
			t.Errorf("after a minute: status %d, %v", status, err)
		}
	})
}

// TestGoneWebhook asks for a webhook once that does not exist.
func TestGoneWebhook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &discord{fault: func(_ int, r *http.Request) (*http.Response, error) {
			code := 10008
			if strings.Contains(r.URL.Path, "/webhooks/1/gone") {
				code = 10015
			}
			return answer(404, nil, fmt.Sprintf(`{"message":"Unknown","code":%d}`, code)), nil
		}}
		rt := rest.New(rest.Config{Next: d})
		for i := range 3 {
			status, err := do(t.Context(), rt, "POST", "/webhooks/1/gone", "{}")
			if i == 0 && status != 404 || i > 0 && !errors.Is(err, rest.ErrWebhookGone) {
				t.Errorf("call %d: status %d, %v", i, status, err)
			}
			if status, err := do(t.Context(), rt, "PATCH", "/webhooks/1/there/messages/2", "{}"); status != 404 {
				t.Errorf("an unknown message: status %d, %v", status, err)
			}
		}
		if n := len(d.requests()); n != 4 {
			t.Errorf("%d requests, want 4", n)
		}
	})
}

// TestInvalidRequests spends the budget of invalid requests.
func TestInvalidRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &discord{fault: func(int, *http.Request) (*http.Response, error) {
			return answer(403, nil, `{"message":"Missing Access","code":50001}`), nil
		}}
		rt := rest.New(rest.Config{Next: d, Global: -1})
		low := rest.WithLevel(t.Context(), rest.Low)
		spend := func(to int) {
			for rt.Stats().Invalid < to {
				if status, err := do(t.Context(), rt, "GET", "/guilds/1", ""); status != 403 {
					t.Fatalf("status %d, %v", status, err)
				}
			}
		}
		pace := func() time.Duration {
			start := time.Now()
			for range 10 {
				_, _ = do(low, rt, "GET", "/guilds/1", "")
			}
			return time.Since(start)
		}
		if took := pace(); took != 0 {
			t.Errorf("with an empty budget 10 calls took %v", took)
		}
		spend(5000)
		if took := pace(); took != 9*time.Second {
			t.Errorf("with half of it, 10 calls took %v", took)
		}
		spend(9000)
		_, err := do(low, rt, "GET", "/guilds/1", "")
		if refused, ok := errors.AsType[*rest.InvalidRequestsError](err); !ok ||
			refused.Used != 9000 || refused.Limit != 10_000 || refused.RetryAfter > 10*time.Minute {
			t.Errorf("at 90 %%: %v", err)
		}
		spend(9800)
		if _, err := do(t.Context(), rt, "GET", "/guilds/1", ""); err == nil {
			t.Error("at 98 %, a call was sent")
		}
		time.Sleep(11 * time.Minute)
		if used := rt.Stats().Invalid; used != 0 {
			t.Errorf("%d are counted after 11 minutes", used)
		}
	})
}

// TestSharedDoesNotCount has limits that others used up leave the budget alone.
func TestSharedDoesNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &discord{fault: fails(2, func() *http.Response { return tooMany(time.Second, "shared", nil) })}
		rt := rest.New(rest.Config{Next: d})
		if err := get(t.Context(), rt, "/channels/1"); err != nil || rt.Stats().Invalid != 0 {
			t.Errorf("%v, %d invalid", err, rt.Stats().Invalid)
		}
	})
}

// TestContained has a transport below that breaks the rules.
func TestContained(t *testing.T) {
	tests := map[string]http.RoundTripper{
		"panic":   roundTripper(func(*http.Request) (*http.Response, error) { panic("boom") }),
		"nothing": roundTripper(func(*http.Request) (*http.Response, error) { return nil, nil }),
	}
	for name, next := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rt := rest.New(rest.Config{Next: next})
				for range 3 { // no bucket is left taken
					err := get(t.Context(), rt, "/channels/1")
					if _, ok := errors.AsType[*rest.RequestError](err); !ok {
						t.Errorf("error %v", err)
					}
				}
			})
		})
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestBodies bounds an answer's body in time and size.
func TestBodies(t *testing.T) {
	t.Run("stalled", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			rt := rest.New(rest.Config{Next: roundTripper(func(r *http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: 200, Header: http.Header{}, Body: stalled{r.Context()}}, nil
			})})
			err := get(t.Context(), rt, "/channels/1")
			var timeout interface{ Timeout() bool }
			if !errors.As(err, &timeout) || !timeout.Timeout() {
				t.Errorf("error %v", err)
			}
		})
	})
	t.Run("endless", func(t *testing.T) {
		rt := rest.New(rest.Config{Next: roundTripper(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(endless{})}, nil
		})})
		r, _ := http.NewRequestWithContext(t.Context(), "GET", "https://discord.com/api/v9/channels/1", nil)
		resp, err := rt.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if n, err := io.Copy(io.Discard, resp.Body); err == nil || n != 64<<20 {
			t.Errorf("read %d bytes, %v", n, err)
		}
	})
}

type stalled struct{ ctx context.Context }

func (s stalled) Read([]byte) (int, error) { <-s.ctx.Done(); return 0, s.ctx.Err() }
func (s stalled) Close() error             { return nil }

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// TestHeaders has answers with headers that cannot be read succeed all the same, and shows none of
// them to discordgo.
func TestHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &discord{fault: func(int, *http.Request) (*http.Response, error) {
			return answer(200, http.Header{
				"X-Ratelimit-Limit": {"5"}, "X-Ratelimit-Remaining": {"many"},
				"X-Ratelimit-Reset-After": {"soon"}, "X-Ratelimit-Bucket": {"b"},
			}, "{}"), nil
		}}
		rt := rest.New(rest.Config{Next: d})
		r, _ := http.NewRequestWithContext(t.Context(), "GET", "https://discord.com/api/v9/channels/1", nil)
		resp, err := rt.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		for name := range resp.Header {
			if strings.HasPrefix(strings.ToLower(name), "x-ratelimit") {
				t.Errorf("header %s is passed on", name)
			}
		}
		if err := get(t.Context(), rt, "/channels/1"); err != nil {
			t.Error(err)
		}
	})
}

// TestProxyLimits leaves limits to a proxy.
func TestProxyLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &discord{latency: latency, limit: 1, window: time.Second}
		rt := rest.New(rest.Config{Next: d, NoLimits: true})
		took := flood(t, rt, 3, 1)
		if d.limited == 0 || took > 10*time.Second {
			t.Errorf("%d answers 429, took %v: want the proxy's limits waited out", d.limited, took)
		}
	})
}
