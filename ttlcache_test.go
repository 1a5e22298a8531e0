package botwright_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botwright/botwright"
)

type cacheConfig = botwright.TTLCacheConfig[string, int]

// wantCached checks what is in c without using it.
func wantCached(t *testing.T, c *botwright.TTLCache[string, int], want map[string]int) {
	t.Helper()
	if got := maps.Collect(c.All()); !maps.Equal(got, want) {
		t.Errorf("the cache holds %v, want %v", got, want)
	}
	if got := c.Len(); got != len(want) {
		t.Errorf("Len = %d, want %d", got, len(want))
	}
}

func TestTTLCacheDefaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := botwright.NewTTLCache(cacheConfig{})
		c.Set("a", 1)
		time.Sleep(5*time.Minute - 1)
		wantCached(t, c, map[string]int{"a": 1})
		time.Sleep(time.Nanosecond)
		wantCached(t, c, map[string]int{})
		for i := range 12_000 {
			c.Set(fmt.Sprint(i), i)
		}
		if got := c.Stats(); got.Entries != 10_000 || got.MaxSize != 10_000 {
			t.Errorf("%d entries, MaxSize %d, want 10,000", got.Entries, got.MaxSize)
		}
	})
}

func TestTTLCacheExpiry(t *testing.T) {
	tests := []struct {
		name    string
		cfg     cacheConfig
		set     func(*botwright.TTLCache[string, int])
		expires time.Duration // 0 is never
	}{
		{"TTL", cacheConfig{TTL: time.Second}, func(c *botwright.TTLCache[string, int]) {
			c.Set("a", 1)
		}, time.Second},
		{"own TTL", cacheConfig{TTL: time.Second}, func(c *botwright.TTLCache[string, int]) {
			c.SetTTL("a", 1, time.Hour)
		}, time.Hour},
		{"own TTL of 0", cacheConfig{TTL: time.Second}, func(c *botwright.TTLCache[string, int]) {
			c.SetTTL("a", 1, 0)
		}, time.Second},
		{"no expiry", cacheConfig{TTL: botwright.NoExpiry},
			func(c *botwright.TTLCache[string, int]) { c.Set("a", 1) }, 0},
		{"no expiry of its own", cacheConfig{TTL: time.Second},
			func(c *botwright.TTLCache[string, int]) {
				c.SetTTL("a", 1, botwright.NoExpiry)
			}, 0},
		{"more than the clock counts", cacheConfig{TTL: time.Second},
			func(c *botwright.TTLCache[string, int]) {
				time.Sleep(time.Second)
				c.SetTTL("a", 1, math.MaxInt64)
			}, 0},
		{"set again", cacheConfig{TTL: time.Second}, func(c *botwright.TTLCache[string, int]) {
			c.SetTTL("a", 2, time.Hour)
			c.Set("a", 1)
		}, time.Second},
		{"GetOrSet", cacheConfig{TTL: time.Second}, func(c *botwright.TTLCache[string, int]) {
			c.GetOrSet("a", 1)
		}, time.Second},
		{"Load", cacheConfig{TTL: time.Second}, func(c *botwright.TTLCache[string, int]) {
			_, _ = c.Load(context.Background(), "a", func(context.Context) (int, error) {
				time.Sleep(time.Minute)
				return 1, nil
			})
		}, time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := botwright.NewTTLCache(tt.cfg)
				tt.set(c)
				if tt.expires == 0 {
					time.Sleep(20 * 365 * 24 * time.Hour)
					wantCached(t, c, map[string]int{"a": 1})
					return
				}
				time.Sleep(tt.expires - 1)
				if v, ok := c.Get("a"); v != 1 || !ok {
					t.Errorf("Get just before its deadline = %d, %t", v, ok)
				}
				time.Sleep(time.Nanosecond)
				if v, ok := c.Peek("a"); v != 0 || ok {
					t.Errorf("Peek at its deadline = %d, %t", v, ok)
				}
				wantCached(t, c, map[string]int{})
				if v, ok := c.Get("a"); v != 0 || ok {
					t.Errorf("Get at its deadline = %d, %t", v, ok)
				}
				if got := c.Stats().Entries; got != 0 {
					t.Errorf("Get left %d entries", got)
				}
			})
		})
	}
}

