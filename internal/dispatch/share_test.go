package dispatch_test

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botwright/botwright/internal/dispatch"
)

// stuck returns a task that waits for release.
func stuck(guild, key uint64, release chan struct{}) task {
	return task{Guild: guild, Key: key, Size: 1, Value: func() { <-release }}
}

// A guild without a worker gets one at once, whatever one guild or fifty have borrowed; and each
// has its share of workers beside what others have borrowed.
func TestShareOfWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(100_000, 1<<30, 16)
		release := make(chan struct{})
		put := func(guilds, keys uint64, value func()) {
			for g := range guilds {
				for k := range keys {
					q.Put(task{Guild: g + 1, Key: (g+1)<<20 + k + 1, Value: value})
				}
			}
			synctest.Wait()
		}
		wait := func() { <-release }
		running := func(want int) {
			t.Helper()
			if n := q.Stats().Running; n != want {
				t.Errorf("%d run, want %d", n, want)
			}
		}
		put(1, 100, wait)
		running(16) // 2 of its share, 14 borrowed
		put(8, 100, wait)
		running(16 + 7*2) // the other seven have their shares, too
		put(50, 100, wait)
		running(16 + 7*2 + 42) // and the others the first worker
		ran := false
		q.Put(task{Guild: 99, Key: 99, Value: func() { ran = true }})
		synctest.Wait()
		if !ran {
			t.Error("a guild without a worker has to wait")
		}
		put(1000, 1, wait)
		running(8 * 16) // the second bound
		close(release)
		q.Drain(t.Context())
	})
}

// Guilds are served in turn, however many keys one of them has.
func TestRoundRobin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(10_000, 1<<20, 1)
		release := make(chan struct{})
		for g := range uint64(7) { // all workers there may be but one
			q.Put(stuck(g+10, g+100, release))
		}
		var mu sync.Mutex
		var order []uint64
		begin := make(chan struct{})
		q.Put(stuck(1, 1, begin))
		synctest.Wait()
		for g := range uint64(3) {
			for key := range 9 - 3*g {
				q.Put(task{Guild: g + 1, Key: (g+1)<<8 + key, Value: func() {
					mu.Lock()
					defer mu.Unlock()
					order = append(order, g+1)
				}})
			}
		}
		close(begin)
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		if want := []uint64{1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 1, 2, 1, 2, 1, 1, 1}; !slices.Equal(order, want) {
			t.Errorf("order %v, want %v", order, want)
		}
		close(release)
	})
}

// A lane with tasks of several guilds keeps its order.
func TestKeyOfSeveralGuilds(t *testing.T) {
	q := newQueue(10_000, 1<<20, 4)
	var got []int
	for i := range 5000 {
		q.Put(task{Guild: uint64(i/3) % 5, Key: 1, Value: func() { got = append(got, i) }})
	}
	q.Drain(t.Context())
	if len(got) != 5000 || !slices.IsSorted(got) {
		t.Errorf("%d tasks, sorted %v", len(got), slices.IsSorted(got))
	}
}

// One guild floods a single key: it loses its own tasks and nobody else's.
func TestShareOfRoom(t *testing.T) {
	for _, limit := range []string{"events", "bytes"} {
		t.Run(limit, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := newQueue(800, 1<<20, 8)
				size := 1
				if limit == "bytes" {
					q, size = newQueue(1<<20, 800, 8), 1
				}
				release := make(chan struct{})
				results := make(map[dispatch.Result]int)
				flood := func(n int) {
					for range n {
						results[q.Put(task{Guild: 1, Key: 1, Size: size, Value: func() { <-release }})]++
					}
				}
				flood(1000)
				if results[dispatch.Accepted] != 400 || results[dispatch.Dropped] != 600 {
					t.Errorf("of the flood: %v", results)
				}
				for g := range uint64(200) {
					presence := task{Guild: g + 2, Key: g + 2, Size: size, Shed: true, Value: func() {}}
					if r := q.Put(presence); r != dispatch.Accepted {
						t.Fatalf("another guild's presence: %v", r)
					}
				}
				flood(1)
				if results[dispatch.Dropped] != 601 {
					t.Errorf("then %v", results)
				}
				synctest.Wait()
				if st := q.Stats(); st.Finished != 200 || st.Dropped != 601 || st.Blocked != 0 {
					t.Errorf("stats %+v", st)
				}
				close(release)
				q.Drain(t.Context())
			})
		})
	}
}

