package discordtest

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/bwmarrin/discordgo"
)

// updatePresence records op 3. Of an activity it reads what a bot can set: discordgo sends every
// other field too, zero values that do not even have the right type, and Discord does not mind.
func (c *Conn) updatePresence(d json.RawMessage) {
	var p struct {
		Status     string `json:"status"`
		AFK        bool   `json:"afk"`
		Activities []struct {
			Name  string                 `json:"name"`
			Type  discordgo.ActivityType `json:"type"`
			URL   string                 `json:"url"`
			State string                 `json:"state"`
		} `json:"activities"`
	}
	if err := json.Unmarshal(d, &p); err != nil {
		c.Close(4002, "Error while decoding payload.")
		return
	}
	s := c.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	rec := Presence{Time: s.nowLocked(), Conn: c, ShardID: c.shardLocked(), Status: p.Status, AFK: p.AFK}
	for _, a := range p.Activities {
		rec.Activities = append(rec.Activities,
			&discordgo.Activity{Name: a.Name, Type: a.Type, URL: a.URL, State: a.State})
	}
	s.record.presences.add(rec)
	s.changedLocked()
}

// updateVoice handles op 4: the bot joins, moves in or leaves a voice channel.
func (c *Conn) updateVoice(d json.RawMessage) {
	var in struct {
		GuildID   string  `json:"guild_id"`
		ChannelID *string `json:"channel_id"`
		SelfMute  bool    `json:"self_mute"`
		SelfDeaf  bool    `json:"self_deaf"`
	}
	if err := json.Unmarshal(d, &in); err != nil {
		c.Close(4002, "Error while decoding payload.")
		return
	}
	s := c.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.world.guilds[in.GuildID]
	if g == nil || (in.ChannelID != nil && s.world.channels[*in.ChannelID] == nil) {
		return
	}
	v := &voiceState{
		GuildID: g.id, ChannelID: in.ChannelID, UserID: s.world.bot.ID, Member: g.members[s.world.bot.ID],
		SessionID: c.session.id, SelfMute: in.SelfMute, SelfDeaf: in.SelfDeaf,
	}
	s.setVoiceLocked(g, v)
	if in.ChannelID != nil {
		x := c.session
		x.appendLocked(event{"VOICE_SERVER_UPDATE", marshal(map[string]string{
			"token": "voice-" + x.id[:8], "guild_id": g.id, "endpoint": "voice.invalid:443",
		})}, s.cfg.ReplayLimit)
	}
}

// setVoiceLocked changes a voice state and dispatches VOICE_STATE_UPDATE.
func (s *Server) setVoiceLocked(g *guild, v *voiceState) {
	if v.ChannelID == nil {
		delete(g.voice, v.UserID)
	} else {
		g.voice[v.UserID] = v
	}
	s.emitLocked(g.id, "VOICE_STATE_UPDATE", v)
}

// memberRequest is the d field of op 8.
type memberRequest struct {
	GuildID   oneOrMany `json:"guild_id"`
	Query     *string   `json:"query"`
	Limit     int       `json:"limit"`
	Presences bool      `json:"presences"`
	UserIDs   oneOrMany `json:"user_ids"`
	Nonce     string    `json:"nonce"`
}

// oneOrMany is a snowflake or a list of them. Discord documents one guild_id; discordgo sends a
// list.
type oneOrMany []string

func (o *oneOrMany) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*o = oneOrMany{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(o))
}

const (
	chunkSize       = 1000
	allMembersEvery = 30 * time.Second
	maxRequestNonce = 32
	maxQueryResults = 100
)

// requestMembers handles op 8 with GUILD_MEMBERS_CHUNK events for this session.
func (c *Conn) requestMembers(d json.RawMessage) {
	var in memberRequest
	if err := json.Unmarshal(d, &in); err != nil || len(in.GuildID) == 0 {
		c.Close(4002, "Error while decoding payload.")
		return
	}
	if len(in.Nonce) > maxRequestNonce {
		in.Nonce = ""
	}
	s := c.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range in.GuildID {
		g := s.world.guilds[id]
		if g == nil || g.unavailable || !c.session.owns(id) {
			continue
		}
		s.answerMembersLocked(c.session, g, in)
	}
	s.changedLocked()
}