func TestTTLCacheSliding(t *testing.T) {
	renew := map[string]struct {
		use    func(*botwright.TTLCache[string, int])
		renews bool
	}{
		"Get":      {func(c *botwright.TTLCache[string, int]) { c.Get("a") }, true},
		"GetOrSet": {func(c *botwright.TTLCache[string, int]) { c.GetOrSet("a", 2) }, true},
		"Load": {func(c *botwright.TTLCache[string, int]) {
			_, _ = c.Load(context.Background(), "a", nil)
		}, true},
		"Peek": {func(c *botwright.TTLCache[string, int]) { c.Peek("a") }, false},
		"All": {func(c *botwright.TTLCache[string, int]) {
			for range c.All() {
				continue
			}
		}, false},
	}
	for name, use := range renew {
		for _, sliding := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/%t", name, sliding), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c := botwright.NewTTLCache(cacheConfig{TTL: time.Hour, Sliding: sliding})
					c.SetTTL("a", 1, time.Minute)
					time.Sleep(40 * time.Second)
					use.use(c)
					time.Sleep(40 * time.Second)
					if _, ok := c.Peek("a"); ok != (sliding && use.renews) {
						t.Errorf("alive after 80 s is %t", ok)
					}
					time.Sleep(20 * time.Second)
					if _, ok := c.Peek("a"); ok {
						t.Error("alive one lifetime after its last use")
					}
				})
			})
		}
	}
}

func TestTTLCacheEvictsTheLeastRecentlyUsed(t *testing.T) {
	c := botwright.NewTTLCache(cacheConfig{MaxSize: 3})
	c.Set("a", 1)
	c.Set("b", 2)
	c.Set("c", 3)
	c.Get("a")
	c.Peek("b")
	c.Set("d", 4) // b goes
	wantCached(t, c, map[string]int{"a": 1, "c": 3, "d": 4})
	c.Set("c", 5)
	c.Set("e", 6) // a goes
	var order []string
	for key := range c.All() {
		order = append(order, key)
	}
	if want := []string{"e", "c", "d"}; !slices.Equal(order, want) {
		t.Errorf("order of use %v, want %v", order, want)
	}
}

func TestTTLCacheExpiredGoBeforeLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := botwright.NewTTLCache(cacheConfig{MaxSize: 2, TTL: time.Hour})
		c.Set("oldest", 1)
		c.SetTTL("short", 2, time.Second)
		time.Sleep(time.Second)
		c.Set("new", 3)
		wantCached(t, c, map[string]int{"oldest": 1, "new": 3})
	})
}

func TestTTLCacheGetOrSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := botwright.NewTTLCache(cacheConfig{TTL: time.Second})
		for i, want := range []struct {
			value  int
			loaded bool
			wait   time.Duration
		}{{0, false, 0}, {0, true, time.Second}, {2, false, 0}, {2, true, 0}} {
			if v, loaded := c.GetOrSet("a", i); v != want.value || loaded != want.loaded {
				t.Errorf("GetOrSet %d = %d, %t, want %+v", i, v, loaded, want)
			}
			time.Sleep(want.wait)
		}
		if got := c.Stats(); got.Hits != 2 || got.Misses != 2 {
			t.Errorf("%d hits, %d misses, want 2 and 2", got.Hits, got.Misses)
		}
	})
}

func TestTTLCacheDelete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := botwright.NewTTLCache(cacheConfig{})
		c.Set("a", 1)
		c.Set("b", 2)
		c.SetTTL("short", 3, time.Second)
		time.Sleep(time.Second)
		for key, want := range map[string]bool{"a": true, "short": false, "none": false} {
			if got := c.Delete(key); got != want {
				t.Errorf("Delete(%q) = %t, want %t", key, got, want)
			}
			if c.Delete(key) {
				t.Errorf("Delete(%q) twice is true", key)
			}
		}
		wantCached(t, c, map[string]int{"b": 2})
		c.Clear()
		wantCached(t, c, map[string]int{})
		c.Set("a", 4)
		wantCached(t, c, map[string]int{"a": 4})
	})
}

