package browsertest_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/botwright/botwright/internal/status"
)

// A world is a bot that is made up, served as a page.
type world struct {
	srv   *httptest.Server
	close func()

	mu      sync.Mutex // guards what follows
	page    status.Page
	frozen  time.Time // when time stopped
	varying bool      // figures change all the time
}

func newWorld(t *testing.T, page status.Page) *world {
	t.Helper()
	srv, w := serveWorld(page)
	w.srv = srv
	t.Cleanup(w.close)
	return w
}

func serveWorld(page status.Page) (*httptest.Server, *world) {
	w := &world{page: page}
	server := status.New(status.Source{Page: w.current, Shard: w.detail})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", server.ServePage)
	stop := make(chan struct{})
	mux.HandleFunc("GET /events", func(rw http.ResponseWriter, r *http.Request) {
		server.ServeEvents(rw, r, stop)
	})
	mux.HandleFunc("GET /shards/{id}", server.ServeShard)
	mux.HandleFunc("POST /shards/{id}/restart", func(http.ResponseWriter, *http.Request) {
		w.change(func(p *status.Page) { p.Processes[0].Shards[0].State = "resuming" })
	})
	w.close = sync.OnceFunc(func() {
		close(stop)
		w.srv.Close()
	})
	return httptest.NewServer(mux), w
}

func (w *world) current() status.Page {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.page
	p.Time = time.Now()
	if !w.frozen.IsZero() {
		p.Time = w.frozen
	}
	if w.varying {
		p.Totals.Rate, p.Totals.Latency = p.Totals.Rate+rand.Float64(), p.Totals.Latency+10*rand.Float64()
		p.Totals.Memory, p.Totals.Events = p.Totals.Memory+1e6*rand.Float64(), uint64(time.Now().Unix())
		p.History = wave(120, 84+rand.Float64(), p.Totals.Rate)
		p.Meters = slices.Clone(p.Meters)
		p.Meters[0].Used = rand.Float64()
	}
	p.Processes = nil
	for _, process := range w.page.Processes {
		process.Shards = append([]status.Shard(nil), process.Shards...)
		for i := range process.Shards {
			if w.varying {
				process.Shards[i].Rate += rand.Float64()
				process.Shards[i].Latency += rand.Float64()
			}
		}
		p.Processes = append(p.Processes, process)
	}
	return p
}

// freeze lets time stand still.
func (w *world) freeze() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.frozen = time.Now()
}

// vary has the figures of shards and totals change all the time, as they do.
func (w *world) vary() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.varying = true
}

func (w *world) change(f func(*status.Page)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f(&w.page)
}

func (w *world) detail(id int) (status.Detail, bool) {
	for _, p := range w.current().Processes {
		for _, s := range p.Shards {
			if s.ID == id {
				return status.Detail{Shard: s, History: wave(120, 90, 40), Sequence: 48213, Events: 51877,
					Session: time.Now().Add(-3 * time.Hour).Unix(), LastACK: time.Now().Unix(),
					Counters: map[string]int{"Identifies": 1, "Resumes": 2},
					Closes:   map[int]uint64{4000: 1, 1006: 1}}, true
			}
		}
	}
	return status.Detail{}, false
}

func wave(n int, latency, rate float64) status.History {
	h := status.History{Step: 5}
	for i := range n {
		x := float64(i)
		h.Latency = append(h.Latency, latency*(1+.12*math.Sin(x/6)+.08*math.Sin(x*1.7)))
		h.Rate = append(h.Rate, rate*(1+.2*math.Sin(x/11+2)+.15*math.Sin(x*2.3)))
	}
	return h
}