// answerMembersLocked answers a request for one guild. Without GUILD_MEMBERS the whole list is not
// given.
func (s *Server) answerMembersLocked(x *session, g *guild, in memberRequest) {
	all := len(in.UserIDs) == 0 && deref(in.Query) == "" && in.Limit == 0
	if all {
		if x.intents&discordgo.IntentGuildMembers == 0 {
			return
		}
		if wait := s.waitForAllLocked(g.id); wait > 0 {
			meta := map[string]any{"guild_id": g.id}
			if in.Nonce != "" {
				meta["nonce"] = in.Nonce
			}
			x.appendLocked(event{"RATE_LIMITED", marshal(map[string]any{
				"opcode": opRequestMembers, "retry_after": wait.Seconds(), "meta": meta,
			})}, s.cfg.ReplayLimit)
			return
		}
	}
	found, missing := g.find(in, all)
	chunks := max(1, (len(found)+chunkSize-1)/chunkSize)
	for i := range chunks {
		part := found[i*chunkSize : min(len(found), (i+1)*chunkSize)]
		chunk := map[string]any{"guild_id": g.id, "members": part, "chunk_index": i, "chunk_count": chunks}
		if len(missing) > 0 && i == 0 {
			chunk["not_found"] = missing
		}
		if in.Nonce != "" {
			chunk["nonce"] = in.Nonce
		}
		if in.Presences && x.intents&discordgo.IntentGuildPresences != 0 {
			chunk["presences"] = g.presencesOf(part)
		}
		x.appendLocked(event{"GUILD_MEMBERS_CHUNK", marshal(chunk)}, s.cfg.ReplayLimit)
	}
}

// waitForAllLocked counts a request for all members of a guild; there may be one in 30 seconds.
func (s *Server) waitForAllLocked(guildID string) time.Duration {
	now := s.nowLocked()
	if last, ok := s.record.allMembers[guildID]; ok && now.Sub(last) < allMembersEvery {
		return allMembersEvery - now.Sub(last)
	}
	s.record.allMembers[guildID] = now
	return 0
}

// find returns the members that a request asks for, and the ids that do not exist.
func (g *guild) find(in memberRequest, all bool) (found []*member, missing []string) {
	found = []*member{}
	if len(in.UserIDs) > 0 {
		for _, id := range in.UserIDs {
			if m := g.members[id]; m != nil {
				found = append(found, m)
			} else {
				missing = append(missing, id)
			}
		}
		return found, missing
	}
	limit, prefix := in.Limit, strings.ToLower(deref(in.Query))
	if !all && (limit <= 0 || limit > maxQueryResults) {
		limit = maxQueryResults
	}
	for _, id := range g.order {
		if m := g.members[id]; m.named(prefix) {
			found = append(found, m)
		}
		if !all && len(found) == limit {
			break
		}
	}
	return found, nil
}

// named reports whether the member's username or nickname starts with a prefix in lower case.
func (m *member) named(prefix string) bool {
	return strings.HasPrefix(strings.ToLower(m.User.Username), prefix) ||
		strings.HasPrefix(strings.ToLower(deref(m.Nick)), prefix) && m.Nick != nil
}

func (g *guild) presencesOf(members []*member) []*presence {
	out := []*presence{}
	for _, m := range members {
		if p := g.presences[m.User.ID]; p != nil {
			out = append(out, p)
		}
	}
	return out
}

// requestSounds handles op 31: no guild has soundboard sounds.
func (c *Conn) requestSounds(d json.RawMessage) {
	var in struct {
		GuildIDs []string `json:"guild_ids"`
	}
	if err := json.Unmarshal(d, &in); err != nil {
		c.Close(4002, "Error while decoding payload.")
		return
	}
	s := c.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range in.GuildIDs {
		if s.world.guilds[id] != nil {
			c.session.appendLocked(event{"SOUNDBOARD_SOUNDS", marshal(map[string]any{
				"guild_id": id, "soundboard_sounds": []struct{}{},
			})}, s.cfg.ReplayLimit)
		}
	}
}
