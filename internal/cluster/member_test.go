package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botwright/botwright/internal/cluster"
)

func TestSingleProcessHasAllShardsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var running atomic.Int32
		start := time.Now()
		m, err := cluster.Join(t.Context(), cluster.Config{
			Backend: cluster.NewLocal(), Count: 64, TTL: -1, IDs: []int{3, 5, 8},
			Run: func(ctx context.Context, _ int, _ uint64) {
				running.Add(1)
				<-ctx.Done()
				if !errors.Is(context.Cause(ctx), cluster.ErrLeaving) {
					t.Errorf("stopped by %v", context.Cause(ctx))
				}
				running.Add(-1)
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if running.Load() != 3 || time.Since(start) != 0 {
			t.Errorf("%d shards run after %v", running.Load(), time.Since(start))
		}
		time.Sleep(24 * time.Hour)
		if running.Load() != 3 || !m.Valid() {
			t.Errorf("%d shards run after a day", running.Load())
		}
		if err := m.Leave(t.Context()); err != nil || running.Load() != 0 {
			t.Errorf("%d shards run after Leave: %v", running.Load(), err)
		}
		if err := m.Leave(t.Context()); err != nil {
			t.Errorf("a second Leave: %v", err)
		}
	})
}

// A group is some processes with one backend.
type group struct {
	t       *testing.T
	backend *cluster.Local
	referee *referee
	random  *rand.Rand
	cfg     cluster.Config
	all     []*process
}

func newGroup(t *testing.T, seed uint64, shards, processes int) *group {
	t.Helper()
	g := &group{t: t, backend: cluster.NewLocal(), referee: newReferee(t),
		random: rand.New(rand.NewPCG(seed, 0)), cfg: cluster.Config{Count: shards}}
	for range processes {
		g.add()
	}
	return g
}

func (g *group) add() *process {
	g.t.Helper()
	name := fmt.Sprintf("p%d", len(g.all))
	p := g.referee.join(name, g.backend, rand.New(rand.NewPCG(g.random.Uint64(), 0)), g.cfg)
	g.all = append(g.all, p)
	return p
}

func (g *group) end() {
	for _, p := range g.all {
		select {
		case <-p.crashed:
		default:
			p.leave(g.t)
		}
	}
}

// expect checks that all shards run, as many in each process as it says, whatever the order.
func (g *group) expect(when string, want map[string]int) {
	g.t.Helper()
	got := loads(g.referee.owners())
	if fmt.Sprint(got) != fmt.Sprint(want) {
		g.t.Errorf("%s: shards by process %v, want %v", when, got, want)
	}
}

func TestShardsMoveWhenProcessesComeAndGo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGroup(t, 1, 16, 2)
		defer g.end()
		time.Sleep(5 * time.Second)
		g.expect("two processes", map[string]int{"p0": 8, "p1": 8})
		starts := g.referee.started()
		g.add()
		time.Sleep(5 * time.Second)
		if moved := g.referee.started() - starts; moved != 5 {
			t.Errorf("%d shards moved when a third came, want 5", moved)
		}
		before := g.referee.owners()
		start := time.Now()
		g.all[0].leave(t)
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("leaving took %v", took)
		}
		time.Sleep(time.Second)
		g.expect("the first has left", map[string]int{"p1": 8, "p2": 8})
		for s, owner := range g.referee.owners() {
			if before[s] != "p0" && before[s] != owner {
				t.Errorf("shard %d moved from %s to %s", s, before[s], owner)
			}
		}
		if n := g.referee.ended(cluster.ErrLapsed); n > 0 {
			t.Errorf("%d shards lapsed", n)
		}
	})
}

// TestRollingDeploy replaces three processes one after the other. Shards move in order only, and
// none is nowhere for long.
func TestRollingDeploy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGroup(t, 1, 48, 3)
		g.cfg.Settle = 2 * time.Second
		time.Sleep(20 * time.Second)
		starts := g.referee.started()
		for i := range 3 {
			g.all[i].line.set(func() { g.all[i].stops = 200 * time.Millisecond })
			fresh := g.add()
			fresh.line.set(func() { fresh.stops = 200 * time.Millisecond })
			time.Sleep(5 * time.Second)
			g.all[i].leave(t)
			close(g.all[i].crashed)
			time.Sleep(5 * time.Second)
		}
		g.expect("all are new", map[string]int{"p3": 16, "p4": 16, "p5": 16})
		if n := g.referee.ended(cluster.ErrLapsed) + g.referee.ended(cluster.ErrFenced); n > 0 {
			t.Errorf("%d shards were not handed over", n)
		}
		// A process that comes is given a fourth, and one that goes leaves a fourth.
		if moved := g.referee.started() - starts; moved > 3*(12+12)+6 {
			t.Errorf("%d times a shard moved", moved)
		}
		if g.referee.longest > time.Second {
			t.Errorf("a shard was nowhere for %v", g.referee.longest)
		}
		for _, p := range g.all[3:] {
			p.leave(t)
		}
	})
}

