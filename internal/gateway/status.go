package gateway

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/botwright/botwright/internal/frame"
)

// A State is a state of a Shard; see the package comment.
type State int

// States.
const (
	Idle State = iota
	Connecting
	Identifying
	Resuming
	Ready
	Backoff
	Fatal
	Closed
)

func (s State) String() string {
	names := [...]string{"idle", "connecting", "identifying", "resuming", "ready", "backoff",
		"fatal", "closed"}
	if s < 0 || int(s) >= len(names) {
		return "unknown"
	}
	return names[s]
}

// A Status is a snapshot of a Shard.
type Status struct {
	ShardID int

	State   State
	Since   time.Time // when State was entered
	Err     error     // until it is ready again: why the last connection ended
	RetryAt time.Time // in Backoff: when the next connection is tried

	// DownSince is when the shard was last ready, or began to run; zero while it is ready. Unlike
	// Since it does not change with each attempt.
	DownSince time.Time

	Latency        time.Duration // last heartbeat to its ACK; 0 before the first
	AverageLatency time.Duration // over the last 5
	LastACK        time.Time
	SessionSince   time.Time // when READY of the current session came
	Sequence       int64     // of the last dispatch
	LastEvent      time.Time // when the last dispatch was read

	// Blocked is for how long Config.Event, as a rule a full queue, has held up the reader.
	Blocked time.Duration

	Guilds      int // available ones
	Unavailable int

	Events      uint64 // dispatches received
	Duplicates  uint64 // dispatches that Discord had sent before
	Malformed   uint64 // frames that were no gateway payload
	Identifies  uint64
	Resumes     uint64
	Losses      uint64         // connections that were ready and ended, except for those of Restart
	FailedDials uint64         // attempts that did not come to a connection
	Disconnects map[int]uint64 // connections that ended, by close code; 0 without one
	Commands    map[int]uint64 // sent, by opcode; -1 for those that are none of Discord's
	Throttled   uint64         // times that the send limit held commands back
}

// Status returns a snapshot. It never waits for the network or a handler.
func (s *Shard) Status() Status {
	s.mu.Lock()
	st := s.status
	st.Sequence = s.high
	if s.current != nil {
		st.Blocked = s.current.held()
	}
	for _, available := range s.guilds {
		if available {
			st.Guilds++
		} else {
			st.Unavailable++
		}
	}
	s.mu.Unlock()
	s.stats.read(&st)
	return st
}

// State returns the state alone, which is cheaper.
func (s *Shard) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status.State
}

func (s *Shard) setState(state State, err error) {
	s.mu.Lock()
	s.status.enter(state, time.Now())
	s.status.RetryAt = time.Time{}
	if err != nil || state == Ready || state == Closed {
		s.status.Err = err
	}
	s.mu.Unlock()
	s.changed()
}

func (st *Status) enter(state State, now time.Time) {
	st.State, st.Since = state, now
	switch {
	case state == Ready:
		st.DownSince = time.Time{}
	case st.DownSince.IsZero():
		st.DownSince = now
	}
}

// setRetry enters Backoff. A restart that was asked for before does not count any more.
func (s *Shard) setRetry(err error, delay time.Duration) {
	select {
	case <-s.restart:
	default:
	}
	now := time.Now()
	s.mu.Lock()
	s.status.enter(Backoff, now)
	s.status.Err, s.status.RetryAt = err, now.Add(delay)
	s.mu.Unlock()
	s.changed()
}

func (s *Shard) changed() {
	if s.cfg.Changed != nil {
		s.cfg.Changed(s.Status())
	}
}

// setGuild notes that a guild is on this shard.
func (s *Shard) setGuild(id []byte, available bool) {
	if n, ok := frame.ParseSnowflake(id); ok {
		s.mu.Lock()
		if _, known := s.guilds[n]; !known {
			s.guildIDs = nil
		}
		s.guilds[n] = available
		s.mu.Unlock()
	}
}

func (s *Shard) removeGuild(id []byte) {
	if n, ok := frame.ParseSnowflake(id); ok {
		s.mu.Lock()
		delete(s.guilds, n)
		s.guildIDs = nil
		s.mu.Unlock()
	}
}

// counters are the parts of a Status that change too often for Shard.mu.
type counters struct {
	events, duplicates, malformed, identifies, resumes, throttled atomic.Uint64
	losses, failedDials                                           atomic.Uint64

	lastEvent atomic.Int64 // in ns since 1970; 0 before the first

	mu          sync.Mutex
	latencies   [5]time.Duration // a ring
	acks        int
	lastACK     time.Time
	disconnects map[int]uint64
	commands    map[int]uint64
}

// end counts a connection that ended, or that there was none.
func (c *counters) end(e ending) {
	if e.dialed {
		c.disconnect(e.code)
		return
	}
	c.failedDials.Add(1)
}

// disconnect counts the end of a connection. Codes outside Discord's and the protocol's own
// ranges count as 0, so that a peer cannot make the map grow.
func (c *counters) disconnect(code int) {
	if code < 1000 || code > 4999 {
		code = 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.disconnects == nil {
		c.disconnects = make(map[int]uint64)
	}
	c.disconnects[code]++
}

// maxOp is Discord's highest opcode.
const maxOp = 43

// command counts a command that was sent. What a program writes to the gateway by itself may have
// any opcode; those beyond Discord's count as -1.
func (c *counters) command(op int) {
	if op < 0 || op > maxOp {
		op = -1
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.commands == nil {
		c.commands = make(map[int]uint64)
	}
	c.commands[op]++
}

func (c *counters) ack(latency time.Duration, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.latencies[c.acks%len(c.latencies)] = latency
	c.acks++
	c.lastACK = now
}

func (c *counters) read(st *Status) {
	st.Events = c.events.Load()
	st.Duplicates = c.duplicates.Load()
	st.Malformed = c.malformed.Load()
	st.Identifies = c.identifies.Load()
	st.Resumes = c.resumes.Load()
	st.Throttled = c.throttled.Load()
	st.Losses = c.losses.Load()
	st.FailedDials = c.failedDials.Load()
	if ns := c.lastEvent.Load(); ns != 0 {
		st.LastEvent = time.Unix(0, ns)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	st.LastACK = c.lastACK
	st.Disconnects = maps.Clone(c.disconnects)
	st.Commands = maps.Clone(c.commands)
	n := min(c.acks, len(c.latencies))
	if n == 0 {
		return
	}
	st.Latency = c.latencies[(c.acks-1)%len(c.latencies)]
	for _, l := range c.latencies[:n] {
		st.AverageLatency += l / time.Duration(n)
	}
}
