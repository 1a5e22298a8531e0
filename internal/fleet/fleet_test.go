package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/botwright/botwright/internal/change"
	"github.com/botwright/botwright/internal/fleet"
	"github.com/botwright/botwright/internal/gateway"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shard is one whose connection the test is.
type shard struct {
	id      int
	log     *journal
	passed  chan struct{}
	fails   error
	stuck   chan struct{} // it does not stop before this is closed
	ready   atomic.Bool
	running atomic.Bool
	pass    sync.Once
}

// journal is what has happened.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) add(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, fmt.Sprintf(format, args...))
}

func (j *journal) take() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	lines := j.lines
	j.lines = nil
	slices.Sort(lines)
	return lines
}

func newShard(id int, log *journal) *shard {
	return &shard{id: id, log: log, passed: make(chan struct{})}
}

func (s *shard) ID() int                 { return s.id }
func (s *shard) Passed() <-chan struct{} { return s.passed }
func (s *shard) Close()                  { s.log.add("session %d", s.id) }
func (s *shard) Ready() bool             { return s.ready.Load() }

func (s *shard) Status() gateway.Status {
	if s.ready.Load() {
		return gateway.Status{State: gateway.Ready}
	}
	return gateway.Status{State: gateway.Identifying, Err: s.fails}
}

func (s *shard) Run(ctx context.Context) error {
	s.log.add("run %d", s.id)
	s.running.Store(true)
	defer s.running.Store(false)
	if s.fails != nil {
		return s.fails
	}
	<-ctx.Done()
	if s.stuck != nil {
		<-s.stuck
	}
	s.log.add("end %d", s.id)
	return nil
}

// isReady does what READY does.
func (s *shard) isReady() {
	s.ready.Store(true)
	s.pass.Do(func() { close(s.passed) })
}

func wantLines(t *testing.T, log *journal, want ...string) {
	t.Helper()
	synctest.Wait()
	if got := log.take(); !slices.Equal(got, want) {
		t.Fatalf("got %q, want %q", got, want)
	}
}

func newFleet(t *testing.T, log *journal, n int) (*fleet.Fleet[*shard], []*shard) {
	f := fleet.New[*shard](fleet.Config{Count: n, Failed: func(err error) { log.add("failed: %v", err) }})
	var shards []*shard
	for id := range n {
		shards = append(shards, newShard(id, log))
		f.Add(shards[id])
	}
	t.Cleanup(func() { f.Close(context.Background()) })
	return f, shards
}

func TestShardsOfAKeyStartInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &journal{}
		f, shards := newFleet(t, log, 5)
		f.Start(t.Context(), 2)
		wantLines(t, log, "run 0", "run 1")
		if got := f.TimeLeft(); got != 10*time.Second {
			t.Errorf("%v left", got)
		}
		shards[0].isReady()
		wantLines(t, log, "run 2")
		shards[2].isReady()
		wantLines(t, log, "run 4")
		shards[1].isReady()
		wantLines(t, log, "run 3")
		if got := f.Progress(); got != "ready 3/5, about 1 s left" {
			t.Error(got)
		}
	})
}

func TestShardsJoinAndLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &journal{}
		f, shards := newFleet(t, log, 2)
		f.Start(t.Context(), 1)
		before := f.All()
		third := newShard(3, log)
		f.Add(newShard(7, log))
		f.Add(third)
		wantLines(t, log, "run 0")
		for _, s := range []*shard{shards[1], shards[0]} { // one that waits, and who it waits for
			if err := f.Stop(t.Context(), s); err != nil {
				t.Error(err)
			}
			f.Remove(s)
		}
		wantLines(t, log, "end 0", "run 7", "session 0", "session 1")
		if got := ids(f.All()); !slices.Equal(got, []int{3, 7}) || len(before) != 2 {
			t.Errorf("shards %v, before %v", got, ids(before))
		}
		if _, ok := f.Find(1); ok {
			t.Error("a shard that was removed is found")
		}
		if s, ok := f.Find(3); !ok || s != third {
			t.Error("a shard that was added is not found")
		}
		again := newShard(0, log)
		f.Add(again)
		third.isReady() // which has not begun
		again.isReady()
		wantLines(t, log)
		if err := f.Stop(t.Context(), f.All()[2]); err != nil {
			t.Error(err)
		}
		wantLines(t, log, "end 7", "run 0", "run 3")
	})
}

func ids(shards []*shard) []int {
	var list []int
	for _, s := range shards {
		list = append(list, s.id)
	}
	return list
}

func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &journal{}
		f, shards := newFleet(t, log, 1)
		shards[0].stuck = make(chan struct{})
		f.Start(t.Context(), 1)
		wantLines(t, log, "run 0")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := f.Stop(ctx, shards[0]); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if left := f.Close(ctx); !slices.Equal(left, []string{"shard 0"}) {
			t.Errorf("left %q", left)
		}
		close(shards[0].stuck)
	})
}

func TestShardThatFailsLetsOthersStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &journal{}
		f, shards := newFleet(t, log, 2)
		shards[0].fails = errors.New("no such intent")
		f.Start(t.Context(), 1)
		wantLines(t, log, "failed: no such intent", "run 0", "run 1")
		var changes change.Signal
		told := ""
		ctx, cancel := context.WithTimeout(t.Context(), 7*time.Second)
		defer cancel()
		err := f.AwaitReady(ctx, &changes, func() error { return nil }, func(p string) { told = p })
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, shards[0].fails) {
			t.Error(err)
		}
		if told != "ready 0/2, shard 0: no such intent" {
			t.Error(told)
		}
		for _, s := range shards {
			s.isReady()
		}
		if err := f.AwaitReady(ctx, &changes, func() error { return nil }, nil); err != nil {
			t.Error(err)
		}
	})
}
