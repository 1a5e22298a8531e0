// Package checks has the built-in health checks of a bot: what each looks at, and from where on
// that is bad. It knows the parts of a bot by what they say of themselves; how readings become
// problems is package health's affair.
package checks

import (
	"context"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/dispatch"
	"github.com/botwright/botwright/internal/gateway"
	"github.com/botwright/botwright/internal/health"
	"github.com/botwright/botwright/internal/memory"
	"github.com/botwright/botwright/internal/rest"
	"github.com/botwright/botwright/internal/session"
	"github.com/botwright/botwright/internal/traffic"
)

// Names of the checks.
const (
	Gateway  = "gateway"
	Memory   = "memory"
	Cache    = "cache"
	REST     = "rest"
	Invalid  = "invalid_requests"
	Identify = "identify"
	Queue    = "queue"
	Handlers = "handlers"
	Sessions = "sessions"
	Captures = "captures"
)

// Names returns those of all checks.
func Names() []string {
	return []string{Gateway, Memory, Cache, REST, Invalid, Identify, Queue, Handlers, Sessions,
		Captures}
}

// CheapInterval is the interval of checks that only read memory: often enough that a dead shard
// is told within a minute.
const CheapInterval = 15 * time.Second

// Limits are those that a program can set.
type Limits struct {
	Interval         time.Duration // between questions to Discord's API
	MaxLatency       time.Duration // of heartbeats
	MaxRESTLatency   time.Duration
	MaxMemory        float64 // share of the memory limit
	MaxCacheEntries  int     // of a cache without a limit of its own
	MaxQueue         float64 // share
	MaxHandlerErrors float64 // share of events
	MinIdentifies    float64 // share of the day's
}

// Parts are what there is to look at. A check whose functions are nil is left out. They must not
// block, but for Ask.
type Parts struct {
	Shards func() []Shard
	Memory func() memory.Reading
	Caches func() []CacheSize

	// Ask calls Discord's API. Traffic is of all calls that are made to it: as long as they are
	// enough to judge by, nothing is asked. It may be nil.
	Ask     func(context.Context) error
	Traffic *traffic.Sensor

	Requests   func() rest.Stats
	Identifies func() gateway.Budget

	Queue       func() dispatch.Stats
	QueueLimits dispatch.Config
	Oldest      func() Oldest // with Queue
	Failures    func() uint64 // with Queue: errors of handlers
	Sessions    func() session.Failure
	Captures    func() error // why they cannot be written
}

// A Shard is what the check of gateways looks at.
type Shard struct {
	ID      int
	Ready   bool
	State   string        // if it is not ready
	ACK     time.Time     // of the last heartbeat; zero before the first
	Latency time.Duration // of the last heartbeats; 0 before the first
	Losses  uint64        // times that it was ready and its connection ended
}

// ShardOf returns what a shard's connection says.
func ShardOf(st gateway.Status) Shard {
	s := Shard{ID: st.ShardID, Ready: st.State == gateway.Ready, State: st.State.String(),
		ACK: st.LastACK, Latency: st.AverageLatency, Losses: st.Losses}
	if st.Err != nil {
		s.State += ": " + briefly(st.Err)
	}
	return s
}

// SessionShard returns what a session that discordgo itself connects says. Its HeartbeatLatency
// reads without a lock what the heartbeat writes (Session.HeartbeatLatency in wsapi.go); under the
// session's lock at least the ACK is read right.
func SessionShard(s *discordgo.Session) Shard {
	s.RLock()
	defer s.RUnlock()
	return Shard{ID: s.ShardID, Ready: s.DataReady, State: "not connected", ACK: s.LastHeartbeatAck,
		Latency: max(s.HeartbeatLatency(), 0)}
}

// Asking returns an Ask that asks Discord who the bot is.
func Asking(s *discordgo.Session) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := s.User("@me", discordgo.WithContext(ctx), discordgo.WithRetryOnRatelimit(false),
			discordgo.WithRestRetries(0))
		return err
	}
}

// A CacheSize is how full a cache is.
type CacheSize struct {
	Name    string
	Entries int
	MaxSize int // 0: it has no limit
}

// An Oldest is for how long the event has waited that waits longest.
type Oldest struct {
	Age time.Duration // 0: none waits

	// Blame says what it waits for, as far as that can be told: "" or " (…)". It may be nil.
	Blame func() string
}

// List returns the checks of the parts that there are.
func (p *Parts) List(l Limits) []health.Check {
	cheap := min(CheapInterval, l.Interval)
	var list []health.Check
	add := func(is bool, name string, every time.Duration, run runner) {
		if is {
			list = append(list, health.Check{Name: name, Interval: every, Run: run})
		}
	}
	one := func(is bool, name string, read func() health.Reading) {
		add(is, name, cheap, func(context.Context) ([]health.Reading, error) {
			return []health.Reading{read()}, nil
		})
	}
	add(p.Shards != nil, Gateway, cheap, (&shards{read: p.Shards, maxLatency: l.MaxLatency}).run)
	api := &api{ask: p.Ask, traffic: p.Traffic, maxLatency: l.MaxRESTLatency, every: l.Interval}
	if p.Traffic == nil {
		add(p.Ask != nil, REST, l.Interval, api.run)
	} else {
		add(p.Ask != nil, REST, cheap, api.run)
	}
	one(p.Queue != nil, Queue, func() health.Reading {
		return JudgeQueue(p.Queue(), p.QueueLimits, p.Oldest(), l.MaxQueue)
	})
	one(p.Failures != nil, Handlers, (&handlers{
		events:   func() uint64 { return p.Queue().Finished },
		failures: p.Failures, most: l.MaxHandlerErrors}).read)
	one(p.Requests != nil, Invalid, func() health.Reading { return judgeInvalid(p.Requests()) })
	one(p.Identifies != nil, Identify, func() health.Reading {
		return judgeIdentify(p.Identifies(), len(p.Shards()), l.MinIdentifies)
	})
	one(p.Sessions != nil, Sessions, func() health.Reading { return judgeSessions(p.Sessions()) })
	one(p.Captures != nil, Captures, func() health.Reading { return judgeCaptures(p.Captures()) })
	one(p.Memory != nil, Memory, func() health.Reading {
		return judgeMemory(p.Memory(), l.MaxMemory)
	})
	one(p.Caches != nil, Cache, func() health.Reading {
		return JudgeCaches(p.Caches(), l.MaxCacheEntries)
	})
	return list
}

type runner = func(context.Context) ([]health.Reading, error)
