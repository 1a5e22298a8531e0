package discordtest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/bwmarrin/discordgo"
)

// An identifyGate counts IDENTIFYs against the window of each max_concurrency key and the daily
// budget.
type identifyGate struct {
	last             map[int]time.Time // last accepted IDENTIFY by key
	total, remaining int
	resets           time.Time // zero until the budget is first used
}

const dailyReset = 24 * time.Hour

func newIdentifyGate(cfg Config) identifyGate {
	return identifyGate{
		last: make(map[int]time.Time), total: cfg.SessionStarts, remaining: cfg.SessionStarts,
	}
}

// refresh restores the budget when its day is over.
func (g *identifyGate) refresh(now time.Time) {
	if !g.resets.IsZero() && !now.Before(g.resets) {
		g.remaining, g.resets = g.total, time.Time{}
	}
}

// resetAfter is how long until the budget is restored.
func (g *identifyGate) resetAfter(now time.Time) time.Duration {
	if g.resets.IsZero() {
		return 0
	}
	return g.resets.Sub(now)
}

// take admits an IDENTIFY of key or says why not.
func (g *identifyGate) take(now time.Time, key int, window time.Duration) string {
	g.refresh(now)
	if last, ok := g.last[key]; ok && now.Sub(last) < window {
		return "another shard of the same max_concurrency key identified just before"
	}
	if g.remaining <= 0 {
		return "no session starts left"
	}
	if g.resets.IsZero() {
		g.resets = now.Add(dailyReset)
	}
	g.remaining--
	g.last[key] = now
	return ""
}

// SetSessionStarts sets how many IDENTIFYs are left and after what time the budget is full again.
func (s *Server) SetSessionStarts(remaining int, resetAfter time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gate.remaining, s.gate.resets = remaining, s.nowLocked().Add(resetAfter)
	s.changedLocked()
}

// identifyData is the d field of op 2.
type identifyData struct {
	Token          string            `json:"token"`
	Properties     map[string]string `json:"properties"`
	Compress       bool              `json:"compress"`
	LargeThreshold int               `json:"large_threshold"`
	Shard          []int             `json:"shard"`
	Presence       json.RawMessage   `json:"presence"`
	Intents        *discordgo.Intent `json:"intents"`
}

// identify handles op 2: a session is made, or the connection closed, or op 9 answered.
func (c *Conn) identify(d json.RawMessage) {
	in := identifyData{LargeThreshold: 50}
	if err := json.Unmarshal(d, &in); err != nil {
		c.Close(4002, "Error while decoding payload.")
		return
	}
	if in.Shard == nil {
		in.Shard = []int{0, 1}
	}
	s := c.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	rec := Identify{
		Time: s.nowLocked(), Conn: c, LargeThreshold: in.LargeThreshold, Compress: in.Compress,
		Properties: in.Properties, Presence: in.Presence,
	}
	if len(in.Shard) == 2 {
		rec.ShardID, rec.ShardCount = in.Shard[0], in.Shard[1]
	}
	if in.Intents != nil {
		rec.Intents = *in.Intents
	}
	rec.CloseCode, rec.Reason = c.judgeLocked(in)
	if rec.CloseCode == 0 {
		rec.Reason = s.gate.take(rec.Time, rec.ShardID%s.cfg.MaxConcurrency, s.cfg.IdentifyWindow)
	}
	rec.Accepted = rec.Reason == ""
	s.record.identifies.add(rec)
	s.cfg.Logger.Debug("identify", "shard", rec.ShardID, "accepted", rec.Accepted, "reason", rec.Reason)
	switch {
	case rec.Accepted:
		s.openSessionLocked(c, in)
	case rec.CloseCode != 0:
		c.enqueueLocked(item{kind: itemClose, code: rec.CloseCode, reason: rec.Reason})
	default:
		c.enqueueLocked(item{data: opFrame(opInvalidSession, []byte("false"))})
	}
	s.changedLocked()
}

// judgeLocked returns the close code for an IDENTIFY that is not allowed at all, or 0.
func (c *Conn) judgeLocked(in identifyData) (code int, reason string) {
	s := c.srv
	switch {
	case c.session != nil && c.session.conn == c:
		return 4005, "Already authenticated."
	case !s.validToken(in.Token):
		return 4004, "Authentication failed."
	case len(in.Shard) != 2 || in.Shard[1] < 1 || in.Shard[0] < 0 || in.Shard[0] >= in.Shard[1]:
		return 4010, "Invalid shard."
	case in.Shard[1] < s.cfg.MinShards:
		return 4011, "Sharding required."
	case in.Intents == nil || *in.Intents&^validIntents != 0:
		return 4013, "Invalid intent(s)."
	case *in.Intents&privilegedIntents&^s.cfg.PrivilegedIntents != 0:
		return 4014, "Disallowed intent(s)."
	}
	return 0, ""
}

// validToken accepts the bot's token with or without "Bot ", as Discord does.
func (s *Server) validToken(token string) bool {
	return strings.TrimPrefix(token, "Bot ") == s.Token
}

