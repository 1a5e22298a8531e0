package botwright

import (
	"github.com/botwright/botwright/internal/memory"
)

// WithMemoryLimit sets how much memory the process may use, in bytes. When 80 % of it are in use,
// the bot shrinks its caches ([WithCache]) and the messages and members in State by a quarter; from
// 90 % on by half; from 95 % on they give up everything that they can. It looks every 10 s, so that
// what goes on to grow is shrunk again, and logs what changes. When shrinking frees nothing, it
// says so once and leaves the caches alone until more is used. Guilds, channels, roles and the
// members of StatePolicy.KeepOverLimit stay.
//
// Garbage does not count, nor does memory that was asked for and never touched. Health checks,
// reports and metrics use the same limit.
//
// The default is the limit of the container (its cgroup) or GOMEMLIMIT, whichever is less; without
// either nothing is shrunk. [NoLimit] turns it off. Against the container's limit counts what the
// process has in RAM, garbage included: set GOMEMLIMIT to nine tenths of it, so that the collector
// knows about it.
func WithMemoryLimit(bytes int64) Option {
	return func(c *config) {
		if bytes < NoLimit || bytes == 0 {
			c.problem("WithMemoryLimit", "%d bytes is no limit: pass a positive number, "+
				"or NoLimit to turn it off", bytes)
		}
		c.memoryLimit = bytes
	}
}

// A MemoryPressure says how memory stands, as of the last look.
type MemoryPressure struct {
	Limit   int64  `json:"limit_bytes"` // 0: none
	Used    int64  `json:"used_bytes"`  // what counts against it, see WithMemoryLimit
	Level   int    `json:"level"`       // 0, or the step in percent that was reached: 80, 90, 95
	Shrinks uint64 `json:"shrinks"`     // times that caches were shrunk
}

// MemoryPressure says whether caches are being shrunk; see [WithMemoryLimit].
func (b *Bot) MemoryPressure() MemoryPressure {
	return newPressure(b.guard.Pressure())
}

func newPressure(p memory.Pressure) MemoryPressure {
	return MemoryPressure{Limit: p.Limit, Used: p.Used, Level: p.Level, Shrinks: p.Shrinks}
}

func (b *Bot) newGuard() *memory.Guard {
	return memory.NewGuard(memory.GuardConfig{
		Monitor: b.memory, Shrink: b.shrink, Logger: b.cfg.logger,
	})
}

// shrink has caches and State give up a share of what they hold, and returns how many entries
// that were.
func (b *Bot) shrink(share float64) (entries int) {
	before := b.StateStats().Shrunk
	for _, c := range b.cfg.caches {
		entries += c.cache.Shrink(share)
	}
	for _, s := range b.ownShards() {
		for _, id := range s.guildIDs() {
			s.tend(func() { s.state.Shrink(id, share) })
		}
	}
	return entries + int(b.StateStats().Shrunk-before) //nolint:gosec // not that many
}
