package cluster_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botwright/botwright/internal/cluster"
)

// A world is a cluster to which everything happens that can.
type world struct {
	*group
	away    bool // the backend
	leaving sync.WaitGroup
	mu      sync.Mutex // guards gone
	gone    map[*process]bool
}

// TestOneOwnerWhateverHappens runs random schedules of crashes, pauses, partitions, lost answers,
// outages of the backend, and comings and goings. A referee checks at each start of a shard, and
// after each step, that nobody else believes to have it, and that tokens grow. In the end
// everything is well again: then each shard has an owner, in even shares.
func TestOneOwnerWhateverHappens(t *testing.T) {
	t.Parallel()
	const schedules = 60
	starts, lapses := 0, 0
	for seed := range uint64(schedules) {
		synctest.Test(t, func(t *testing.T) {
			w := &world{group: newGroup(t, seed, 12, 0), gone: make(map[*process]bool)}
			for range 3 {
				w.add()
			}
			for range 60 {
				w.step()
				time.Sleep(time.Duration(w.random.Int64N(int64(4 * time.Second))))
				w.referee.owners()
				if t.Failed() {
					t.Logf("seed %d", seed)
					break
				}
			}
			w.heal()
			time.Sleep(2*cluster.DefaultTTL + 10*time.Second)
			w.check(seed)
			starts += w.referee.started()
			lapses += w.referee.ended(cluster.ErrLapsed)
			w.end()
		})
	}
	if starts < 12*schedules*3 || lapses < schedules {
		t.Errorf("too little happens: %d starts, %d shards lapsed", starts, lapses)
	}
}

// live returns the processes that are there.
func (w *world) live() []*process {
	w.mu.Lock()
	defer w.mu.Unlock()
	var live []*process
	for _, p := range w.all {
		if !w.gone[p] {
			live = append(live, p)
		}
	}
	return live
}

func (w *world) drop(p *process) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gone[p] = true
}

// step lets one thing happen.
func (w *world) step() {
	live := w.live()
	var p *process
	if len(live) > 0 {
		p = live[w.random.IntN(len(live))]
	}
	n := w.random.IntN(100)
	switch {
	case n < 15 && len(live) < 6 && !w.away:
		w.add()
	case p == nil:
	case n < 25:
		w.crash(p)
	case n < 30:
		w.drop(p)
		w.leaving.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			_ = p.member.Leave(ctx) // fails if it is cut off
		})
	case n < 50:
		p.line.set(func() { p.line.cut = !p.line.cut })
	case n < 62:
		if w.random.IntN(2) == 0 {
			p.pause()
		} else {
			p.goOn()
		}
	case n < 72:
		p.line.set(func() { p.line.loses = !p.line.loses })
	case n < 80:
		w.away = !w.away
		for _, p := range live {
			p.line.set(func() { p.line.cut = w.away })
		}
	case n < 85:
		p.line.set(func() { p.stops = time.Duration(w.random.Int64N(int64(1500 * time.Millisecond))) })
	case n < 90:
		w.backend.ExpireAll() // its clock jumps
	default:
		p.line.set(func() { p.line.latency = time.Duration(w.random.Int64N(int64(2 * time.Second))) })
	}
}

func (w *world) crash(p *process) {
	w.drop(p)
	close(p.crashed)
	p.line.set(func() { p.line.cut = true })
	p.goOn() // its goroutines have to end
	p.member.Crash()
}

// heal ends all that is wrong.
func (w *world) heal() {
	w.away = false
	for _, p := range w.all {
		p.goOn()
	}
	for _, p := range w.live() {
		p.line.set(func() { p.line.cut, p.line.loses, p.line.latency = false, false, time.Millisecond })
	}
	w.leaving.Wait()
	for len(w.live()) < 2 {
		w.add()
	}
}

func (w *world) check(seed uint64) {
	live := w.live()
	owners := w.referee.owners()
	counts := loads(owners)
	for _, p := range live {
		if n := counts[p.name]; n < 12/len(live) || n > (12+len(live)-1)/len(live) {
			w.t.Errorf("seed %d: %s has %d of 12 shards, among %d processes: %v",
				seed, p.name, n, len(live), owners)
		}
		known := p.member.View()
		if len(known.Processes) != len(live) || fmt.Sprint(loads(known.Owners)) == "" {
			w.t.Errorf("seed %d: %s knows %d processes of %d", seed, p.name, len(known.Processes),
				len(live))
		}
	}
	if len(owners) != 12 {
		w.t.Errorf("seed %d: %d shards run", seed, len(owners))
	}
}

func (w *world) end() {
	for _, p := range w.live() {
		p.leave(w.t)
	}
}
