package botwright

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/botwright/botwright/internal/health"
)

// HealthConfig says how health is checked and who is told. Each zero field is its default.
type HealthConfig struct {
	// Interval is the time between two runs of a check. The default is 5 min. Built-in checks that
	// only read memory (all but rest) run every 15 s, or at Interval if that is shorter, and a
	// reading that contradicts what was believed is confirmed as soon.
	Interval time.Duration

	// Timeout is how long one run may take. The default is 10 s, twice the slowest answer of
	// Discord that counts as healthy. A check that takes longer is unhealthy.
	Timeout time.Duration

	// A check becomes unhealthy with Failures bad readings among the last Window, and healthy
	// with Successes good ones in a row. The defaults are 2 of 3, and 2: one slow heartbeat or one
	// resumed connection wakes nobody.
	Failures, Window, Successes int

	// Alerters are told of changes. The default, for nil, is a [SlogAlerter] and, if the
	// environment variable HEALTH_WEBHOOK is set, a [WebhookAlerter]. For none at all give an
	// empty slice.
	Alerters []Alerter

	// Group is how long changes are gathered so that what belongs together is one alert. The
	// default is 5 s: shards that fall together are seen to fall within a second or two.
	Group time.Duration

	// Repeat is the time after which problems that are still there are told again. The default
	// is 1 h.
	Repeat time.Duration

	// Startup is how long the first start may take before problems are told: until all shards
	// are ready, or this time is up. The default is 10 min and 5 s for each shard, which is how
	// fast Discord lets shards identify.
	Startup time.Duration

	// Name tells one process from another in alerts. The default is the host's name.
	Name string

	// Limits of the built-in checks.

	// MaxLatency is the limit of a heartbeat's latency, over the last five. Default 1 s.
	MaxLatency time.Duration
	// MaxRESTLatency is the limit for an answer of Discord's API. Default 5 s.
	MaxRESTLatency time.Duration
	// MaxMemory is the share of the memory limit (GOMEMLIMIT or the cgroup's, whichever is lower)
	// that may be used. Default 0.8: above it the garbage collector begins to take the CPU.
	MaxMemory float64
	// MaxCacheEntries is how many entries all caches together may have. Default 100,000.
	MaxCacheEntries int
	// MaxQueue is how full the queue of events may be, as a share. Default 0.8: at 1 the bot stops
	// reading.
	MaxQueue float64
	// MaxHandlerErrors is the share of events whose handlers may fail, over 5 min. Default 0.1.
	MaxHandlerErrors float64
	// MinIdentifies is the share of the day's IDENTIFYs that should be left. Default 0.2.
	MinIdentifies float64

	// Without names built-in checks to leave out: gateway, memory, cache, rest, identify, queue,
	// handlers.
	Without []string

	// Logger is used by a Health of its own; a bot's uses the bot's. The default is
	// [slog.Default].
	Logger *slog.Logger
}

// cheapInterval is the interval of checks that only read memory: often enough that a dead shard
// is told within a minute.
const cheapInterval = 15 * time.Second

