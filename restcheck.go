package botwright

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/traffic"
)

// A restCheck judges Discord's API by the calls that the bot makes. It asks by itself when there
// are none, and when there are too few to tell whether one that failed means anything.
type restCheck struct {
	health  *Health
	session *discordgo.Session // to ask with
	traffic *traffic.Sensor    // nil: only by asking
}

const (
	enoughCalls    = 5   // in a minute, to judge by
	failingCalls   = 0.1 // the share of calls that may fail
	mostlyNoAnswer = 0.5 // the share at which the API does not work
)

// watchREST adds the check. With nothing but its own questions it runs at HealthConfig.Interval.
func (h *Health) watchREST(c *restCheck) {
	if slices.Contains(h.cfg.Without, checkREST) {
		return
	}
	opts := h.cfg.Checks[checkREST]
	if c.traffic != nil {
		opts = append([]CheckOption{CheckEvery(min(cheapInterval, h.cfg.Interval))}, opts...)
	}
	h.Register(checkREST, c.run, opts...)
}

func (c *restCheck) run(ctx context.Context) (CheckResult, error) {
	if c.traffic == nil {
		return c.ask(ctx)
	}
	t := c.traffic.Sample()
	switch {
	case t.Calls >= enoughCalls, t.Calls > 0 && t.Failed == 0:
		return c.judge(t), nil
	case t.Calls == 0 && time.Since(t.Last) < c.health.cfg.Interval:
		return CheckResult{Message: fmt.Sprintf("last answered at %s",
			t.Last.UTC().Format("15:04:05 MST"))}, nil
	}
	return c.ask(ctx)
}

func (c *restCheck) judge(t traffic.Sample) CheckResult {
	r := c.result(t.Mean)
	r.Message = fmt.Sprintf("%d calls in a minute, answered in %v", t.Calls,
		t.Mean.Round(time.Millisecond))
	if t.Failed == 0 {
		return r
	}
	r.Message = fmt.Sprintf("%d of %d calls in a minute failed, last: %s", t.Failed, t.Calls, t.Error)
	switch share := float64(t.Failed) / float64(t.Calls); {
	case share >= mostlyNoAnswer:
		r.Status = Unhealthy
	case share > failingCalls:
		r.Status = Degraded
	}
	return r
}

// ask asks Discord who the bot is.
func (c *restCheck) ask(ctx context.Context) (CheckResult, error) {
	start := time.Now()
	_, err := c.session.User("@me", discordgo.WithContext(ctx),
		discordgo.WithRetryOnRatelimit(false), discordgo.WithRestRetries(0))
	r := c.result(time.Since(start))
	if err != nil {
		return r, fmt.Errorf("ask Discord who the bot is: %w", err)
	}
	return r, nil
}

func (c *restCheck) result(latency time.Duration) CheckResult {
	r := CheckResult{Value: latency.Seconds(), Threshold: c.health.cfg.MaxRESTLatency.Seconds(),
		Unit: "s", Message: fmt.Sprintf("answered in %v", latency.Round(time.Millisecond))}
	if latency > c.health.cfg.MaxRESTLatency {
		r.Status = Degraded
	}
	return r
}
