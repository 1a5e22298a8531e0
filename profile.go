package botwright

import (
	"context"
	"errors"
	"log/slog"
	"runtime/metrics"
	"runtime/pprof"
	"runtime/trace"
	"sync"
	"time"

	"github.com/botwright/botwright/internal/profile"
	"github.com/botwright/botwright/internal/redact"
	"github.com/botwright/botwright/internal/runner"
)

// ProfilerConfig configures a [Profiler]. Zero fields have their defaults.
type ProfilerConfig struct {
	// Slow is how long an operation may take. Default: 5s, when an interaction has been lost for
	// two seconds.
	Slow time.Duration

	// CaptureDir is the directory for captures, which show what the process was doing when an
	// operation became slow. It is created when needed. Default: no captures.
	CaptureDir string

	// CaptureEvery is the minimum time between two automatic captures. Default: 5m, because what is
	// slow is usually slow many times, and one capture explains it.
	CaptureEvery time.Duration

	// MaxCaptureBytes is how large all captures may be together before the oldest are deleted.
	// Default: 256 MiB, about twenty captures.
	MaxCaptureBytes int64

	// CPUProfile is how long a capture records a CPU profile. Default: 2s, in which a busy CPU is
	// sampled 200 times. A negative value disables it.
	CPUProfile time.Duration

	// MaxNames is how many operations have their own statistics; all others are counted as "other".
	// Default: 256, at about 4 KiB each.
	MaxNames int

	// Logger logs slow operations and captures. Default: the bot's logger, or [slog.Default].
	Logger *slog.Logger
}

// problem returns what is wrong with the configuration, or "".
func (c ProfilerConfig) problem() string {
	return negative(map[string]int64{
		"Slow": int64(c.Slow), "CaptureEvery": int64(c.CaptureEvery),
		"MaxCaptureBytes": c.MaxCaptureBytes, "MaxNames": int64(c.MaxNames),
	})
}

