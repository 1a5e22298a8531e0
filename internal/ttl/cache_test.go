package ttl_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/botwright/botwright/internal/ttl"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// config is a cache of size ints that expire after a minute.
func config(size int) ttl.Config[int, int] {
	return ttl.Config[int, int]{
		TTL:        time.Minute,
		MaxSize:    size,
		PanicError: func(value any, _ []byte) error { return fmt.Errorf("panic: %v", value) },
	}
}

// TestKeepsMaxSizeKeys holds shards to their common bound: none may evict while another has room,
// neither at first nor in the place of expired entries.
func TestKeepsMaxSizeKeys(t *testing.T) {
	for _, size := range []int{1, 2, 63, 64, 127, 128, 129, 1000, 10_000} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := ttl.New(config(size))
				fill(c, 0, size)
				if got := c.Len(); got != size {
					t.Errorf("%d keys set, Len = %d", size, got)
				}
				for key := range 3 * size {
					c.Set(size+key, key, time.Minute)
					if got := c.Stats().Entries; got != size {
						t.Fatalf("%d entries after %d more keys, want %d", got, key+1, size)
					}
				}
				if got, want := c.Slots(), 2*size+8*shards(size); got > want {
					t.Errorf("%d slots, want at most %d: those of evicted entries again", got, want)
				}

				time.Sleep(time.Minute)
				fill(c, -size/2, 0)
				c.Sweep(0)
				fill(c, -size, -size/2)
				if got := c.Len(); got != size {
					t.Errorf("%d keys set after the others expired, Len = %d", size, got)
				}
			})
		})
	}
}

// fill sets the keys from first to last, without last, to themselves.
func fill(c *ttl.Cache[int, int], first, last int) {
	for key := first; key < last; key++ {
		c.Set(key, key, time.Minute)
	}
}

// shards is how many shards a cache of size has at most.
func shards(size int) int { return min(64, max(1, size/64)) }

func TestEvictsFromAnotherShardIfItsOwnIsEmpty(t *testing.T) {
	const size = 128
	var evicted []int
	cfg := config(size)
	cfg.OnEvict = func(key, _ int, reason ttl.Reason) {
		if reason != ttl.Size {
			t.Errorf("key %d left as %v", key, reason)
		}
		evicted = append(evicted, key)
	}
	c := ttl.New(cfg)
	first, other := -1, -1
	for key := 0; c.Len() < size || other < 0; key++ {
		switch {
		case c.ShardOf(key) != 0:
			other = key
		case c.Len() < size:
			c.Set(key, key, time.Minute)
			if first < 0 {
				first = key
			}
		}
	}

	c.Set(other, 1, time.Minute)

	if len(evicted) != 1 || evicted[0] != first {
		t.Errorf("evicted %v, want the oldest of the full shard, %d", evicted, first)
	}
	if value, ok := c.Get(other); !ok || value != 1 {
		t.Errorf("Get(%d) = %d, %t, want 1, true", other, value, ok)
	}
	if got := c.Stats().Entries; got != size {
		t.Errorf("%d entries, want %d", got, size)
	}
}

// TestSweepReachesEveryShard sweeps in steps that do and do not divide a shard.
func TestSweepReachesEveryShard(t *testing.T) {
	for _, budget := range []int{1, 7, 64, 65, 1000, 100_000} {
		t.Run(fmt.Sprint(budget), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const size = 2000
				c := ttl.New(config(size))
				fill(c, 0, size)
				slots := c.Slots()
				time.Sleep(time.Minute)
				removed := 0
				for checked := 0; checked < 2*slots; checked += budget {
					n := c.Sweep(budget)
					if n > budget {
						t.Fatalf("a sweep of %d removed %d", budget, n)
					}
					removed += n
				}
				if removed != size || c.Stats().Entries != 0 {
					t.Errorf("removed %d of %d, %d left", removed, size, c.Stats().Entries)
				}
			})
		})
	}
}

