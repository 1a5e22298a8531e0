package dispatch_test

import (
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botwright/botwright/internal/dispatch"
)

// parker is what a task of these tests gets.
type parker = dispatch.Run[any]

func newRunQueue(inFlight int) *dispatch.Queue[any] {
	return dispatch.New(dispatch.Config{MaxEvents: 1000, MaxBytes: 1 << 20, MaxInFlight: inFlight},
		dispatch.Funcs[any]{Run: func(r *parker, v any) { v.(func(*parker))(r) }})
}

func put(q *dispatch.Queue[any], guild, key uint64, f func(*parker)) {
	q.Put(dispatch.Task[any]{Guild: guild, Key: key, Received: time.Now(), Value: f})
}

// What is parked holds no worker, keeps its place, and goes on at once.
func TestPark(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newRunQueue(1)
		var went atomic.Int32
		reply := make(chan struct{})
		for key := range uint64(5) {
			put(q, 1, key+1, func(r *parker) {
				resume := r.Park(true)
				<-reply
				resume()
				resume() // once is enough
				went.Add(1)
				time.Sleep(time.Second)
			})
			put(q, 1, key+1, func(*parker) { went.Add(100) })
		}
		synctest.Wait()
		if st := q.Stats(); st.Parked != 5 || st.Running != 0 || st.Events != 10 {
			t.Errorf("while they wait: %+v", st)
		}
		ran := false
		put(q, 1, 99, func(*parker) { ran = true })
		synctest.Wait()
		if !ran {
			t.Error("the worker is held")
		}
		close(reply)
		synctest.Wait()
		if st := q.Stats(); st.Parked != 0 || st.Running != 5 || went.Load() != 5 {
			t.Errorf("after the reply: %+v, %d went on", st, went.Load())
		}
		q.Drain(t.Context())
		if went.Load() != 505 {
			t.Errorf("in the end %d", went.Load())
		}
	})
}

// A task that ends without resume, or whose resume comes during a later one, upsets nothing.
func TestParkMisused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newRunQueue(1)
		var late []func()
		for range 3 {
			put(q, 1, 1, func(r *parker) { late = append(late, r.Park(true), r.Park(true)) })
		}
		release := make(chan struct{})
		put(q, 1, 1, func(r *parker) { r.Park(true); <-release })
		synctest.Wait()
		for _, resume := range late {
			resume()
		}
		if st := q.Stats(); st.Parked != 1 || st.Running != 0 {
			t.Errorf("stats %+v", st)
		}
		close(release)
		q.Drain(t.Context())
		put(q, 1, 1, func(*parker) { time.Sleep(time.Second) })
		put(q, 1, 2, func(*parker) { time.Sleep(time.Second) })
		synctest.Wait()
		if st := q.Stats(); st.Running != 1 || st.Parked != 0 {
			t.Errorf("afterwards %+v, want one worker", st)
		}
		q.Drain(t.Context())
	})
}

func TestParkHasABound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newRunQueue(2)
		release := make(chan struct{})
		for key := range uint64(300) {
			put(q, 1, key+1, func(r *parker) { defer r.Park(true)(); <-release })
		}
		synctest.Wait()
		if st := q.Stats(); st.Parked != 250 || st.Running != 2 {
			t.Errorf("stats %+v", st)
		}
		close(release)
		q.Drain(t.Context())
	})
}

// A task that ends its goroutine ends nothing else.
func TestGoexit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ran atomic.Int32
		step := func() { ran.Add(1); runtime.Goexit() }
		q := dispatch.New(dispatch.Config{MaxEvents: 1000, MaxBytes: 1 << 20, MaxInFlight: 2}, dispatch.Funcs[func()]{
			Prepare: func(func()) bool { runtime.Goexit(); return true }, Run: call})
		for i := range uint64(40) {
			q.Put(task{Guild: 1, Key: i % 4, Value: step})
			q.Put(task{Guild: 1, Key: i % 4, First: 1, Prepare: true, Value: step})
		}
		q.Drain(t.Context())
		if st := q.Stats(); ran.Load() != 40 || st.Finished != 80 || st.Running != 0 || st.Keys != 0 {
			t.Errorf("%d ran, %+v", ran.Load(), st)
		}
	})
}

func TestOldest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newRunQueue(1)
		if _, ok := q.Oldest(); ok {
			t.Error("something waits in an empty queue")
		}
		release := make(chan struct{})
		start := time.Now()
		age := func(want time.Duration, before, parked bool) {
			t.Helper()
			synctest.Wait()
			w, ok := q.Oldest()
			if got := start.Add(want); !ok || !w.Received.Equal(got) || (w.Before != nil) != before || w.Parked != parked {
				t.Errorf("oldest %+v, %v; want one of %v", w, ok, want)
			}
		}
		put(q, 1, 1, func(*parker) { <-release })
		time.Sleep(time.Second)
		put(q, 1, 1, func(*parker) {})
		age(time.Second, true, false)
		release <- struct{}{}
		synctest.Wait()
		if w, ok := q.Oldest(); ok {
			t.Errorf("%+v waits, and all is done", w)
		}
		put(q, 1, 1, func(*parker) { <-release })
		put(q, 1, 2, func(*parker) {})
		time.Sleep(time.Second)
		put(q, 1, 1, func(*parker) {})
		age(time.Second, false, false)
		close(release)
		q.Drain(t.Context())

		start = time.Now()
		reply := make(chan struct{})
		put(q, 1, 0, func(r *parker) { defer r.Park(false)(); <-reply })
		put(q, 1, 3, func(r *parker) { defer r.Park(true)(); <-reply })
		age(0, false, true)
		close(reply)
		q.Drain(t.Context())
	})
}