// openSessionLocked makes the session and its first events: READY and what becomes of its guilds.
func (s *Server) openSessionLocked(c *Conn, in identifyData) {
	x := &session{
		id:    fmt.Sprintf("%016x%016x", rand.Uint64(), rand.Uint64()),
		shard: in.Shard[0], count: in.Shard[1], intents: *in.Intents,
		largeThreshold: in.LargeThreshold, compress: in.Compress, first: 1,
	}
	s.sessions[x.id] = x
	c.attachLocked(x, 0)
	c.resumed, c.resumeAt = false, 0
	type stub struct {
		ID          string `json:"id"`
		Unavailable bool   `json:"unavailable"`
	}
	guilds := []stub{}
	for _, id := range s.world.order {
		if x.owns(id) {
			guilds = append(guilds, stub{id, true})
		}
	}
	add := func(typ string, v any) { x.appendLocked(event{typ, marshal(v)}, s.cfg.ReplayLimit) }
	add("READY", map[string]any{
		"v": c.version(), "user": s.world.bot, "guilds": guilds, "session_id": x.id,
		"resume_gateway_url": "ws://" + s.host + resumePath, "shard": in.Shard,
		"application": map[string]any{"id": s.world.bot.ID, "flags": s.applicationFlags()},
	})
	if x.intents&discordgo.IntentGuilds == 0 {
		return
	}
	for _, g := range guilds {
		if state := s.world.guilds[g.ID]; !state.unavailable {
			add("GUILD_CREATE", state.create(s.world.bot.ID, x.intents, x.largeThreshold))
		} else {
			add("GUILD_DELETE", g)
		}
	}
}

func (c *Conn) version() int {
	v := 10
	_, _ = fmt.Sscan(c.query.Get("v"), &v)
	return v
}

// applicationFlags says which privileged intents the portal has enabled.
func (s *Server) applicationFlags() int {
	flags := 0
	for intent, bit := range map[discordgo.Intent]int{
		discordgo.IntentGuildPresences: 1 << 12,
		discordgo.IntentGuildMembers:   1 << 14,
		discordgo.IntentMessageContent: 1 << 18,
	} {
		if s.cfg.PrivilegedIntents&intent != 0 {
			flags |= bit
		}
	}
	return flags
}

// resume handles op 6: the events after seq are replayed, then RESUMED follows.
func (c *Conn) resume(d json.RawMessage) {
	var in struct {
		Token     string `json:"token"`
		SessionID string `json:"session_id"`
		Seq       int64  `json:"seq"`
	}
	if err := json.Unmarshal(d, &in); err != nil {
		c.Close(4002, "Error while decoding payload.")
		return
	}
	s := c.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	rec := Resume{Time: s.nowLocked(), Conn: c, SessionID: in.SessionID, Sequence: in.Seq, ShardID: -1}
	x := s.sessions[in.SessionID]
	if x != nil {
		rec.ShardID = x.shard
	}
	switch {
	case c.session != nil && c.session.conn == c:
		rec.Reason = "already authenticated"
		c.enqueueLocked(item{kind: itemClose, code: 4005, reason: "Already authenticated."})
	case !s.validToken(in.Token):
		rec.Reason = "authentication failed"
		c.enqueueLocked(item{kind: itemClose, code: 4004, reason: "Authentication failed."})
	default:
		rec.Reason = s.resumableLocked(x, in.Seq)
		rec.Accepted = rec.Reason == ""
		if rec.Accepted {
			rec.Replayed = int(x.last() - in.Seq)
			s.attachLocked(c, x, in.Seq)
		} else {
			c.enqueueLocked(item{data: opFrame(opInvalidSession, []byte("false"))})
		}
	}
	s.record.resumes.add(rec)
	s.cfg.Logger.Debug("resume", "shard", rec.ShardID, "accepted", rec.Accepted, "reason", rec.Reason)
	s.changedLocked()
}

// resumableLocked says why a session cannot be resumed from seq, or "".
func (s *Server) resumableLocked(x *session, seq int64) string {
	switch {
	case x == nil:
		return "unknown session"
	case x.doomed:
		return "session dropped"
	case s.expiredLocked(x):
		delete(s.sessions, x.id)
		return "session expired"
	case seq < 0 || seq > x.last():
		return "sequence was never sent"
	case seq+1 < x.first:
		return "events no longer kept"
	}
	return ""
}

// attachLocked gives a session to a connection, which replays what follows seq. A connection that
// still has the session is closed.
func (s *Server) attachLocked(c *Conn, x *session, seq int64) {
	if old := x.conn; old != nil {
		x.conn = nil
		old.enqueueLocked(item{kind: itemClose, code: 4000, reason: "Session resumed elsewhere."})
	}
	c.attachLocked(x, seq)
	c.resumed, c.resumeAt = true, x.last()+1
	x.appendLocked(event{"RESUMED", []byte("{}")}, s.cfg.ReplayLimit)
}

func opFrame(op int, d []byte) []byte {
	return fmt.Appendf(nil, `{"t":null,"s":null,"op":%d,"d":%s}`, op, d)
}