func (c ProfilerConfig) withDefaults() ProfilerConfig {
	setDefault(&c.Slow, 5*time.Second)
	setDefault(&c.CaptureEvery, 5*time.Minute)
	setDefault(&c.MaxCaptureBytes, 256<<20)
	setDefault(&c.CPUProfile, 2*time.Second)
	setDefault(&c.MaxNames, 256)
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

// WithProfiler profiles every handler under its function's name, and captures what the process is
// doing when one is slow; see [Bot.Profiler]. The [ErrorHandler] gets a [*SlowHandlerError] for a
// slow handler, and the profiler's Logger logs nothing more, unless QueueConfig.Slow turns these
// reports off. If you set Slow here and not in [QueueConfig], it counts for both.
func WithProfiler(cfg ProfilerConfig) Option {
	return func(c *config) {
		if p := cfg.problem(); p != "" {
			c.problem("WithProfiler", "%s", p)
		}
		c.profiler = &cfg
	}
}

// newProfiler returns the bot's profiler, which without WithProfiler profiles what it is given and
// nothing else.
func (b *Bot) newProfiler() *Profiler {
	var cfg ProfilerConfig
	if b.cfg.profiler != nil {
		cfg = *b.cfg.profiler
	}
	if cfg.Logger == nil {
		cfg.Logger = b.cfg.logger
	}
	p := NewProfiler(cfg)
	if b.cfg.profiler != nil {
		log := cfg.Logger
		if b.cfg.queue.Slow > 0 {
			log = slog.New(slog.DiscardHandler) // the watchdog reports slow handlers
		}
		b.runner.Handlers.Instrument(p.measure(log))
	}
	return p
}

// Profiler returns the bot's profiler, for operations other than handlers. It exists with and
// without [WithProfiler].
func (b *Bot) Profiler() *Profiler { return b.profiler }

// A Profiler measures operations, keeps statistics, and reports slow ones. Its methods may be
// called from any goroutine. Measuring an operation costs one or two microseconds.
type Profiler struct {
	cfg        ProfilerConfig
	operations *profile.Operations
	directory  profile.Directory
	recorder   *trace.FlightRecorder
	breaches   chan string   // 1 slot: the name of an operation that has become slow
	capturing  chan struct{} // 1 slot: a capture is being made

	mu            sync.Mutex // guards what follows
	unwritten     error      // why the last capture could not be written; nil if it could
	writeFailures uint64
}

// NewProfiler returns a Profiler. It starts nothing; see [Profiler.Run]. It panics if a field other
// than CPUProfile is negative.
func NewProfiler(cfg ProfilerConfig) *Profiler {
	mustBe("NewProfiler", cfg.problem())
	cfg = cfg.withDefaults()
	return &Profiler{
		cfg:        cfg,
		operations: profile.NewOperations(cfg.MaxNames),
		directory:  profile.Directory{Path: cfg.CaptureDir, MaxBytes: cfg.MaxCaptureBytes},
		recorder: trace.NewFlightRecorder(trace.FlightRecorderConfig{
			MinAge:   cfg.Slow + time.Second, // to show how a slow operation began
			MaxBytes: 8 << 20,                // which is reached first in a busy process
		}),
		breaches:  make(chan string, 1),
		capturing: make(chan struct{}, 1),
	}
}

// Do calls fn as an operation of that name and returns its error. Meanwhile the goroutine has the
// pprof label "operation", and the execution trace has a region. Use few names; see
// [ProfilerConfig.MaxNames]. A panic in fn counts as an error and is passed on.
func (p *Profiler) Do(
	ctx context.Context, name string, fn func(context.Context) error,
) error {
	return p.do(ctx, name, p.cfg.Logger, fn)
}

// do is Do with a logger for what is slow.
func (p *Profiler) do(
	ctx context.Context, name string, log *slog.Logger, fn func(context.Context) error,
) (err error) {
	op := p.operations.Get(name)
	op.Begin()
	start, allocated, failed := time.Now(), allocatedBytes(), true
	slow := time.AfterFunc(p.cfg.Slow, func() { p.breach(op, log) })
	defer func() {
		took, allocated := time.Since(start), allocatedBytes()-allocated
		slow.Stop()
		op.End(took, allocated, failed)
		if took >= p.cfg.Slow {
			log.WarnContext(ctx, "slow operation ended", "operation", op.Name,
				"took", took.Round(time.Millisecond).String(), "process_allocated_bytes", allocated,
				"error", redact.Error(err))
		}
	}()
	pprof.Do(ctx, pprof.Labels("operation", op.Name), func(ctx context.Context) {
		defer trace.StartRegion(ctx, op.Name).End()
		err = fn(ctx)
	})
	failed = err != nil
	return err
}

// allocatedBytes returns how much the process has allocated so far, which no goroutine has to
// itself.
func allocatedBytes() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// breach notes that an operation has become slow. It runs while the operation still does, so
// that a capture shows where it is.
func (p *Profiler) breach(op *profile.Operation, log *slog.Logger) {
	op.Slow()
	log.Warn("operation is slow", "operation", op.Name, "running_for", p.cfg.Slow.String())
	select {
	case p.breaches <- op.Name:
	default:
	}
}

// Middleware profiles handlers as operations that are named after the event type, for a bot
// without [WithProfiler] or for a few handlers only.
func (p *Profiler) Middleware() Middleware {
	return func(next Handler) Handler {
		return func(ctx context.Context, e *Event) error {
			return p.Do(ctx, e.Type, func(ctx context.Context) error { return next(ctx, e) })
		}
	}
}

// measure returns what profiles a handler under its name. Its log says whether a handler is slow,
// unless others do.
func (p *Profiler) measure(log *slog.Logger) runner.Probe[*Event] {
	return func(r *registration, next runner.Func[*Event]) runner.Func[*Event] {
		return func(ctx context.Context, e *Event) error {
			return p.do(ctx, r.Name, log, func(ctx context.Context) error { return next(ctx, e) })
		}
	}
}

// OperationStats describes the calls of an operation since the start. The percentiles are upper
// bounds, at most 7 % too high.
type OperationStats struct {
	Name    string        `json:"name"`
	Running int           `json:"running"` // calls that have not returned
	Count   uint64        `json:"count"`   // calls that have
	Errors  uint64        `json:"errors"`  // of those, with an error or a panic
	Slow    uint64        `json:"slow"`    // calls that took longer than ProfilerConfig.Slow
	Total   time.Duration `json:"total_ns"`
	P50     time.Duration `json:"p50_ns"`
	P95     time.Duration `json:"p95_ns"`
	P99     time.Duration `json:"p99_ns"`
	Max     time.Duration `json:"max_ns"`

	// AllocatedBytes is what the whole process allocated while the operation ran. Operations that
	// run at the same time each count all of it.
	AllocatedBytes uint64 `json:"process_allocated_bytes"`
}

// Snapshot returns the statistics of all operations, by name.
func (p *Profiler) Snapshot() []OperationStats {
	all := p.operations.Snapshot()
	stats := make([]OperationStats, len(all))
	for i, s := range all {
		stats[i] = OperationStats(s)
	}
	return stats
}

// Run records the execution trace and makes a capture when an operation becomes slow, at most one
// per [ProfilerConfig.CaptureEvery], until ctx is done. A bot with [WithProfiler] does this itself.
// Without a CaptureDir, Run only waits.
//
// Go has one flight recorder per process. If something else uses it, captures have no trace. It
// costs one or two percent of CPU time.
func (p *Profiler) Run(ctx context.Context) {
	if p.cfg.CaptureDir == "" {
		<-ctx.Done()
		return
	}
	if err := p.recorder.Start(); err != nil {
		p.cfg.Logger.Warn("captures will have no execution trace", "error", err)
	} else {
		defer p.recorder.Stop()
	}
	var last time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case name := <-p.breaches:
			if !last.IsZero() && time.Since(last) < p.cfg.CaptureEvery {
				continue
			}
			last = time.Now()
			dir, err := p.Capture(ctx)
			if dir == "" {
				continue // it is logged once, by noteWrite
			}
			if err != nil {
				p.cfg.Logger.Warn("capture is incomplete", "dir", dir, "error", err)
			}
			p.cfg.Logger.Warn("captured what a slow operation was doing",
				"operation", name, "dir", dir)
		}
	}
}

