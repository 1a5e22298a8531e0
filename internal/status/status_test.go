package status_test

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/botwright/botwright/internal/status"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newServer(page status.Page) *status.Server {
	return status.New(status.Source{
		Page:  func() status.Page { return page },
		Shard: func(id int) (status.Detail, bool) { return status.Detail{}, id == 3 },
	})
}

func TestPageIsSelfContained(t *testing.T) {
	s := newServer(status.Page{Name: `</script><script>alert("hi")</script>`})
	w := httptest.NewRecorder()
	s.ServePage(w, httptest.NewRequestWithContext(t.Context(), "GET", "/", http.NoBody))
	body := w.Body.String()
	for _, bad := range []string{`alert("hi")`, "http://", "https://", "@import", "url(", " style=", "ZgotmplZ", " onclick="} {
		rest := strings.ReplaceAll(body, "http://www.w3.org/2000/svg", "") // a name, not an address
		if strings.Contains(rest, bad) {
			t.Errorf("the page has %s", bad)
		}
	}
	policy := w.Header().Get("Content-Security-Policy")
	nonce := regexp.MustCompile(`script-src 'nonce-(\w+)'`).FindStringSubmatch(policy)
	if nonce == nil || !strings.HasPrefix(policy, "default-src 'none'") {
		t.Fatalf("policy %q", policy)
	}
	if n := strings.Count(body, `nonce="`+nonce[1]+`"`); n != 3 {
		t.Errorf("the nonce is on %d elements, want the style, the data and the script", n)
	}
	again := httptest.NewRecorder()
	s.ServePage(again, httptest.NewRequestWithContext(t.Context(), "GET", "/", http.NoBody))
	if again.Header().Get("Content-Security-Policy") == policy {
		t.Error("the nonce is used twice")
	}
}

func TestEvents(t *testing.T) {
	s := newServer(status.Page{Name: "Robin"})
	stop := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.ServeEvents(w, r, stop)
	}))
	defer srv.Close()
	defer http.DefaultClient.CloseIdleConnections()
	open := func() *http.Response {
		req, err := http.NewRequestWithContext(t.Context(), "GET", srv.URL, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		return resp
	}
	var streams []*http.Response
	for range 64 {
		resp := open()
		streams = append(streams, resp)
		line, err := bufio.NewReader(resp.Body).ReadString('\n')
		if err != nil || !strings.HasPrefix(line, `data: {"name":"Robin"`) {
			t.Errorf("%q, %v", line, err)
		}
	}
	full := open()
	if full.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("one too many: %d", full.StatusCode)
	}
	full.Body.Close()
	close(stop)
	for _, resp := range streams {
		resp.Body.Close()
	}
}

// However many watch, the page is made once a second.
func TestPageIsMadeOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		made := 0
		s := status.New(status.Source{Page: func() status.Page { made++; return status.Page{} }})
		for range 10 {
			for range 10 {
				if _, err := s.JSON(); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(200 * time.Millisecond)
		}
		if made != 2 {
			t.Errorf("made %d times in 2 s", made)
		}
	})
}

func TestEventsEvery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(status.Page{})
		ctx, cancel := context.WithTimeout(t.Context(), 9*time.Second)
		defer cancel()
		w := httptest.NewRecorder()
		var serving sync.WaitGroup
		serving.Go(func() {
			s.ServeEvents(w, httptest.NewRequestWithContext(ctx, "GET", "/", http.NoBody), nil)
		})
		serving.Wait()
		if n := strings.Count(w.Body.String(), "data: "); n != 5 {
			t.Errorf("%d events in 9 s", n)
		}
	})
}

func TestSampler(t *testing.T) {
	var s status.Sampler
	now := time.Date(2026, 11, 23, 18, 0, 0, 0, time.UTC)
	events := [3]uint64{100, 50, 0}
	read := func() []status.Sample {
		return []status.Sample{
			{Shard: 0, Events: events[0], Latency: 80 * time.Millisecond},
			{Shard: 1, Events: events[1], Latency: 120 * time.Millisecond},
			{Shard: 2, Events: events[2]}, // no heartbeat yet
		}
	}
	s.Take(now, read)
	for i := range 40 {
		events[0] += 50
		if i < 10 {
			events[1] += 5
		}
		now = now.Add(status.Step)
		s.Take(now, read)
		s.Take(now.Add(time.Second), func() []status.Sample {
			t.Error("sampled too early")
			return nil
		})
	}
	for shard, want := range map[int]float64{0: 10, 1: 0, 9: 0} {
		if got := s.Rate(shard); got != want {
			t.Errorf("shard %d: %v events per second, want %v", shard, got, want)
		}
	}
	h := s.History()
	if len(h.Rate) != 40 || h.Rate[0] != 11 || h.Rate[39] != 10 || h.Latency[0] != 100 {
		t.Errorf("history %+v", h)
	}
	for range 200 {
		now = now.Add(status.Step)
		events[0] += 5
		s.Take(now, read)
	}
	h = s.ShardHistory(0)
	if len(h.Rate) != 120 || h.Rate[0] != 1 || h.Rate[119] != 1 {
		t.Errorf("history of %d, from %v to %v", len(h.Rate), h.Rate[0], h.Rate[119])
	}
	// A shard that begins a new count, as after a restart of it, has no negative rate.
	events[0] = 0
	s.Take(now.Add(status.Step), read)
	if rate := s.Rate(0); rate != 0 {
		t.Errorf("rate %v after a new start", rate)
	}
}
