package botwright

import (
	"runtime/debug"
	"runtime/metrics"
	"sync"

	"github.com/botwright/botwright/internal/memlimit"
)

// WithMemoryLimit sets how much memory the process may use, in bytes. When 80 % of it are in use,
// after a garbage collection, the bot shrinks its caches ([WithCache]) and the messages and
// members in State by a quarter; from 90 % on by half; from 95 % on they give up everything that
// they can. It looks every 10 s, so that what goes on to grow is shrunk again, and logs what it
// does. Guilds, channels, roles and the members of StatePolicy.KeepOverLimit stay.
//
// The default is the limit of the container (its cgroup) or GOMEMLIMIT, whichever is less; without
// either nothing is shrunk. [NoLimit] turns it off.
func WithMemoryLimit(bytes int64) Option {
	return func(c *config) {
		if bytes < NoLimit || bytes == 0 {
			c.problem("WithMemoryLimit", "%d bytes is no limit: pass a positive number, "+
				"or NoLimit to turn it off", bytes)
		}
		c.memoryLimit = bytes
	}
}

// findMemoryLimit returns the limit, 0 for none.
func (c *config) findMemoryLimit() int64 {
	switch {
	case c.memoryLimit == NoLimit:
		return 0
	case c.memoryLimit > 0:
		return c.memoryLimit
	}
	limit, _, ok := memlimit.Detect()
	if !ok {
		return 0
	}
	return limit
}

// A MemoryPressure says how memory stands, as of the last look.
type MemoryPressure struct {
	Limit   int64  `json:"limit_bytes"` // 0: none
	Used    int64  `json:"used_bytes"`  // by Go, after a garbage collection if it was much
	Level   int    `json:"level"`       // 0, or the step in percent that was reached: 80, 90, 95
	Shrinks uint64 `json:"shrinks"`     // times that caches were shrunk
}

// MemoryPressure says whether caches are being shrunk; see [WithMemoryLimit].
func (b *Bot) MemoryPressure() MemoryPressure {
	b.pressure.mu.Lock()
	defer b.pressure.mu.Unlock()
	return b.pressure.last
}

// A memoryGuard shrinks caches before the process runs out of memory.
type memoryGuard struct {
	read func() int64 // memory in use; nil for that of the process

	mu   sync.Mutex // guards what follows
	last MemoryPressure
}

// pressureStep is what is done from a level of use on.
type pressureStep struct {
	percent int
	share   float64 // of caches to give up
}

// stepFor returns what is to be done. Few steps, far apart: each costs hits later.
func stepFor(used, limit int64) pressureStep {
	switch percent := float64(used) / float64(limit) * 100; {
	case percent >= 95:
		return pressureStep{95, 1}
	case percent >= 90:
		return pressureStep{90, 0.5}
	case percent >= 80:
		return pressureStep{80, 0.25}
	}
	return pressureStep{}
}

// check reads how much memory is in use and does something about it if it is too much.
func (g *memoryGuard) check(b *Bot, limit int64) {
	if limit == 0 {
		return
	}
	used := g.used()
	if stepFor(used, limit).percent > 0 {
		// Most of it may be garbage, the more so with a GOMEMLIMIT.
		debug.FreeOSMemory()
		used = g.used()
	}
	step := stepFor(used, limit)
	g.mu.Lock()
	before := g.last.Level
	g.last.Limit, g.last.Used, g.last.Level = limit, used, step.percent
	if step.percent > 0 {
		g.last.Shrinks++
	}
	g.mu.Unlock()
	log := b.cfg.logger.With("used_bytes", used, "limit_bytes", limit)
	if step.percent == 0 {
		if before > 0 {
			log.Info("memory is no longer short: caches may grow again")
		}
		return
	}
	log.Warn("memory is running out: shrinking caches and State",
		"percent", step.percent, "share", step.share)
	b.shrink(step.share)
}

// used returns the memory that counts against the limit.
func (g *memoryGuard) used() int64 {
	if g.read != nil {
		return g.read()
	}
	samples := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"},
	}
	metrics.Read(samples)
	return int64(samples[0].Value.Uint64() - samples[1].Value.Uint64())
}

// shrink has caches and State give up a share of what they hold.
func (b *Bot) shrink(share float64) {
	for _, c := range b.cfg.caches {
		n := c.cache.Shrink(share)
		b.cfg.logger.Info("cache shrunk", "cache", c.name, "entries", n)
	}
	for _, s := range b.ownShards() {
		for _, id := range s.guildIDs() {
			s.tend(func() { s.state.Shrink(id, share) })
		}
	}
}