func TestTTLCacheDeleteFunc(t *testing.T) {
	c := botwright.NewTTLCache(cacheConfig{})
	for i, key := range []string{"a", "b", "c", "d"} {
		c.Set(key, i)
	}
	removed := c.DeleteFunc(func(key string, value int) bool {
		if key == "b" {
			c.Set("b", 10) // newer than what is being judged: it stays
		}
		if key == "c" {
			c.Delete("c") // gone already: not counted
		}
		return value > 0
	})
	if removed != 1 {
		t.Errorf("removed %d, want 1", removed)
	}
	wantCached(t, c, map[string]int{"a": 0, "b": 10})
}

func TestTTLCacheAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := botwright.NewTTLCache(cacheConfig{MaxSize: 5})
		for i, key := range []string{"a", "b", "c"} {
			c.SetTTL(key, i, time.Duration(i+1)*time.Second)
		}
		var seen []string
		for key := range c.All() {
			seen = append(seen, key)
			c.Set("new", 1)
			time.Sleep(2 * time.Second) // b and a expire before their turn
		}
		if !slices.Equal(seen, []string{"c"}) {
			t.Errorf("saw %v, want c alone", seen)
		}
		for range c.All() {
			break
		}
		if got := c.Stats(); got.Hits+got.Misses != 0 {
			t.Errorf("All counted %d hits, %d misses", got.Hits, got.Misses)
		}
	})
}

func TestTTLCacheSweepAndShrink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reasons := map[botwright.EvictReason]int{}
		c := botwright.NewTTLCache(cacheConfig{
			MaxSize: 20,
			OnEvict: func(_ string, _ int, r botwright.EvictReason) { reasons[r]++ },
		})
		for i := range 10 {
			c.SetTTL(fmt.Sprint(i), i, time.Hour)
			c.SetTTL(fmt.Sprint("short", i), i, time.Second)
		}
		time.Sleep(time.Second)
		if got := c.Sweep(11) + c.Sweep(11); got != 10 {
			t.Errorf("two sweeps removed %d, want 10", got)
		}
		for i, tt := range []struct {
			share float64
			want  int
		}{{math.NaN(), 0}, {-1, 0}, {0, 0}, {0.3, 3}, {0.5, 4}, {7, 3}, {1, 0}} {
			if got := c.Shrink(tt.share); got != tt.want {
				t.Errorf("%d: Shrink(%v) = %d, want %d", i, tt.share, got, tt.want)
			}
			if i == 3 {
				want := map[string]int{"3": 3, "4": 4, "5": 5, "6": 6, "7": 7, "8": 8, "9": 9}
				wantCached(t, c, want)
			}
		}
		want := map[botwright.EvictReason]int{
			botwright.EvictExpired: 10, botwright.EvictShrunk: 10,
		}
		if !maps.Equal(reasons, want) {
			t.Errorf("reasons %v, want %v", reasons, want)
		}
	})
}