// Capture writes what the process is doing into a new directory in ProfilerConfig.CaptureDir, and
// returns its path: goroutines.txt, heap.pprof, cpu.pprof, and during [Profiler.Run] trace.out for
// go tool trace. It takes as long as [ProfilerConfig.CPUProfile], or until ctx ends. The error says
// what is missing from the capture. Captures wait for each other.
func (p *Profiler) Capture(ctx context.Context) (dir string, err error) {
	if p.cfg.CaptureDir == "" {
		return "", errors.New("botwright: no capture without a ProfilerConfig.CaptureDir")
	}
	select {
	case p.capturing <- struct{}{}:
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	defer func() { <-p.capturing }()
	dir, err = p.directory.Capture(ctx, profile.Sources{
		Recorder: p.recorder, CPU: max(p.cfg.CPUProfile, 0)})
	p.noteWrite(err)
	return dir, err
}

// noteWrite notes whether the disk takes captures, and logs when that changes.
func (p *Profiler) noteWrite(err error) {
	if err != nil && !errors.As(err, new(*profile.WriteError)) {
		err = nil // something else went wrong
	}
	p.mu.Lock()
	before := p.unwritten
	p.unwritten = err
	if err != nil {
		p.writeFailures++
	}
	p.mu.Unlock()
	switch {
	case err != nil && before == nil:
		p.cfg.Logger.Error("captures cannot be written", "dir", p.cfg.CaptureDir, "error", err)
	case err == nil && before != nil:
		p.cfg.Logger.Info("captures can be written again", "dir", p.cfg.CaptureDir)
	}
}

// captureFailures returns why captures cannot be written, if so, and how often they could not.
func (p *Profiler) captureFailures() (failures uint64, now error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.writeFailures, p.unwritten
}

// unwritable returns why captures cannot be written, nil if they can. When the last one could not, it
// tries a small file, so that it notices by itself that there is room again.
func (p *Profiler) unwritable() error {
	_, failed := p.captureFailures()
	if failed == nil {
		return nil
	}
	select {
	case p.capturing <- struct{}{}:
		defer func() { <-p.capturing }()
		if p.directory.Probe() == nil {
			p.noteWrite(nil)
			return nil
		}
	default: // a capture is on its way, which will tell
	}
	return failed
}
