package botwright

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/botwright/botwright/internal/checks"
	"github.com/botwright/botwright/internal/metrics"
	"github.com/botwright/botwright/internal/tick"
)

// A Cache is what a bot keeps within bounds for its owner; see [WithCache]. Every [TTLCache] is
// one.
type Cache interface {
	// Sweep checks up to budget entries, removes those that have expired and returns how many it
	// removed. Each call continues where the last one stopped.
	Sweep(budget int) int

	// Shrink removes the given share, from 0 to 1, of the entries, and returns how many it removed.
	Shrink(share float64) int

	// Stats says what the cache holds and has done.
	Stats() TTLCacheStats
}

type namedCache struct {
	name  string
	cache Cache
}

// WithCache adds a cache that the bot takes care of. The bot removes expired entries, a few each
// second, shrinks the cache when memory runs out (see [WithMemoryLimit]), and shows it like
// [Bot.ObserveCache]. The name is for logs, metrics and the Caches of a [Report].
func WithCache(name string, cache Cache) Option {
	return func(c *config) {
		if cache == nil || name == "" {
			c.problem("WithCache", "the cache %q is nil or has no name", name)
			return
		}
		for _, other := range c.caches {
			if other.name == name {
				c.problem("WithCache", "two caches are named %q", name)
			}
		}
		c.caches = append(c.caches, namedCache{name, cache})
	}
}

// ObserveCache shows a cache of yours in the bot's metrics and reports, under a name. stats is
// [TTLCache.Stats] of that cache, or any other function that does not block. It panics if the name
// is empty or taken, or stats is nil.
func (b *Bot) ObserveCache(name string, stats func() TTLCacheStats) {
	b.cacheStats.add("ObserveCache", name, stats)
}

// A CacheReport describes a cache that [Bot.ObserveCache] shows.
type CacheReport struct {
	Name     string  `json:"name"`
	Entries  int     `json:"entries"`
	MaxSize  int     `json:"max_size"`
	HitRatio float64 `json:"hit_ratio"` // from 0 to 1, since the start
}

// cacheReports returns those of all caches, by name.
func (b *Bot) cacheReports() []CacheReport {
	caches := b.cacheStats.read()
	reports := make([]CacheReport, 0, len(caches))
	for _, name := range slices.Sorted(maps.Keys(caches)) {
		s := caches[name]
		r := CacheReport{Name: name, Entries: s.Entries, MaxSize: s.MaxSize}
		if lookups := s.Hits + s.Misses; lookups > 0 {
			r.HitRatio = float64(s.Hits) / float64(lookups)
		}
		reports = append(reports, r)
	}
	return reports
}

// cacheSizes is the same for the check of caches.
func (b *Bot) cacheSizes() (sizes []checks.CacheSize) {
	for _, c := range b.cacheReports() {
		sizes = append(sizes, checks.CacheSize{Name: c.Name, Entries: c.Entries, MaxSize: c.MaxSize})
	}
	return sizes
}

// cacheMetrics is the same for the metrics.
func (b *Bot) cacheMetrics() map[string]metrics.Cache {
	all := make(map[string]metrics.Cache)
	for name, s := range b.cacheStats.read() {
		evictions := make(map[string]uint64)
		for reason, n := range s.Evictions {
			evictions[reason.String()] += n
		}
		all[name] = metrics.Cache{Hits: s.Hits, Misses: s.Misses, Loads: s.Loads,
			LoadErrors: s.LoadErrors, Entries: s.Entries, MaxSize: s.MaxSize, Evictions: evictions}
	}
	return all
}

const (
	tendInterval   = time.Second      // a little often: no pass over all at once
	sweepBudget    = 1024             // entries of a cache each time: some 50 µs
	memoryInterval = 10 * time.Second // reading memory is cheap; what grows, grows over minutes
)

// tend adds what looks after caches, State and memory. Each is by itself: an OnEvict that hangs
// must not keep the bot from noticing that memory runs out.
func (c *config) tend() {
	c.runs("sweep of caches", func(ctx context.Context, _ *Bot) {
		tick.Now(ctx, tendInterval, func() {
			for _, c := range c.caches {
				c.cache.Sweep(sweepBudget)
			}
		})
	})
	c.runs("sweep of State", func(ctx context.Context, b *Bot) {
		if policy := c.state.internal(); policy.Sweeps() {
			turns := tick.Turns{Jobs: b.stateSweeps, Of: int(c.state.SweepInterval / tendInterval)}
			tick.Now(ctx, tendInterval, turns.Next)
		}
	})
	c.runs("memory guard", func(ctx context.Context, b *Bot) {
		tick.Now(ctx, memoryInterval, b.guard.Look)
	})
}

// stateSweeps returns a sweep of each guild in State.
func (b *Bot) stateSweeps() (sweeps []func()) {
	for _, s := range b.ownShards() {
		for _, id := range s.guildIDs() {
			sweeps = append(sweeps, func() { s.tend(func() { s.state.Sweep(id) }) })
		}
	}
	return sweeps
}

// guildIDs returns the guilds in the shard's State.
func (s *shard) guildIDs() []string {
	if s.state == nil {
		return nil
	}
	return s.state.GuildIDs()
}
