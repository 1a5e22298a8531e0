package semaphore_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/botwright/botwright/internal/semaphore"
)

func TestKeyed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := semaphore.New(2)
		for i, key := range []string{"a", "a", "a", "b"} {
			if got := k.TryAcquire(key); got != (i != 2) {
				t.Errorf("attempt %d, of %s: %t", i, key, got)
			}
		}
		stop := errors.New("stop")
		ctx, cancel := context.WithCancelCause(t.Context())
		var waits sync.WaitGroup
		var got atomic.Int32
		waits.Go(func() {
			if err := k.Acquire(ctx, "a"); !errors.Is(err, stop) {
				t.Errorf("%v, want the cause", err)
			}
		})
		synctest.Wait()
		cancel(stop)
		waits.Wait()
		waits.Go(func() {
			if k.Acquire(t.Context(), "a") == nil {
				got.Add(1)
			}
		})
		synctest.Wait()
		if got.Load() != 0 {
			t.Error("three at once")
		}
		k.Release("a")
		waits.Wait()
		for _, key := range []string{"a", "a", "b"} {
			k.Release(key)
		}
		if n := k.Len(); n != 0 || got.Load() != 1 {
			t.Errorf("%d keys are left; %d waited in success", n, got.Load())
		}
	})
}

// TestLimit has many take and give back slots of few keys.
func TestLimit(t *testing.T) {
	t.Parallel()
	k := semaphore.New(3)
	var running [4]atomic.Int32
	var all sync.WaitGroup
	for i := range 64 {
		all.Go(func() {
			for j := range 200 {
				n := (i + j) % len(running)
				key := strconv.Itoa(n)
				if !k.TryAcquire(key) && k.Acquire(t.Context(), key) != nil {
					return
				}
				if running[n].Add(1) > 3 {
					t.Error("more than three at once")
				}
				running[n].Add(-1)
				k.Release(key)
			}
		})
	}
	all.Wait()
	if n := k.Len(); n != 0 {
		t.Errorf("%d keys are left", n)
	}
}
