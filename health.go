package botwright

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/alert"
	"github.com/botwright/botwright/internal/checks"
	"github.com/botwright/botwright/internal/group"
	"github.com/botwright/botwright/internal/health"
	"github.com/botwright/botwright/internal/memory"
)

// Health returns the bot's health checks, so that you can register your own and ask for a report.
func (b *Bot) Health() *Health { return b.health }

// A HealthStatus says how something is doing. From good to bad: [Healthy], [Degraded], [Unhealthy].
type HealthStatus string

// Statuses.
const (
	Pending   = HealthStatus(health.Pending)   // not checked yet
	Healthy   = HealthStatus(health.Healthy)   // as it should be
	Degraded  = HealthStatus(health.Degraded)  // it works, but somebody should look
	Unhealthy = HealthStatus(health.Unhealthy) // it does not work
)

// Worse reports whether s is worse than other.
func (s HealthStatus) Worse(other HealthStatus) bool {
	return health.Status(s).Worse(health.Status(other))
}

// A CheckFunc checks one thing. It should return when ctx ends, which is at the check's timeout. An
// error means that the thing is unhealthy, and becomes the message; so does a panic.
type CheckFunc func(ctx context.Context) (CheckResult, error)

// A CheckResult is what a check has found. The zero value is healthy.
type CheckResult struct {
	Status    HealthStatus // "" is Healthy
	Value     float64      // what was measured
	Threshold float64      // beyond which it is not healthy
	Unit      string       // of both: "s", "bytes", "share" (of 1), or a noun such as "entries"
	Message   string       // for people
}

// A CheckOption changes how one check is run: [CheckEvery], [CheckTimeout], [CheckFailures]. The
// zero value changes nothing.
type CheckOption struct{ set func(*health.Check) }

func setOptions(c *health.Check, opts []CheckOption) {
	for _, opt := range opts {
		if opt.set != nil {
			opt.set(c)
		}
	}
}

// CheckEvery sets the interval of a check. It panics if d is not positive.
func CheckEvery(d time.Duration) CheckOption {
	if d <= 0 {
		panic(fmt.Sprintf("botwright: CheckEvery(%v): pass a positive duration", d))
	}
	return CheckOption{func(c *health.Check) { c.Interval = d }}
}

// CheckTimeout sets the timeout of a check. It panics if d is not positive.
func CheckTimeout(d time.Duration) CheckOption {
	if d <= 0 {
		panic(fmt.Sprintf("botwright: CheckTimeout(%v): pass a positive duration", d))
	}
	return CheckOption{func(c *health.Check) { c.Timeout = d }}
}

// CheckFailures makes a check unhealthy after failures bad readings among the last window, instead
// of HealthConfig's Failures and Window. Use 1 of 1 for what must not wait, 5 of 10 for what is
// noisy. It panics unless 1 <= failures <= window <= 64.
func CheckFailures(failures, window int) CheckOption {
	if failures < 1 || window < failures || window > 64 {
		panic(fmt.Sprintf("botwright: CheckFailures(%d, %d): pass 1 <= failures <= window <= 64",
			failures, window))
	}
	return CheckOption{func(c *health.Check) { c.Failures, c.Window = failures, window }}
}

// A Health runs checks and sends alerts when something changes. A Bot has one; see [Bot.Health].
// One made with [NewHealth] works without a Bot, for a bare discordgo session or anything else. Its
// methods may be called from any goroutine.
type Health struct {
	cfg       HealthConfig
	monitor   *health.Monitor
	memory    *memory.Monitor
	receivers []receiver
	ledger    *alert.Ledger
	watching  atomic.Bool // sessions: once
	together  *together   // nil: there are no other processes

	mu     sync.Mutex // guards what follows
	quiet  func() bool
	recent []health.Notice // the last ones, grouped, oldest first
}

// recentAlerts is how many alerts are remembered for the status page.
const recentAlerts = 20