func TestMemoryIsGivenBack(t *testing.T) {
	const size = 4000
	tests := []struct {
		name string
		free func(*ttl.Cache[int, int])
		left int
	}{
		{"Clear", func(c *ttl.Cache[int, int]) { c.Clear() }, 0},
		{"Shrink", func(c *ttl.Cache[int, int]) { c.Shrink(0.9) }, size / 10},
		{"DeleteFunc", func(c *ttl.Cache[int, int]) {
			c.DeleteFunc(func(key, _ int) bool { return key%10 != 0 })
		}, size / 10},
		{"Sweep", func(c *ttl.Cache[int, int]) {
			time.Sleep(time.Minute)
			c.Sweep(0)
		}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := ttl.New(config(size))
				fill(c, 0, size)
				tt.free(c)
				if got := c.Len(); got != tt.left {
					t.Errorf("Len = %d, want %d", got, tt.left)
				}
				// What is left, and small tables as they are.
				if got, want := c.Slots(), tt.left+shards(size)*64; got > want {
					t.Errorf("%d slots for %d entries, want at most %d", got, tt.left, want)
				}
				for key := range size {
					if value, ok := c.Get(key); ok && value != key {
						t.Fatalf("Get(%d) = %d", key, value)
					}
				}
				fill(c, size, 2*size-tt.left)
				if got := c.Len(); got != size {
					t.Errorf("Len = %d when full again, want %d", got, size)
				}
			})
		})
	}
}

// TestDeleteFuncTellsOldValuesFromNew empties the cache while DeleteFunc is at work, and sets the
// key as often as it takes a count that began anew to reach the same number.
func TestDeleteFuncTellsOldValuesFromNew(t *testing.T) {
	for name, empty := range map[string]func(*ttl.Cache[int, int]){
		"Clear":  func(c *ttl.Cache[int, int]) { c.Clear() },
		"Shrink": func(c *ttl.Cache[int, int]) { c.Shrink(1) },
	} {
		t.Run(name, func(t *testing.T) {
			const size, key = 100, 99
			c := ttl.New(config(size))
			fill(c, 0, size)
			c.DeleteFunc(func(k, _ int) bool {
				if k == key {
					empty(c)
					for i := range size {
						c.Set(key, i, time.Minute)
					}
				}
				return true
			})
			if _, ok := c.Get(key); !ok {
				t.Error("a value set during DeleteFunc was removed")
			}
		})
	}
}

// TestLoadLeavesNothingBehind looks for what failed, forgotten and abandoned fetches leave.
func TestLoadLeavesNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config(8)
		cfg.ErrorTTL = time.Second
		c := ttl.New(cfg)
		fail := func(context.Context) (int, error) { return 0, errors.New("no") }
		for key := range 100 {
			if _, err := c.Load(t.Context(), key, fail); err == nil {
				t.Fatalf("Load(%d) did not fail", key)
			}
			if got := c.KeptErrors(); got > cfg.MaxSize {
				t.Fatalf("%d errors kept, want at most %d", got, cfg.MaxSize)
			}
		}
		time.Sleep(cfg.ErrorTTL)
		c.Sweep(0)
		if got := c.KeptErrors(); got != 0 {
			t.Errorf("%d errors kept after Sweep", got)
		}

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := c.Load(ctx, 1, func(ctx context.Context) (int, error) {
			<-ctx.Done()
			return 1, ctx.Err()
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Load = %v, want the deadline", err)
		}
		synctest.Wait()
		if got := c.Waiting(); got != 0 {
			t.Errorf("%d fetches registered, want 0", got)
		}
	})
}

func TestLoadWithAKeyThatIsNeverFound(t *testing.T) {
	c := ttl.New(ttl.Config[float64, int]{TTL: time.Minute, MaxSize: 4})
	for i := range 3 {
		fetch := func(context.Context) (int, error) { return i, nil }
		if got, err := c.Load(t.Context(), math.NaN(), fetch); got != i || err != nil {
			t.Errorf("Load = %d, %v, want %d", got, err, i)
		}
	}
	if got := c.Waiting(); got != 0 {
		t.Errorf("%d fetches registered, want 0", got)
	}
}
