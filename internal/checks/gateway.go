package checks

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/botwright/botwright/internal/health"
)

// shards looks at the shards, and remembers how often each was lost.
type shards struct {
	read       func() []Shard
	maxLatency time.Duration

	mu     sync.Mutex
	losses map[int]*health.Losses // guarded by mu
}

func (c *shards) run(context.Context) ([]health.Reading, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.losses == nil {
		c.losses = make(map[int]*health.Losses)
	}
	var readings []health.Reading
	now := time.Now()
	for _, s := range c.read() {
		losses := c.losses[s.ID]
		if losses == nil {
			losses = &health.Losses{}
			c.losses[s.ID] = losses
		}
		r := judgeShard(s, now, c.maxLatency)
		if losses.Note(s.Losses, now) && r.Status == "" {
			r.Status, r.Message = health.Degraded, "lost more than 5 times within an hour"
			r.Value, r.Threshold = 0, 0
		}
		readings = append(readings, r)
	}
	return readings, nil
}

// maxACKAge is how old the last heartbeat's ACK may be: almost three of Discord's intervals.
const maxACKAge = 2 * time.Minute

func judgeShard(s Shard, now time.Time, maxLatency time.Duration) health.Reading {
	r := health.Reading{Shard: s.ID, Value: s.Latency.Seconds(), Threshold: maxLatency.Seconds(),
		Unit: "s"}
	switch {
	case !s.Ready:
		r.Status, r.Message = health.Unhealthy, s.State
		r.Value, r.Threshold = 0, 0
	case !s.ACK.IsZero() && now.Sub(s.ACK) > maxACKAge:
		r.Status = health.Unhealthy
		r.Message = fmt.Sprintf("no heartbeat was acknowledged since %s", s.ACK.UTC().Format(time.TimeOnly))
	case s.Latency > maxLatency:
		r.Status, r.Message = health.Degraded, "high gateway latency"
	case s.Latency == 0:
		r.Message = "ready, no heartbeat yet"
	default:
		r.Message = fmt.Sprintf("ready, latency %v", s.Latency.Round(time.Millisecond))
	}
	return r
}

// briefly leaves out of an error which addresses were connected: shards that fail for one reason
// then have one message.
func briefly(err error) string {
	if system, ok := errors.AsType[*os.SyscallError](err); ok {
		err = system.Err
	}
	return err.Error()
}
