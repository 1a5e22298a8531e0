package checks

import (
	"context"
	"fmt"
	"time"

	"github.com/botwright/botwright/internal/health"
	"github.com/botwright/botwright/internal/rest"
	"github.com/botwright/botwright/internal/traffic"
)

// An api judges Discord's API by the calls that the bot makes. It asks by itself when there are
// none, and when there are too few to tell whether one that failed means anything.
type api struct {
	ask        func(context.Context) error
	traffic    *traffic.Sensor // nil: only by asking
	maxLatency time.Duration
	every      time.Duration // asked anew when nothing was answered for so long
}

const (
	enoughCalls    = 5   // in a minute, to judge by
	failingCalls   = 0.1 // the share of calls that may fail
	mostlyNoAnswer = 0.5 // the share at which the API does not work
)

func (c *api) run(ctx context.Context) ([]health.Reading, error) {
	if c.traffic == nil {
		return c.asked(ctx)
	}
	t := c.traffic.Sample()
	switch {
	case t.Calls >= enoughCalls, t.Calls > 0 && t.Failed == 0:
		return []health.Reading{c.judge(t)}, nil
	case t.Calls == 0 && time.Since(t.Last) < c.every:
		return []health.Reading{{Shard: health.NoShard, Message: fmt.Sprintf("last answered at %s",
			t.Last.UTC().Format("15:04:05 MST"))}}, nil
	}
	return c.asked(ctx)
}

func (c *api) judge(t traffic.Sample) health.Reading {
	r := c.reading(t.Mean)
	r.Message = fmt.Sprintf("%d calls in a minute, answered in %v", t.Calls,
		t.Mean.Round(time.Millisecond))
	if t.Failed == 0 {
		return r
	}
	r.Message = fmt.Sprintf("%d of %d calls in a minute failed, last: %s", t.Failed, t.Calls, t.Error)
	switch share := float64(t.Failed) / float64(t.Calls); {
	case share >= mostlyNoAnswer:
		r.Status = health.Unhealthy
	case share > failingCalls:
		r.Status = health.Degraded
	}
	return r
}

// asked asks Discord who the bot is.
func (c *api) asked(ctx context.Context) ([]health.Reading, error) {
	start := time.Now()
	err := c.ask(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask Discord who the bot is: %w", err)
	}
	return []health.Reading{c.reading(time.Since(start))}, nil
}

func (c *api) reading(latency time.Duration) health.Reading {
	r := health.Reading{Shard: health.NoShard, Value: latency.Seconds(),
		Threshold: c.maxLatency.Seconds(), Unit: "s",
		Message: fmt.Sprintf("answered in %v", latency.Round(time.Millisecond))}
	if latency > c.maxLatency {
		r.Status = health.Degraded
	}
	return r
}

// Invalid requests in 10 minutes from which a bot is degraded and unhealthy: two and seven tenths of
// those for which Discord blocks a host.
const (
	invalidDegraded  = rest.InvalidLimit * 2 / 10
	invalidUnhealthy = rest.InvalidLimit * 7 / 10
)

// judgeInvalid judges the requests that Discord counts towards blocking the host.
func judgeInvalid(st rest.Stats) health.Reading {
	r := health.Reading{Shard: health.NoShard, Value: float64(st.Invalid),
		Threshold: invalidDegraded, Unit: "requests",
		Message: fmt.Sprintf("%d of 10 minutes were answered with 401, 403 or 429", st.Invalid)}
	switch {
	case st.Blocked > 0:
		r.Status = health.Unhealthy
		r.Message = fmt.Sprintf("Cloudflare blocks this host, for %v more: stop what keeps sending "+
			"requests that fail", st.Blocked.Round(time.Second))
	case st.Invalid >= invalidUnhealthy:
		r.Status = health.Unhealthy
		r.Message += "; Discord is about to block this host"
	case st.Invalid >= invalidDegraded:
		r.Status = health.Degraded
	}
	return r
}
