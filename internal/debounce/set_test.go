package debounce_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botwright/botwright/internal/debounce"
)

func never() bool { return false }

// TestSetForgetsWhatIsSpent adds debouncers whose triggers have ended.
func TestSetForgetsWhatIsSpent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s debounce.Set[int]
		unused := false
		a, b := debounce.New[int](debounce.Config{}), debounce.New[int](debounce.Config{})
		a.Trigger(1, func() {}, nil)
		s.Add(a, func() bool { return unused })
		s.Add(b, never)
		unused = true
		s.Add(debounce.New[int](debounce.Config{}), never)
		if n := s.Len(); n != 3 {
			t.Errorf("%d debouncers while the first has something to do", n)
		}
		time.Sleep(time.Minute)
		s.Add(debounce.New[int](debounce.Config{}), never)
		if n := s.Len(); n != 3 {
			t.Errorf("%d debouncers when the first has nothing to do any more", n)
		}
		if st := s.Stats(); st.Runs != 1 || st.Triggers != 1 {
			t.Errorf("%+v", st)
		}
	})
}

// TestSetDoesNotWaitForOne flushes and closes debouncers, of which one has a callback that does not
// return.
func TestSetDoesNotWaitForOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s debounce.Set[int]
		release := make(chan struct{})
		var ran atomic.Int32
		stuck := debounce.New[int](debounce.Config{})
		stuck.Trigger(1, func() { <-release }, nil)
		s.Add(stuck, never)
		for range 3 {
			d := debounce.New[int](debounce.Config{MaxInFlight: 1})
			d.Trigger(1, func() { ran.Add(1) }, nil)
			s.Add(d, never)
			synctest.Wait()
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if running, waiting := s.Flush(ctx); running != 1 || waiting != 0 || ran.Load() != 3 {
			t.Errorf("%d run, %d wait, %d have run", running, waiting, ran.Load())
		}
		closing, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		s.Close(closing)
		if stuck.Trigger(2, func() {}, nil) != debounce.Refused {
			t.Error("not closed")
		}
		close(release)
		synctest.Wait()
		s.Close(t.Context())
	})
}
