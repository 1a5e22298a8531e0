package botwright_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botwright/botwright"
)

var errFetch = errors.New("unknown user")

// slowFetch takes a second, counts itself and returns value.
func slowFetch(count *atomic.Int64, value int, err error) func(context.Context) (int, error) {
	return func(ctx context.Context) (int, error) {
		count.Add(1)
		select {
		case <-time.After(time.Second):
			return value, err
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

func TestTTLCacheLoadFetchesOncePerKey(t *testing.T) {
	for _, want := range []struct {
		value      int
		err        error
		loadErrors uint64
	}{{7, nil, 0}, {0, errFetch, 2}} {
		t.Run(fmt.Sprint(want.err), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := botwright.NewTTLCache(cacheConfig{})
				var fetches atomic.Int64
				var wg sync.WaitGroup
				start := time.Now()
				for i := range 20 {
					wg.Go(func() {
						key := fmt.Sprint("key", i%2)
						v, err := c.Load(t.Context(), key, slowFetch(&fetches, want.value, want.err))
						if v != want.value || err != want.err {
							t.Errorf("Load = %d, %v, want %+v", v, err, want)
						}
					})
				}
				wg.Wait()
				if got := fetches.Load(); got != 2 {
					t.Errorf("%d fetches for 2 keys", got)
				}
				if took := time.Since(start); took != time.Second {
					t.Errorf("two keys took %v, want 1 s: they do not wait for each other", took)
				}
				stats := c.Stats()
				if stats.Loads != 2 || stats.Misses != 20 || stats.Hits != 0 {
					t.Errorf("stats %+v, want 2 loads and 20 misses", stats)
				}
				if stats.LoadErrors != want.loadErrors {
					t.Errorf("%d load errors, want %d", stats.LoadErrors, want.loadErrors)
				}
			})
		})
	}
}

func TestTTLCacheLoadSurvivesACallersCancellation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := botwright.NewTTLCache(cacheConfig{})
		var fetches atomic.Int64
		fetch := slowFetch(&fetches, 7, nil)
		first, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			start := time.Now()
			if _, err := c.Load(first, "a", fetch); !errors.Is(err, context.Canceled) {
				t.Errorf("first caller: %v, want its cancellation", err)
			}
			if took := time.Since(start); took != time.Second/2 {
				t.Errorf("first caller waited %v, want half a second", took)
			}
		})
		synctest.Wait()
		wg.Go(func() {
			if v, err := c.Load(t.Context(), "a", fetch); v != 7 || err != nil {
				t.Errorf("second caller: %d, %v", v, err)
			}
		})
		time.Sleep(time.Second / 2)
		cancel()
		wg.Wait()
		if got := fetches.Load(); got != 1 {
			t.Errorf("%d fetches, want 1", got)
		}
		wantCached(t, c, map[string]int{"a": 7})
	})
}

func TestTTLCacheLoadAbandoned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := botwright.NewTTLCache(cacheConfig{})
		var fetches atomic.Int64
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		start := time.Now()
		_, err := c.Load(ctx, "a", func(ctx context.Context) (int, error) {
			<-ctx.Done()
			if took := time.Since(start); took != time.Millisecond {
				t.Errorf("the fetch was cancelled after %v, want 1 ms", took)
			}
			time.Sleep(10 * time.Second) // it does not give up, and succeeds too late
			return 1, nil
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Load = %v, want its deadline", err)
		}
		if v, err := c.Load(t.Context(), "a", slowFetch(&fetches, 2, nil)); v != 2 || err != nil {
			t.Errorf("the next Load = %d, %v, want a fetch of its own", v, err)
		}
		time.Sleep(20 * time.Second)
		wantCached(t, c, map[string]int{"a": 2})

		if _, err := c.Load(ctx, "b", slowFetch(&fetches, 3, nil)); err == nil {
			t.Error("a Load after its deadline succeeded")
		}
		if v, err := c.Load(ctx, "a", nil); v != 2 || err != nil {
			t.Errorf("a hit after the deadline = %d, %v", v, err)
		}
		if got := fetches.Load(); got != 1 {
			t.Errorf("%d fetches, want 1", got)
		}
	})
}

// TestTTLCacheLoadContext checks what the fetch's context has of the caller's.
func TestTTLCacheLoadContext(t *testing.T) {
	type key struct{}
	synctest.Test(t, func(t *testing.T) {
		c := botwright.NewTTLCache(cacheConfig{})
		ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), key{}, "v"), time.Hour)
		defer cancel()
		_, _ = c.Load(ctx, "a", func(ctx context.Context) (int, error) {
			if got := ctx.Value(key{}); got != "v" {
				t.Errorf("value %v, want v", got)
			}
			if _, ok := ctx.Deadline(); ok || ctx.Err() != nil {
				t.Errorf("the fetch has a deadline: %t, %v", ok, ctx.Err())
			}
			return 1, nil
		})
	})
}

func TestTTLCacheLoadPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := botwright.NewTTLCache(cacheConfig{ErrorTTL: time.Hour})
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				_, err := c.Load(t.Context(), "a", func(context.Context) (int, error) {
					time.Sleep(time.Second)
					panic(errFetch)
				})
				var p *botwright.PanicError
				if !errors.As(err, &p) || p.Value != errFetch || len(p.Stack) == 0 {
					t.Errorf("Load = %v, want a PanicError with a stack", err)
				}
				if !errors.Is(err, errFetch) {
					t.Errorf("%v does not wrap what fetch panicked with", err)
				}
			})
		}
		wg.Wait()
		_, err := c.Load(t.Context(), "a", func(context.Context) (int, error) {
			runtime.Goexit()
			return 1, nil
		})
		if err == nil {
			t.Error("a fetch that never returned succeeded")
		}
		v, err := c.Load(t.Context(), "a", func(context.Context) (int, error) { return 1, nil })
		if v != 1 || err != nil {
			t.Errorf("Load after a panic = %d, %v, want a new fetch", v, err)
		}
		if got := c.Stats(); got.Loads != 3 || got.LoadErrors != 2 {
			t.Errorf("%d loads, %d errors, want 3 and 2", got.Loads, got.LoadErrors)
		}
	})
}

func TestTTLCacheLoadErrors(t *testing.T) {
	tests := []struct {
		name     string
		errorTTL time.Duration
		between  func(*botwright.TTLCache[string, int])
		want     int64 // fetches
	}{
		{"not kept", 0, func(*botwright.TTLCache[string, int]) {}, 2},
		{"kept", time.Minute, func(*botwright.TTLCache[string, int]) {}, 1},
		{"kept till its deadline", time.Minute, func(*botwright.TTLCache[string, int]) {
			time.Sleep(time.Minute - 1)
		}, 1},
		{"expired", time.Minute, func(*botwright.TTLCache[string, int]) {
			time.Sleep(time.Minute)
		}, 2},
		{"deleted", time.Minute, func(c *botwright.TTLCache[string, int]) { c.Delete("a") }, 2},
		{"cleared", time.Minute, func(c *botwright.TTLCache[string, int]) { c.Clear() }, 2},
		{"set and deleted", time.Minute, func(c *botwright.TTLCache[string, int]) {
			c.Set("a", 1)
			c.DeleteFunc(func(string, int) bool { return true })
		}, 2},
		{"another key", time.Minute, func(c *botwright.TTLCache[string, int]) {
			c.Set("b", 1)
			c.Delete("b")
		}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := botwright.NewTTLCache(cacheConfig{ErrorTTL: tt.errorTTL})
				var fetches atomic.Int64
				load := func() {
					_, err := c.Load(t.Context(), "a", func(context.Context) (int, error) {
						fetches.Add(1)
						return 5, errFetch
					})
					if err != errFetch {
						t.Errorf("Load = %v, want the error of fetch", err)
					}
				}
				load()
				tt.between(c)
				load()
				if got := fetches.Load(); got != tt.want {
					t.Errorf("%d fetches, want %d", got, tt.want)
				}
				wantCached(t, c, map[string]int{})
			})
		})
	}
}

