package botwright

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/botwright/botwright/internal/tick"
)

// ResourceConfig configures the watch over what the process uses. Each zero field is its default.
type ResourceConfig struct {
	// Interval is how often a line is logged and the memory compared with its limit. The default
	// is a minute.
	Interval time.Duration

	// MaxMemory is from how many bytes on memory counts as high, which is logged as a warning
	// once, and once more when it is a tenth below that again. It is compared with
	// Resources.MemoryUsed. The default is 80 % of the limit, see [WithMemoryLimit]; without one,
	// 500 MiB, which is plenty for a thousand guilds.
	MaxMemory int64
}

// WithResources logs what the process uses of the machine, once a minute, and warns when its
// memory is high. [Bot.Report] and [WithMetrics] tell the same without it.
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

func watchResources(ctx context.Context, b *Bot) {
	w := resourceWatch{bot: b}
	tick.Every(ctx, b.cfg.resources.Interval, w.look)
}

// maxMemory is from how many bytes on memory counts as high; 0 leaves it to the limit.
func (c *config) maxMemory() int64 {
	if c.resources == nil {
		return 0
	}
	return c.resources.MaxMemory
}

// Resources is what the process uses of the machine. What the system does not tell is 0.
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

// A resourceWatch logs what the process uses.
type resourceWatch struct {
	bot  *Bot
	high bool // the last that was said
}

func (w *resourceWatch) look() {
	log, r := w.bot.cfg.logger, w.bot.Report().Resources
	log.Info("resources", "process", r)
	if r.MemoryHigh == w.high {
		return
	}
	if w.high = r.MemoryHigh; w.high {
		log.Warn("memory is high: raise the limit, keep less, or look for what grows in a "+
			"heap profile", "process", r, "from_bytes", w.bot.memory.Read().Warn)
		return
	}
	log.Info("memory is no longer high", "process", r)
}
