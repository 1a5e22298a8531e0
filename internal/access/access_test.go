package access_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botwright/botwright/internal/access"
)

const token = "0123456789abcdef"

func TestGuard(t *testing.T) {
	open := &access.Guard{Probes: []string{"/livez"}}
	closed := &access.Guard{Probes: []string{"/livez"}, Token: token}
	probed := &access.Guard{Probes: []string{"/livez"}, Token: token, OpenProbes: true}
	tests := []struct {
		name         string
		guard        *access.Guard
		method, url  string
		header       string // "Name: value"
		want, failed int
	}{
		{"localhost", open, "GET", "http://localhost:9180/", "", 200, 0},
		{"loopback", open, "GET", "http://[::1]:9180/", "", 200, 0},
		{"loopback without a port", open, "GET", "http://[::1]/", "", 200, 0},
		{"another host", open, "GET", "http://rebound.example/", "", 403, 0},
		{"a probe by address", open, "GET", "http://10.0.0.1/livez", "", 200, 0},
		{"a probe with details", open, "GET", "http://10.0.0.1/livez?verbose", "", 403, 0},
		{"a page of another site", open, "GET", "http://localhost/", "Sec-Fetch-Site: cross-site", 403, 0},
		{"a form of another site", open, "POST", "http://localhost/", "Sec-Fetch-Site: cross-site", 403, 0},
		{"another origin", open, "POST", "http://localhost/", "Origin: https://evil.example", 403, 0},
		{"the page itself", open, "POST", "http://localhost/", "Sec-Fetch-Site: same-origin", 200, 0},
		{"typed", open, "GET", "http://localhost/", "Sec-Fetch-Site: none", 200, 0},

		{"a token", closed, "GET", "http://any.example/", "Authorization: Bearer " + token, 200, 0},
		{"no token", closed, "GET", "http://any.example/", "", 401, 0},
		{"no token for a probe", closed, "GET", "http://any.example/livez", "", 401, 0},
		{"a wrong token", closed, "GET", "http://any.example/", "Authorization: Bearer x" + token, 401, 1},
		{"a wrong password", closed, "GET", "http://any.example/", "Authorization: Basic OnNlY3JldA==", 401, 1},
		{"a token from another site", closed, "GET", "http://any.example/",
			"Authorization: Bearer " + token + "\nSec-Fetch-Site: cross-site", 403, 0},
		{"an open probe", probed, "GET", "http://any.example/livez", "", 200, 0},
		{"an open probe with details", probed, "GET", "http://any.example/livez?verbose", "", 401, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			failed := 0
			tt.guard.Failed = func() { failed++ }
			r := httptest.NewRequestWithContext(t.Context(), tt.method, tt.url, http.NoBody)
			for h := range strings.SplitSeq(tt.header, "\n") {
				if name, value, ok := strings.Cut(h, ": "); ok {
					r.Header.Set(name, value)
				}
			}
			w := httptest.NewRecorder()
			tt.guard.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(w, r)
			if w.Code != tt.want || failed != tt.failed {
				t.Errorf("%d and %d failed logins, want %d and %d", w.Code, failed, tt.want, tt.failed)
			}
		})
	}
}

// Somebody who tries tokens fills no disk, and does not go unnoticed.
func TestWrongTokensAreLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		g := &access.Guard{Token: token, Logger: slog.New(slog.NewTextHandler(&log, nil))}
		h := g.Wrap(http.NotFoundHandler())
		try := func() {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
			r.Header.Set("Authorization", "Bearer guessed-secret")
			h.ServeHTTP(httptest.NewRecorder(), r)
		}
		for range 1000 {
			try()
		}
		time.Sleep(access.LogEvery)
		try()
		lines := strings.Split(strings.TrimSpace(log.String()), "\n")
		if len(lines) != 2 || !strings.Contains(lines[0], "times=1") ||
			!strings.Contains(lines[1], "times=1000") || strings.Contains(log.String(), "guessed") {
			t.Errorf("log:\n%s", &log)
		}
	})
}