// TestTTLCacheLoadIsOlderThanWhatHappensMeanwhile changes a key during its fetch.
func TestTTLCacheLoadIsOlderThanWhatHappensMeanwhile(t *testing.T) {
	set := map[string]int{"a": 9}
	tests := []struct {
		name    string
		err     error
		during  func(*botwright.TTLCache[string, int])
		want    map[string]int
		fetches int64 // with a Load that begins after the change
	}{
		{"nothing", nil, func(*botwright.TTLCache[string, int]) {}, map[string]int{"a": 7}, 1},
		{"Set", nil, func(c *botwright.TTLCache[string, int]) { c.Set("a", 9) }, set, 1},
		{"SetTTL", nil, func(c *botwright.TTLCache[string, int]) {
			c.SetTTL("a", 9, time.Hour)
		}, set, 1},
		{"GetOrSet", nil, func(c *botwright.TTLCache[string, int]) { c.GetOrSet("a", 9) }, set, 1},
		{"Set and an error", errFetch, func(c *botwright.TTLCache[string, int]) {
			c.Set("a", 9)
		}, set, 1},
		{"Delete", nil, func(c *botwright.TTLCache[string, int]) { c.Delete("a") },
			map[string]int{"a": 7}, 2},
		{"Clear", nil, func(c *botwright.TTLCache[string, int]) { c.Clear() },
			map[string]int{"a": 7}, 2},
		{"another key", nil, func(c *botwright.TTLCache[string, int]) { c.Delete("b") },
			map[string]int{"a": 7}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := botwright.NewTTLCache(cacheConfig{ErrorTTL: time.Hour})
				var fetches atomic.Int64
				var wg sync.WaitGroup
				wg.Go(func() {
					v, err := c.Load(t.Context(), "a", slowFetch(&fetches, 7, tt.err))
					if err != tt.err || v != 7 {
						t.Errorf("the first caller got %d, %v, want what its fetch brought", v, err)
					}
				})
				time.Sleep(time.Second / 2)
				tt.during(c)
				wg.Go(func() { _, _ = c.Load(t.Context(), "a", slowFetch(&fetches, 7, nil)) })
				time.Sleep(3 * time.Second / 4)
				if tt.fetches == 2 { // the first fetch has ended, the second has not
					wantCached(t, c, map[string]int{})
				}
				wg.Wait()
				wantCached(t, c, tt.want)
				if got := fetches.Load(); got != tt.fetches {
					t.Errorf("%d fetches, want %d", got, tt.fetches)
				}
			})
		})
	}
}

// TestTTLCacheLoadReportsAfterItsWaiters lets OnEvict wait for the caller of the Load that caused
// the eviction.
func TestTTLCacheLoadReportsAfterItsWaiters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		loaded := make(chan struct{})
		reported := make(chan string, 1)
		c := botwright.NewTTLCache(cacheConfig{
			MaxSize: 1,
			OnEvict: func(key string, _ int, _ botwright.EvictReason) {
				<-loaded
				reported <- key
			},
		})
		c.Set("old", 1)
		v, err := c.Load(t.Context(), "new", func(context.Context) (int, error) { return 2, nil })
		if v != 2 || err != nil {
			t.Errorf("Load = %d, %v", v, err)
		}
		close(loaded)
		if key := <-reported; key != "old" {
			t.Errorf("%q was reported, want old", key)
		}
	})
}

// TestTTLCacheLoadHammer cancels, deletes and sweeps while many callers load few keys.
func TestTTLCacheLoadHammer(t *testing.T) {
	c := botwright.NewTTLCache(botwright.TTLCacheConfig[int, int]{
		MaxSize: 4, TTL: 20 * time.Microsecond, ErrorTTL: 20 * time.Microsecond,
	})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 1000 {
				key := (g + i*5) % 7
				ctx, cancel := context.WithCancel(t.Context())
				cancelled := i%5 == 0
				if cancelled {
					wg.Go(cancel)
				}
				v, err := c.Load(ctx, key, func(ctx context.Context) (int, error) {
					runtime.Gosched()
					if i%3 == 0 {
						return 0, errFetch
					}
					return key, ctx.Err()
				})
				cancel()
				switch {
				case err == nil && v == key:
				case errors.Is(err, errFetch):
				case errors.Is(err, context.Canceled) && cancelled:
				default:
					t.Errorf("Load(%d) = %d, %v", key, v, err)
				}
				if i%7 == 0 {
					c.Delete(key)
					c.Sweep(2)
				}
			}
		})
	}
	wg.Wait()
	if got := c.Stats(); got.Entries > 4 || got.Loads == 0 || got.LoadErrors > got.Loads {
		t.Errorf("stats %+v", got)
	}
}

// TestTTLCacheFinishLoads has all callers leave before a fetch ends.
func TestTTLCacheFinishLoads(t *testing.T) {
	for finish, found := range map[time.Duration]bool{
		0: false, 500 * time.Millisecond: false, 2 * time.Second: true,
	} {
		t.Run(finish.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := botwright.NewTTLCache(botwright.TTLCacheConfig[string, int]{FinishLoads: finish})
				var fetches atomic.Int64
				ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
				defer cancel()
				if _, err := c.Load(ctx, "k", slowFetch(&fetches, 7, nil)); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("Load: %v, want the end of its context", err)
				}
				time.Sleep(5 * time.Second) // the bubble ends only when the fetch has
				if v, ok := c.Get("k"); ok != found || found && v != 7 {
					t.Errorf("found %v, %v; want %v", v, ok, found)
				}
			})
		})
	}
}
