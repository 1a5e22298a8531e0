package botwright

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/botwright/botwright/internal/memory"
	"github.com/botwright/botwright/internal/tick"
)

// ResourceConfig configures [WithResources]. Zero fields have their defaults.
type ResourceConfig struct {
	// Interval is how often a line is logged and memory is compared with its limit. Default: 1m.
	Interval time.Duration

	// MaxMemory is the number of bytes from which memory counts as high. A warning is logged once,
	// and a second line when memory is a tenth below that again. It is compared with
	// Resources.MemoryUsed. Default: 80 % of the limit (see [WithMemoryLimit]), or 500 MiB without
	// a limit, which is plenty for a thousand guilds.
	MaxMemory int64
}

// WithResources logs the process's CPU and memory once a minute, and warns when memory is high.
// [Bot.Report] and [WithMetrics] have the same figures without it.
func WithResources(cfg ResourceConfig) Option {
	return func(c *config) {
		if p := negative(map[string]int64{
			"Interval": int64(cfg.Interval), "MaxMemory": cfg.MaxMemory}); p != "" {
			c.problem("WithResources", "%s", p)
		}
		setDefault(&cfg.Interval, time.Minute)
		c.resources = &cfg
	}
}

// watchResources logs what the process uses, until ctx is done.
func watchResources(ctx context.Context, b *Bot) {
	high := false // the last that was said
	tick.Every(ctx, b.cfg.resources.Interval, func() {
		log, r := b.cfg.logger, b.Report().Resources
		log.Info("resources", "process", r)
		if r.MemoryHigh == high {
			return
		}
		if high = r.MemoryHigh; high {
			log.Warn("memory is high: raise the limit, keep less, or find what grows in a "+
				"heap profile", "process", r, "from_bytes", b.memory.Read().Warn)
			return
		}
		log.Info("memory is no longer high", "process", r)
	})
}

// maxMemory is from how many bytes on memory counts as high; 0 leaves it to the limit.
func (c *config) maxMemory() int64 {
	if c.resources == nil {
		return 0
	}
	return c.resources.MaxMemory
}

// Resources says how much memory and CPU the process uses. What the system does not report is 0.
type Resources struct {
	RSS     int64 `json:"rss_bytes"`  // in RAM; on Linux
	Heap    int64 `json:"heap_bytes"` // objects, live or not yet collected
	Live    int64 `json:"live_bytes"` // of them, what the last garbage collection found in use
	GoTotal int64 `json:"go_bytes"`   // what Go has from the system, touched or not

	// MemoryUsed is what counts against the limit, see [WithMemoryLimit]; without one it is RSS.
	MemoryUsed  int64  `json:"memory_used_bytes"`
	MemoryLimit int64  `json:"memory_limit_bytes"` // what the process may use, if limited
	LimitSource string `json:"memory_limit_source,omitempty"`
	MemoryHigh  bool   `json:"memory_high"` // see ResourceConfig.MaxMemory

	UserCPU    time.Duration `json:"user_cpu_ns"`   // time in the program's own code
	SystemCPU  time.Duration `json:"system_cpu_ns"` // and in the kernel
	CPUPercent float64       `json:"cpu_percent"`   // of one CPU, of late; see Bot.Report

	Goroutines int           `json:"goroutines"`
	GCs        uint64        `json:"gcs"`         // garbage collections so far
	GCPause    time.Duration `json:"gc_pause_ns"` // for which they stopped the program, in all
}

// String returns a line for people.
func (r Resources) String() string {
	memory := mebibytes(r.MemoryUsed)
	if r.MemoryLimit > 0 {
		memory += " of " + mebibytes(r.MemoryLimit)
	}
	return fmt.Sprintf("memory %s (heap %s), CPU %.1f %% (user %v, system %v), %d goroutines",
		memory, mebibytes(r.Heap), r.CPUPercent, r.UserCPU.Round(time.Second/10),
		r.SystemCPU.Round(time.Second/10), r.Goroutines)
}

// tenths rounds to one decimal.
func tenths(x float64) float64 { return math.Round(x*10) / 10 }

func mebibytes(n int64) string { return fmt.Sprintf("%d MiB", n>>20) }

// LogValue implements slog.LogValuer.
func (r Resources) LogValue() slog.Value {
	return slog.GroupValue(
		slog.Int64("rss_bytes", r.RSS), slog.Int64("heap_bytes", r.Heap),
		slog.Int64("live_bytes", r.Live), slog.Int64("go_bytes", r.GoTotal),
		slog.Int64("memory_used_bytes", r.MemoryUsed),
		slog.Int64("memory_limit_bytes", r.MemoryLimit), slog.Bool("memory_high", r.MemoryHigh),
		slog.String("user_cpu", r.UserCPU.String()),
		slog.String("system_cpu", r.SystemCPU.String()),
		slog.Float64("cpu_percent", tenths(r.CPUPercent)),
		slog.Int("goroutines", r.Goroutines),
		slog.Uint64("gcs", r.GCs), slog.String("gc_pause", r.GCPause.String()),
	)
}

func (b *Bot) readResources() Resources {
	u := b.memory.Read()
	return Resources{
		RSS: u.RSS, Heap: u.Heap, Live: u.Live, GoTotal: u.Go, MemoryUsed: u.Used,
		MemoryLimit: u.Limit.Max, LimitSource: u.Limit.Source, MemoryHigh: u.High,
		UserCPU: u.UserCPU, SystemCPU: u.SystemCPU,
		Goroutines: u.Goroutines, GCs: u.GCs, GCPause: u.GCPause,
	}
}

// WithMemoryLimit sets how much memory the process may use, in bytes. When 80 % of it is in use,
// the bot shrinks its caches ([WithCache]) and the messages and members in State by a quarter, from
// 90 % on by half, and from 95 % on as far as it can. It checks every 10 s, so that what keeps
// growing is shrunk again, and logs what changes. If shrinking frees nothing, the bot says so once
// and leaves the caches alone until more is used. Guilds, channels, roles and the members of
// StatePolicy.KeepOverLimit stay.
//
// Garbage does not count, nor does memory that was asked for and never touched. Health checks,
// reports and metrics use the same limit.
//
// Default: the limit of the container (its cgroup) or GOMEMLIMIT, whichever is less. Without
// either, nothing is shrunk. [NoLimit] turns it off. What counts against the container's limit is
// the process's RAM, including garbage: set GOMEMLIMIT to nine tenths of that limit, so that the
// garbage collector knows about it.
func WithMemoryLimit(bytes int64) Option {
	return func(c *config) {
		if bytes < NoLimit || bytes == 0 {
			c.problem("WithMemoryLimit", "%d bytes is not a limit: pass a positive number, "+
				"or NoLimit to turn it off", bytes)
		}
		c.memoryLimit = bytes
	}
}

// A MemoryPressure says how much memory was in use at the last check.
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
