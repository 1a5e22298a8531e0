package discordtest

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/bwmarrin/discordgo"
)

// An Identify is an IDENTIFY that a client sent.
type Identify struct {
	Time                time.Time
	Conn                *Conn
	ShardID, ShardCount int
	Intents             discordgo.Intent
	Properties          map[string]string
	Presence            json.RawMessage
	LargeThreshold      int
	Compress            bool
	// Accepted is whether a session was made. If not, Reason says why, and CloseCode is the code
	// that the connection was closed with, or 0 if the answer was op 9.
	Accepted  bool
	CloseCode int
	Reason    string
}

// A Resume is a RESUME that a client sent.
type Resume struct {
	Time      time.Time
	Conn      *Conn
	ShardID   int // -1 for an unknown session
	SessionID string
	Sequence  int64
	// Accepted is whether the session was resumed; Replayed is how many events it had missed. If it
	// was not, Reason says why.
	Accepted bool
	Replayed int
	Reason   string
}

// A Frame is a gateway payload that a client sent.
type Frame struct {
	Time    time.Time
	Conn    *Conn
	ShardID int // -1 before the connection had a session
	Op      int
	D       json.RawMessage
	Size    int // of the whole frame in bytes
}

// A Close is how a client ended a connection. Closes that the server began are not recorded.
type Close struct {
	Time    time.Time
	Conn    *Conn
	ShardID int
	Code    int // 1006: without a close frame; 1005: a close frame without a code
	Reason  string
}

// A Presence is an op 3 that a client sent.
type Presence struct {
	Time       time.Time
	Conn       *Conn
	ShardID    int
	Status     string
	Activities []*discordgo.Activity
	AFK        bool
}

// A Request is a REST request that a client sent.
type Request struct {
	Time   time.Time
	Method string
	// Path is the path without "/api/v10", Route the same with its ids replaced by names. For a
	// route that the server does not have, Route is "" and Status 501.
	Path, Route string
	Query       string
	Header      http.Header // without Authorization
	Body        []byte      // the JSON part of a multipart body, at most 1 MiB
	Status      int         // 0 if the connection was cut instead
	Fault       bool        // answered by a [Server.FailREST] hook
}

// A history is a list with a limit.
type history[T any] struct {
	entries []T
	limit   int
}

func (l *history[T]) add(v T) {
	if len(l.entries) >= l.limit {
		l.halve()
	}
	l.entries = append(l.entries, v)
}

// halve drops the older half.
func (l *history[T]) halve() {
	l.entries = slices.Clone(l.entries[(len(l.entries)+1)/2:])
}

// bodyShare is how much of a body every recorded request may have on average.
const bodyShare = 1 << 10

// request records a request. Bodies are limited all together, because a single one can be large.
func (r *record) request(q Request) {
	r.requests.add(q)
	limit := r.requests.limit * bodyShare
	if r.bodies += len(q.Body); r.bodies <= limit {
		return
	}
	for r.count(); r.bodies > limit && len(r.requests.entries) > 1; r.count() {
		r.requests.halve()
	}
}

func (r *record) count() {
	r.bodies = 0
	for i := range r.requests.entries {
		r.bodies += len(r.requests.entries[i].Body)
	}
}

// record is what clients did, and who is connected.
type record struct {
	live        []*Conn
	connections history[*Conn]
	identifies  history[Identify]
	resumes     history[Resume]
	frames      history[Frame]
	closes      history[Close]
	presences   history[Presence]
	requests    history[Request]
	bodies      int                  // bytes in bodies of requests; too high after some were dropped
	allMembers  map[string]time.Time // last op 8 for all members, by guild
}

func newRecord(limit int) record {
	return record{
		connections: history[*Conn]{limit: limit}, identifies: history[Identify]{limit: limit},
		resumes: history[Resume]{limit: limit}, frames: history[Frame]{limit: limit},
		closes: history[Close]{limit: limit}, presences: history[Presence]{limit: limit},
		requests: history[Request]{limit: limit}, allMembers: make(map[string]time.Time),
	}
}

func (s *Server) liveLocked() []*Conn { return slices.Clone(s.record.live) }

// Connections returns the open gateway connections, oldest first.
func (s *Server) Connections() []*Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.liveLocked()
}

// Conn returns the open connection that has a session of the shard, the newest if there are
// several, or nil.
func (s *Server) Conn(shardID int) *Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range slices.Backward(s.record.live) {
		if c.session != nil && c.session.conn == c && c.session.shard == shardID {
			return c
		}
	}
	return nil
}

// AllConnections returns every gateway connection there ever was, oldest first.
func (s *Server) AllConnections() []*Conn { return snapshot(s, &s.record.connections) }

// Identifies returns every IDENTIFY, oldest first.
func (s *Server) Identifies() []Identify { return snapshot(s, &s.record.identifies) }

// Resumes returns every RESUME, oldest first.
func (s *Server) Resumes() []Resume { return snapshot(s, &s.record.resumes) }

// Frames returns every gateway frame that clients sent, heartbeats included, oldest first.
func (s *Server) Frames() []Frame { return snapshot(s, &s.record.frames) }

// Heartbeats returns those of [Server.Frames] that are heartbeats.
func (s *Server) Heartbeats() []Frame {
	return slices.DeleteFunc(s.Frames(), func(f Frame) bool { return f.Op != opHeartbeat })
}

// Closes returns how clients ended connections, oldest first.
func (s *Server) Closes() []Close { return snapshot(s, &s.record.closes) }

// Presences returns every presence that clients set with op 3, oldest first. Those in an IDENTIFY
// are in [Server.Identifies].
func (s *Server) Presences() []Presence { return snapshot(s, &s.record.presences) }

// Requests returns every REST request, oldest first, when it was answered.
func (s *Server) Requests() []Request { return snapshot(s, &s.record.requests) }

func snapshot[T any](s *Server, l *history[T]) []T {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(l.entries)
}
