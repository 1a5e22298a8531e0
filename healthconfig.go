package botwright

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/botwright/botwright/internal/checks"
	"github.com/botwright/botwright/internal/health"
	"github.com/botwright/botwright/internal/session"
)

// HealthConfig says how health is checked and who gets alerts. Zero fields have their defaults.
type HealthConfig struct {
	// Interval is the time between two runs of a check. Default: 5m. Built-in checks that make no
	// request (all except rest) run every 15s, or at Interval if that is shorter. A surprising
	// reading is confirmed after the same time.
	Interval time.Duration

	// Timeout is how long one run may take. Default: 10s, twice the slowest healthy answer of
	// Discord. A check that takes longer is unhealthy.
	Timeout time.Duration

	// A check becomes unhealthy after Failures bad readings among the last Window, and healthy
	// after Successes good ones in a row. Defaults: 2 of 3, and 2, so that one slow heartbeat or
	// one resumed connection wakes nobody.
	Failures, Window, Successes int

	// Alerters get the alerts. Default, for nil: a [SlogAlerter] and, if the environment variable
	// HEALTH_WEBHOOK is set, a [WebhookAlerter]. An empty slice means no alerters.
	Alerters []Alerter

	// Group is how long changes are collected into one alert. Default: 5s, because shards that fail
	// together are noticed within a second or two.
	Group time.Duration

	// Repeat is the time after which an alert for open problems is repeated. Default: 1h.
	Repeat time.Duration

	// Startup is how long the first start may take: the checks begin when all shards are ready, or
	// when this time is up. Default: 10m plus 5s for each shard, which is how fast Discord lets
	// shards identify.
	Startup time.Duration

	// Name identifies the process in alerts. Default: the host's name.
	Name string

	// Limits of the built-in checks.

	// MaxLatency is the limit of a heartbeat's latency, over the last five. Default: 1s.
	MaxLatency time.Duration
	// MaxRESTLatency is the limit for an answer of Discord's API. Default: 5s.
	MaxRESTLatency time.Duration
	// MaxMemory is the share of the memory limit that may be used; see [WithMemoryLimit] for the
	// limit and what counts against it. Default: 0.8, above which the garbage collector starts to
	// use a lot of CPU.
	MaxMemory float64
	// MaxCacheEntries is the limit for caches that have no limit of their own. Default: 100,000.
	MaxCacheEntries int
	// MaxQueue is how full the queue of events may be, as a share. Default: 0.8. At 1 the bot stops
	// reading.
	MaxQueue float64
	// MaxHandlerErrors is the share of events whose handlers may fail, over 5 min. Default: 0.1.
	MaxHandlerErrors float64
	// MinIdentifies is the share of the day's IDENTIFYs that should remain. Default: 0.2.
	MinIdentifies float64

	// Checks changes how built-in checks run, by name: their interval, timeout and failures.
	Checks map[string][]CheckOption

	// Without names built-in checks to leave out: gateway, memory, cache, rest, invalid_requests,
	// identify, queue, handlers, sessions, captures.
	Without []string

	// Logger is for a Health without a Bot; a bot's Health uses the bot's logger. Default:
	// [slog.Default].
	Logger *slog.Logger
}

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

