package gateway_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botwright/botwright/internal/gateway"
)

const spacing = 5 * time.Second

// A line is a Queue and what it has admitted.
type line struct {
	*gateway.Queue
	wg     sync.WaitGroup
	admits func() // called for each shard; may be nil

	mu       sync.Mutex
	admitted []admission
	fetches  int
	reports  []gateway.Budget
}

type admission struct {
	shard int
	at    time.Duration // since the start
}

// newLine returns a line whose Queue is told limit.
func newLine(limit func(n int) (gateway.Limit, error)) *line {
	l := &line{}
	l.Queue = gateway.NewQueue(gateway.QueueConfig{
		Limit: func(context.Context) (gateway.Limit, error) {
			l.mu.Lock()
			l.fetches++
			n := l.fetches
			l.mu.Unlock()
			return limit(n)
		},
		Exhausted: func(b gateway.Budget) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.reports = append(l.reports, b)
		},
	})
	return l
}

// fixed is a limit that never changes.
func fixed(total, remaining, concurrency int) func(int) (gateway.Limit, error) {
	return func(int) (gateway.Limit, error) {
		return gateway.Limit{Total: total, Remaining: remaining, ResetAfter: 6 * time.Hour,
			MaxConcurrency: concurrency}, nil
	}
}

// join lets shards wait, each on its own.
func (l *line) join(ctx context.Context, shards ...int) {
	start := time.Now()
	for _, shard := range shards {
		l.wg.Go(func() {
			if l.Wait(ctx, shard) != nil {
				return
			}
			if l.admits != nil {
				l.admits()
			}
			l.mu.Lock()
			defer l.mu.Unlock()
			l.admitted = append(l.admitted, admission{shard, time.Since(start)})
		})
	}
}

// ids returns the shards in the order in which they were admitted.
func (l *line) ids() []int {
	l.mu.Lock()
	defer l.mu.Unlock()
	var ids []int
	for _, a := range l.admitted {
		ids = append(ids, a.shard)
	}
	return ids
}

// TestQueueSpacingCountsFromTheWrite has a shard write its IDENTIFY two seconds after its turn.
func TestQueueSpacingCountsFromTheWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(fixed(1000, 1000, 1))
		l.join(t.Context(), 0)
		synctest.Wait()
		l.join(t.Context(), 1)
		time.Sleep(2 * time.Second)
		l.Identified(0)
		l.wg.Wait()
		if at := l.admitted[1].at; at < spacing+2*time.Second {
			t.Errorf("the second IDENTIFY was admitted after %v", at)
		}
	})
}

func TestQueueSpacing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(fixed(1000, 1000, 1))
		l.join(t.Context(), 0)
		synctest.Wait()
		l.join(t.Context(), 5, 3, 1, 4, 2)
		l.wg.Wait()
		for i, a := range l.admitted {
			from := time.Duration(i) * spacing
			if a.at < from || a.at > from+time.Duration(i+1)*time.Second/2 {
				t.Errorf("shard %d admitted after %v, want %v and a little", a.shard, a.at, from)
			}
		}
	})
}

// One that is in line when the turn comes goes by its shard id.
func TestQueueOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(fixed(1000, 1000, 1))
		for _, shard := range []int{7, 9, 2, 5, 1, 8} {
			l.join(t.Context(), shard)
			synctest.Wait()
		}
		l.wg.Wait()
		// 9 was the first to wait for the turn after that of 7.
		if want := []int{7, 9, 1, 2, 5, 8}; !slices.Equal(l.ids(), want) {
			t.Errorf("admitted %v, want %v", l.ids(), want)
		}
	})
}

func TestQueueKeysAreParallel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(func(int) (gateway.Limit, error) {
			time.Sleep(100 * time.Millisecond) // the answer takes its time
			return gateway.Limit{Total: 1000, Remaining: 1000, MaxConcurrency: 16}, nil
		})
		shards := make([]int, 32)
		for i := range shards {
			shards[i] = i
		}
		l.join(t.Context(), shards...)
		l.wg.Wait()
		if l.fetches != 1 {
			t.Errorf("the limit was asked for %d times at once", l.fetches)
		}
		last := make(map[int]time.Duration)
		for _, a := range l.admitted {
			if a.at > spacing+time.Second {
				t.Errorf("shard %d admitted after %v", a.shard, a.at)
			}
			if before, ok := last[a.shard%16]; ok && a.at-before < spacing {
				t.Errorf("key %d admitted twice within %v", a.shard%16, a.at-before)
			}
			last[a.shard%16] = a.at
		}
	})
}

func TestQueueCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(fixed(1000, 1000, 1))
		l.join(t.Context(), 0)
		l.wg.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		l.join(ctx, 1) // has the turn
		synctest.Wait()
		l.join(ctx, 2, 3) // are in line
		synctest.Wait()
		l.join(t.Context(), 4)
		time.Sleep(time.Second)
		cancel()
		began := time.Now()
		l.wg.Wait()
		if want := []int{0, 4}; !slices.Equal(l.ids(), want) {
			t.Errorf("admitted %v, want %v", l.ids(), want)
		}
		if d := time.Since(began); d > spacing {
			t.Errorf("the next one waited for %v", d)
		}
		if err := l.Wait(ctx, 5); !errors.Is(err, context.Canceled) {
			t.Errorf("Wait returned %v", err)
		}
		if got := l.Budget().Remaining; got != 998 {
			t.Errorf("%d remaining, want 998", got)
		}
	})
}

