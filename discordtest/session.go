package discordtest

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/bwmarrin/discordgo"
)

// A session is what an IDENTIFY makes: a numbered log of events for one shard. Connections read the
// log from a cursor, so live delivery and replay are the same thing, and a connection that does not
// read holds up nobody. Server.mu guards it.
type session struct {
	id             string
	shard, count   int
	intents        discordgo.Intent
	largeThreshold int
	compress       bool // payload compression

	first      int64   // sequence of events[0]
	events     []event // what can be replayed
	conn       *Conn   // nil while detached
	detachedAt time.Time
	doomed     bool // RESUME is refused
}

// An event is one dispatch of a session.
type event struct {
	typ  string
	data []byte // the d field
}

// An outgoing is an event before it is known who gets it.
type outgoing struct {
	guildID  string
	typ      string
	data     []byte
	redacted []byte           // for sessions without MESSAGE_CONTENT; nil: the same
	anyway   bool             // sent without the intent
	channel  *channel         // that the bot must see, if not nil
	also     discordgo.Intent // needed besides the event's own
}

// last is the sequence of the session's newest event, 0 before the first.
func (x *session) last() int64 { return x.first + int64(len(x.events)) - 1 }

// appendLocked adds an event and wakes the session's connection. The log forgets its oldest event
// when it is full.
func (x *session) appendLocked(e event, limit int) {
	if len(x.events) >= limit {
		x.events[0] = event{}
		x.events = x.events[1:]
		x.first++
	}
	x.events = append(x.events, e)
	if x.conn != nil {
		x.conn.wakeLocked()
	}
}

// owns reports whether events of the guild belong to the session's shard.
func (x *session) owns(guildID string) bool { return shardOf(guildID, x.count) == x.shard }

// dispatchLocked appends an event to every session that owns its guild and has the intent for it.
func (s *Server) dispatchLocked(o outgoing) {
	if o.channel != nil && !s.botIn(o.channel).has(discordgo.PermissionViewChannel) {
		return
	}
	need := neededIntent(o.typ, o.guildID) | o.also
	for _, x := range s.sessions {
		if !x.owns(o.guildID) || (x.intents&need != need && !o.anyway) {
			continue
		}
		s.deliverLocked(x, o)
	}
	s.changedLocked()
}

// deliverLocked appends an event to one session, in the form that its intents allow.
func (s *Server) deliverLocked(x *session, o outgoing) {
	data := o.data
	if o.redacted != nil && x.intents&discordgo.IntentMessageContent == 0 {
		data = o.redacted
	}
	if s.expiredLocked(x) {
		delete(s.sessions, x.id)
		return
	}
	x.appendLocked(event{typ: o.typ, data: data}, s.cfg.ReplayLimit)
}

// expiredLocked reports whether a session was without a connection for too long.
func (s *Server) expiredLocked(x *session) bool {
	return x.conn == nil && s.nowLocked().Sub(x.detachedAt) > s.cfg.ResumeWindow
}

// emitLocked marshals and dispatches an event of the world.
func (s *Server) emitLocked(guildID, typ string, data any) {
	s.dispatchLocked(outgoing{guildID: guildID, typ: typ, data: marshal(data)})
}

// emitInLocked is emitLocked for what happens in a channel, of which a bot is only told if it sees
// the channel.
func (s *Server) emitInLocked(c *channel, typ string, data any) {
	s.dispatchLocked(outgoing{guildID: c.GuildID, channel: c, typ: typ, data: marshal(data)})
}

// Dispatch sends an event to the sessions that own a guild, or to shard 0 if guildID is empty,
// subject to their intents. Data becomes the event's d field; a [json.RawMessage] is sent as it is,
// valid or not. The world does not change, and content is not emptied for sessions without
// MESSAGE_CONTENT. An error means that data cannot be marshalled.
func (s *Server) Dispatch(guildID, eventType string, data any) error {
	raw, err := rawData(eventType, data)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dispatchLocked(outgoing{guildID: guildID, typ: eventType, data: raw})
	return nil
}

// DispatchShard sends an event to every session with the given shard id, whatever its shard count
// and intents. It is otherwise like [Server.Dispatch].
func (s *Server) DispatchShard(shardID int, eventType string, data any) error {
	raw, err := rawData(eventType, data)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.sessions {
		if x.shard == shardID {
			s.deliverLocked(x, outgoing{typ: eventType, data: raw})
		}
	}
	s.changedLocked()
	return nil
}

func rawData(eventType string, data any) ([]byte, error) {
	if raw, ok := data.(json.RawMessage); ok {
		return raw, nil
	}
	raw, err := json.Marshal(data)
	if err != nil {
		return nil, fmt.Errorf("discordtest: marshal %s: %w", eventType, err)
	}
	return raw, nil
}

// detachLocked takes the session from its connection; it can be resumed for a while.
func (s *Server) detachLocked(c *Conn) {
	x := c.session
	if x == nil || x.conn != c {
		return
	}
	x.conn = nil
	x.detachedAt = s.nowLocked()
	if x.doomed {
		delete(s.sessions, x.id)
	}
}

// endsSession reports whether a session cannot be resumed after its connection was closed with
// code, by either side.
func endsSession(code int, byClient bool) bool {
	switch code {
	case 1000, 1001:
		return byClient
	case 4001, 4003, 4004, 4005, 4007, 4009, 4010, 4011, 4012, 4013, 4014:
		return !byClient
	}
	return false
}

// DropSessions makes Discord forget every session: events are still delivered to open connections,
// but each RESUME is answered with op 9. Sessions identified afterwards are not affected.
func (s *Server) DropSessions() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, x := range s.sessions {
		x.doomed = true
		if x.conn == nil {
			delete(s.sessions, id)
		}
	}
	s.changedLocked()
}
