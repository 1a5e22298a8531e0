package change_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/botwright/botwright/internal/change"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAwait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s change.Signal
		s.Notify() // nobody waits
		looks, ticks, done := 0, 0, false
		tick := time.NewTicker(time.Minute)
		defer tick.Stop()
		var waiting sync.WaitGroup
		waiting.Go(func() {
			if err := s.Await(t.Context(), tick.C, func(ticked bool) (bool, error) {
				looks++
				if ticked {
					ticks++
				}
				return done, nil
			}); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		s.Notify()
		synctest.Wait()
		time.Sleep(3*time.Minute + time.Second)
		synctest.Wait()
		if looks != 5 || ticks != 3 {
			t.Errorf("looked %d times, %d of them after a tick", looks, ticks)
		}
		done = true
		s.Notify()
		waiting.Wait()
	})
}

func TestAwaitErrors(t *testing.T) {
	t.Parallel()
	var s change.Signal
	reason := errors.New("enough")
	if err := s.Await(t.Context(), nil, func(bool) (bool, error) { return false, reason }); err != reason {
		t.Errorf("look's error is %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(reason)
	if err := s.Await(ctx, nil, func(bool) (bool, error) { return true, nil }); err != nil {
		t.Errorf("done at once: %v", err)
	}
	if err := s.Await(ctx, nil, func(bool) (bool, error) { return false, nil }); err != reason {
		t.Errorf("ctx's error is %v", err)
	}
}

// TestNoChangeIsMissed changes something while others look at it.
func TestNoChangeIsMissed(t *testing.T) {
	t.Parallel()
	var s change.Signal
	var n atomic.Int64
	var waiting sync.WaitGroup
	for i := range 8 {
		waiting.Go(func() {
			if err := s.Await(t.Context(), nil, func(bool) (bool, error) {
				return n.Load() > int64(i)*1000, nil
			}); err != nil {
				t.Error(err)
			}
		})
	}
	for range 8000 {
		n.Add(1)
		s.Notify()
	}
	waiting.Wait()
}
