package dispatch_test

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/botwright/botwright/internal/dispatch"
)

// TestRandom mixes all that a queue does: nothing is lost but what it says, what has a key is run
// in order, and nothing is left.
func TestRandom(t *testing.T) {
	type value struct {
		key uint64
		n   int
		do  int
	}
	var mu sync.Mutex
	last := make(map[uint64]int)
	var ran, dropped, prepared atomic.Int64
	q := dispatch.New(dispatch.Config{MaxEvents: 300, MaxBytes: 3000, MaxInFlight: 8}, dispatch.Funcs[value]{
		Prepare: func(v value) bool { prepared.Add(1); return v.do != 0 },
		Dropped: func(value) { dropped.Add(1) },
		Run: func(r *dispatch.Run[value], v value) {
			mu.Lock()
			if v.key != 0 && v.n <= last[v.key] {
				t.Errorf("key %d: %d after %d", v.key, v.n, last[v.key])
			}
			last[v.key] = max(last[v.key], v.n)
			mu.Unlock()
			ran.Add(1)
			switch v.do {
			case 1:
				resume := r.Park(v.n%2 == 0)
				runtime.Gosched()
				resume()
			case 2:
				r.Park(true)
			case 3:
				runtime.Goexit()
			}
		},
	})
	results := make([]map[dispatch.Result]int, 3)
	var readers sync.WaitGroup
	for reader := range results {
		results[reader] = make(map[dispatch.Result]int)
		readers.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(reader)))
			for n := range 10_000 {
				// Keys are a reader's own, guilds are shared, and a key has several.
				key := uint64(reader)*100 + random.Uint64N(20) + 1
				first := random.IntN(3) == 0
				v := dispatch.Task[value]{
					Guild: random.Uint64N(12), Key: key, Size: random.IntN(20), First: uint64(reader) + 1,
					Prepare: first, Kind: dispatch.Kind(random.IntN(3)), Shed: random.IntN(10) == 0,
					Admitted: random.IntN(10) == 0, Value: value{key: key, n: n + 1, do: 4 + random.IntN(40)},
				}
				switch random.IntN(20) {
				case 0:
					v.Key, v.Value.key = 0, 0
				case 1:
					v.Value.do = random.IntN(4)
				}
				if v.Value.do == 0 && !first {
					v.Value.do = 4
				}
				results[reader][q.Put(v)]++
				if n%100 == 0 {
					q.Oldest()
				}
			}
		})
	}
	readers.Wait()
	q.Drain(t.Context())
	taken := 0
	for _, r := range results {
		taken += r[dispatch.Accepted] + r[dispatch.AcceptedLate]
	}
	st := q.Stats()
	if int(st.Finished)+int(dropped.Load()) != taken || st.Running != 0 || st.Parked != 0 || st.Bytes != 0 {
		t.Errorf("%d taken, %d dropped later, %+v", taken, dropped.Load(), st)
	}
	if ran.Load() == 0 || prepared.Load() == 0 {
		t.Error("nothing was run")
	}
	q.Put(dispatch.Task[value]{Key: 9, Value: value{key: 9, n: 1 << 30, do: 4}}) // the last worker is done then
	q.Drain(t.Context())
	poll := 0
	for all, owed := dispatch.Workers(q); all+owed+dispatch.Guilds(q) > 0; all, owed = dispatch.Workers(q) {
		if poll++; poll > 1e7 {
			t.Fatalf("%d workers, %d of them within shares, and %d guilds are left", all, owed, dispatch.Guilds(q))
		}
		runtime.Gosched()
	}
}
