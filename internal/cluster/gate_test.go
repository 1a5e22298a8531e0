package cluster_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botwright/botwright/internal/cluster"
)

// TestGateSpacesIdentifies lets shards of several processes identify whose connections take their
// time, give up, or are lost.
func TestGateSpacesIdentifies(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		backend := cluster.NewLocal()
		const keys, shards, processes = 2, 24, 4
		var mu sync.Mutex
		last := make(map[int]time.Time)
		random := rand.New(rand.NewPCG(1, 1))
		done := 0
		start := time.Now()
		var running sync.WaitGroup
		for p := range processes {
			gate := cluster.NewGate(&line{Backend: backend, rand: rand.New(rand.NewPCG(1, uint64(p))),
				latency: 20 * time.Millisecond})
			for s := p; s < shards; s += processes {
				running.Go(func() {
					for {
						confirm, drop, err := gate.Reserve(t.Context(), s%keys, s)
						if err != nil {
							t.Error(err)
							return
						}
						mu.Lock()
						dial := time.Duration(random.Int64N(int64(300 * time.Millisecond)))
						fails := random.IntN(5) == 0
						mu.Unlock()
						time.Sleep(dial)
						if fails {
							drop()
							continue
						}
						ok, err := confirm(t.Context())
						if !ok || err != nil {
							t.Errorf("shard %d: %v, %v", s, ok, err)
						}
						mu.Lock()
						now := time.Now()
						if since := now.Sub(last[s%keys]); !last[s%keys].IsZero() && since < 5*time.Second {
							t.Errorf("shard %d identifies %v after another one", s, since)
						}
						last[s%keys] = now
						done++
						mu.Unlock()
						time.Sleep(time.Minute)
						drop() // when the connection ends: the turn is somebody else's by now
						return
					}
				})
			}
		}
		running.Wait()
		if took := time.Since(start) - time.Minute; done != shards || took > 90*time.Second {
			t.Errorf("%d shards have identified after %v", done, took)
		}
	})
}

func TestGateOfAProcessThatDied(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		backend := cluster.NewLocal()
		if _, _, err := cluster.NewGate(backend).Reserve(t.Context(), 0, 0); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		_, drop, err := cluster.NewGate(backend).Reserve(t.Context(), 0, 1)
		if took := time.Since(start); err != nil || took < 25*time.Second || took > 35*time.Second {
			t.Fatalf("the turn is free after %v: %v", took, err)
		}
		drop()
	})
}

func TestTurnThatIsLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		backend := cluster.NewLocal()
		confirm, drop, err := cluster.NewGate(backend).Reserve(t.Context(), 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(40 * time.Second)
		other, dropOther, err := cluster.NewGate(backend).Reserve(t.Context(), 0, 1)
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := confirm(t.Context()); ok || err != nil {
			t.Errorf("a lost turn is confirmed: %v, %v", ok, err)
		}
		drop() // does not take the other's turn away
		if ok, err := other(t.Context()); !ok || err != nil {
			t.Errorf("the other's turn: %v, %v", ok, err)
		}
		dropOther()
	})
}

func TestGateEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		away := &line{Backend: cluster.NewLocal(), rand: rand.New(rand.NewPCG(1, 1)), cut: true}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if _, _, err := cluster.NewGate(away).Reserve(ctx, 0, 0); err == nil || ctx.Err() == nil {
			t.Errorf("Reserve while the backend is away: %v", err)
		}
	})
}
