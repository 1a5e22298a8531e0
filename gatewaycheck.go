package botwright

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/health"
)

// A gatewayCheck looks at the shards of a bot, and remembers how often each was lost.
type gatewayCheck struct {
	health *Health
	bot    *Bot

	mu     sync.Mutex
	losses map[int]*health.Losses // guarded by mu
}

func (c *gatewayCheck) run() []health.Reading {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.losses == nil {
		c.losses = make(map[int]*health.Losses)
	}
	var readings []health.Reading
	now := time.Now()
	for _, st := range c.bot.Shards() {
		losses := c.losses[st.ID]
		if losses == nil {
			losses = &health.Losses{}
			c.losses[st.ID] = losses
		}
		r := c.health.shardReading(st)
		if losses.Note(st.Losses, now) && r.Status == "" {
			r.Status, r.Message = health.Degraded, "lost more than 5 times within an hour"
			r.Value, r.Threshold = 0, 0
		}
		readings = append(readings, r)
	}
	return readings
}

// announceFatal tells that a shard cannot go on.
func (h *Health) announceFatal(shards int, err error) {
	p := health.Problem{Check: checkGateway, TotalShards: shards, Status: health.Unhealthy,
		Worst: health.Unhealthy, Message: err.Error()}
	if refused, ok := errors.AsType[*ShardError](err); ok {
		p.Shards = []int{refused.ShardID}
	}
	h.monitor.Announce(health.Fatal, p)
}

func (h *Health) shardReading(st ShardStatus) health.Reading {
	state := string(st.State)
	if st.Err != nil {
		state += ": " + briefly(st.Err)
	}
	return h.gatewayReading(st.ID, st.State == ShardReady, state, st.LastACK, st.AverageLatency)
}

// briefly leaves out of an error which addresses were connected: shards that fail for one reason
// then have one message.
func briefly(err error) string {
	if system, ok := errors.AsType[*os.SyscallError](err); ok {
		err = system.Err
	}
	return err.Error()
}

// maxACKAge is how old the last heartbeat's ACK may be: almost three of Discord's intervals.
const maxACKAge = 2 * time.Minute

// sessionReading looks at a session of discordgo's own. Its HeartbeatLatency reads without a lock
// what the heartbeat writes; under the session's lock at least the ACK is read right.
func (h *Health) sessionReading(s *discordgo.Session) health.Reading {
	s.RLock()
	ready, ack, latency := s.DataReady, s.LastHeartbeatAck, s.HeartbeatLatency()
	s.RUnlock()
	return h.gatewayReading(s.ShardID, ready, "not connected", ack, max(latency, 0))
}

// gatewayReading judges a shard. notReady says in what state it is if it is not ready.
func (h *Health) gatewayReading(
	shard int, ready bool, notReady string, ack time.Time, latency time.Duration,
) health.Reading {
	r := health.Reading{Shard: shard, Value: latency.Seconds(),
		Threshold: h.cfg.MaxLatency.Seconds(), Unit: "s"}
	age := time.Since(ack)
	switch {
	case !ready:
		r.Status, r.Message = health.Unhealthy, notReady
		r.Value, r.Threshold = 0, 0
	case !ack.IsZero() && age > maxACKAge:
		r.Status = health.Unhealthy
		r.Message = fmt.Sprintf("no heartbeat was acknowledged since %s", ack.UTC().Format(time.TimeOnly))
	case latency > h.cfg.MaxLatency:
		r.Status, r.Message = health.Degraded, "high gateway latency"
	case latency == 0:
		r.Message = "ready, no heartbeat yet"
	default:
		r.Message = fmt.Sprintf("ready, latency %v", latency.Round(time.Millisecond))
	}
	return r
}