// fleet makes up a bot with so many shards in so many processes. With trouble some are not well.
func fleet(shards, processes int, trouble bool) status.Page {
	now := time.Now()
	page := status.Page{
		Name: "Robin", Version: "v0.8.0", Time: now, Started: now.Add(-76 * time.Hour), Status: "healthy",
		ShardCount: shards, History: wave(120, 84, float64(shards)*9.4),
	}
	for i := range processes {
		p := status.Process{Name: fmt.Sprintf("robin-%d", i)}
		for id := i * shards / processes; id < (i+1)*shards/processes; id++ {
			p.Shards = append(p.Shards, shard(id, shards, trouble, now))
		}
		page.Processes = append(page.Processes, p)
	}
	t := &page.Totals
	for _, p := range page.Processes {
		for _, s := range p.Shards {
			t.Shards++
			t.Guilds += s.Guilds
			t.Unavailable += s.Unavailable
			t.Rate += s.Rate
			t.Latency += s.Latency / float64(shards)
			if s.State == "ready" {
				t.Ready++
			}
		}
	}
	t.Events, t.Memory, t.Goroutines = uint64(t.Rate*76*3600), 1.2e8+float64(shards)*1.4e6, 40+shards*6
	page.Checks = checks(shards, trouble)
	page.Meters = []status.Meter{
		{Name: "Queued events", Used: .03, Text: "491 of 16384", Level: "healthy"},
		{Name: "Queued bytes", Used: .01, Text: "1 MiB of 64 MiB", Level: "healthy"},
		{Name: "Handlers running", Used: .14, Text: "72 of 512", Level: "healthy"},
		{Name: "Identifies today", Used: .83, Text: "830 of 1000", Level: "degraded"},
	}
	page.Caches = []status.Cache{{Name: "guilds", Entries: t.Guilds, Hits: .998},
		{Name: "members", Entries: t.Guilds * 61, Limit: 50000, Hits: .941},
		{Name: "profiles", Entries: 8120, Limit: 10000, Hits: .873}}
	page.Slow = []status.Slow{{Name: "main.onLeaderboard", Count: 1840, P50: 420, P99: 2810, Max: 6120},
		{Name: "main.onCommand", Count: 220713, P50: 41, P99: 380, Max: 2204},
		{Name: "main.onMessage", Count: 9120442, P50: 1.2, P99: 18, Max: 912}}
	if trouble {
		page.Status = "unhealthy"
		page.Alerts = []status.Alert{
			{Time: now.Add(-4 * time.Minute), Kind: "firing", Status: "unhealthy",
				Text: "gateway (shards 3–5) unhealthy: backoff: connection reset by peer"},
			{Time: now.Add(-5 * time.Hour), Kind: "resolved", Status: "healthy",
				Text: "rest healthy again after 6m10s"},
			{Time: now.Add(-5*time.Hour - 6*time.Minute), Kind: "firing", Status: "degraded",
				Text: "rest degraded: answered in 7.4s"},
		}
	}
	return page
}

func shard(id, of int, trouble bool, now time.Time) status.Shard {
	s := status.Shard{ID: id, State: "ready", Since: now.Add(-76*time.Hour + time.Duration(id)*time.Second).Unix(),
		Latency: 70 + float64((id*37)%60), Rate: 6 + float64((id*53)%80)/10, Guilds: 900 + (id*71)%700}
	switch {
	case !trouble:
	case id >= 3 && id <= 5:
		s.State, s.Rate, s.Since = "backoff", 0, now.Add(-4*time.Minute).Unix()
		s.Error = "read tcp 10.0.0.7:53122->162.159.130.234:443: connection reset by peer"
	case id%97 == 8:
		s.State, s.Since, s.Rate = "resuming", now.Unix(), 0
	case id%61 == 10:
		s.Latency = 1240
	case id%83 == 12:
		s.Quiet, s.Rate = true, 0
	case id%211 == 14:
		s.Unavailable = 12
	case id == of-3 && of > 100:
		s.State, s.Rate = "fatal", 0
	}
	return s
}

func checks(shards int, trouble bool) []status.Check {
	run := func(s ...string) []string {
		var h []string
		for len(h) < 60-len(s) {
			h = append(h, "healthy")
		}
		return append(h, s...)
	}
	list := []status.Check{
		{Name: "gateway", Status: "healthy", Message: fmt.Sprintf("%d shards are fine", shards),
			Value: "112ms", Limit: "1s", History: run()},
		{Name: "rest", Status: "healthy", Message: "answered in 141ms", Value: "141ms", Limit: "5s", History: run()},
		{Name: "queue", Status: "healthy", Message: "491 events, 72 being handled", Value: "3 %", Limit: "80 %", History: run()},
		{Name: "handlers", Status: "healthy", Message: "12 errors in 70312 events", Value: "0 %", Limit: "10 %", History: run()},
		{Name: "memory", Status: "healthy", Message: "812 MiB of 2048 MiB (cgroup)", Value: "812 MiB", Limit: "1638 MiB", History: run()},
		{Name: "identify", Status: "healthy", Message: "170 of 1000 left until 21:04 UTC", Value: "170 identifies", Limit: "150 identifies", History: run()},
		{Name: "database", Status: "healthy", Message: "", History: run()},
	}
	if shards == 1 {
		list[0].Message = "ready, latency 112ms"
	}
	if trouble {
		list[0] = status.Check{Name: "gateway (shards 3–5)", Status: "unhealthy", Message: "backoff: connection reset by peer",
			History: run("healthy", "unhealthy", "unhealthy", "unhealthy", "unhealthy")}
		list[1].History = run("degraded", "degraded", "degraded", "healthy", "healthy", "healthy", "healthy", "healthy", "healthy")
	}
	return list
}
