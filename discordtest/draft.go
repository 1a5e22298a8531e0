package discordtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A draft is what a client sends to make or change a message. Nil fields were not given.
type draft struct {
	Content          *string         `json:"content"`
	Embed            json.RawMessage `json:"embed"` // API v9 and older
	Embeds           json.RawMessage `json:"embeds"`
	Components       json.RawMessage `json:"components"`
	Flags            *int            `json:"flags"`
	TTS              bool            `json:"tts"`
	Nonce            json.RawMessage `json:"nonce"`
	EnforceNonce     bool            `json:"enforce_nonce"`
	MessageReference json.RawMessage `json:"message_reference"`
	StickerIDs       []string        `json:"sticker_ids"`
	Poll             *pollDraft      `json:"poll"`
	AllowedMentions  *struct {
		Parse []string `json:"parse"`
		Users []string `json:"users"`
		Roles []string `json:"roles"`
	} `json:"allowed_mentions"`
	Username  string `json:"username"`   // webhooks
	AvatarURL string `json:"avatar_url"` // webhooks

	ThreadName string `json:"thread_name"` // webhooks in forums

	files []attachment
}

// draft reads the body as a message.
func (x *exchange) draft() (*draft, error) {
	d := &draft{files: x.files}
	if err := x.decode(d); err != nil {
		return nil, err
	}
	return d, d.check()
}

const (
	maxContent  = 2000
	maxStickers = 3
	maxNonce    = 25
)

// check holds a draft against Discord's limits.
func (d *draft) check() error {
	var f form
	d.checkForm(&f, "")
	return f.err()
}

// checkForm does so for a draft at a place of the body: "data." of an interaction's response.
func (d *draft) checkForm(f *form, at string) {
	if isSet(d.Embed) && !isSet(d.Embeds) {
		d.Embeds = slices.Concat([]byte("["), d.Embed, []byte("]"))
	}
	second := d.Flags != nil && *d.Flags&flagComponentsV2 != 0
	if second && (deref(d.Content) != "" || isSet(d.Embeds) || d.Poll != nil || len(d.StickerIDs) > 0) {
		f.wrong(at+"content", "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
			"The 'content', 'embeds', 'poll' and 'stickers' fields cannot be used with components v2")
	}
	f.text(at+"content", deref(d.Content), 0, maxContent)
	f.length(at+"sticker_ids", len(d.StickerIDs), 0, maxStickers)
	f.length(at+"nonce", len(bytes.Trim(d.Nonce, `"`)), 0, maxNonce)
	checkEmbeds(f, at+"embeds", d.Embeds)
	checkLayout(f, at+"components", d.Components, second)
	d.Poll.check(f)
}

// isSet reports whether raw JSON holds something.
func isSet(raw json.RawMessage) bool {
	raw = bytes.TrimSpace(raw)
	return len(raw) > 0 && !bytes.Equal(raw, []byte("null")) && !bytes.Equal(raw, []byte("[]"))
}

// empty reports whether the draft would make a message with nothing in it.
func (d *draft) empty() bool {
	return strings.TrimSpace(deref(d.Content)) == "" && !isSet(d.Embeds) && !isSet(d.Components) &&
		len(d.files) == 0 && len(d.StickerIDs) == 0 && d.Poll == nil && !isSet(d.MessageReference)
}

// newMessageLocked makes a message of a draft; nobody has been told of it yet.
func (s *Server) newMessageLocked(c *channel, author *user, d *draft) *message {
	now := s.nowLocked()
	m := &message{
		ID: s.ids.next(now), ChannelID: c.ID, Author: author, Timestamp: timestamp(now), TTS: d.TTS,
		MentionRoles: []string{}, Mentions: []*user{}, Attachments: []attachment{}, Embeds: emptyList(),
		Components: emptyList(), Nonce: d.Nonce, Poll: d.Poll.open(now),
	}
	s.fillLocked(c, m, d)
	var ref struct {
		MessageID string `json:"message_id"`
	}
	if isSet(d.MessageReference) && json.Unmarshal(d.MessageReference, &ref) == nil {
		m.Type, m.MessageReference = 19, d.MessageReference
		if to := c.message(ref.MessageID); to != nil {
			copied := to.clone()
			copied.Referenced = nil
			m.Referenced = &copied
		}
	}
	return m
}