// NewHealth returns a Health with only the check of memory. See [Health.Register], [Health.Watch]
// and [Health.Run]. The error lists everything that is wrong with cfg.
func NewHealth(cfg HealthConfig) (*Health, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("botwright: invalid health configuration:\n%w", err)
	}
	h := newHealth(cfg, memory.New(memory.Config{}), func() {})
	h.watch(checks.Parts{Memory: h.memory.Read})
	return h, nil
}

// newHealth takes a valid config with its defaults. It calls changed when alerts have changed.
func newHealth(cfg HealthConfig, m *memory.Monitor, changed func()) *Health {
	h := &Health{cfg: cfg, memory: m, ledger: alert.NewLedger(changed)}
	for _, a := range cfg.Alerters {
		h.receivers = append(h.receivers, h.newReceiver(a))
	}
	h.monitor = health.New(health.Config{
		Interval: cfg.Interval, Timeout: cfg.Timeout, Confirm: checks.CheapInterval,
		Failures: cfg.Failures, Window: cfg.Window, Successes: cfg.Successes,
		Group: cfg.Group, Repeat: cfg.Repeat,
		Quiet: h.isQuiet, Notify: h.notify, Report: h.publish, Logger: cfg.Logger,
	})
	return h
}

// Register adds a check of your own. You may call it at any time. The name is for people and should
// not change. Register panics if the name is empty or taken, or check is nil.
func (h *Health) Register(name string, check CheckFunc, opts ...CheckOption) {
	if name == "" || check == nil {
		panic("botwright: Register was given no name or no check: pass both")
	}
	c := health.Check{Name: name, Run: func(ctx context.Context) ([]health.Reading, error) {
		r, err := check(ctx)
		return []health.Reading{{Shard: health.NoShard, Status: health.Status(r.Status), Value: r.Value,
			Threshold: r.Threshold, Unit: r.Unit, Message: r.Message}}, err
	}}
	setOptions(&c, opts)
	if !h.monitor.Register(c) {
		panic(fmt.Sprintf("botwright: there is already a health check named %q: "+
			"choose another name, or leave the built-in one out with HealthConfig.Without", name))
	}
}

// watch adds the built-in checks of what there is to look at, except for those to be left out.
func (h *Health) watch(parts checks.Parts) {
	for _, c := range parts.List(h.cfg.limits()) {
		if !slices.Contains(h.cfg.Without, c.Name) {
			setOptions(&c, h.cfg.Checks[c.Name])
			h.monitor.Register(c)
		}
	}
}

// Watch adds the checks gateway, cache and rest for discordgo sessions that no [Bot] runs, one per
// shard. It panics if there are none, and when called a second time.
func (h *Health) Watch(sessions ...*discordgo.Session) {
	if len(sessions) == 0 || slices.Contains(sessions, nil) {
		panic("botwright: Watch was given no session, or a nil one: pass those of all shards")
	}
	if h.watching.Swap(true) {
		panic("botwright: Watch was called twice, or for the Health of a Bot, which has those " +
			"checks: call it once, with the sessions of all shards")
	}
	sessions = slices.Clone(sessions)
	h.watch(checks.Parts{
		Shards: func() []checks.Shard {
			shards := make([]checks.Shard, len(sessions))
			for i, s := range sessions {
				shards[i] = checks.SessionShard(s)
			}
			return shards
		},
		Caches: func() []checks.CacheSize {
			return []checks.CacheSize{{Name: "State", Entries: checks.StateEntries(sessions)}}
		},
		Ask: checks.Asking(sessions[0]),
	})
}

// Run runs the checks, each at its interval, and sends alerts, until ctx is done. It then tries for
// 2 s to deliver what was not delivered, and returns, even if an Alerter does not. Call it once. A
// bot runs its own Health.
func (h *Health) Run(ctx context.Context) {
	sendCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	var sending group.Group
	for _, r := range h.receivers {
		sending.Go("", func() { r.outbox.Run(sendCtx) })
	}
	h.monitor.Run(ctx)
	last := h.monitor.Report()
	last.Stopped = true
	h.publish(last)
	for _, r := range h.receivers {
		r.outbox.Close()
	}
	grace, stop := context.WithTimeout(context.WithoutCancel(ctx), sendGrace+moment)
	defer stop()
	defer time.AfterFunc(sendGrace, cancel).Stop()
	if sending.Wait(grace) != nil {
		h.cfg.Logger.Warn("an alerter does not return; continuing without it")
	}
}

