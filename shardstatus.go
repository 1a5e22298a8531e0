package botwright

import (
	"encoding/json"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/gateway"
)

// A ShardState says what a shard is doing.
type ShardState string

// States of a shard.
const (
	ShardIdle        ShardState = "idle"        // not opened yet
	ShardConnecting  ShardState = "connecting"  // being dialled
	ShardIdentifying ShardState = "identifying" // waiting for its turn to identify, or for READY
	ShardResuming    ShardState = "resuming"    // being sent what it missed
	ShardReady       ShardState = "ready"       // receiving events
	ShardBackoff     ShardState = "backoff"     // waiting before the next connection
	ShardFatal       ShardState = "fatal"       // given up; see ShardStatus.Err
	ShardClosed      ShardState = "closed"      // shut down
)

// A ShardStatus is a snapshot of one shard. In JSON, durations are in nanoseconds, Err is its text,
// and zero times and a nil error are left out.
type ShardStatus struct {
	ID    int        `json:"id"`
	State ShardState `json:"state"`
	Since time.Time  `json:"since"` // when it entered State

	// DownSince is when the shard stopped being ready, or was started, and RetryAt when it will
	// connect again. Both are zero when it is ready.
	DownSince time.Time `json:"down_since,omitzero"`
	RetryAt   time.Time `json:"retry_at,omitzero"`

	// Latency is the time that Discord took for the last heartbeat, AverageLatency for the last
	// five; 0 before the first.
	Latency        time.Duration `json:"latency_ns"`
	AverageLatency time.Duration `json:"average_latency_ns"`
	LastACK        time.Time     `json:"last_ack,omitzero"`

	Guilds            int `json:"guilds"`             // those that are available
	UnavailableGuilds int `json:"unavailable_guilds"` // not sent yet, or in an outage

	// Blocked is how long the bot has not been reading because the queue is full; 0 if it is
	// reading. Heartbeats continue, and what Discord sends is read later.
	Blocked time.Duration `json:"blocked_ns,omitzero"`

	Sequence     int64     `json:"sequence"`               // of the last event
	SessionSince time.Time `json:"session_since,omitzero"` // when the current session began

	Events      uint64         `json:"events"`       // received, wanted or not
	EventRate   float64        `json:"event_rate"`   // events per second, over the last few minutes
	Duplicates  uint64         `json:"duplicates"`   // events that had come before, and were dropped
	Malformed   uint64         `json:"malformed"`    // frames that were no gateway payload
	Identifies  uint64         `json:"identifies"`   // sessions begun
	Resumes     uint64         `json:"resumes"`      // resumes tried
	Losses      uint64         `json:"losses"`       // times that it was ready and its connection ended
	FailedDials uint64         `json:"failed_dials"` // attempts that did not come to a connection
	Disconnects map[int]uint64 `json:"disconnects"`  // by Discord's close code; 0 without one

	// Err says why the last connection ended, until the next one is ready.
	Err error `json:"-"`
}

// MarshalJSON implements json.Marshaler; see [ShardStatus].
func (s ShardStatus) MarshalJSON() ([]byte, error) {
	type fields ShardStatus // without this method
	if s.Disconnects == nil {
		s.Disconnects = map[int]uint64{}
	}
	text := ""
	if s.Err != nil {
		text = s.Err.Error()
	}
	return json.Marshal(struct {
		fields
		Error string `json:"error,omitempty"`
	}{fields(s), text})
}

// gatewayStatuses returns the status of each shard of this process, for all who show or judge it.
func (b *Bot) gatewayStatuses() []gateway.Status {
	now, _ := b.shardCounts()
	return now
}

// shardCounts returns the same, and the counters of the shards that this process had before.
func (b *Bot) shardCounts() (now []gateway.Status, gone gateway.Status) {
	if f := b.currentFleet(); f != nil {
		return f.Statuses()
	}
	return []gateway.Status{}, gone
}

// Status returns the status of the shard's connection. A bot without the intent for guilds
// is not told which are available: all count as available. A shard that waits for tomorrow's
// IDENTIFYs says so.
func (s *shard) Status() gateway.Status {
	st := s.gateway.Status()
	if s.bot.intents&discordgo.IntentGuilds == 0 {
		st.Guilds, st.Unavailable = st.Guilds+st.Unavailable, 0
	}
	if budget := s.bot.gate.Budget(); budget.Exhausted && st.State == gateway.Identifying {
		st.Err = &IdentifyBudgetError{Remaining: budget.Remaining, ResetAt: budget.ResetAt}
	}
	return st
}

func (s *shard) status() ShardStatus {
	st := s.Status()
	return ShardStatus{
		ID:                s.id,
		State:             ShardState(st.State.String()),
		Since:             st.Since,
		DownSince:         st.DownSince,
		RetryAt:           st.RetryAt,
		Latency:           st.Latency,
		AverageLatency:    st.AverageLatency,
		LastACK:           st.LastACK,
		Guilds:            st.Guilds,
		UnavailableGuilds: st.Unavailable,
		Blocked:           st.Blocked,
		Sequence:          st.Sequence,
		SessionSince:      st.SessionSince,
		Events:            st.Events,
		EventRate:         s.silence.Rate(),
		Duplicates:        st.Duplicates,
		Malformed:         st.Malformed,
		Identifies:        st.Identifies,
		Resumes:           st.Resumes,
		Losses:            st.Losses,
		FailedDials:       st.FailedDials,
		Disconnects:       st.Disconnects,
		Err:               st.Err,
	}
}
