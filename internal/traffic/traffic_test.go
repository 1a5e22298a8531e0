package traffic_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botwright/botwright/internal/traffic"
)

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestSensor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s traffic.Sensor
		if got := s.Sample(); got != (traffic.Sample{}) {
			t.Errorf("at first %+v", got)
		}
		start := time.Now()
		s.Note(time.Second, "")
		time.Sleep(30 * time.Second)
		s.Note(3*time.Second, "502 Bad Gateway")
		want := traffic.Sample{Calls: 2, Failed: 1, Mean: 2 * time.Second, Last: start, Error: "502 Bad Gateway"}
		if got := s.Sample(); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
		time.Sleep(40 * time.Second)
		if got := s.Sample(); got.Calls != 1 || got.Failed != 1 {
			t.Errorf("after a minute %+v", got)
		}
		time.Sleep(time.Hour)
		if got := s.Sample(); got.Calls != 0 || !got.Last.Equal(start) {
			t.Errorf("after an hour %+v", got)
		}
	})
}

func TestTransport(t *testing.T) {
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	tests := []struct {
		name, url     string
		ctx           context.Context
		status        int
		err           error
		calls, failed int
	}{
		{"answer", "https://discord.com/api/v10/users/@me", t.Context(), 200, nil, 1, 0},
		{"refusal", "https://discord.com/api/v10/users/@me", t.Context(), 429, nil, 1, 0},
		{"fault", "https://discord.com/api/v10/users/@me", t.Context(), 503, nil, 1, 1},
		{"no answer", "https://discord.com/api/v10/users/@me", t.Context(), 0, errors.New("no route"), 1, 1},
		{"given up", "https://discord.com/api/v10/users/@me", canceled, 0, context.Canceled, 0, 0},
		{"elsewhere", "https://cdn.example/api/x", t.Context(), 503, nil, 0, 0},
		{"a file", "https://discord.com/assets/x", t.Context(), 503, nil, 0, 0},
	}
	for _, tt := range tests {
		var s traffic.Sensor
		client := s.Transport("discord.com", roundTripper(func(*http.Request) (*http.Response, error) {
			if tt.err != nil {
				return nil, tt.err
			}
			return &http.Response{StatusCode: tt.status, Status: http.StatusText(tt.status), Body: http.NoBody}, nil
		}))
		req, err := http.NewRequestWithContext(tt.ctx, http.MethodGet, tt.url, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if resp, err := client.RoundTrip(req); err == nil {
			_ = resp.Body.Close()
		}
		if got := s.Sample(); got.Calls != tt.calls || got.Failed != tt.failed {
			t.Errorf("%s: %+v", tt.name, got)
		}
	}
}
