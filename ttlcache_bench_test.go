package botwright_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/botwright/botwright"
)

// The bench module compares TTLCache with its peers; these follow its own calls.
const (
	benchCacheSize = 1 << 16
	benchCacheMask = benchCacheSize - 1
)

// newBenchCache returns a cache, full with the first half of keys.
func newBenchCache(
	cfg botwright.TTLCacheConfig[string, *int],
) (c *botwright.TTLCache[string, *int], keys []string) {
	cfg.MaxSize = benchCacheSize
	c = botwright.NewTTLCache(cfg)
	keys = make([]string, 2*benchCacheSize)
	for i := range keys {
		keys[i] = fmt.Sprintf("%018d", i*7919)
	}
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(keys), func(i, j int) {
		keys[i], keys[j] = keys[j], keys[i]
	})
	for _, key := range keys[:benchCacheSize] {
		c.Set(key, new(int))
	}
	return c, keys
}

func BenchmarkTTLCache(b *testing.B) {
	value := new(int)
	ctx := context.Background()
	type cache = *botwright.TTLCache[string, *int]
	for _, bm := range []struct {
		name string
		cfg  botwright.TTLCacheConfig[string, *int]
		op   func(c cache, keys []string, i int)
	}{
		{"Get", botwright.TTLCacheConfig[string, *int]{}, func(c cache, keys []string, i int) {
			c.Get(keys[i&benchCacheMask])
		}},
		{"Get sliding", botwright.TTLCacheConfig[string, *int]{Sliding: true},
			func(c cache, keys []string, i int) { c.Get(keys[i&benchCacheMask]) }},
		{"Get miss", botwright.TTLCacheConfig[string, *int]{},
			func(c cache, keys []string, i int) { c.Get(keys[benchCacheSize+i&benchCacheMask]) }},
		{"Load hit", botwright.TTLCacheConfig[string, *int]{},
			func(c cache, keys []string, i int) { _, _ = c.Load(ctx, keys[i&benchCacheMask], nil) }},
		{"Set old", botwright.TTLCacheConfig[string, *int]{},
			func(c cache, keys []string, i int) { c.Set(keys[i&benchCacheMask], value) }},
		{"Set and evict", botwright.TTLCacheConfig[string, *int]{},
			func(c cache, keys []string, i int) { c.Set(keys[i&(2*benchCacheSize-1)], value) }},
		{"Set and OnEvict", botwright.TTLCacheConfig[string, *int]{
			OnEvict: func(string, *int, botwright.EvictReason) {},
		}, func(c cache, keys []string, i int) { c.Set(keys[i&(2*benchCacheSize-1)], value) }},
	} {
		b.Run(bm.name, func(b *testing.B) {
			bm.cfg.TTL = time.Hour
			c, keys := newBenchCache(bm.cfg)
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for i := rand.IntN(benchCacheSize); pb.Next(); i++ {
					bm.op(c, keys, i)
				}
			})
		})
	}
}

func BenchmarkTTLCacheLoadMiss(b *testing.B) {
	c := botwright.NewTTLCache(botwright.TTLCacheConfig[int, int]{})
	ctx := context.Background()
	fetch := func(context.Context) (int, error) { return 1, nil }
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		_, _ = c.Load(ctx, i, fetch)
	}
}

func BenchmarkTTLCacheSweep(b *testing.B) {
	c, _ := newBenchCache(botwright.TTLCacheConfig[string, *int]{TTL: time.Hour})
	for b.Loop() {
		c.Sweep(0)
	}
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/benchCacheSize, "ns/entry")
}