// sendGrace is how long alerts may still be sent when the bot has stopped.
const sendGrace = 2 * time.Second

// Check runs all checks now and returns what they found. It sends no alerts.
func (h *Health) Check(ctx context.Context) HealthReport {
	return h.report(h.monitor.Check(ctx))
}

// Report returns what the checks have found so far. It runs no checks and does not block.
func (h *Health) Report() HealthReport { return h.report(h.monitor.Report()) }

// A HealthReport is the state of all checks.
type HealthReport struct {
	Status   HealthStatus  `json:"status"` // the worst of the checks
	Time     time.Time     `json:"time"`
	Checks   []CheckReport `json:"checks"`
	Problems []Problem     `json:"problems"`          // that were or will be reported
	Name     string        `json:"name"`              // of the process, see HealthConfig
	Stopped  bool          `json:"stopped,omitempty"` // the bot has, at Time
}

// Healthy reports whether every check is healthy.
func (r HealthReport) Healthy() bool { return r.Status == Healthy }

// A CheckReport is the state of one check. A check that looks at every shard reports the worst.
type CheckReport struct {
	Name      string       `json:"name"`
	Status    HealthStatus `json:"status"`
	Value     float64      `json:"value"`
	Threshold float64      `json:"threshold,omitempty"`
	Unit      string       `json:"unit,omitempty"`
	Message   string       `json:"message"`
	Shards    []int        `json:"shards,omitempty"` // those that are not healthy

	TotalShards int `json:"total_shards,omitempty"` // that the check looks at

	Since    time.Time      `json:"since"` // when it entered Status
	LastRun  time.Time      `json:"last_run"`
	Duration time.Duration  `json:"duration_ns"` // of the last run
	History  []HealthStatus `json:"history"`     // of the last runs, oldest first
}

func (h *Health) report(r health.Report) HealthReport {
	report := HealthReport{Status: HealthStatus(r.Status), Time: r.Time, Problems: problems(r.Open),
		Name: h.cfg.Name, Stopped: r.Stopped,
		Checks: make([]CheckReport, 0, len(r.Checks))}
	for _, c := range r.Checks {
		report.Checks = append(report.Checks, newCheckReport(c))
	}
	return report
}

func newCheckReport(c health.CheckReport) CheckReport {
	return CheckReport{Name: c.Name, Status: HealthStatus(c.Status), Value: c.Value,
		Threshold: c.Threshold, Unit: c.Unit, Message: c.Message, Shards: c.Shards,
		TotalShards: c.TotalShards, Since: c.Since, LastRun: c.LastRun, Duration: c.Duration,
		History: statuses[HealthStatus](c.History)}
}

func statuses[To, From ~string](list []From) []To {
	to := make([]To, len(list))
	for i, s := range list {
		to[i] = To(s)
	}
	return to
}

func (r HealthReport) internal() health.Report {
	report := health.Report{Status: health.Status(r.Status), Time: r.Time, Stopped: r.Stopped,
		Open: internalProblems(r.Problems)}
	for _, c := range r.Checks {
		report.Checks = append(report.Checks, c.internal())
	}
	return report
}

func (c CheckReport) internal() health.CheckReport {
	return health.CheckReport{Name: c.Name, Status: health.Status(c.Status), Value: c.Value,
		Threshold: c.Threshold, Unit: c.Unit, Message: c.Message, Shards: c.Shards,
		TotalShards: c.TotalShards, Since: c.Since, LastRun: c.LastRun, Duration: c.Duration,
		History: statuses[health.Status](c.History)}
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
