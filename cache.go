package botwright

import (
	"context"
	"time"
)

// A Cache is what a bot keeps within bounds for its owner; see [WithCache]. Every [TTLCache] is
// one.
type Cache interface {
	// Sweep looks at up to budget entries, removes those that have expired and returns how many
	// those were. Calls go on where the last one stopped.
	Sweep(budget int) int

	// Shrink gives up the given share, from 0 to 1, of the entries, and returns how many.
	Shrink(share float64) int

	// Stats says what the cache holds and has done.
	Stats() TTLCacheStats
}

type namedCache struct {
	name  string
	cache Cache
}

// WithCache adds a cache that the bot looks after: it sweeps it, a little each second, shrinks it when
// memory runs out, see [WithMemoryLimit], and shows it as [Bot.ObserveCache] does. The name is
// for logs, metrics and the Caches of a [Report].
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

const (
	tendInterval   = time.Second      // a little often: no pass over all at once
	sweepBudget    = 1024             // entries of a cache each time: some 50 µs
	memoryInterval = 10 * time.Second // reading memory is cheap; what grows, grows over minutes
)

// tend returns what looks after caches, State and memory. Each is by itself: an OnEvict that hangs
// must not keep the bot from noticing that memory runs out.
func (c *config) tend() {
	c.runs("sweep of caches", func(ctx context.Context, _ *Bot) {
		atOnceAndEvery(ctx, tendInterval, func() {
			for _, c := range c.caches {
				c.cache.Sweep(sweepBudget)
			}
		})
	})
	c.runs("sweep of State", func(ctx context.Context, b *Bot) {
		sweeper := &stateSweeper{bot: b}
		atOnceAndEvery(ctx, tendInterval, sweeper.sweep)
	})
	c.runs("memory guard", func(ctx context.Context, b *Bot) {
		atOnceAndEvery(ctx, memoryInterval, b.guard.Look)
	})
}

// atOnceAndEvery calls f now and each time d has passed, until ctx is done.
func atOnceAndEvery(ctx context.Context, d time.Duration, f func()) {
	f()
	every(ctx, d, f)
}

// A stateSweeper sweeps the guilds of State in turn, so that each has its turn once in a
// StatePolicy.SweepInterval.
type stateSweeper struct {
	bot  *Bot
	todo []func() // a sweep of one guild each
	each int      // how many at a time
}

func (s *stateSweeper) sweep() {
	policy := s.bot.cfg.state.internal()
	if !policy.Sweeps() {
		return
	}
	if len(s.todo) == 0 {
		for _, shard := range s.bot.ownShards() {
			for _, id := range shard.guildIDs() {
				s.todo = append(s.todo, func() {
					shard.tend(func() { shard.state.Sweep(id) })
				})
			}
		}
		turns := max(1, int(s.bot.cfg.state.SweepInterval/tendInterval))
		s.each = (len(s.todo) + turns - 1) / turns
	}
	n := min(s.each, len(s.todo))
	for _, sweep := range s.todo[:n] {
		sweep()
	}
	s.todo = s.todo[n:]
}

// guildIDs returns the guilds in the shard's State.
func (s *shard) guildIDs() []string {
	if s.state == nil {
		return nil
	}
	return s.state.GuildIDs()
}