func TestTTLCacheOnEvict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var events []string
		c := botwright.NewTTLCache(cacheConfig{
			MaxSize: 2,
			TTL:     time.Second,
			OnEvict: func(key string, value int, reason botwright.EvictReason) {
				events = append(events, fmt.Sprintf("%s=%d %v", key, value, reason))
			},
		})
		steps := []struct {
			name string
			do   func()
			want []string
		}{
			{"Set", func() { c.Set("a", 1) }, nil},
			{"replace", func() { c.Set("a", 2) }, []string{"a=1 replaced"}},
			{"GetOrSet", func() { c.GetOrSet("a", 3) }, nil},
			{"Delete", func() { c.Delete("a") }, []string{"a=2 deleted"}},
			{"Delete nothing", func() { c.Delete("a") }, nil},
			{"overflow", func() { c.Set("a", 1); c.Set("b", 2); c.Set("c", 3) },
				[]string{"a=1 size"}},
			{"Shrink", func() { c.Shrink(0.5) }, []string{"b=2 shrunk"}},
			{"Clear", func() { c.Clear() }, []string{"c=3 deleted"}},
			{"read expired", func() {
				c.Set("a", 1)
				time.Sleep(time.Second)
				c.Get("a")
			}, []string{"a=1 expired"}},
			{"overwrite expired", func() {
				c.Set("a", 1)
				time.Sleep(time.Second)
				c.Set("a", 2)
			}, []string{"a=1 expired"}},
			{"delete expired", func() { time.Sleep(time.Second); c.Delete("a") },
				[]string{"a=2 expired"}},
			{"DeleteFunc", func() {
				c.Set("a", 1)
				c.DeleteFunc(func(string, int) bool { return true })
			}, []string{"a=1 deleted"}},
			{"Sweep", func() { c.Set("a", 1); time.Sleep(time.Second); c.Sweep(0) },
				[]string{"a=1 expired"}},
		}
		counts := map[string]uint64{}
		for _, step := range steps {
			events = nil
			step.do()
			if !slices.Equal(events, step.want) {
				t.Errorf("%s: events %q, want %q", step.name, events, step.want)
			}
			for _, e := range step.want {
				counts[strings.Fields(e)[1]]++
			}
		}
		for reason, n := range c.Stats().Evictions {
			if n != counts[reason.String()] {
				t.Errorf("%d evictions counted as %v, want %d", n, reason, counts[reason.String()])
			}
		}
	})
}

// TestTTLCacheOnEvictMayUseTheCache calls everything from inside OnEvict: a lock held would
// block for ever.
func TestTTLCacheOnEvictMayUseTheCache(t *testing.T) {
	var c *botwright.TTLCache[string, int]
	inside := false
	c = botwright.NewTTLCache(cacheConfig{
		MaxSize: 2,
		OnEvict: func(key string, value int, _ botwright.EvictReason) {
			if inside {
				return
			}
			inside = true
			defer func() { inside = false }()
			c.Set(key, value)
			c.Get(key)
			c.GetOrSet(key, value)
			_, _ = c.Load(context.Background(), key, nil)
			c.DeleteFunc(func(string, int) bool { return false })
			c.Sweep(0)
			c.Shrink(0.5)
			c.Delete(key)
			c.Clear()
			c.Stats()
			c.Len()
		},
	})
	set := func() { c.Set("a", 1); c.Set("b", 2) }
	for _, f := range []func(){
		func() { c.Set("a", 2) },
		func() { c.Set("c", 3) },
		func() { c.Delete("a") },
		func() { c.DeleteFunc(func(string, int) bool { return true }) },
		func() { c.Shrink(1) },
		func() { c.Clear() },
	} {
		set()
		f()
	}
	if got := c.Stats().Entries; got > 2 {
		t.Errorf("%d entries", got)
	}
}

func TestEvictReasonString(t *testing.T) {
	for reason, want := range map[botwright.EvictReason]string{
		botwright.EvictExpired:  "expired",
		botwright.EvictSize:     "size",
		botwright.EvictReplaced: "replaced",
		botwright.EvictDeleted:  "deleted",
		botwright.EvictShrunk:   "shrunk",
		77:                      "unknown",
	} {
		if got := reason.String(); got != want {
			t.Errorf("reason %d is %q, want %q", reason, got, want)
		}
	}
}

// TestTTLCacheKeys stores keys of kinds that hash and compare in different ways.
func TestTTLCacheKeys(t *testing.T) {
	type pair struct {
		guild string
		user  uint64
	}
	c := botwright.NewTTLCache(botwright.TTLCacheConfig[any, int]{MaxSize: 1000})
	nan := math.NaN()
	keys := []any{"", "a", 0, -1, uint8(1), 0.5, pair{"g", 1}, pair{"g", 2}, [2]string{"a", "b"},
		true, nil, &c}
	for i, key := range keys {
		c.Set(key, i)
		c.Set(nan, i)
	}
	for i, key := range keys {
		if got, ok := c.Get(key); got != i || !ok {
			t.Errorf("Get(%#v) = %d, %t, want %d", key, got, ok, i)
		}
	}
	if _, ok := c.Get(nan); ok {
		t.Error("NaN was found")
	}
	c.Clear()
	if got := c.Stats().Entries; got != 0 {
		t.Errorf("%d entries after Clear", got)
	}
}