func (c *HealthConfig) limits() checks.Limits {
	return checks.Limits{Interval: c.Interval, MaxLatency: c.MaxLatency,
		MaxRESTLatency: c.MaxRESTLatency, MaxMemory: c.MaxMemory,
		MaxCacheEntries: c.MaxCacheEntries, MaxQueue: c.MaxQueue,
		MaxHandlerErrors: c.MaxHandlerErrors, MinIdentifies: c.MinIdentifies}
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
	if p := negative(map[string]int64{
		"Interval": int64(c.Interval), "Timeout": int64(c.Timeout), "Group": int64(c.Group),
		"Repeat": int64(c.Repeat), "Startup": int64(c.Startup), "MaxLatency": int64(c.MaxLatency),
		"MaxRESTLatency": int64(c.MaxRESTLatency), "MaxCacheEntries": int64(c.MaxCacheEntries),
	}); p != "" {
		problems = append(problems, errors.New(p))
	}
	if c.Failures < 1 || c.Window < c.Failures || c.Window > 64 || c.Successes < 1 {
		problems = append(problems, fmt.Errorf("failures cannot be judged by Failures %d, Window %d and Successes %d: "+
			"Failures must be at most Window, and that at most 64", c.Failures, c.Window, c.Successes))
	}
	for _, f := range []struct {
		name  string
		share float64
	}{
		{"MaxMemory", c.MaxMemory}, {"MaxQueue", c.MaxQueue},
		{"MaxHandlerErrors", c.MaxHandlerErrors}, {"MinIdentifies", c.MinIdentifies},
	} {
		if f.share < 0 || f.share > 1 {
			problems = append(problems, fmt.Errorf("%s is %v, not a share between 0 and 1",
				f.name, f.share))
		}
	}
	for name := range c.Checks {
		if !slices.Contains(checks.Names(), name) {
			problems = append(problems, fmt.Errorf("there is no built-in check %q (Checks)", name))
		}
	}
	for _, name := range c.Without {
		if !slices.Contains(checks.Names(), name) {
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

// WithHealth makes the bot check its health and send alerts. Without it, the checks run only for
// the pages of [WithAdmin], and no alerts are sent.
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
	if c.admin.Gatherer == nil {
		c.admin.Gatherer, _ = c.registerer.(prometheus.Gatherer)
	}
}

// checksRun reports whether the bot runs the checks by itself.
func (c *config) checksRun() bool { return c.healthSet || c.adminSet }

// healthParts are what the checks of a bot look at.
func (b *Bot) healthParts() checks.Parts {
	parts := checks.Parts{
		Shards: func() (shards []checks.Shard) {
			for _, st := range b.gatewayStatuses() {
				shards = append(shards, checks.ShardOf(st))
			}
			return shards
		},
		Memory: b.memory.Read, Caches: b.cacheSizes,
		Ask: checks.Asking(b.probeSession()), Traffic: &b.traffic,
		Requests: b.rest.Stats, Identifies: b.gate.Budget,
		Queue: b.runner.Stats, QueueLimits: b.cfg.queue.internal(), Oldest: b.oldestWaiting,
		Failures: b.runner.Failures,
	}
	if b.cfg.sessionStore != nil {
		parts.Sessions = func() session.Failure { failure, _ := b.saver.Failure(); return failure }
	}
	if b.profiler.cfg.CaptureDir != "" {
		parts.Captures = b.profiler.unwritable
	}
	return parts
}

// probeSession returns a session to ask Discord with, at any time: the bot's own is changed when
// the bot opens. It has the same client and limits.
func (b *Bot) probeSession() *discordgo.Session {
	return &discordgo.Session{
		Token: b.session.Token, Client: b.session.Client, Ratelimiter: b.session.Ratelimiter,
		UserAgent: b.session.UserAgent,
	}
}

// storageFailures counts what could not be written, by what it was.
func (b *Bot) storageFailures() map[string]uint64 {
	_, sessions := b.saver.Failure()
	captures, _ := b.profiler.captureFailures()
	return map[string]uint64{checks.Sessions: sessions, checks.Captures: captures}
}

// runHealth runs the checks beside the shards, once the bot has started: until then there is
// nothing to be said. Nothing is told of an orderly stop.
func (b *Bot) runHealth(ctx context.Context) {
	defer close(b.healthEnded)
	b.awaitStart(ctx)
	b.health.setQuiet(b.stopping)
	b.health.Run(ctx)
}

// awaitStart waits until all shards are ready, but no longer than a start may take.
func (b *Bot) awaitStart(ctx context.Context) {
	begun := time.Now()
	look := time.NewTicker(time.Second)
	defer look.Stop()
	_ = b.changes.Await(ctx, look.C, func(bool) (bool, error) {
		limit := b.cfg.health.Startup
		if limit == 0 {
			limit = 10*time.Minute + time.Duration(len(b.Shards()))*5*time.Second
		}
		return b.ready.Load() || time.Since(begun) >= limit, nil
	})
}

// announceFatal tells that a shard cannot go on.
func (h *Health) announceFatal(shards int, err error) {
	p := health.Problem{Check: checks.Gateway, TotalShards: shards, Status: health.Unhealthy,
		Worst: health.Unhealthy, Message: err.Error()}
	if refused, ok := errors.AsType[*ShardError](err); ok {
		p.Shards = []int{refused.ShardID}
	}
	h.monitor.Announce(health.Fatal, p)
}