// TestKilledProcessLosesItsShards checks how long a takeover takes, wherever a process is in the
// cycle of renewals when it is killed, and if two are killed at once.
func TestKilledProcessLosesItsShards(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, seed, 16, 3)
			defer g.end()
			time.Sleep(20*time.Second + time.Duration(seed)*333*time.Millisecond)
			for _, p := range g.all[:1+seed%2] {
				p.crash()
			}
			time.Sleep(cluster.DefaultTTL - 4*time.Second)
			if n := len(g.referee.owners()); n == 16 {
				t.Errorf("seed %d: shards were taken over too early", seed)
			}
			time.Sleep(7 * time.Second)
			if n := len(g.referee.owners()); n != 16 {
				t.Errorf("seed %d: %d shards run 13 s after the kill", seed, n)
			}
			time.Sleep(5 * time.Second)
			var taken uint64
			for _, p := range g.all[1+seed%2:] {
				v := p.member.View()
				taken += v.Takeovers
				if n := len(v.Owners); n != 16 || len(v.Processes) != 2-int(seed%2) {
					t.Errorf("seed %d: %s knows %d owners, %d processes", seed, p.name, n,
						len(v.Processes))
				}
			}
			if taken < 5 || taken > 11 {
				t.Errorf("seed %d: %d takeovers", seed, taken)
			}
		})
	}
}

func TestOutageOfTheBackend(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		ttl, away time.Duration
		pauses    bool
	}{
		"shorter than the lease":   {cluster.DefaultTTL, 4 * time.Second, false},
		"longer than the lease":    {cluster.DefaultTTL, 30 * time.Second, true},
		"a minute, with long ones": {75 * time.Second, time.Minute - 26*time.Second, false},
		"an hour":                  {cluster.DefaultTTL, time.Hour, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := newGroup(t, 1, 16, 0)
				g.cfg.TTL = tt.ttl
				for range 3 {
					g.add()
				}
				defer g.end()
				time.Sleep(3 * tt.ttl)
				before, starts := g.referee.owners(), g.referee.started()
				for _, p := range g.all {
					p.line.set(func() { p.line.cut = true })
				}
				time.Sleep(tt.away)
				if n := len(g.referee.owners()); n != 0 && tt.pauses || n != 16 && !tt.pauses {
					t.Errorf("%d shards run while the backend is away", n)
				}
				for _, p := range g.all {
					p.line.set(func() { p.line.cut = false })
				}
				time.Sleep(5 * time.Second)
				after := g.referee.owners()
				if fmt.Sprint(after) != fmt.Sprint(before) {
					t.Errorf("owners before %v\n after %v", before, after)
				}
				if again := g.referee.started() - starts; (again == 16) != tt.pauses {
					t.Errorf("%d shards were started again", again)
				}
				time.Sleep(3 * tt.ttl)
				if again := g.referee.started() - starts; again > 16 {
					t.Errorf("%d shards were started again in the end", again)
				}
			})
		})
	}
}

func TestProcessThatIsCutOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGroup(t, 1, 16, 3)
		defer g.end()
		time.Sleep(20 * time.Second)
		alone := g.all[1]
		id := alone.member.ID()
		alone.line.set(func() { alone.line.cut = true })
		time.Sleep(cluster.DefaultTTL + 5*time.Second)
		g.expect("one is cut off", map[string]int{"p0": 8, "p2": 8})
		if alone.member.Valid() {
			t.Error("its lease has not ended")
		}
		alone.line.set(func() { alone.line.cut = false })
		time.Sleep(10 * time.Second)
		if n := loads(g.referee.owners()); n["p1"] != 5 {
			t.Errorf("it is back: shards by process %v", n)
		}
		if alone.member.ID() == id {
			t.Error("it has the same id")
		}
	})
}

