package dispatch_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/botwright/botwright/internal/dispatch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type task = dispatch.Task[func()]

func call(_ *dispatch.Run[func()], f func()) { f() }

func newQueue(events int, bytes int64, inFlight int) *dispatch.Queue[func()] {
	return dispatch.New(dispatch.Config{
		MaxEvents: events, MaxBytes: bytes, MaxInFlight: inFlight},
		dispatch.Funcs[func()]{Run: call})
}

func TestOrderPerKey(t *testing.T) {
	q := newQueue(50_000, 1<<20, 8) // never half full, so that no guild is above its share
	var mu sync.Mutex
	got := make(map[uint64][]int)
	for i := range 20_000 {
		key := rand.Uint64N(50) + 1
		q.Put(task{Guild: key, Key: key, Size: 1, Value: func() {
			mu.Lock()
			defer mu.Unlock()
			got[key] = append(got[key], i)
		}})
	}
	q.Drain(t.Context())
	n := 0
	for key, order := range got {
		n += len(order)
		if !slices.IsSorted(order) {
			t.Errorf("key %d out of order", key)
		}
	}
	if n != 20_000 {
		t.Errorf("ran %d tasks", n)
	}
	if st := q.Stats(); st.Events != 0 || st.Bytes != 0 || st.Keys != 0 || st.Finished != 20_000 {
		t.Errorf("stats after: %+v", st)
	}
}

func TestStuckKeyBlocksNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(1000, 1<<20, 4)
		release := make(chan struct{})
		for range 10 {
			q.Put(task{Key: 1, Value: func() { <-release }})
		}
		var ran atomic.Int32
		for key := range uint64(100) {
			q.Put(task{Key: key + 2, Value: func() { time.Sleep(time.Second); ran.Add(1) }})
			synctest.Wait()
		}
		time.Sleep(100 * time.Second)
		synctest.Wait()
		if n := ran.Load(); n != 100 {
			t.Errorf("%d of 100 ran beside the stuck key", n)
		}
		close(release)
		q.Drain(t.Context())
	})
}

// A Put that waits is woken when there is some room, not for each task that ends.
func TestPutWaitsForSomeRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(32, 1<<20, 32)
		release := make(chan struct{})
		for key := range uint64(32) {
			q.Put(task{Guild: key % 16, Key: key + 1, Value: func() { <-release }})
		}
		var put atomic.Bool
		go func() {
			q.Put(task{Guild: 99, Key: 1, Value: func() {}})
			put.Store(true)
		}()
		synctest.Wait()
		for ended := 1; ended <= 2; ended++ { // a sixteenth of 32
			release <- struct{}{}
			synctest.Wait()
			if got, want := put.Load(), ended == 2; got != want {
				t.Errorf("after %d tasks: put %t, want %t", ended, got, want)
			}
		}
		close(release)
		q.Drain(t.Context())
	})
}

func TestMaxInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(1000, 1<<20, 3)
		for key := range uint64(10) {
			q.Put(task{Key: key + 1, Value: func() { time.Sleep(time.Second) }})
		}
		synctest.Wait()
		if n := q.Stats().Running; n != 3 {
			t.Errorf("%d run at once, want 3", n)
		}
		start := time.Now()
		q.Drain(t.Context())
		if d := time.Since(start); d != 4*time.Second {
			t.Errorf("10 tasks of 1 s, 3 at a time, took %v", d)
		}
	})
}

func TestUnkeyedRunsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(100, 1<<20, 1)
		q.Put(task{Key: 1, Value: func() { time.Sleep(time.Hour) }})
		for range 5 {
			q.Put(task{Value: func() { time.Sleep(time.Second) }})
		}
		synctest.Wait()
		if n := q.Stats().Running; n != 6 {
			t.Errorf("%d run, want all 6", n)
		}
		q.Drain(t.Context())
	})
}

func TestFull(t *testing.T) {
	tests := []struct {
		name   string
		events int
		bytes  int64
	}{{"events", 4, 1 << 20}, {"bytes", 100, 40}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := newQueue(tt.events, tt.bytes, 1)
				release := make(chan struct{})
				guild := uint64(0)
				wait := func() task {
					guild++
					return task{Guild: guild, Key: 1, Size: 10, Value: func() { <-release }}
				}
				for range 2 {
					if got := q.Put(wait()); got != dispatch.Accepted {
						t.Fatalf("Put = %v", got)
					}
				}
				presence := wait()
				presence.Shed = true
				if got := q.Put(presence); got != dispatch.Shed {
					t.Errorf("half full: %v, want Shed", got)
				}
				q.Put(wait())
				q.Put(wait())
				results, last := make(chan dispatch.Result, 1), wait()
				go func() { results <- q.Put(last) }()
				synctest.Wait()
				if len(results) != 0 {
					t.Error("Put did not wait while full")
				}
				close(release)
				if got := <-results; got != dispatch.AcceptedLate {
					t.Errorf("after waiting: %v", got)
				}
				q.Drain(t.Context())
				if st := q.Stats(); st.Shed != 1 || st.Blocked != 1 {
					t.Errorf("stats: %+v", st)
				}
			})
		})
	}
}

func TestLargeTaskGetsThroughAlone(t *testing.T) {
	q := newQueue(10, 100, 1)
	if got := q.Put(task{Key: 1, Size: 1000, Value: func() {}}); got != dispatch.Accepted {
		t.Errorf("Put = %v", got)
	}
	q.Drain(t.Context())
}

func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(1, 1<<20, 1)
		ran := false
		q.Put(task{Key: 1, Value: func() { time.Sleep(time.Second); ran = true }})
		result := make(chan dispatch.Result)
		go func() { result <- q.Put(task{Guild: 1, Key: 1, Value: func() {}}) }()
		synctest.Wait()
		q.Stop()
		if got := <-result; got != dispatch.Stopped {
			t.Errorf("waiting Put = %v", got)
		}
		if got := q.Put(task{Key: 2, Value: func() {}}); got != dispatch.Stopped {
			t.Errorf("Put after Stop = %v", got)
		}
		if left := q.Drain(t.Context()); left != 0 || !ran {
			t.Errorf("left %d, ran %v", left, ran)
		}
	})
}

func TestDrainDeadlineAndDiscard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(100, 1<<20, 1)
		ran := 0
		for range 5 {
			q.Put(task{Key: 1, Size: 3, Value: func() { time.Sleep(time.Minute); ran++ }})
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if left := q.Drain(ctx); left != 5 {
			t.Errorf("left %d, want 5", left)
		}
		if n := q.Discard(); n != 4 {
			t.Errorf("discarded %d, want the 4 that had not begun", n)
		}
		q.Drain(t.Context())
		if st := q.Stats(); ran != 1 || st.Events != 0 || st.Bytes != 0 || st.Keys != 0 {
			t.Errorf("ran %d, stats %+v", ran, st)
		}
	})
}

func BenchmarkPut(b *testing.B) {
	for _, bm := range []struct {
		name string
		keys uint64
	}{{"1 key", 1}, {"1000 keys", 1000}} {
		b.Run(bm.name, func(b *testing.B) {
			q := newQueue(4096, 1<<30, 64)
			b.ReportAllocs()
			f := func() {}
			for i := range uint64(b.N) {
				key := i%bm.keys + 1
				q.Put(task{Guild: key % 16, Key: key, Admitted: true, Value: f}) // none is dropped
			}
			q.Drain(b.Context())
		})
	}
}