func (c HealthConfig) withDefaults() HealthConfig {
	setDefault(&c.Interval, 5*time.Minute)
	setDefault(&c.Timeout, 10*time.Second)
	setDefault(&c.Failures, 2)
	setDefault(&c.Window, max(c.Failures, 3))
	setDefault(&c.Successes, 2)
	setDefault(&c.Group, 5*time.Second)
	setDefault(&c.Repeat, time.Hour)
	setDefault(&c.MaxLatency, time.Second)
	setDefault(&c.MaxRESTLatency, 5*time.Second)
	setDefault(&c.MaxMemory, 0.8)
	setDefault(&c.MaxCacheEntries, 100_000)
	setDefault(&c.MaxQueue, 0.8)
	setDefault(&c.MaxHandlerErrors, 0.1)
	setDefault(&c.MinIdentifies, 0.2)
	if c.Name == "" {
		c.Name, _ = os.Hostname()
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Alerters == nil {
		c.Alerters = []Alerter{SlogAlerter{Logger: c.Logger}}
		if os.Getenv(webhookEnv) != "" {
			c.Alerters = append(c.Alerters, &WebhookAlerter{})
		}
	}
	return c
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// validate is for a config with its defaults.
func (c HealthConfig) validate() error {
	var problems []error
	for _, d := range []time.Duration{c.Interval, c.Timeout, c.Group, c.Repeat, c.Startup,
		c.MaxLatency, c.MaxRESTLatency} {
		if d < 0 {
			problems = append(problems, fmt.Errorf("%v is not a positive duration", d))
		}
	}
	if c.Failures < 1 || c.Window < c.Failures || c.Window > 64 || c.Successes < 1 {
		problems = append(problems, fmt.Errorf("%d failures of %d and %d successes cannot be: "+
			"Failures must be at most Window, and that at most 64", c.Failures, c.Window, c.Successes))
	}
	for _, share := range []float64{c.MaxMemory, c.MaxQueue, c.MaxHandlerErrors, c.MinIdentifies} {
		if share < 0 || share > 1 {
			problems = append(problems, fmt.Errorf("%v is not a share between 0 and 1", share))
		}
	}
	for _, name := range c.Without {
		if !slices.Contains(builtinChecks(), name) {
			problems = append(problems, fmt.Errorf("there is no check %q to leave out (Without)", name))
		}
	}
	for _, a := range c.Alerters {
		if a == nil {
			problems = append(problems, errors.New("an alerter is nil: leave it out"))
		}
		if w, ok := a.(*WebhookAlerter); ok {
			problems = append(problems, w.prepare(c.Logger))
		}
	}
	return errors.Join(problems...)
}

// WithHealth has the bot check its health and tell of problems. Without it the checks run only
// when asked for, as by the admin server.
func WithHealth(cfg HealthConfig) Option {
	return func(c *config) { c.health, c.healthSet = cfg, true }
}

// setOperations completes and checks the configuration of what runs beside the shards.
func (c *config) setOperations() {
	if c.health.Logger == nil {
		c.health.Logger = c.logger
	}
	if !c.healthSet {
		c.health.Alerters = []Alerter{}
	}
	c.health = c.health.withDefaults()
	if err := c.health.validate(); err != nil {
		c.problem("WithHealth", "%w", err)
	}
	if c.healthSet {
		c.tasks = append(c.tasks, func(ctx context.Context, b *Bot) { b.runHealth(ctx) })
	}
	if c.adminSet {
		c.tasks = append(c.tasks, func(ctx context.Context, b *Bot) { b.admin.run(ctx) })
	}
}

// Health returns the bot's health: to register checks of the program's own, and to ask how it is.
func (b *Bot) Health() *Health { return b.health }

// runHealth runs the checks beside the shards. It tells nothing before the bot has started, and
// nothing of an orderly stop.
func (b *Bot) runHealth(ctx context.Context) {
	begun := time.Now()
	b.health.setQuiet(func() bool {
		startup := b.cfg.health.Startup
		if startup == 0 {
			startup = 10*time.Minute + time.Duration(len(b.Shards()))*5*time.Second
		}
		return b.stopping() || !(b.ready.Load() || time.Since(begun) > startup)
	})
	b.health.Run(ctx)
}

// A HealthStatus is how something is; from good to bad: [Healthy], [Degraded], [Unhealthy].
type HealthStatus = health.Status

// Statuses.
const (
	Pending   = health.Pending   // not checked yet
	Healthy   = health.Healthy   //
	Degraded  = health.Degraded  // it works, but somebody should look
	Unhealthy = health.Unhealthy // it does not work
)

// A CheckFunc looks at one thing. It should heed ctx, which ends with the check's timeout. An
// error means that the thing is unhealthy, with the error as the message; so does a panic.
type CheckFunc func(ctx context.Context) (CheckResult, error)

// A CheckResult is what a check has found. The zero value is healthy.
type CheckResult struct {
	Status    HealthStatus // "" is Healthy
	Value     float64      // what was measured
	Threshold float64      // beyond which it is not healthy
	Unit      string       // of both: "s", "bytes", "share" (of 1), or a noun such as "entries"
	Message   string       // for people
}

// A CheckOption changes how one check is run.
type CheckOption func(*health.Check)

// CheckEvery sets the interval of a check. It panics if d is not positive.
func CheckEvery(d time.Duration) CheckOption {
	if d <= 0 {
		panic(fmt.Sprintf("botwright: CheckEvery(%v): pass a positive duration", d))
	}
	return func(c *health.Check) { c.Interval = d }
}

// CheckTimeout sets the timeout of a check. It panics if d is not positive.
func CheckTimeout(d time.Duration) CheckOption {
	if d <= 0 {
		panic(fmt.Sprintf("botwright: CheckTimeout(%v): pass a positive duration", d))
	}
	return func(c *health.Check) { c.Timeout = d }
}

// A Health runs checks and tells of what changes. A [Bot] has one, see [Bot.Health]; one made with
// [NewHealth] works without, for a bare discordgo session or for anything else. Its methods may be
// called from any goroutine.
type Health struct {
	cfg     HealthConfig
	monitor *health.Monitor
	outbox  []*outbox

	mu     sync.Mutex // guards what follows
	quiet  func() bool
	recent []Alert // the last ones, oldest first
}

// recentAlerts is how many alerts are remembered for the status page.
const recentAlerts = 20

// NewHealth returns a Health with the check of memory and no other. See [Health.Register],
// [Health.Watch] and [Health.Run]. The error lists everything that is wrong with cfg.
func NewHealth(cfg HealthConfig) (*Health, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("botwright: invalid health configuration:\n%w", err)
	}
	h := newHealth(cfg)
	h.builtin(checkMemory, h.checkMemory)
	return h, nil
}

// newHealth takes a valid config with its defaults.
func newHealth(cfg HealthConfig) *Health {
	h := &Health{cfg: cfg}
	for _, a := range cfg.Alerters {
		h.outbox = append(h.outbox, newOutbox(a, cfg.Logger))
	}
	h.monitor = health.New(health.Config{
		Interval: cfg.Interval, Timeout: cfg.Timeout, Confirm: cheapInterval,
		Failures: cfg.Failures, Window: cfg.Window, Successes: cfg.Successes,
		Group: cfg.Group, Repeat: cfg.Repeat,
		Quiet: h.isQuiet, Notify: h.notify, Report: h.publish, Logger: cfg.Logger,
	})
	return h
}

// Register adds a check of the program's own, at any time. The name is for people and should
// stay the same. Register panics if the name is empty or taken, or check is nil.
func (h *Health) Register(name string, check CheckFunc, opts ...CheckOption) {
	if name == "" || check == nil {
		panic("botwright: Register was given no name or no check: pass both")
	}
	c := health.Check{Name: name, Run: func(ctx context.Context) ([]health.Reading, error) {
		r, err := check(ctx)
		return []health.Reading{r.reading(health.NoShard)}, err
	}}
	for _, opt := range opts {
		opt(&c)
	}
	if !h.monitor.Register(c) {
		panic(fmt.Sprintf("botwright: a health check named %q is there already: "+
			"choose another name, or leave the built-in one out with HealthConfig.Without", name))
	}
}

func (r CheckResult) reading(shard int) health.Reading {
	return health.Reading{Shard: shard, Status: r.Status, Value: r.Value, Threshold: r.Threshold,
		Unit: r.Unit, Message: r.Message}
}

// Run runs the checks, each at its interval, and tells of changes, until ctx is done. Alerts that
// are on their way then get 2 s to arrive. It may be called once; a bot's is run by the bot.
func (h *Health) Run(ctx context.Context) {
	var sending sync.WaitGroup
	for _, o := range h.outbox {
		sending.Go(func() { o.run(ctx) })
	}
	h.monitor.Run(ctx)
	sending.Wait()
}

// Check runs all checks now and returns what they found. Alerts are not sent by it.
func (h *Health) Check(ctx context.Context) HealthReport {
	return h.report(h.monitor.Check(ctx))
}

// Report returns what the checks have found so far. It runs and waits for nothing.
func (h *Health) Report() HealthReport { return h.report(h.monitor.Report()) }

// A HealthReport is the state of all checks.
type HealthReport struct {
	Status   HealthStatus  `json:"status"` // the worst of the checks
	Time     time.Time     `json:"time"`
	Checks   []CheckReport `json:"checks"`
	Problems []Problem     `json:"problems"` // that were or will be told of
}

// Healthy reports whether every check is healthy.
func (r HealthReport) Healthy() bool { return r.Status == Healthy }

// A CheckReport is the state of one check. A check that looks at every shard reports the worst.
type CheckReport struct {
	Name      string         `json:"name"`
	Status    HealthStatus   `json:"status"`
	Value     float64        `json:"value"`
	Threshold float64        `json:"threshold,omitempty"`
	Unit      string         `json:"unit,omitempty"`
	Message   string         `json:"message"`
	Shards    []int          `json:"shards,omitempty"` // those that are not healthy
	Since     time.Time      `json:"since"`            // when it entered Status
	LastRun   time.Time      `json:"last_run"`
	Duration  time.Duration  `json:"duration_ns"` // of the last run
	History   []HealthStatus `json:"history"`     // of the last runs, oldest first
}

func (h *Health) report(r health.Report) HealthReport {
	report := HealthReport{Status: r.Status, Time: r.Time, Problems: problems(r.Open),
		Checks: make([]CheckReport, 0, len(r.Checks))}
	for _, c := range r.Checks {
		report.Checks = append(report.Checks, CheckReport(c))
	}
	return report
}

func (h *Health) setQuiet(quiet func() bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.quiet = quiet
}

func (h *Health) isQuiet() bool {
	h.mu.Lock()
	quiet := h.quiet
	h.mu.Unlock()
	return quiet != nil && quiet()
}
