package cluster_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botwright/botwright/internal/cluster"
	"github.com/botwright/botwright/internal/rest"
)

// An api answers everything and knows how many requests came within any second.
type api struct {
	mu     sync.Mutex
	status int
	times  []time.Time
	most   int
}

func (a *api) RoundTrip(r *http.Request) (*http.Response, error) {
	a.mu.Lock()
	now := time.Now()
	a.times = append(a.times, now)
	n := 0
	for i := len(a.times) - 1; i >= 0 && now.Sub(a.times[i]) < time.Second; i-- {
		n++
	}
	a.most = max(a.most, n)
	status := a.status
	a.mu.Unlock()
	select {
	case <-time.After(20 * time.Millisecond):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Request: r,
		Body: io.NopCloser(strings.NewReader("{}"))}, nil
}

// A sender is a process that sends requests.
type sender struct {
	*rest.Transport
	line *line
	stop context.CancelFunc
}

// senders starts processes that share 50 requests per second.
func senders(t *testing.T, a *api, backend cluster.Backend, n int) []*sender {
	t.Helper()
	var running sync.WaitGroup
	t.Cleanup(running.Wait)
	var all []*sender
	known := func() cluster.View {
		v := cluster.View{Synced: true}
		for i := range n {
			v.Processes = append(v.Processes, cluster.Process{ID: fmt.Sprint("p", i)})
		}
		return v
	}
	for i := range n {
		s := &sender{Transport: rest.New(rest.Config{Next: a}),
			line: &line{Backend: backend, rand: rand.New(rand.NewPCG(1, uint64(i))),
				latency: 5 * time.Millisecond}}
		shares := cluster.NewShares(cluster.SharesConfig{
			Backend: s.line, Limit: 50,
			View: func() cluster.View {
				v := known()
				v.Self = fmt.Sprint("p", i)
				return v
			},
			Demand: func() cluster.Demand { return cluster.Demand(s.Demand()) },
			Share:  s.Share,
		})
		ctx, cancel := context.WithCancel(t.Context())
		s.stop = cancel
		running.Go(func() { shares.Run(ctx) })
		all = append(all, s)
	}
	return all
}

// send sends n requests at once, to as many routes.
func (s *sender) send(t *testing.T, n int) {
	var sending sync.WaitGroup
	for i := range n {
		sending.Go(func() {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
				fmt.Sprintf("https://discord.com/api/v9/channels/%d", 1000+i), http.NoBody)
			if err != nil {
				t.Error(err)
				return
			}
			resp, err := s.RoundTrip(r)
			if err != nil {
				t.Error(err)
				return
			}
			if err := resp.Body.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	sending.Wait()
}

func TestProcessesShareTheGlobalLimit(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		processes, floods int
		atMost            time.Duration // for 1,000 requests
	}{
		"one floods":        {10, 1, 28 * time.Second},
		"ten flood":         {10, 10, 24 * time.Second},
		"five of fifty":     {50, 5, 26 * time.Second},
		"one of two floods": {2, 1, 24 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a := &api{status: http.StatusOK}
				all := senders(t, a, cluster.NewLocal(), tt.processes)
				time.Sleep(5 * time.Second)
				start := time.Now()
				var sending sync.WaitGroup
				for _, s := range all[:tt.floods] {
					sending.Go(func() { s.send(t, 1000/tt.floods) })
				}
				sending.Wait()
				took := time.Since(start)
				if a.most > 50 || took > tt.atMost {
					t.Errorf("%d requests within a second; all took %v, want %v", a.most, took, tt.atMost)
				}
				for _, s := range all {
					s.stop()
				}
			})
		})
	}
}

// TestSharesFollowDemand lets one process flood, and then others.
func TestSharesFollowDemand(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &api{status: http.StatusOK}
		all := senders(t, a, cluster.NewLocal(), 3)
		var sending sync.WaitGroup
		for i, s := range all {
			sending.Go(func() { s.send(t, 600) })
			time.Sleep(time.Duration(3+i) * time.Second)
		}
		start := time.Now()
		sending.Wait()
		all[2].send(t, 100)
		if a.most > 50 {
			t.Errorf("%d requests within a second", a.most)
		}
		if took := time.Since(start); took > 35*time.Second {
			t.Errorf("took %v", took)
		}
		for _, s := range all {
			s.stop()
		}
	})
}

func TestFirstRequestDoesNotWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &api{status: http.StatusOK}
		all := senders(t, a, cluster.NewLocal(), 10)
		time.Sleep(time.Minute)
		start := time.Now()
		all[7].send(t, 1)
		if took := time.Since(start); took > 50*time.Millisecond {
			t.Errorf("took %v", took)
		}
		for _, s := range all {
			s.stop()
		}
	})
}

func TestSharesWhileTheBackendIsAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &api{status: http.StatusOK}
		all := senders(t, a, cluster.NewLocal(), 2)
		time.Sleep(5 * time.Second)
		for _, s := range all {
			s.line.set(func() { s.line.cut = true })
		}
		start := time.Now()
		all[0].send(t, 5) // with the share of an idle process
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("took %v", took)
		}
		for _, s := range all {
			s.stop()
			s.line.set(func() { s.line.cut = false })
		}
	})
}

func TestInvalidRequestsAddUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &api{status: http.StatusForbidden}
		all := senders(t, a, cluster.NewLocal(), 2)
		all[0].send(t, 200)
		time.Sleep(5 * time.Second)
		if n := all[0].Demand().Invalid; n != 200 {
			t.Errorf("%d invalid requests", n)
		}
		all[1].send(t, 1)
		time.Sleep(5 * time.Second)
		if n := all[1].Stats().InvalidElsewhere; n != 200 {
			t.Errorf("the other process knows of %d", n)
		}
		for _, s := range all {
			s.stop()
		}
	})
}
