package health

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"
)

// Config configures a Monitor. Every field but Quiet must be set.
type Config struct {
	Interval  time.Duration // of checks without one
	Timeout   time.Duration // of checks without one
	Confirm   time.Duration // to the next run when a reading disagrees with what is believed
	Failures  int           // of checks without, as are Window and Successes
	Window    int
	Successes int
	Group     time.Duration // from a change to its Notice
	Repeat    time.Duration // from a Notice to the next one of unchanged problems

	// Quiet says that nobody is to be told for now. It must not block. May be nil.
	Quiet func() bool

	// Notify is called with changes, on the goroutines of Run and Announce. It must not block.
	Notify func(Notice)

	// Report is given the state of things after each Notice and once a minute, on the goroutines
	// of Run and Announce. It must not block.
	Report func(Report)

	Logger *slog.Logger
}

// A Monitor runs checks. Its methods may be called from any goroutine; Run only once.
type Monitor struct {
	cfg  Config
	kick chan struct{} // 1 slot: a problem began or ended

	mu      sync.Mutex // guards what follows, and the state of each check
	checks  []*check
	running context.Context // of Run, while it runs
	loops   sync.WaitGroup
	told    map[key]Problem // what Notify was told and not told to be over

	announced map[key]Problem

	// Owned by the goroutine of Run, and before that by Restore.
	restored map[key]bool // of told: by an earlier process, and not looked at since
	lastTold time.Time
}

// New returns a Monitor without checks.
func New(cfg Config) *Monitor {
	return &Monitor{cfg: cfg, kick: make(chan struct{}, 1), told: make(map[key]Problem)}
}

// Register adds a check and reports whether its name was free.
func (m *Monitor) Register(c Check) bool {
	if c.Interval == 0 {
		c.Interval = m.cfg.Interval
	}
	if c.Timeout == 0 {
		c.Timeout = m.cfg.Timeout
	}
	if c.Failures == 0 {
		c.Failures, c.Window = m.cfg.Failures, m.cfg.Window
	}
	if c.Successes == 0 {
		c.Successes = m.cfg.Successes
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if slices.ContainsFunc(m.checks, func(x *check) bool { return x.Name == c.Name }) {
		return false
	}
	added := &check{Check: c, log: m.cfg.Logger, series: make(map[int]*series)}
	m.checks = append(m.checks, added)
	if m.running != nil && m.running.Err() == nil {
		ctx := m.running
		m.loops.Go(func() { m.loop(ctx, added) })
	}
	return true
}

// Run runs the checks until ctx is done.
func (m *Monitor) Run(ctx context.Context) {
	m.mu.Lock()
	m.running = ctx
	for _, c := range m.checks {
		m.loops.Go(func() { m.loop(ctx, c) })
	}
	m.mu.Unlock()
	m.notices(ctx)
	m.mu.Lock() // a Register that saw Run running has added its loop
	m.running = nil
	m.mu.Unlock()
	m.loops.Wait()
}

// loop runs one check again and again.
func (m *Monitor) loop(ctx context.Context, c *check) {
	for {
		wait := c.Interval
		if m.run(ctx, c) {
			wait = min(wait, m.cfg.Confirm)
		}
		if !sleep(ctx, wait) {
			return
		}
	}
}

// run runs a check once. It reports whether the next run is urgent.
func (m *Monitor) run(ctx context.Context, c *check) (unsettled bool) {
	start := time.Now()
	found, ok := c.call(ctx)
	if !ok {
		return false
	}
	now := time.Now()
	m.mu.Lock()
	c.lastRun, c.duration = now, now.Sub(start)
	changed, unsettled := c.record(found, now)
	m.mu.Unlock()
	if changed {
		select {
		case m.kick <- struct{}{}:
		default:
		}
	}
	return unsettled
}

// Check runs all checks now and returns when they are done or ctx ends.
func (m *Monitor) Check(ctx context.Context) Report {
	m.mu.Lock()
	checks := slices.Clone(m.checks)
	m.mu.Unlock()
	var runs sync.WaitGroup
	for _, c := range checks {
		runs.Go(func() { m.run(ctx, c) })
	}
	runs.Wait()
	return m.Report()
}

// A Report is the state of all checks.
type Report struct {
	Status Status // the worst one
	Time   time.Time
	Checks []CheckReport
	Open   []Problem

	Stopped bool // by then nothing is looked at any more
}

// A CheckReport is the state of one check. Over shards it is that of the worst one.
type CheckReport struct {
	Name        string
	Status      Status
	Value       float64
	Threshold   float64
	Unit        string
	Message     string
	Shards      []int // those that are not healthy
	TotalShards int   // that the check looks at
	Since       time.Time
	LastRun     time.Time
	Duration    time.Duration
	History     []Status
}

// Report returns the state of things, without running anything.
func (m *Monitor) Report() Report {
	m.mu.Lock()
	defer m.mu.Unlock()
	report := Report{Status: Pending, Time: time.Now()}
	for _, c := range m.checks {
		r := c.report()
		if r.Status.Worse(report.Status) {
			report.Status = r.Status
		}
		report.Checks = append(report.Checks, r)
	}
	report.Open = Group(slices.Collect(maps.Values(m.openLocked(report.Time))))
	return report
}

func (c *check) report() CheckReport {
	r := CheckReport{
		Name: c.Name, Status: Pending, TotalShards: c.shards(), LastRun: c.lastRun, Duration: c.duration,
		History: slices.Clone(c.history),
	}
	if !c.lastRun.IsZero() && len(c.series) == 0 {
		r.Status = Healthy
	}
	var problems []Problem
	for _, shard := range slices.Sorted(maps.Keys(c.series)) {
		s := c.series[shard]
		if s.status.bad() {
			problems = append(problems, c.problem(s))
		}
		// Among equals the one that is furthest up is the one worth showing.
		worse := s.status.Worse(r.Status)
		if worse || (s.status == r.Status && s.reading.Value > r.Value) {
			r.Status, r.Value, r.Since = s.status, s.reading.Value, s.since
			r.Threshold, r.Unit, r.Message = s.reading.Threshold, s.reading.Unit, s.reading.Message
		}
	}
	for _, p := range Group(problems) {
		r.Shards = append(r.Shards, p.Shards...)
		if p.Status == r.Status {
			r.Message, r.Since = p.Message, p.Since
		}
	}
	slices.Sort(r.Shards)
	if len(r.Shards) == 0 && len(c.series) > 1 {
		r.Message = fmt.Sprintf("%d shards are fine", len(c.series))
	}
	return r
}

func (c *check) problem(s *series) Problem {
	p := Problem{
		Check: c.Name, Status: s.status, Value: s.reading.Value, Threshold: s.reading.Threshold,
		Unit: s.reading.Unit, Message: s.reading.Message, Since: s.since,
		Worst: worse(s.status, s.worst), TotalShards: c.shards(),
	}
	if s.reading.Shard != NoShard {
		p.Shards = []int{s.reading.Shard}
	}
	return p
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Recovering reports whether all that is not healthy was found well by its last run, which has yet
// to be confirmed.
func (r Report) Recovering() bool {
	for _, c := range r.Checks {
		if c.Status.bad() && !c.Recovering() {
			return false
		}
	}
	return true
}

// Recovering reports whether the check was found well by its last run, which has yet to be confirmed.
func (r CheckReport) Recovering() bool {
	last := len(r.History) - 1
	return r.Status.bad() && last >= 0 && r.History[last] == Healthy
}