// Many shards that give up at any time leave the line usable.
func TestQueueCancelAtAnyTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(fixed(1000, 1000, 2))
		for i := range 200 {
			patience := time.Duration(i*37%200) * 100 * time.Millisecond
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			l.join(ctx, i)
		}
		l.wg.Wait()
		if n := len(l.ids()); n < 6 || n > 10 {
			t.Errorf("%d admitted in 20 s over 2 keys", n)
		}
		l.join(t.Context(), 500, 501)
		began := time.Now()
		l.wg.Wait()
		if d := time.Since(began); d > spacing+time.Second {
			t.Errorf("the line was stuck for %v", d)
		}
	})
}

// A shard that was here before stops at the reserve; a new one may use it.
func TestQueueReserve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaily(51)
		reset := time.Now().Add(24 * time.Hour)
		l := newLine(func(int) (gateway.Limit, error) { return d.limit(t.Context()) })
		l.admits = d.spend
		l.join(t.Context(), 0)
		l.wg.Wait() // 50 left: the reserve
		l.join(t.Context(), 0)
		time.Sleep(10 * time.Second)
		if b := l.Budget(); !b.Exhausted || b.Remaining != 50 || b.Reserve != 50 {
			t.Errorf("budget %+v", b)
		}
		began := time.Now()
		l.join(t.Context(), 1)
		time.Sleep(10 * time.Second)
		if got := l.ids(); !slices.Equal(got, []int{0, 1}) {
			t.Errorf("admitted %v after %v", got, time.Since(began))
		}
		l.join(t.Context(), 1) // is no longer new
		l.wg.Wait()
		if d := time.Since(reset); d < 0 || d > 10*time.Second {
			t.Errorf("shard 0 was admitted %v after the reset", d)
		}
		if len(l.reports) != 1 {
			t.Errorf("exhaustion was reported %d times, want once", len(l.reports))
		}
		if b := l.Budget(); b.Exhausted || b.Remaining != 998 {
			t.Errorf("budget %+v", b)
		}
	})
}

// After the reset the whole budget is there, before anybody identifies and Discord is asked.
func TestBudgetAfterTheReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(func(int) (gateway.Limit, error) {
			return gateway.Limit{Total: 1000, Remaining: 30, ResetAfter: time.Hour}, nil
		})
		l.join(t.Context(), 0)
		l.wg.Wait()
		if b := l.Budget(); b.Remaining != 29 || b.ResetAt.IsZero() {
			t.Errorf("before: %+v", b)
		}
		time.Sleep(time.Hour)
		if b := l.Budget(); b.Remaining != 1000 || !b.ResetAt.IsZero() || b.Exhausted {
			t.Errorf("after: %+v", b)
		}
	})
}

// With nothing left not even a new shard may identify, and the reset is not taken on trust.
func TestQueueNothingLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(func(n int) (gateway.Limit, error) {
			switch {
			case n < 3: // the reset comes later than was said
				return gateway.Limit{Total: 1000, ResetAfter: time.Minute}, nil
			case n < 6:
				return gateway.Limit{}, errors.New("503")
			}
			return gateway.Limit{Total: 1000, Remaining: 1000, ResetAfter: time.Hour}, nil
		})
		began := time.Now()
		l.join(t.Context(), 0)
		l.wg.Wait()
		if d := time.Since(began); d < 4*time.Minute || d > 10*time.Minute {
			t.Errorf("admitted after %v", d)
		}
		if l.fetches != 6 || len(l.reports) != 1 {
			t.Errorf("%d fetches and %d reports, want 6 and 1", l.fetches, len(l.reports))
		}
	})
}

// Without an answer one IDENTIFY in 5 s over all keys cannot be wrong.
func TestQueueWithoutAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(func(int) (gateway.Limit, error) { return gateway.Limit{}, errors.New("502") })
		l.join(t.Context(), 0, 1, 2, 3)
		l.wg.Wait()
		for i, a := range l.admitted {
			if a.at < time.Duration(i)*spacing {
				t.Errorf("admission %d after %v", i, a.at)
			}
		}
		if l.fetches != 1 {
			t.Errorf("%d fetches within a minute, want 1", l.fetches)
		}
		time.Sleep(time.Minute)
		l.join(t.Context(), 4)
		l.wg.Wait()
		if l.fetches != 2 {
			t.Errorf("%d fetches, want 2", l.fetches)
		}
	})
}

// One that gives up while it asks leaves the asking to the next.
func TestQueueCancelWhileAsking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		q := gateway.NewQueue(gateway.QueueConfig{
			Limit: func(ctx context.Context) (gateway.Limit, error) {
				if asked++; asked == 1 {
					<-ctx.Done()
					return gateway.Limit{}, ctx.Err()
				}
				return gateway.Limit{Total: 1000, Remaining: 700, MaxConcurrency: 16}, nil
			},
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() { _ = q.Wait(ctx, 0) })
		synctest.Wait()
		for _, shard := range []int{1, 2} {
			wg.Go(func() {
				if err := q.Wait(t.Context(), shard); err != nil {
					t.Error(err)
				}
			})
		}
		began := time.Now()
		wg.Wait()
		if d := time.Since(began); d != time.Second || asked != 2 {
			t.Errorf("admitted after %v and %d questions", d, asked)
		}
	})
}
