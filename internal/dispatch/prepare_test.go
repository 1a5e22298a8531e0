package dispatch_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/botwright/botwright/internal/dispatch"
)

// step is a task that notes when it is prepared and when it is run.
type step struct {
	name    string
	prepare func() bool
	run     func()
}

type steps struct {
	mu  sync.Mutex
	log []string
}

func (s *steps) note(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, what)
}

func (s *steps) noted() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.log)
}

func newStepQueue(s *steps, inFlight int) *dispatch.Queue[step] {
	return dispatch.New(dispatch.Config{MaxEvents: 10_000, MaxBytes: 1 << 20, MaxInFlight: inFlight},
		dispatch.Funcs[step]{Prepare: func(t step) bool {
			s.note("prepare " + t.name)
			return t.prepare == nil || t.prepare()
		}, Run: func(_ *dispatch.Run[step], t step) {
			s.note("run " + t.name)
			if t.run != nil {
				t.run()
			}
		}})
}

func TestPreparedBeforeRun(t *testing.T) {
	var s steps
	q := newStepQueue(&s, 4)
	for i := range 1000 {
		q.Put(dispatch.Task[step]{Key: uint64(i%7 + 1), First: 1, Prepare: true, Value: step{name: fmt.Sprint(i)}})
	}
	q.Drain(t.Context())
	log := s.noted()
	next := 0
	for i := range 1000 {
		p, r := slices.Index(log, fmt.Sprint("prepare ", i)), slices.Index(log, fmt.Sprint("run ", i))
		if p < next || r < p {
			t.Fatalf("task %d: prepared at %d, run at %d, the one before prepared at %d", i, p, r, next)
		}
		next = p
	}
	if st := q.Stats(); st.Events != 0 || st.Running != 0 || st.Finished != 1000 {
		t.Errorf("stats %+v", st)
	}
}

// TestKeepsItsPlace has a task that is not prepared wait behind one that is.
func TestKeepsItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s steps
		q := newStepQueue(&s, 4)
		hold := make(chan struct{})
		q.Put(dispatch.Task[step]{Key: 1, First: 9, Prepare: true, Value: step{name: "a", prepare: func() bool {
			<-hold
			return true
		}}})
		q.Put(dispatch.Task[step]{Key: 2, First: 9, Value: step{name: "b"}})
		synctest.Wait()
		q.Put(dispatch.Task[step]{Key: 3, Value: step{name: "c"}})
		q.Put(dispatch.Task[step]{Key: 3, First: 8, Value: step{name: "d"}})
		synctest.Wait()
		if got, want := s.noted(), []string{"prepare a", "run c", "run d"}; !slices.Equal(got, want) {
			t.Errorf("while a is prepared: %q, want %q", got, want)
		}
		close(hold)
		q.Drain(t.Context())
		if log := s.noted(); !slices.Contains(log, "run b") || !slices.Contains(log, "run a") {
			t.Errorf("in the end: %q", log)
		}
	})
}

// TestPreparationNeedsNoWorker prepares while every worker is stuck.
func TestPreparationNeedsNoWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s steps
		q := newStepQueue(&s, 1)
		hold := make(chan struct{})
		q.Put(dispatch.Task[step]{Key: 1, Value: step{name: "stuck", run: func() { <-hold }}})
		synctest.Wait()
		for _, name := range []string{"a", "b"} {
			q.Put(dispatch.Task[step]{Key: 2, First: 9, Prepare: true, Value: step{name: name}})
		}
		synctest.Wait()
		if got, want := s.noted(), []string{"run stuck", "prepare a", "prepare b"}; !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
		close(hold)
		q.Drain(t.Context())
		if got := s.noted()[3:]; !slices.Equal(got, []string{"run a", "run b"}) {
			t.Errorf("then %q", got)
		}
	})
}

func TestPreparationMayBeAll(t *testing.T) {
	var s steps
	q := newStepQueue(&s, 4)
	q.Put(dispatch.Task[step]{Key: 1, First: 9, Size: 10, Prepare: true,
		Value: step{name: "a", prepare: func() bool { return false }}})
	q.Put(dispatch.Task[step]{First: 9, Prepare: true, Value: step{name: "b"}})
	q.Drain(t.Context())
	if got, want := s.noted(), []string{"prepare a", "prepare b", "run b"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if st := q.Stats(); st.Events != 0 || st.Bytes != 0 || st.Running != 0 || st.Finished != 2 {
		t.Errorf("stats %+v", st)
	}
}

func TestDiscardUnprepared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s steps
		q := newStepQueue(&s, 4)
		hold := make(chan struct{})
		for i := range 5 {
			q.Put(dispatch.Task[step]{Key: 1, First: 9, Prepare: true, Value: step{name: fmt.Sprint(i), prepare: func() bool {
				<-hold
				return true
			}}})
		}
		synctest.Wait()
		if n := q.Discard(); n != 4 {
			t.Errorf("discarded %d, want the 4 that had not begun", n)
		}
		close(hold)
		if left := q.Drain(t.Context()); left != 0 {
			t.Errorf("%d left", left)
		}
	})
}

// A lane of preparation that has grown is used again, unless it is huge.
func TestLargeLaneIsUsedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newStepQueue(&steps{}, 4)
		fill := func(n int) {
			hold := make(chan struct{})
			q.Put(dispatch.Task[step]{Key: 1, First: 1, Prepare: true,
				Value: step{prepare: func() bool { <-hold; return true }}})
			synctest.Wait()
			for range n {
				q.Put(dispatch.Task[step]{Key: 1, First: 1})
			}
			close(hold)
			q.Drain(t.Context())
			synctest.Wait()
		}
		fill(300)
		room := dispatch.Large(q)
		if room < 300 {
			t.Fatalf("room for %d tasks is kept, want 300", room)
		}
		fill(200)
		if got := dispatch.Large(q); got != room {
			t.Errorf("room for %d tasks is kept, want the same %d", got, room)
		}
		fill(5000)
		if got := dispatch.Large(q); got > 1024 {
			t.Errorf("room for %d tasks is kept", got)
		}
	})
}
