package health

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/botwright/botwright/internal/protect"
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

	Failures  int // bad readings among the last Window that make a problem
	Window    int // at most 64
	Successes int // good readings in a row that end it
}

// check is a Check with what is known from it. Monitor.mu guards the fields after running.
type check struct {
	Check
	log     *slog.Logger
	running atomic.Pointer[time.Time] // since when, or nil

	series   map[int]*series // by shard
	flap     flap
	history  []Status // the last historyLen, oldest first
	lastRun  time.Time
	duration time.Duration
}

// historyLen is how many runs are remembered: at the usual 15 s it is a quarter of an hour.
const historyLen = 60

// A finding is what one run of a check came to.
type finding struct {
	readings []Reading
	failed   bool // the check itself did: nothing is known of the shards
}

// call runs the check once, within its timeout. ok is false if ctx ended, or if the check is just
// being run for somebody else.
func (c *check) call(ctx context.Context) (f finding, ok bool) {
	start := time.Now()
	if !c.running.CompareAndSwap(nil, &start) {
		since := c.running.Load()
		if since == nil || start.Sub(*since) < c.Timeout {
			return finding{}, false
		}
		return failed("the check does not return; it was begun at %s",
			since.UTC().Format(time.TimeOnly)), true
	}
	runCtx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	done := make(chan finding, 1)
	go func() {
		found := c.contained(runCtx)
		c.running.Store(nil) // before anybody who waits can run it again
		done <- found
	}()
	select {
	case f = <-done:
	case <-runCtx.Done():
		f = failed("no answer within %v", c.Timeout)
	}
	return f, ctx.Err() == nil
}

// contained turns an error or a panic into a reading.
func (c *check) contained(ctx context.Context) finding {
	var readings []Reading
	err := protect.Call(func() (err error) {
		readings, err = c.Run(ctx)
		return err
	}, func(v any, stack []byte) error {
		c.log.Error("a health check panicked", "check", c.Name, "panic", v,
			"stack", string(stack))
		return fmt.Errorf("the check panicked: %v", v)
	})
	if err != nil {
		return failed("%v", err)
	}
	for i := range readings {
		if readings[i].Status == "" {
			readings[i].Status = Healthy
		}
	}
	return finding{readings: readings}
}

func failed(format string, args ...any) finding {
	return finding{failed: true, readings: []Reading{{
		Shard: NoShard, Status: Unhealthy, Message: fmt.Sprintf(format, args...)}}}
}

// record takes what one run has found. It reports whether a problem began, grew or ended, and
// whether a series is between two statuses.
func (c *check) record(f finding, now time.Time) (changed, unsettled bool) {
	seen := make(map[int]bool, len(f.readings))
	worst := Healthy
	for _, r := range f.readings {
		seen[r.Shard] = true
		if r.Status.Worse(worst) {
			worst = r.Status
		}
		changed = c.take(r, now) || changed
		unsettled = unsettled || c.series[r.Shard].unsettled()
	}
	for shard, s := range c.series {
		switch {
		case seen[shard]:
		case shard == NoShard: // the check had failed, and now has not
			changed = c.take(Reading{Shard: NoShard, Status: Healthy}, now) || changed
			if unsettled = unsettled || s.problem(); !s.problem() {
				delete(c.series, shard)
			}
		case f.failed: // nothing is known of the shard: it keeps its state
		default:
			changed = changed || s.problem()
			delete(c.series, shard)
		}
	}
	if len(c.history) == historyLen {
		c.history = append(c.history[:0], c.history[1:]...)
	}
	c.history = append(c.history, worst)
	return changed, unsettled
}

// take records one reading and reports whether a problem began, grew or ended.
func (c *check) take(r Reading, now time.Time) bool {
	s := c.series[r.Shard]
	if s == nil {
		s = &series{}
		c.series[r.Shard] = s
	}
	what := s.record(r, rules{c.Failures, c.Window, c.Successes}, now)
	c.flap.note(r.Shard, s, what, now)
	return what != same
}

// shards counts the shards that the check looks at.
func (c *check) shards() int {
	n := len(c.series)
	if c.series[NoShard] != nil {
		n--
	}
	return n
}
