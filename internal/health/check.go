package health

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync/atomic"
	"time"
)

// A Status is how something is. The order from good to bad is Healthy, Degraded, Unhealthy.
type Status string

// Statuses.
const (
	Pending   Status = "pending" // not known yet
	Healthy   Status = "healthy"
	Degraded  Status = "degraded"
	Unhealthy Status = "unhealthy"
)

func (s Status) rank() int {
	switch s {
	case Healthy:
		return 1
	case Degraded:
		return 2
	case Unhealthy:
		return 3
	}
	return 0
}

// Worse reports whether s is worse than other.
func (s Status) Worse(other Status) bool { return s.rank() > other.rank() }

func (s Status) bad() bool { return s.rank() > Healthy.rank() }

// NoShard is the Shard of a Reading that is about the whole process.
const NoShard = -1

// A Reading is what a check has found. The zero Status is Healthy.
type Reading struct {
	Shard     int // or NoShard
	Status    Status
	Value     float64
	Threshold float64
	Unit      string
	Message   string
}

// A Check looks at something. Name and Run must be set, the rest has defaults in Config.
type Check struct {
	Name     string
	Run      func(context.Context) ([]Reading, error) // an error is one unhealthy Reading
	Interval time.Duration
	Timeout  time.Duration
}

// check is a Check with what is known from it. Monitor.mu guards the fields after running.
type check struct {
	Check
	log     *slog.Logger
	running atomic.Pointer[time.Time] // since when, or nil

	series   map[int]*series // by shard
	history  []Status        // the last historyLen, oldest first
	lastRun  time.Time
	duration time.Duration
}

// historyLen is how many runs are remembered: at the usual 15 s it is a quarter of an hour.
const historyLen = 60

// call runs the check once, within its timeout. ok is false if ctx ended, or if the check is just
// being run for somebody else.
func (c *check) call(ctx context.Context) (readings []Reading, ok bool) {
	start := time.Now()
	if !c.running.CompareAndSwap(nil, &start) {
		since := c.running.Load()
		if since == nil || start.Sub(*since) < c.Timeout {
			return nil, false
		}
		return failed("the check does not return; it was begun at %s",
			since.UTC().Format(time.TimeOnly)), true
	}
	runCtx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	done := make(chan []Reading, 1)
	go func() {
		readings := c.contained(runCtx)
		c.running.Store(nil) // before anybody who waits can run it again
		done <- readings
	}()
	select {
	case readings = <-done:
	case <-runCtx.Done():
		readings = failed("no answer within %v", c.Timeout)
	}
	return readings, ctx.Err() == nil
}

// contained turns an error or a panic into a reading.
func (c *check) contained(ctx context.Context) (readings []Reading) {
	defer func() {
		if v := recover(); v != nil {
			c.log.Error("a health check panicked", "check", c.Name, "panic", v,
				"stack", string(debug.Stack()))
			readings = failed("the check panicked: %v", v)
		}
	}()
	readings, err := c.Run(ctx)
	if err != nil {
		return failed("%v", err)
	}
	for i := range readings {
		if readings[i].Status == "" {
			readings[i].Status = Healthy
		}
	}
	return readings
}

func failed(format string, args ...any) []Reading {
	return []Reading{{
		Shard: NoShard, Status: Unhealthy, Message: fmt.Sprintf(format, args...)}}
}

// record takes the readings of one run. It reports whether a problem began or ended, and whether
// a series is between two statuses.
func (c *check) record(readings []Reading, rules rules, now time.Time) (changed, unsettled bool) {
	seen := make(map[int]bool, len(readings))
	worst := Healthy
	for _, r := range readings {
		seen[r.Shard] = true
		if r.Status.Worse(worst) {
			worst = r.Status
		}
		s := c.series[r.Shard]
		if s == nil {
			s = &series{}
			c.series[r.Shard] = s
		}
		changed = s.record(r, rules, now) || changed
		unsettled = unsettled || s.unsettled()
	}
	for shard, s := range c.series {
		if seen[shard] {
			continue
		}
		if shard == NoShard { // the check had failed, and now has not
			changed = s.record(Reading{Shard: NoShard, Status: Healthy}, rules, now) || changed
		}
		if shard != NoShard || !s.problem() {
			changed = changed || s.problem()
			delete(c.series, shard)
			continue
		}
		unsettled = true
	}
	if len(c.history) == historyLen {
		c.history = append(c.history[:0], c.history[1:]...)
	}
	c.history = append(c.history, worst)
	return changed, unsettled
}

// rules are the hysteresis.
type rules struct {
	failures, window, successes int
}

// A series is one thing that a check looks at, over time.
type series struct {
	reading   Reading // the last one
	status    Status
	since     time.Time // when status was entered, or began to show
	badSince  time.Time // the first of the last run of bad readings
	confirmed bool      // the rules agree with status; else it is a first impression
	recent    uint64    // a bit per reading, the last one lowest: it was bad
	good      int       // good readings in a row
}

// problem reports whether the series is something to tell of.
func (s *series) problem() bool { return s.confirmed && s.status.bad() }

// unsettled reports whether the next reading may change the status.
func (s *series) unsettled() bool { return !s.confirmed || s.reading.Status.bad() != s.status.bad() }

// record takes a reading and reports whether a problem began, grew or ended.
func (s *series) record(r Reading, rules rules, now time.Time) bool {
	before, problem := s.status, s.problem()
	if r.Status.bad() && !s.reading.Status.bad() {
		s.badSince = now
	}
	s.reading = r
	s.recent <<= 1
	s.good++
	if r.Status.bad() {
		s.recent |= 1
		s.good = 0
	}
	switch {
	case r.Status.bad() && s.failures(rules.window) >= rules.failures:
		s.status, s.confirmed = r.Status, true
	case !r.Status.bad() && (!s.problem() || s.good >= rules.successes):
		s.status, s.confirmed = Healthy, true
	case before == "":
		s.status = r.Status
	}
	if s.status != before {
		s.since = now
		if s.status.bad() && !before.bad() {
			s.since = s.badSince
		}
	}
	return s.problem() != problem || (problem && s.status != before)
}

// failures counts the bad ones among the last readings.
func (s *series) failures(window int) int {
	n := 0
	for i := range window {
		n += int(s.recent >> i & 1)
	}
	return n
}
