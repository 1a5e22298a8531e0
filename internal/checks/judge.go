package checks

import (
	"cmp"
	"fmt"
	"sync"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/alert"
	"github.com/botwright/botwright/internal/dispatch"
	"github.com/botwright/botwright/internal/gateway"
	"github.com/botwright/botwright/internal/health"
	"github.com/botwright/botwright/internal/memory"
	"github.com/botwright/botwright/internal/session"
)

// The ages of the oldest waiting event at which the check changes. A person who waits for an
// answer looks again after seconds, and has gone after half a minute.
const (
	oldestDegraded = 5 * time.Second
	MaxOldest      = 30 * time.Second
)

// JudgeQueue judges how full the queue of events is, and for how long they wait. When it is full,
// the bot does not read.
func JudgeQueue(
	st dispatch.Stats, limits dispatch.Config, oldest Oldest, most float64,
) health.Reading {
	used := max(float64(st.Events-st.Interactions)/float64(limits.MaxEvents),
		float64(st.Bytes)/float64(limits.MaxBytes))
	r := health.Reading{Shard: health.NoShard, Value: used, Threshold: most, Unit: "share",
		Message: fmt.Sprintf("%d events, %d being handled", st.Events, st.Running)}
	switch {
	case used >= 1:
		r.Status = health.Unhealthy
		r.Message += "; nothing more is read: handlers are too slow or too many events are wanted"
	case used >= r.Threshold:
		r.Status = health.Degraded
	}
	if oldest.Age <= oldestDegraded {
		return r
	}
	r.Message += fmt.Sprintf("; an event has waited for %v", oldest.Age.Round(time.Second))
	if oldest.Blame != nil {
		r.Message += oldest.Blame()
	}
	if oldest.Age > MaxOldest {
		r.Status = health.Unhealthy
	} else if r.Status == "" {
		r.Status = health.Degraded
	}
	return r
}

// JudgeCaches compares each cache with its own limit, or with most if it has none. One that is as
// full as it may be is well.
func JudgeCaches(caches []CacheSize, most int) health.Reading {
	r := health.Reading{Shard: health.NoShard, Unit: "entries", Message: "no caches"}
	worst := -1.0
	for _, c := range caches {
		limit := cmp.Or(c.MaxSize, most)
		if share := float64(c.Entries) / float64(limit); share > worst {
			worst = share
			r.Value, r.Threshold = float64(c.Entries), float64(limit)
			r.Message = fmt.Sprintf("%s has %d entries", c.Name, c.Entries)
		}
	}
	if worst > 1 {
		r.Status = health.Degraded
		r.Message += fmt.Sprintf(", more than %.0f: give it a MaxSize, or a TTL with WithCache",
			r.Threshold)
	}
	return r
}

// StateEntries counts the members and presences that the States of sessions hold which discordgo
// itself connects: it never lets go of one. Guilds, channels and roles are as many as there are.
func StateEntries(sessions []*discordgo.Session) int {
	n := 0
	for _, s := range sessions {
		s.State.RLock()
		for _, g := range s.State.Guilds {
			n += len(g.Members) + len(g.Presences)
		}
		s.State.RUnlock()
	}
	return n
}

// nearLimit is the share of the memory limit at which the process is as good as dead.
const nearLimit = 0.95

// judgeMemory judges how much of its limit the process uses.
func judgeMemory(m memory.Reading, most float64) health.Reading {
	r := health.Reading{Shard: health.NoShard, Value: float64(m.Used), Unit: "bytes"}
	if m.Limit.Max == 0 {
		r.Message = alert.Quantity(r.Value, r.Unit) + ", no limit"
		return r
	}
	r.Threshold = float64(m.Limit.Max) * most
	r.Message = fmt.Sprintf("%s of %s (%s)", alert.Quantity(r.Value, r.Unit),
		alert.Quantity(float64(m.Limit.Max), r.Unit), m.Limit.Source)
	switch share := m.Share(); {
	case share > max(nearLimit, most):
		r.Status = health.Unhealthy
	case share > most:
		r.Status = health.Degraded
	}
	return r
}

// judgeSessions judges whether sessions can be saved. While they cannot, a restart would identify.
func judgeSessions(failure session.Failure) health.Reading {
	if failure.Err == nil {
		return health.Reading{Shard: health.NoShard, Message: "sessions are saved"}
	}
	return health.Reading{Shard: health.NoShard, Status: health.Degraded,
		Message: fmt.Sprintf("sessions cannot be saved since %s, a restart would lose them: %s",
			failure.Since.UTC().Format("15:04:05 MST"), briefly(failure.Err))}
}

// judgeCaptures judges whether captures can be written.
func judgeCaptures(err error) health.Reading {
	if err == nil {
		return health.Reading{Shard: health.NoShard, Message: "captures can be written"}
	}
	return health.Reading{Shard: health.NoShard, Status: health.Degraded,
		Message: "captures cannot be written: " + briefly(err)}
}

// judgeIdentify judges what is left of the day's IDENTIFYs. When there are fewer than shards, a
// restart would not come back.
func judgeIdentify(budget gateway.Budget, shards int, least float64) health.Reading {
	if budget.Total == 0 || time.Now().After(budget.ResetAt) {
		return health.Reading{Shard: health.NoShard, Message: "nothing spent"}
	}
	r := health.Reading{Shard: health.NoShard, Value: float64(budget.Remaining),
		Threshold: float64(budget.Total) * least, Unit: "identifies",
		Message: fmt.Sprintf("%d of %d left until %s", budget.Remaining, budget.Total,
			budget.ResetAt.UTC().Format("15:04 MST"))}
	switch {
	case budget.Exhausted || budget.Remaining < shards:
		r.Status = health.Unhealthy
		r.Message += "; do not restart: find out why sessions are lost"
	case r.Value < r.Threshold:
		r.Status = health.Degraded
	}
	return r
}

// handlers judges the share of events that handlers fail at, over the last minutes.
type handlers struct {
	events, failures func() uint64
	most             float64

	mu      sync.Mutex // guards what follows
	samples []handlerSample
}

type handlerSample struct {
	at            time.Time
	events, fails uint64
}

const (
	handlerWindow  = 5 * time.Minute
	minFailures    = 10  // fewer may be anything
	mostlyFailures = 0.5 // the share at which the bot does not work
)

func (c *handlers) read() health.Reading {
	now := handlerSample{time.Now(), c.events(), c.failures()}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.samples = append(c.samples, now)
	for len(c.samples) > 2 && now.at.Sub(c.samples[1].at) >= handlerWindow {
		c.samples = c.samples[1:]
	}
	first := c.samples[0]
	return judgeHandlers(now.events-first.events, now.fails-first.fails, c.most)
}

func judgeHandlers(events, fails uint64, most float64) health.Reading {
	share := min(float64(fails)/float64(max(events, 1)), 1)
	r := health.Reading{Shard: health.NoShard, Value: share, Threshold: most, Unit: "share",
		Message: fmt.Sprintf("%d errors in %d events", fails, events)}
	switch {
	case fails < minFailures:
	case share >= max(mostlyFailures, most):
		r.Status = health.Unhealthy
	case share > most:
		r.Status = health.Degraded
	}
	return r
}
