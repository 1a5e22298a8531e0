package gateway

import (
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/botwright/botwright/internal/frame"
)

// dispatch handles op 0: what the connection needs to know of it, then Config.Event.
func (c *conn) dispatch(e frame.Envelope) error {
	s := c.s
	first := string(e.Type) == "READY" // which some servers number 0
	if e.Type == nil || e.Seq == 0 && !first {
		return c.malformed(e, frame.ErrField)
	}
	if e.Seq > 0 && s.seen.has(e.Seq) {
		// After a resume Discord may send again what came last. A new session starts with
		// READY, whose predecessor's numbers were dropped.
		s.stats.duplicates.Add(1)
		return nil
	}
	if first || string(e.Type) == "RATE_LIMITED" {
		e.Data, _ = frame.Whole(e.Data)
	}
	wasReady := !c.readySeen.IsZero()
	if err := c.note(e); err != nil {
		return err
	}
	switch c.offer(e) {
	case Refused:
		return nil
	case Damaged:
		if err := c.malformed(e, frame.ErrSyntax); err != nil {
			return err
		}
	}
	s.came(e.Seq)
	s.stats.events.Add(1)
	if !wasReady && !c.readySeen.IsZero() {
		s.logReady(c.resuming)
		s.setState(Ready, nil) // not before Config.Event has seen READY
	}
	s.stats.lastEvent.Store(c.frame.Received.UnixNano())
	if c.frame.Replayed {
		s.resumes = 0
	}
	return nil
}

// offer calls Config.Event. When it refuses, the connection stays as it is, heartbeats and all,
// until it ends: to resume elsewhere would only bring the same dispatch again.
func (c *conn) offer(e frame.Envelope) Outcome {
	c.frame = Frame{
		ShardID: c.s.cfg.ShardID, Type: e.Type, Seq: e.Seq, Data: e.Data,
		Replayed: c.resuming && c.readySeen.IsZero(), Received: time.Now(),
	}
	c.holding.Store(int64(c.frame.Received.Sub(c.start)))
	defer c.holding.Store(-1)
	outcome := c.s.cfg.Event(&c.frame)
	switch outcome {
	case TakenLate:
		c.busy()
	case Refused:
		<-c.ctx.Done()
	}
	return outcome
}

// held returns for how long Config.Event has been called, 0 if it is not.
func (c *conn) held() time.Duration {
	if since := c.holding.Load(); since >= 0 {
		return time.Since(c.start) - time.Duration(since)
	}
	return 0
}

// busy notes that the reader lags behind what Discord has sent.
func (c *conn) busy() { c.busyUntil.Store(int64(time.Since(c.start))) }

// lagging reports whether something may have come within d that the reader has not got to: it
// is held up by a full queue, or busy with the guilds that follow READY.
func (c *conn) lagging(d time.Duration) bool {
	return c.holding.Load() >= 0 || int64(time.Since(c.start)-d) < c.busyUntil.Load()
}

// note acts on the few dispatches that concern the connection itself.
func (c *conn) note(e frame.Envelope) error {
	switch string(e.Type) {
	case "READY":
		return c.onReady(e)
	case "RESUMED":
		if c.resuming {
			c.becomeReady()
		}
	case "GUILD_CREATE", "GUILD_DELETE":
		c.onGuild(e)
	case "GUILD_MEMBERS_CHUNK":
		v, _ := frame.Lookup(e.Data, "nonce")
		if nonce, ok := frame.String(v); ok && len(nonce) > 0 {
			c.s.out.answered(string(nonce))
		}
	case "RATE_LIMITED":
		c.onRateLimited(e.Data)
	}
	return nil
}

func (c *conn) onReady(e frame.Envelope) error {
	var ready struct {
		SessionID string `json:"session_id"`
		ResumeURL string `json:"resume_gateway_url"`
		Guilds    []struct {
			ID string `json:"id"`
		} `json:"guilds"`
	}
	if err := json.Unmarshal(e.Data, &ready, lenient); err != nil {
		return fmt.Errorf("decode READY: %w", err)
	}
	if ready.SessionID == "" {
		return errors.New("READY without a session id")
	}
	s := c.s
	s.mu.Lock()
	s.session = Session{
		ID: ready.SessionID, ResumeURL: ready.ResumeURL, Ready: withoutGuilds(e.Data),
		ShardID: s.cfg.ShardID, ShardCount: s.cfg.ShardCount,
	}
	s.status.SessionSince = time.Now()
	clear(s.guilds)
	s.guildIDs = nil
	s.seen.startAt(e.Seq - 1)
	s.high = 0
	s.mu.Unlock()
	for _, g := range ready.Guilds {
		s.setGuild([]byte(g.ID), false)
	}
	c.resuming = false
	c.expected = len(ready.Guilds)
	c.busy()
	c.becomeReady()
	return nil
}

// lenient is how Discord's JSON is read: as leniently as its other clients do.
//
//nolint:gochecknoglobals // a constant that Go cannot spell
var lenient = json.JoinOptions(
	jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))

// withoutGuilds returns READY's d with an empty list of guilds: of 2,500 guilds it would be the
// larger part, and they come again by themselves.
func withoutGuilds(d []byte) []byte {
	var fields map[string]jsontext.Value
	if json.Unmarshal(d, &fields, lenient) != nil {
		return nil
	}
	fields["guilds"] = jsontext.Value("[]")
	b, err := json.Marshal(fields, json.Deterministic(true), lenient)
	if err != nil {
		return nil
	}
	return b
}

func (c *conn) becomeReady() {
	if !c.readySeen.IsZero() {
		return
	}
	c.readySeen = time.Now()
	c.s.resumes = 0
	close(c.live)
	c.readyBy.Stop()
}

func (c *conn) onGuild(e frame.Envelope) {
	v, _ := frame.Lookup(e.Data, "id")
	id, ok := frame.String(v)
	if !ok {
		return
	}
	away, _ := frame.Lookup(e.Data, "unavailable")
	unavailable := string(away) == "true"
	if string(e.Type) == "GUILD_DELETE" && !unavailable {
		c.s.removeGuild(id)
	} else {
		c.s.setGuild(id, !unavailable)
	}
	if c.expected > 0 {
		c.expected--
		c.busy()
	}
}

// onRateLimited handles Discord's refusal of a request for all members of a guild.
func (c *conn) onRateLimited(d []byte) {
	var limit struct {
		Opcode     int     `json:"opcode"`
		RetryAfter float64 `json:"retry_after"`
		Meta       struct {
			GuildID string `json:"guild_id"`
			Nonce   string `json:"nonce"`
		} `json:"meta"`
	}
	if json.Unmarshal(d, &limit, lenient) != nil || limit.Opcode != opRequestMembers {
		return
	}
	after := time.Duration(min(max(limit.RetryAfter, 0), 3600) * float64(time.Second))
	c.s.log.Warn("Discord refused a request for a guild's members for now",
		"guild", limit.Meta.GuildID, "retry_in", after.String())
	c.s.out.limited(limit.Meta.GuildID, limit.Meta.Nonce, after, time.Now())
}

// sequence returns the number of the last dispatch, for heartbeats.
func (s *Shard) sequence() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.high
}

// came notes that a dispatch was taken. RESUME asks for all behind the last one without a gap
// before it; what comes again with that is dropped as a duplicate.
func (s *Shard) came(seq int64) {
	s.seen.add(seq)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.session.Seq, s.high = s.seen.low, s.seen.high
}
