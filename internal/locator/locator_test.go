package locator_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/botwright/botwright/internal/locator"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// api answers as Discord does, one answer after the other; the last one again and again.
type api struct {
	answers []answer
	asked   atomic.Int32
}

type answer struct {
	status     int
	retryAfter string
	body       string
}

func (a *api) RoundTrip(r *http.Request) (*http.Response, error) {
	next := a.answers[min(int(a.asked.Add(1)), len(a.answers))-1]
	if next.status == 0 {
		return nil, errors.New("no route to host")
	}
	if r.URL.Path != "/proxy/api/v10/gateway/bot" || r.Header.Get("Authorization") != "Bot token" {
		return nil, fmt.Errorf("a request for %s", r.URL)
	}
	w := httptest.NewRecorder()
	if next.retryAfter != "" {
		w.Header().Set("Retry-After", next.retryAfter)
	}
	w.WriteHeader(next.status)
	if _, err := w.WriteString(next.body); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

var (
	good = answer{status: 200, body: `{"url":"wss://a.example","shards":3,"session_start_limit":` +
		`{"total":1000,"remaining":7,"reset_after":60000,"max_concurrency":16}}`}
	moved = answer{status: 200, body: `{"url":"wss://b.example"}`}
)

func newLocator(answers ...answer) (*locator.Locator, *api) {
	a := &api{answers: answers}
	base := &url.URL{Scheme: "https", Host: "discord.example", Path: "/proxy"}
	return locator.New(locator.Config{Client: &http.Client{Transport: a}, API: base, Token: "token",
		UserAgent: "test", Logger: slog.New(slog.DiscardHandler)}), a
}

func TestURL(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, a := newLocator(good, moved, answer{})
		want := func(renew bool, url string, asked int32) {
			t.Helper()
			got, err := l.URL(t.Context(), renew)
			if got != url || err != nil || a.asked.Load() != asked {
				t.Errorf("%q, %v after asking %d times", got, err, a.asked.Load())
			}
		}
		want(false, "wss://a.example", 1)
		want(true, "wss://a.example", 1) // it has only just been asked for
		time.Sleep(time.Minute)
		want(false, "wss://a.example", 1)
		want(true, "wss://b.example", 2)
		time.Sleep(time.Minute)
		want(true, "wss://b.example", 3) // no answer: the last one has to do
	})
}

func TestLimit(t *testing.T) {
	t.Parallel()
	l, _ := newLocator(good)
	limit, err := l.Limit(t.Context())
	if err != nil || limit.Total != 1000 || limit.Remaining != 7 ||
		limit.ResetAfter != time.Minute || limit.MaxConcurrency != 16 {
		t.Errorf("%+v, %v", limit, err)
	}
}

func TestNoAnswer(t *testing.T) {
	t.Parallel()
	for _, bad := range []answer{{}, {status: 200, body: "<html>"}, {status: 200, body: "{}"}, {status: 500}} {
		l, _ := newLocator(bad)
		if found, err := l.Fetch(t.Context()); err == nil {
			t.Errorf("%+v of %+v", found, bad)
		}
	}
}

func TestAwait(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		answers []answer
		status  int           // of the error; 0 for none
		atLeast time.Duration // until it returns
	}{
		{"at once", []answer{good}, 0, 0},
		{"an outage", []answer{{}, {status: 502}, {status: 200}, good}, 0, 0},
		{"rate limited", []answer{{status: 429, retryAfter: "90"}, good}, 0, 90 * time.Second},
		{"the token is refused", []answer{{status: 401}}, 401, 0},
		{"the proxy refuses", []answer{{}, {status: 403}}, 403, 0},
		{"no such path", []answer{{status: 404}}, 404, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l, a := newLocator(tt.answers...)
				start := time.Now()
				found, err := l.Await(t.Context())
				var refused *locator.StatusError
				switch errors.As(err, &refused); {
				case tt.status == 0 && (err != nil || found.URL != "wss://a.example" || found.Shards != 3):
					t.Errorf("%+v, %v", found, err)
				case tt.status != 0 && (refused == nil || refused.Status != tt.status):
					t.Errorf("%v, want status %d", err, tt.status)
				}
				if took := time.Since(start); took < tt.atLeast || int(a.asked.Load()) != len(tt.answers) {
					t.Errorf("asked %d times in %v", a.asked.Load(), took)
				}
			})
		})
	}
}

func TestAwaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, _ := newLocator(answer{status: 429, retryAfter: "3600"})
		reason := errors.New("enough")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, reason)
		defer cancel()
		if _, err := l.Await(ctx); !errors.Is(err, reason) {
			t.Errorf("%v", err)
		}
	})
}

func TestTransport(t *testing.T) {
	t.Parallel()
	tests := []struct{ asked, base, sent string }{
		{"https://discord.com/api/v9/users/@me", "https://discord.com", "https://discord.com/api/v9/users/@me"},
		{"https://discord.com/api/v9/users/@me", "http://[::1]:1/p", "http://[::1]:1/p/api/v9/users/@me"},
		{"https://discord.com/api/v9/a%2Fb", "http://proxy/c%2Fd", "http://proxy/c%2Fd/api/v9/a%2Fb"},
		{"https://cdn.discordapp.com/api/x", "http://proxy", "https://cdn.discordapp.com/api/x"},
		{"https://discord.com/login", "http://proxy", "https://discord.com/login"},
	}
	for _, tt := range tests {
		base, err := url.Parse(tt.base)
		if err != nil {
			t.Fatal(err)
		}
		var calls atomic.Uint64
		sent := ""
		client := &http.Client{Transport: &locator.Transport{Base: base, Calls: &calls,
			Next: roundTripper(func(r *http.Request) { sent = r.URL.String() })}}
		resp, err := client.Get(tt.asked)
		if err != nil {
			t.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil || sent != tt.sent || calls.Load() != 1 {
			t.Errorf("%s was sent to %s, want %s (%v)", tt.asked, sent, tt.sent, err)
		}
	}
}

type roundTripper func(*http.Request)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	f(r)
	return httptest.NewRecorder().Result(), nil
}