func TestProcessThatIsPaused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGroup(t, 1, 16, 3)
		defer g.end()
		time.Sleep(20 * time.Second)
		asleep := g.all[2]
		asleep.pause()
		time.Sleep(cluster.DefaultTTL + 5*time.Second)
		g.expect("one is paused", map[string]int{"p0": 8, "p1": 8})
		if asleep.member.Valid() {
			t.Error("it would handle events when it goes on")
		}
		asleep.goOn()
		time.Sleep(10 * time.Second)
		if n := loads(g.referee.owners()); n["p2"] != 5 {
			t.Errorf("it goes on: shards by process %v", n)
		}
	})
}

func TestSettleLetsOthersJoin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGroup(t, 1, 16, 0)
		g.cfg.Settle = 2 * time.Second
		for range 4 {
			g.add()
			time.Sleep(100 * time.Millisecond)
		}
		defer g.end()
		time.Sleep(5 * time.Second)
		g.expect("all have joined", map[string]int{"p0": 4, "p1": 4, "p2": 4, "p3": 4})
		if g.referee.started() != 16 {
			t.Errorf("%d starts of 16 shards", g.referee.started())
		}
	})
}

func TestShardThatDoesNotStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		m, err := cluster.Join(t.Context(), cluster.Config{
			Backend: cluster.NewLocal(), Count: 1, TTL: -1,
			Run: func(context.Context, int, uint64) { <-release },
		})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := m.Leave(ctx); err == nil || time.Since(time.Now()) > 2*time.Minute {
			t.Error("Leave does not say that a shard goes on")
		}
		close(release)
	})
}

func TestShardThatGivesUpRests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int32
		m, err := cluster.Join(t.Context(), cluster.Config{
			Backend: cluster.NewLocal(), Count: 1, TTL: -1,
			Run: func(context.Context, int, uint64) { runs.Add(1) },
		})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(150 * time.Second)
		if n := runs.Load(); n != 3 {
			t.Errorf("%d runs", n)
		}
		if err := m.Leave(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// A slowRelease carries a release out long after its caller has given up.
type slowRelease struct {
	*line
	once sync.Once     // the first time the line is cut, too
	late chan struct{} // is closed when it is carried out
}

func (s *slowRelease) Put(
	ctx context.Context, key string, value []byte, revision uint64, ttl time.Duration,
) (uint64, bool, error) {
	if !strings.Contains(key, "/shard/") || len(value) > 0 {
		return s.line.Put(ctx, key, value, revision, ttl)
	}
	s.once.Do(func() { s.set(func() { s.cut = true }) })
	go func() {
		<-s.late
		_, _, _ = s.Backend.Put(context.Background(), key, value, revision, ttl)
	}()
	return 0, false, errLine
}

// TestLateRelease checks that a shard whose release has not been answered is taken anew before it
// runs again: the release may still be carried out.
func TestLateRelease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGroup(t, 1, 2, 0)
		late := make(chan struct{})
		p := &process{name: "p0", referee: g.referee, crashed: make(chan struct{}),
			line: &line{Backend: g.backend, rand: rand.New(rand.NewPCG(1, 1))}}
		cfg := g.cfg
		cfg.Backend, cfg.Name, cfg.Run = &slowRelease{line: p.line, late: late}, p.name, p.run
		m, err := cluster.Join(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		p.member = m
		g.all = append(g.all, p)
		time.Sleep(time.Second)
		other := g.add() // p0 begins to release a shard
		time.Sleep(2 * time.Second)
		other.leave(t) // so that p0 is to have it again
		close(other.crashed)
		time.Sleep(cluster.DefaultTTL) // p0 lapses
		p.line.set(func() { p.line.cut = false })
		time.Sleep(5 * time.Second)
		g.expect("the other has left", map[string]int{"p0": 2})
		close(late)
		time.Sleep(time.Second)
		if n := len(p.member.View().Owners); n != 2 {
			t.Errorf("%d shards have an owner", n)
		}
		p.crash()
	})
}

// A backend that comes back without its disk knows no process and no shard any more.
func TestBackendLosesItsKeys(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGroup(t, 1, 16, 3)
		defer g.end()
		time.Sleep(20 * time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		revisions := make(map[string]uint64)
		_ = g.backend.Watch(ctx, "", func(key string, _ []byte, revision uint64) {
			if key == "" {
				cancel()
			} else {
				revisions[key] = revision
			}
		})
		for key, revision := range revisions {
			if _, err := g.backend.Delete(t.Context(), key, revision); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(3 * cluster.DefaultTTL)
		if n := len(g.referee.owners()); n != 16 {
			t.Errorf("%d shards run after the loss of all keys", n)
		}
	})
}
