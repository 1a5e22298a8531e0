package rest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botwright/botwright/internal/rest"
)

const latency = 30 * time.Millisecond

// TestFloods sends more than the limits allow at once. No request may be refused, and none may
// wait for longer than the limits make it.
func TestFloods(t *testing.T) {
	tests := []struct {
		name        string
		discord     *discord
		global      int
		n, channels int
		most        time.Duration
	}{
		{"4,000 over 200 channels", &discord{limit: 5, window: 500 * time.Millisecond}, -1,
			4000, 200, 1500*time.Millisecond*105/100 + latency},
		{"1,000 over 200 channels, one window", &discord{limit: 5, window: 500 * time.Millisecond},
			-1, 1000, 200, 2 * latency},
		{"one channel", &discord{limit: 5, window: 5 * time.Second}, 50,
			25, 1, 20*time.Second*105/100 + latency},
		{"the global limit", &discord{limit: 5, window: 5 * time.Second, global: 50}, 50,
			250, 250, 4*time.Second*105/100 + latency},
		{"no limits", &discord{}, -1, 100, 1, 2 * latency},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := tt.discord
				d.latency = latency
				took := flood(t, rest.New(rest.Config{Next: d, Global: tt.global}), tt.n, tt.channels)
				if d.limited > 0 || len(d.seen) != tt.n {
					t.Errorf("%d answers 429, %d requests", d.limited, len(d.seen))
				}
				if took > tt.most {
					t.Errorf("took %v, want at most %v", took, tt.most)
				}
			})
		})
	}
}

// TestProbe sends to a route that nothing is known of: one request goes ahead. Then the limit is
// known for the next channel too.
func TestProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &discord{latency: latency, limit: 5, window: time.Second}
		rt := rest.New(rest.Config{Next: d})
		start := time.Now()
		flood(t, rt, 5, 1)
		counts := make(map[time.Duration]int)
		for _, r := range d.requests() {
			counts[r.at.Sub(start)]++
		}
		if counts[latency/2] != 1 || counts[latency*3/2] != 4 {
			t.Errorf("requests by time: %v", counts)
		}
		begin := time.Now()
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				if _, err := do(t.Context(), rt, "POST", "/channels/2/messages", "{}"); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if took := time.Since(begin); took != latency {
			t.Errorf("5 requests to another channel took %v, want one latency", took)
		}
	})
}

// TestFirstComeFirstServed has the calls of one bucket answered in the order they were made, the
// urgent ones first.
func TestFirstComeFirstServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &discord{latency: latency, limit: 1, window: time.Second}
		rt := rest.New(rest.Config{Next: d})
		var all sync.WaitGroup
		send := func(ctx context.Context, name string) {
			all.Go(func() {
				if _, err := do(ctx, rt, "PATCH", "/channels/1", name); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		for i := range 5 {
			send(t.Context(), fmt.Sprint(i))
		}
		send(rest.WithLevel(t.Context(), rest.Low), "low")
		send(t.Context(), "5")
		send(rest.WithLevel(t.Context(), rest.High), "high")
		all.Wait()
		var order string
		for _, r := range d.requests() {
			order += r.body + " "
		}
		if want := "0 high 1 2 3 4 5 low "; order != want {
			t.Errorf("order %q, want %q", order, want)
		}
	})
}

// TestInteractionsWaitForNobody answers interactions while everything else waits.
func TestInteractionsWaitForNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &discord{latency: latency, limit: 5, window: time.Second, global: 50}
		rt := rest.New(rest.Config{Next: d})
		var all sync.WaitGroup
		for i := range 500 {
			all.Go(func() { _ = get(t.Context(), rt, fmt.Sprintf("/channels/%d", i+1)) })
		}
		synctest.Wait()
		start := time.Now()
		for i := range 100 {
			all.Go(func() {
				path := fmt.Sprintf("/interactions/%d/token%d/callback", i, i)
				if _, err := do(t.Context(), rt, "POST", path, `{"type":5}`); err != nil {
					t.Error(err)
				}
				path = fmt.Sprintf("/webhooks/1/aW50ZXJhY3Rpb246%d/messages/@original", i)
				if _, err := do(t.Context(), rt, "PATCH", path, "{}"); err != nil {
					t.Error(err)
				}
				if took := time.Since(start); took > 2*latency {
					t.Errorf("a callback and an edit took %v", took)
				}
			})
		}
		all.Wait()
	})
}