// fillLocked copies the given fields of a draft into a message.
func (s *Server) fillLocked(c *channel, m *message, d *draft) {
	if d.Content != nil {
		m.Content = *d.Content
		s.mentionsLocked(c, m, d)
	}
	if d.Embeds != nil {
		m.Embeds = orEmpty(d.Embeds)
	}
	if d.Components != nil {
		m.Components = orEmpty(d.Components)
	}
	set(&m.Flags, d.Flags)
	for _, f := range d.files {
		f.ID = s.newIDLocked()
		f.URL = fmt.Sprintf("%s/attachments/%s/%s/%s", s.URL, c.ID, f.ID, f.Filename)
		f.ProxyURL = f.URL
		m.Attachments = append(slices.Clip(m.Attachments), f)
	}
}

func orEmpty(raw json.RawMessage) json.RawMessage {
	if !isSet(raw) {
		return emptyList()
	}
	return raw
}

// mentionsLocked finds who is mentioned in the content, as far as allowed_mentions lets it.
func (s *Server) mentionsLocked(c *channel, m *message, d *draft) {
	allows := func(kind string, ids []string, id string) bool {
		return d.AllowedMentions == nil || slices.Contains(d.AllowedMentions.Parse, kind) ||
			slices.Contains(ids, id)
	}
	var users, roles []string
	if d.AllowedMentions != nil {
		users, roles = d.AllowedMentions.Users, d.AllowedMentions.Roles
	}
	m.Mentions, m.MentionRoles = []*user{}, []string{}
	for _, hit := range userMention.FindAllStringSubmatch(m.Content, -1) {
		u := s.world.users[hit[1]]
		if u != nil && !slices.Contains(m.Mentions, u) && allows("users", users, u.ID) {
			m.Mentions = append(m.Mentions, u)
		}
	}
	if g := s.world.guilds[c.GuildID]; g != nil {
		for _, hit := range roleMention.FindAllStringSubmatch(m.Content, -1) {
			id := hit[1]
			if g.role(id) != nil && !slices.Contains(m.MentionRoles, id) && allows("roles", roles, id) {
				m.MentionRoles = append(m.MentionRoles, id)
			}
		}
	}
	m.MentionEveryone = everyoneWords.MatchString(m.Content) && allows("everyone", nil, "")
}

// publishLocked dispatches MESSAGE_CREATE or MESSAGE_UPDATE.
func (s *Server) publishLocked(typ string, c *channel, m *message) {
	wire := *m
	wire.GuildID = c.GuildID
	if g := s.world.guilds[c.GuildID]; g != nil && m.WebhookID == "" {
		if author := g.members[m.Author.ID]; author != nil {
			wire.Member = author.bare()
		}
	}
	o := outgoing{guildID: c.GuildID, channel: c, typ: typ, data: marshal(&wire)}
	if !m.shownWithoutIntent(s.world.bot.ID, c.GuildID == "") {
		o.redacted = marshal(wire.redacted())
	}
	s.dispatchLocked(o)
}

// postLocked puts a message into its channel and, unless only one person sees it, tells everybody.
func (s *Server) postLocked(c *channel, m *message) {
	c.keep(m, s.cfg.MessageLimit)
	if !m.ephemeral() {
		s.publishLocked("MESSAGE_CREATE", c, m)
	}
	if c.isThread() {
		s.postedLocked(c, m)
	}
	s.changedLocked()
}

// rewriteLocked changes a message and tells everybody.
func (s *Server) rewriteLocked(c *channel, m *message, d *draft) {
	s.fillLocked(c, m, d)
	edited := timestamp(s.nowLocked())
	m.EditedTimestamp = &edited
	if !m.ephemeral() {
		s.publishLocked("MESSAGE_UPDATE", c, m)
	}
	s.changedLocked()
}

// removeMessageLocked deletes a message and tells everybody.
func (s *Server) removeMessageLocked(c *channel, m *message) {
	c.drop(m.ID)
	if !m.ephemeral() {
		s.emitInLocked(c, "MESSAGE_DELETE",
			inGuild(c, map[string]any{"id": m.ID, "channel_id": c.ID}))
	}
}

// inGuild adds the guild's id, which events in DMs do not have.
func inGuild(c *channel, event map[string]any) map[string]any {
	if c.GuildID != "" {
		event["guild_id"] = c.GuildID
	}
	return event
}

// nonceMemory is how long enforce_nonce finds an earlier message.
const nonceMemory = 5 * time.Minute

// sameNonceLocked returns the author's recent message with the draft's nonce.
func (s *Server) sameNonceLocked(c *channel, author *user, d *draft) *message {
	if !d.EnforceNonce || !isSet(d.Nonce) {
		return nil
	}
	for _, m := range slices.Backward(c.messages) {
		if born, _ := snowflakeTime(m.ID); s.nowLocked().Sub(born) > nonceMemory {
			break
		}
		if m.Author.ID == author.ID && bytes.Equal(m.Nonce, d.Nonce) {
			return m
		}
	}
	return nil
}