// TestTTLCacheAllocations holds hits, and writes to a cache that has its size, to no allocation.
func TestTTLCacheAllocations(t *testing.T) {
	keys := make([]string, 64)
	for i := range keys {
		keys[i] = fmt.Sprint("key", i)
	}
	for _, onEvict := range []func(string, int, botwright.EvictReason){
		nil, func(string, int, botwright.EvictReason) {},
	} {
		c := botwright.NewTTLCache(cacheConfig{MaxSize: 32, OnEvict: onEvict})
		for _, key := range keys {
			c.Set(key, 1)
		}
		ctx := context.Background()
		fetch := func(context.Context) (int, error) { return 0, errors.New("not a hit") }
		i := 0
		for name, f := range map[string]func(){
			"Get":              func() { c.Get(keys[63]) },
			"Get a miss":       func() { c.Get("none") },
			"Peek":             func() { c.Peek(keys[63]) },
			"Load a hit":       func() { _, _ = c.Load(ctx, keys[63], fetch) },
			"Set an old key":   func() { c.Set(keys[63], 1) },
			"Set and GetOrSet": func() { c.Set(keys[63], 1); c.GetOrSet(keys[63], 1) },
			"Set a new key":    func() { c.Set(keys[i%64], 1); i++ },
		} {
			c.Set(keys[63], 1)
			if got := testing.AllocsPerRun(100, f); got != 0 {
				t.Errorf("%s allocates %v times, OnEvict set: %t", name, got, onEvict != nil)
			}
		}
	}
}

// TestTTLCacheHammer runs every method at once and then counts: each value stored was evicted
// once or is still there.
func TestTTLCacheHammer(t *testing.T) {
	for _, size := range []int{3, 200} {
		var stored, gone atomic.Int64
		c := botwright.NewTTLCache(botwright.TTLCacheConfig[int, int]{
			MaxSize: size,
			TTL:     50 * time.Microsecond,
			Sliding: true,
			OnEvict: func(int, int, botwright.EvictReason) { gone.Add(1) },
		})
		var wg sync.WaitGroup
		for g := range 8 {
			wg.Go(func() {
				for i := range 3000 {
					hammer(c, (i*31+g*7)%(2*size), i, &stored)
				}
			})
		}
		wg.Wait()
		stats := c.Stats()
		if got := gone.Load() + int64(stats.Entries); got != stored.Load() {
			t.Errorf("%d values stored, %d gone or held", stored.Load(), got)
		}
		evictions := uint64(0)
		for _, n := range stats.Evictions {
			evictions += n
		}
		if evictions != uint64(gone.Load()) {
			t.Errorf("%d evictions counted, %d reported", evictions, gone.Load())
		}
		if stats.Entries > size || c.Len() > stats.Entries {
			t.Errorf("%d entries, %d live, at most %d", stats.Entries, c.Len(), size)
		}
	}
}

// hammer does the i-th call of a goroutine and counts what it stored.
func hammer(c *botwright.TTLCache[int, int], key, i int, stored *atomic.Int64) {
	switch i % 16 {
	case 0, 1, 2:
		c.Set(key, i)
		stored.Add(1)
	case 3:
		c.SetTTL(key, i, botwright.NoExpiry)
		stored.Add(1)
	case 4:
		if _, loaded := c.GetOrSet(key, i); !loaded {
			stored.Add(1)
		}
	case 5:
		c.Delete(key)
	case 6:
		c.Sweep(3)
	case 7:
		for k, v := range c.All() {
			if k < 0 || v < 0 {
				panic("no such entry")
			}
		}
	case 8:
		switch i % 7 {
		case 0:
			c.Shrink(0.2)
		case 1:
			c.Clear()
		case 2:
			c.DeleteFunc(func(k, _ int) bool { return k%5 == 0 })
		}
	default:
		c.Get(key)
		c.Peek(key)
		c.Len()
	}
}
