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
	id     int
	log    *journal
	passed chan struct{}
	fails  error
	stuck  chan struct{} // it does not stop before this is closed
	ready  atomic.Bool
	pass   sync.Once
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
	st := gateway.Status{State: gateway.Identifying, Err: s.fails, Events: 1,
		Disconnects: map[int]uint64{4000: uint64(s.id)}}
	if s.ready.Load() {
		st.State, st.Err = gateway.Ready, nil
	}
	return st
}

func (s *shard) Run(ctx context.Context) error {
	s.log.add("run %d", s.id)
	if s.fails != nil {
		s.pass.Do(func() { close(s.passed) })
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

func (r *rig) wantLines(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	if got := r.log.take(); !slices.Equal(got, want) {
		t.Fatalf("got %q, want %q", got, want)
	}
}

// rig is a fleet whose shards run.
type rig struct {
	*fleet.Fleet[*shard]
	log  *journal
	ctx  context.Context
	stop context.CancelFunc
}

func newRig(t *testing.T) *rig {
	log := &journal{}
	r := &rig{log: log, Fleet: fleet.New[*shard](fleet.Config{
		Added: func() {}, Failed: func(err error) { log.add("failed: %v", err) }})}
	r.ctx, r.stop = context.WithCancel(t.Context())
	t.Cleanup(func() {
		r.stop()
		if left := r.Close(context.Background()); left != nil {
			t.Errorf("left %q", left)
		}
	})
	return r
}

// add lets shards run, one after the other. stop stops the last one.
func (r *rig) add(shards ...*shard) (stop func()) {
	for _, s := range shards {
		ctx, cancel := context.WithCancel(r.ctx)
		go r.Run(ctx, s)
		synctest.Wait()
		stop = cancel
	}
	return stop
}

func TestShardsOfAKeyStartInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		shards := make([]*shard, 5)
		for _, id := range []int{3, 0, 4, 1, 2} {
			shards[id] = newShard(id, r.log)
			r.add(shards[id])
		}
		r.wantLines(t)
		r.Start(2)
		r.wantLines(t, "run 0", "run 1")
		if got := r.TimeLeft(); got != 10*time.Second {
			t.Errorf("%v left", got)
		}
		shards[0].isReady()
		r.wantLines(t, "run 2")
		shards[2].isReady()
		r.wantLines(t, "run 4")
		shards[1].isReady()
		r.wantLines(t, "run 3")
		if got := r.Progress(); got != "ready 3/5, about 1 s left" {
			t.Error(got)
		}
	})
}

func TestShardsJoinAndLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		first, second, third := newShard(0, r.log), newShard(1, r.log), newShard(3, r.log)
		stopFirst := r.add(first)
		stopSecond := r.add(second)
		r.Start(1)
		before := r.All()
		r.add(newShard(7, r.log), third)
		r.wantLines(t, "run 0")
		stopSecond() // it waits for the first one
		stopFirst()
		synctest.Wait()
		r.Remove(second)
		r.Remove(first)
		r.wantLines(t, "end 0", "run 7", "session 0", "session 1")
		if got := ids(r.All()); !slices.Equal(got, []int{3, 7}) || len(before) != 2 {
			t.Errorf("shards %v, before %v", got, ids(before))
		}
		if _, ok := r.Find(1); ok {
			t.Error("a shard that was removed is found")
		}
		if s, ok := r.Find(3); !ok || s != third {
			t.Error("a shard that was added is not found")
		}
		now, gone := r.Statuses()
		if len(now) != 2 || gone.Events != 2 || gone.Disconnects[4000] != 1 {
			t.Errorf("%d shards, and of those that have gone %+v", len(now), gone)
		}
		again := newShard(0, r.log)
		r.add(again)
		r.wantLines(t)
		r.All()[2].isReady()
		r.wantLines(t, "run 3")
		third.isReady()
		r.wantLines(t, "run 0")
	})
}

func ids(shards []*shard) []int {
	var list []int
	for _, s := range shards {
		list = append(list, s.id)
	}
	return list
}

func TestCloseSaysWhatIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		stuck := newShard(4, r.log)
		stuck.stuck = make(chan struct{})
		r.add(newShard(0, r.log), stuck)
		r.Start(3)
		r.wantLines(t, "run 0", "run 4")
		r.stop()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if left := r.Close(ctx); !slices.Equal(left, []string{"shard 4"}) {
			t.Errorf("left %q", left)
		}
		close(stuck.stuck)
	})
}

func TestShardThatFailsLetsOthersStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		bad, good := newShard(0, r.log), newShard(1, r.log)
		bad.fails = errors.New("no such intent")
		r.add(bad, good)
		r.Start(1)
		r.wantLines(t, "failed: no such intent", "run 0", "run 1")
		var changes change.Signal
		told := ""
		ctx, cancel := context.WithTimeout(t.Context(), 7*time.Second)
		defer cancel()
		err := r.AwaitReady(ctx, &changes, func() error { return nil }, func(p string) { told = p })
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, bad.fails) {
			t.Error(err)
		}
		if told != "ready 0/2, shard 0: no such intent" {
			t.Error(told)
		}
		bad.isReady()
		good.isReady()
		if err := r.AwaitReady(ctx, &changes, func() error { return nil }, nil); err != nil {
			t.Error(err)
		}
	})
}
