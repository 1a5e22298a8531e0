package bench_test

import (
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/golang-lru/v2/expirable"
	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/jellydator/ttlcache/v3"
	"github.com/maypok86/otter/v2"

	"github.com/botwright/botwright"
)

const (
	cacheCapacity = 100_000
	cacheKeys     = 1_000_000
	cacheTTL      = 10 * time.Minute
)

// cache is what every contender can do. Values are pointers, held outside the caches.
type cache interface {
	Get(key string) (*int, bool)
	Set(key string, value *int)
}

// contenders are the caches under comparison; the first is ours, and ratios are ours to theirs.
var contenders = []struct {
	name string
	new  func(capacity int) cache
}{
	{"botwright", newBotwright},
	{"simplelru", newShardedSimpleLRU},
	{"expirable", newExpirable},
	{"ttlcache", newTTLCache},
	{"otter", newOtter},
}

type botwrightCache struct {
	*botwright.TTLCache[string, *int]
}

func newBotwright(capacity int) cache {
	return botwrightCache{botwright.NewTTLCache(botwright.TTLCacheConfig[string, *int]{
		TTL: cacheTTL, MaxSize: capacity,
	})}
}

// shardedSimpleLRU is the plainest thing that does the job: golang-lru's simplelru behind 64
// mutexes, with a deadline and a lifetime in each value. It shows what a table of our own buys.
type shardedSimpleLRU struct {
	seed   maphash.Seed
	start  time.Time
	shards [64]struct {
		mu  sync.Mutex
		lru *simplelru.LRU[string, simpleValue]
		_   [64]byte
	}
}

type simpleValue struct {
	value         *int
	deadline, ttl time.Duration
}

func newShardedSimpleLRU(capacity int) cache {
	c := &shardedSimpleLRU{seed: maphash.MakeSeed(), start: time.Now()}
	for i := range c.shards {
		lru, err := simplelru.NewLRU[string, simpleValue](capacity/len(c.shards), nil)
		if err != nil {
			panic(err)
		}
		c.shards[i].lru = lru
	}
	return c
}

func (c *shardedSimpleLRU) Get(key string) (*int, bool) {
	now := time.Since(c.start)
	s := &c.shards[maphash.String(c.seed, key)%uint64(len(c.shards))]
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.lru.Get(key)
	if ok && v.deadline <= now {
		s.lru.Remove(key)
		return nil, false
	}
	return v.value, ok
}

func (c *shardedSimpleLRU) Set(key string, value *int) {
	now := time.Since(c.start)
	s := &c.shards[maphash.String(c.seed, key)%uint64(len(c.shards))]
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lru.Add(key, simpleValue{value, now + cacheTTL, cacheTTL})
}

type expirableCache struct {
	*expirable.LRU[string, *int]
}

func newExpirable(capacity int) cache {
	return expirableCache{expirable.NewLRU[string, *int](capacity, nil, cacheTTL)}
}

func (c expirableCache) Set(key string, value *int) { c.Add(key, value) }

type ttlCache struct {
	*ttlcache.Cache[string, *int]
}

// newTTLCache switches touch on hit off: it is not on in the others.
func newTTLCache(capacity int) cache {
	return ttlCache{ttlcache.New(
		ttlcache.WithTTL[string, *int](cacheTTL),
		ttlcache.WithCapacity[string, *int](uint64(capacity)),
		ttlcache.WithDisableTouchOnHit[string, *int](),
	)}
}

func (c ttlCache) Get(key string) (*int, bool) {
	item := c.Cache.Get(key)
	if item == nil {
		return nil, false
	}
	return item.Value(), true
}

func (c ttlCache) Set(key string, value *int) { c.Cache.Set(key, value, ttlcache.DefaultTTL) }

type otterCache struct {
	*otter.Cache[string, *int]
}

func newOtter(capacity int) cache {
	return otterCache{otter.Must(&otter.Options[string, *int]{
		MaximumSize:      capacity,
		ExpiryCalculator: otter.ExpiryWriting[string, *int](cacheTTL),
	})}
}

func (c otterCache) Get(key string) (*int, bool) { return c.GetIfPresent(key) }

func (c otterCache) Set(key string, value *int) { c.Cache.Set(key, value) }

// traffic is the keys and the order in which they are asked for.
type traffic struct {
	keys    []string
	zipf    []uint32 // 1,000,000 keys, s = 1.1
	hot     []uint32 // the same, of the first half of the capacity
	uniform []uint32
	value   *int
}

var newTraffic = sync.OnceValue(func() *traffic {
	const draws = 1 << 21
	r := rand.New(rand.NewPCG(1, 2))
	t := &traffic{value: new(int)}
	for i := range cacheKeys {
		t.keys = append(t.keys, fmt.Sprintf("%018d", 100_000_000_000_000_000+i*7919))
	}
	r.Shuffle(len(t.keys), func(i, j int) { t.keys[i], t.keys[j] = t.keys[j], t.keys[i] })
	zipf := rand.NewZipf(r, 1.1, 1, cacheKeys-1)
	hot := rand.NewZipf(r, 1.1, 1, cacheCapacity/2-1)
	for range draws {
		t.zipf = append(t.zipf, uint32(zipf.Uint64()))
		t.hot = append(t.hot, uint32(hot.Uint64()))
		t.uniform = append(t.uniform, r.Uint32N(cacheKeys))
	}
	return t
})

