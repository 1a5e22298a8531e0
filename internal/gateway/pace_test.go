package gateway_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botwright/botwright/internal/gateway"
)

// A daily is Discord's budget of IDENTIFYs: 1000, and 1000 again each 24 hours after it was made.
type daily struct {
	mu        sync.Mutex
	resetAt   time.Time
	remaining int
	lowest    int
	asked     int
	breaches  int // IDENTIFYs without budget, for which Discord resets the token
}

func newDaily(remaining int) *daily {
	return &daily{remaining: remaining, lowest: remaining, resetAt: time.Now().Add(24 * time.Hour)}
}

func (d *daily) limit(context.Context) (gateway.Limit, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked++
	d.reset()
	return gateway.Limit{Total: 1000, Remaining: d.remaining, ResetAfter: time.Until(d.resetAt)}, nil
}

func (d *daily) reset() {
	for !time.Now().Before(d.resetAt) {
		d.remaining, d.resetAt = 1000, d.resetAt.Add(24*time.Hour)
	}
}

// low is what was left when the least was.
func (d *daily) low() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.lowest
}

// spend is an IDENTIFY.
func (d *daily) spend() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reset()
	if d.remaining == 0 {
		d.breaches++
		return
	}
	d.remaining--
	d.lowest = min(d.lowest, d.remaining)
}

// A shard alone is free while most of the budget is there. Then it slows down, so that the reserve
// is there at the end of the day; and the next day it is free again.
func TestQueuePaceOfOneShard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaily(1000)
		q := gateway.NewQueue(gateway.QueueConfig{Limit: d.limit})
		identify := func() time.Duration {
			began := time.Now()
			if err := q.Wait(t.Context(), 0); err != nil {
				t.Fatal(err)
			}
			d.spend()
			return time.Since(began)
		}
		for day := range 2 {
			end := d.resetAt
			var free, n int
			var longest time.Duration
			for time.Now().Before(end) {
				took := identify()
				if n++; took < 6*time.Second && n == free+1 {
					free++
				}
				if time.Now().Before(end) {
					longest = max(longest, took)
				}
			}
			if free < 450 || n > 1000 || d.lowest < 50 || longest > time.Hour {
				t.Errorf("day %d: %d IDENTIFYs, the first %d freely, %d left, longest wait %v",
					day, n, free, d.lowest, longest)
			}
		}
	})
}

// One shard in trouble among many does not use up what the others may need, and waits itself.
func TestQueuePaceSparesTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaily(1000)
		q := gateway.NewQueue(gateway.QueueConfig{Limit: d.limit})
		all := func() (longest time.Duration) {
			var mu sync.Mutex
			var wg sync.WaitGroup
			began := time.Now()
			for id := range 50 {
				wg.Go(func() {
					if err := q.Wait(t.Context(), id); err != nil {
						t.Error(err)
					}
					d.spend()
					mu.Lock()
					defer mu.Unlock()
					longest = max(longest, time.Since(began))
				})
			}
			wg.Wait()
			return longest
		}
		all() // the start
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Hour)
		defer cancel()
		for q.Wait(ctx, 7) == nil {
			d.spend()
		}
		if left := d.remaining; left < 100 {
			t.Errorf("one shard left %d", left)
		}
		ctx, cancel = context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for id := range 5 {
			if err := q.Wait(ctx, id); err != nil {
				t.Errorf("shard %d: %v", id, err)
			}
			d.spend()
		}
	})
}

// Two processes of 200 shards with 300 left: what Discord says counts when a turn comes.
func TestQueueReadsTheBudgetInTheTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaily(300)
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Minute)
		defer cancel()
		var wg sync.WaitGroup
		reports := make(chan gateway.Budget, 100)
		for range 2 {
			q := gateway.NewQueue(gateway.QueueConfig{
				Limit: d.limit, Exhausted: func(b gateway.Budget) { reports <- b }})
			for id := range 200 {
				wg.Go(func() {
					if q.Wait(ctx, id) == nil {
						d.spend()
					}
				})
			}
		}
		wg.Wait()
		if d.breaches > 0 || d.remaining > 10 || len(reports) != 2 {
			t.Errorf("%d IDENTIFYs too many, %d left, exhaustion reported %d times", d.breaches, d.remaining, len(reports))
		}
	})
}

// A shard whose turn is far away waits before it dials, and shards dial in the order of their ids.
func TestNear(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaily(1000)
		q := gateway.NewQueue(gateway.QueueConfig{Limit: d.limit})
		var mu sync.Mutex
		var order []int
		var longest time.Duration // on an open connection
		var wg sync.WaitGroup
		waited := 0
		for id := range 30 {
			time.Sleep(time.Millisecond)
			wg.Go(func() {
				leave, err := q.Near(t.Context(), id, func() { mu.Lock(); waited++; mu.Unlock() })
				if err != nil {
					t.Error(err)
					return
				}
				defer leave()
				if id%7 == 3 {
					time.Sleep(10 * time.Second) // cannot dial
					return
				}
				dialled := time.Now()
				if err := q.Wait(t.Context(), id); err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				longest = max(longest, time.Since(dialled))
				order = append(order, id)
			})
		}
		wg.Wait()
		for i := range order[1:] {
			if order[i] > order[i+1] {
				t.Errorf("out of order: %v", order)
				break
			}
		}
		if len(order) != 26 || longest > 12*time.Second || waited != 27 {
			t.Errorf("%d identified, %d waited before they dialled, %v at most after", len(order), waited, longest)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := q.Near(ctx, 1, func() {}); err == nil {
			t.Error("Near does not end with its context")
		}
		leave, err := q.Near(t.Context(), 1, func() { t.Error("waits") })
		if err != nil {
			t.Fatal(err)
		}
		leave()
	})
}

// While the budget is exhausted there is no connection that waits for it.
func TestNoConnectionWhileTheBudgetIsExhausted(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		d := newDaily(0)
		q := gateway.NewQueue(gateway.QueueConfig{Limit: d.limit})
		r := start(t, f, func(c *gateway.Config) { c.Gate = counted{f, q, d} })
		time.Sleep(23*time.Hour + 50*time.Minute)
		r.wantState(gateway.Identifying)
		if n := len(r.dialled()); n != 0 {
			t.Errorf("%d connections", n)
		}
		r.identify("a")
	})
}