// When the queue is full, a guild that was there early is trimmed to its share; from then on Put
// waits, and loses nothing.
func TestTrim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var dropped []int
		var ran atomic.Int32
		release := make(chan struct{})
		q := dispatch.New(dispatch.Config{MaxEvents: 800, MaxBytes: 1 << 20, MaxInFlight: 8}, dispatch.Funcs[int]{
			Run:     func(*dispatch.Run[int], int) { <-release; ran.Add(1) },
			Dropped: func(n int) { dropped = append(dropped, n) },
		})
		for n := range 390 {
			q.Put(dispatch.Task[int]{Guild: 1, Key: 1, Value: n})
		}
		for n := range 10 { // quiet channels of the same guild
			q.Put(dispatch.Task[int]{Guild: 1, Key: uint64(n + 2), Value: 1000 + n})
		}
		synctest.Wait()
		for n := range 400 {
			g := uint64(n%8 + 100)
			if r := q.Put(dispatch.Task[int]{Guild: g, Key: g, Value: 2000 + n}); r != dispatch.Accepted {
				t.Fatalf("Put = %v", r)
			}
		}
		if len(dropped) != 0 {
			t.Errorf("%d dropped before the queue is full", len(dropped))
		}
		if r := q.Put(dispatch.Task[int]{Guild: 200, Key: 200, Value: 3000}); r != dispatch.Accepted {
			t.Errorf("Put = %v", r)
		}
		st := q.Stats()
		if len(dropped) != 300 || st.Dropped != 300 || st.Blocked != 0 || st.Events != 501 {
			t.Errorf("%d dropped, %+v", len(dropped), st)
		}
		for _, n := range dropped {
			if n < 10 || n >= 1000 {
				t.Errorf("dropped %d: not from the end of the flooding lane", n)
			}
		}
		close(release)
		q.Drain(t.Context())
		if n := ran.Load(); n != 501 {
			t.Errorf("%d ran", n)
		}
	})
}

// Without a guild above its share a full queue waits, and what is put meanwhile is not lost.
func TestFullIsLossless(t *testing.T) {
	q := newQueue(160, 1<<20, 8)
	var ran atomic.Int32
	for i := range 16_000 {
		if r := q.Put(task{Guild: uint64(i), Key: uint64(i%16 + 1), Size: 1, Value: func() { runtime.Gosched(); ran.Add(1) }}); r > dispatch.AcceptedLate {
			t.Fatalf("Put = %v", r)
		}
	}
	q.Drain(t.Context())
	if n := ran.Load(); n != 16_000 {
		t.Errorf("ran %d", n)
	}
}

// A Put that waits is woken although stuck keys hold more than fifteen sixteenths.
func TestPutIsWokenForLittleRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(64, 1<<20, 8)
		release, quick := make(chan struct{}), make(chan struct{})
		for i := range uint64(61) {
			q.Put(stuck(i%16, i%16+1, release))
		}
		for i := range uint64(3) {
			q.Put(stuck(i+20, i+20, quick))
		}
		put := make(chan dispatch.Result, 1)
		go func() { put <- q.Put(task{Guild: 99, Key: 99, Size: 1, Value: func() {}}) }()
		synctest.Wait()
		close(quick)
		time.Sleep(time.Second)
		if len(put) == 0 {
			t.Errorf("a Put still waits: %+v", q.Stats())
		}
		close(release)
		<-put
		q.Drain(t.Context())
	})
}

func TestInteractionsHaveTheirOwnRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(640, 1<<20, 8)
		release := make(chan struct{})
		for i := range uint64(640) {
			q.Put(stuck(i%64, i%64+1, release))
		}
		interaction := func(guild uint64) dispatch.Result {
			return q.Put(task{Guild: guild, Size: 1, Kind: dispatch.Interaction, Value: func() { <-release }})
		}
		results := make(map[dispatch.Result]int)
		for range 200 {
			results[interaction(1)]++
		}
		if results[dispatch.Accepted] != 80 || results[dispatch.Dropped] != 120 {
			t.Errorf("of one guild: %v, want half of 160 taken", results)
		}
		for g := range uint64(100) {
			results[interaction(g+2)]++
		}
		synctest.Wait()
		if st := q.Stats(); results[dispatch.Accepted] != 160 || st.Interactions != 160 || st.Events != 800 || st.Blocked != 0 {
			t.Errorf("of many: %v, %+v", results, st)
		}
		close(release)
		q.Drain(t.Context())
	})
}

func TestUpkeepIsTakenByAFullQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release, prepared := make(chan struct{}), false
		q := dispatch.New(dispatch.Config{MaxEvents: 1, MaxBytes: 1, MaxInFlight: 1}, dispatch.Funcs[func()]{
			Prepare: func(f func()) bool { f(); return false }, Run: call})
		q.Put(stuck(1, 1, release))
		q.Put(task{Kind: dispatch.Upkeep, First: 1, Prepare: true, Value: func() { prepared = true }})
		synctest.Wait()
		if !prepared {
			t.Error("upkeep waits for room")
		}
		close(release)
		q.Drain(t.Context())
	})
}

// A part of what was admitted is taken although the guild has its share.
func TestAdmitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(16, 1<<20, 1)
		release := make(chan struct{})
		for range 8 {
			q.Put(stuck(1, 1, release))
		}
		if r := q.Put(stuck(1, 1, release)); r != dispatch.Dropped {
			t.Errorf("Put = %v, want Dropped", r)
		}
		part := stuck(1, 1, release)
		part.Admitted = true
		if r := q.Put(part); r != dispatch.Accepted {
			t.Errorf("Put = %v, want Accepted", r)
		}
		close(release)
		q.Drain(t.Context())
	})
}