// workloads perform the i-th operation of their kind.
var workloads = []struct {
	name string
	op   func(t *traffic, c cache, i int)
}{
	{"read-through", func(t *traffic, c cache, i int) {
		key := t.keys[t.zipf[i%len(t.zipf)]]
		if _, ok := c.Get(key); !ok {
			c.Set(key, t.value)
		}
	}},
	{"hit", func(t *traffic, c cache, i int) {
		c.Get(t.keys[t.hot[i%len(t.hot)]])
	}},
	{"set-evict", func(t *traffic, c cache, i int) {
		c.Set(t.keys[t.uniform[i%len(t.uniform)]], t.value)
	}},
	{"mixed", func(t *traffic, c cache, i int) {
		key := t.keys[t.zipf[i%len(t.zipf)]]
		if i%4 == 3 {
			c.Set(key, t.value)
		} else {
			c.Get(key)
		}
	}},
}

// BenchmarkCache runs the contenders in turns, so that whatever else the machine does meets all of
// them. One iteration is one round of 100,000 operations for each: use -benchtime=41x. It reports
// each contender's median ns per operation, and as x-name the median of our time over its time in
// the same round.
func BenchmarkCache(b *testing.B) {
	t := newTraffic()
	for _, w := range workloads {
		for _, goroutines := range []int{1, 2, 8} {
			b.Run(fmt.Sprintf("%s/g=%d", w.name, goroutines), func(b *testing.B) {
				caches := make([]cache, len(contenders))
				for i := range caches {
					caches[i] = contenders[i].new(cacheCapacity)
					warm(t, caches[i], w.name == "hit")
				}
				runtime.GC()
				took := make([][]float64, len(caches))
				for round := 0; b.Loop(); round++ {
					for i := range caches {
						n := (round + i) % len(caches)
						took[n] = append(took[n], runWorkload(t, caches[n], w.op, goroutines, round))
					}
				}
				reportTurns(b, took)
			})
		}
	}
}

// warm fills c: with the hot keys if these are to be hits, else with whatever the zipf draws give.
func warm(t *traffic, c cache, hot bool) {
	for i := range cacheCapacity / 2 {
		c.Set(t.keys[i], t.value)
	}
	if hot {
		return
	}
	for _, k := range t.zipf {
		if _, ok := c.Get(t.keys[k]); !ok {
			c.Set(t.keys[k], t.value)
		}
	}
}

// runWorkload returns the wall time of an operation in nanoseconds.
func runWorkload(
	t *traffic, c cache, op func(*traffic, cache, int), goroutines, round int,
) float64 {
	const ops = 100_000
	var wg sync.WaitGroup
	start := time.Now()
	for g := range goroutines {
		wg.Go(func() {
			from := round*ops + g*(ops/goroutines)
			for i := range ops / goroutines {
				op(t, c, from+i)
			}
		})
	}
	wg.Wait()
	return float64(time.Since(start)) / ops
}

func reportTurns(b *testing.B, took [][]float64) {
	b.ReportMetric(0, "ns/op")
	for i, c := range contenders {
		b.ReportMetric(median(took[i]), c.name+"-ns")
		if i > 0 {
			ratios := make([]float64, len(took[i]))
			for r := range ratios {
				ratios[r] = took[0][r] / took[i][r]
			}
			b.ReportMetric(median(ratios), "x-"+c.name)
		}
	}
}

func median(xs []float64) float64 {
	sorted := slices.Sorted(slices.Values(xs))
	return sorted[len(sorted)/2]
}

// BenchmarkCacheHitRate reports the share of hits, in percent, over 2,000,000 zipf reads through a
// warm cache.
func BenchmarkCacheHitRate(b *testing.B) {
	t := newTraffic()
	for _, contender := range contenders {
		b.Run(contender.name, func(b *testing.B) {
			for b.Loop() {
				c := contender.new(cacheCapacity)
				warm(t, c, false)
				hits := 0
				for _, k := range t.zipf {
					if _, ok := c.Get(t.keys[k]); ok {
						hits++
					} else {
						c.Set(t.keys[k], t.value)
					}
				}
				b.ReportMetric(100*float64(hits)/float64(len(t.zipf)), "%hits")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkCacheMemory reports the bytes a cache adds per entry when it holds 1,000,000, keys and
// values apart.
func BenchmarkCacheMemory(b *testing.B) {
	t := newTraffic()
	for _, contender := range contenders {
		b.Run(contender.name, func(b *testing.B) {
			for b.Loop() {
				before := liveBytes()
				c := contender.new(cacheKeys)
				for _, key := range t.keys {
					c.Set(key, t.value)
				}
				b.ReportMetric(float64(liveBytes()-before)/cacheKeys, "B/entry")
				runtime.KeepAlive(c)
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

func liveBytes() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