// TestDeadlines has calls fail at once when their wait would be too long.
func TestDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &discord{latency: latency, limit: 1, window: 3 * time.Second}
		rt := rest.New(rest.Config{Next: d})
		if err := get(t.Context(), rt, "/channels/1"); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		for name, ctx := range map[string]context.Context{
			"deadline": ctx, "NoWait": rest.NoWait(t.Context()),
		} {
			start := time.Now()
			err := get(ctx, rt, "/channels/1")
			limited, ok := errors.AsType[*rest.RateLimitError](err)
			if !ok || limited.Scope != "user" || limited.Sent || limited.Route != "/channels/{id}" {
				t.Fatalf("%s: %v", name, err)
			}
			if limited.RetryAfter < 2*time.Second || limited.RetryAfter > 3*time.Second {
				t.Errorf("%s: retry after %v", name, limited.RetryAfter)
			}
			if took := time.Since(start); took != 0 {
				t.Errorf("%s: it took %v", name, took)
			}
		}
		if err := get(t.Context(), rt, "/channels/1"); err != nil {
			t.Errorf("without a deadline: %v", err)
		}
		// The third in line waits for two windows, one more than its deadline.
		ctx, cancel = context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		var all sync.WaitGroup
		all.Go(func() { _ = get(ctx, rt, "/channels/1") })
		synctest.Wait()
		start := time.Now()
		if err := get(ctx, rt, "/channels/1"); err == nil || time.Since(start) != 0 {
			t.Errorf("behind another: %v after %v", err, time.Since(start))
		}
		all.Wait()
	})
}

// TestCancelled has a caller leave the line, and its place go to the next.
func TestCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &discord{latency: latency, limit: 1, window: 3 * time.Second}
		rt := rest.New(rest.Config{Next: d})
		if err := get(t.Context(), rt, "/channels/1"); err != nil {
			t.Fatal(err)
		}
		cause := errors.New("changed my mind")
		ctx, cancel := context.WithCancelCause(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			if err := get(ctx, rt, "/channels/1"); !errors.Is(err, cause) {
				t.Errorf("cancelled: %v", err)
			}
		})
		synctest.Wait()
		all.Go(func() {
			start := time.Now()
			if err := get(t.Context(), rt, "/channels/1"); err != nil || time.Since(start) > 3*time.Second+latency {
				t.Errorf("the next in line: %v after %v", err, time.Since(start))
			}
		})
		synctest.Wait()
		if st := rt.Stats(); st.Waiting != 2 {
			t.Errorf("%d wait, want 2", st.Waiting)
		}
		cancel(cause)
		synctest.Wait()
		if st := rt.Stats(); st.Waiting != 1 {
			t.Errorf("%d wait, want 1", st.Waiting)
		}
		all.Wait()
	})
}

// TestSlowAnswers has answers that take long hold up no others.
func TestSlowAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &discord{latency: 10 * time.Second}
		rt := rest.New(rest.Config{Next: d})
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() { _ = get(t.Context(), rt, fmt.Sprintf("/channels/%d", i+1)) })
		}
		time.Sleep(3 * time.Second)
		d.mu.Lock()
		inflight := d.inflight
		d.mu.Unlock()
		if inflight != 100 {
			t.Errorf("%d requests are under way after 3 s, want 100", inflight)
		}
		all.Wait()
	})
}

// TestBucketsAreForgotten looks at the table after requests to many channels.
func TestBucketsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &discord{latency: time.Millisecond, limit: 5, window: time.Second}
		rt := rest.New(rest.Config{Next: d, Global: 1000})
		for i := range 20_000 {
			if err := get(t.Context(), rt, fmt.Sprintf("/channels/%d", i+1)); err != nil {
				t.Fatal(err)
			}
		}
		if st := rt.Stats(); st.Buckets > 1100 {
			t.Errorf("%d buckets are kept, want those of one second", st.Buckets)
		}
	})
}

// TestOldMessages has deletions of messages of different age not wait for each other.
func TestOldMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &discord{latency: latency, limit: 1, window: time.Minute}
		rt := rest.New(rest.Config{Next: d})
		time.Sleep(27 * 365 * 24 * time.Hour) // the bubble's clock begins before Discord's
		now := time.Now()
		for _, age := range []time.Duration{0, time.Hour, 15 * 24 * time.Hour} {
			id := (now.Add(-age).UnixMilli() - 1420070400000) << 22
			path := fmt.Sprintf("/channels/1/messages/%d", id)
			ctx := rest.NoWait(t.Context())
			if _, err := do(ctx, rt, http.MethodDelete, path, ""); err != nil {
				t.Errorf("a message of age %v: %v", age, err)
			}
		}
	})
}

// TestPark has those who wait say so, and those who do not wait not.
func TestPark(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &discord{latency: latency, limit: 1, window: time.Second}
		var parked, parks atomic.Int64
		rt := rest.New(rest.Config{Next: d, Park: func(context.Context) func() {
			parked.Add(1)
			parks.Add(1)
			return func() { parked.Add(-1) }
		}})
		if err := get(t.Context(), rt, "/channels/1"); err != nil || parks.Load() != 0 {
			t.Errorf("%v; a call that did not wait was parked %d times", err, parks.Load())
		}
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() { _ = get(t.Context(), rt, "/channels/1") })
		}
		synctest.Wait()
		if n := parked.Load(); n != 3 {
			t.Errorf("%d are parked, want 3", n)
		}
		all.Wait()
		if n := parked.Load(); n != 0 {
			t.Errorf("%d are left parked", n)
		}
	})
}
