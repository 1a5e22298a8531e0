package state

import (
	"github.com/bwmarrin/discordgo"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"
)

// A record is an event that brings a State to where another one is.
type record struct {
	eventType string
	raw       []byte
}

// encodeOptions write what events.Decode reads.
//
//nolint:gochecknoglobals // a constant that Go cannot spell
var encodeOptions = json.JoinOptions(
	json.OmitZeroStructFields(true),
	jsontext.AllowInvalidUTF8(true),
	jsonv1.StringifyWithLegacySemantics(true),
	jsonv1.OmitEmptyWithLegacySemantics(true),
	json.WithMarshalers(json.JoinMarshalers(
		json.MarshalToFunc(marshalMessage), json.MarshalToFunc(marshalActivity))),
)

type messageFields discordgo.Message

// marshalMessage writes the components as well, whose field is tagged "-".
func marshalMessage(e *jsontext.Encoder, m *discordgo.Message) error {
	return json.MarshalEncode(e, struct {
		*messageFields
		Components []discordgo.MessageComponent `json:"components,omitempty"`
	}{(*messageFields)(m), m.Components})
}

type activityFields discordgo.Activity

// marshalActivity writes the time as Discord does.
func marshalActivity(e *jsontext.Encoder, a *discordgo.Activity) error {
	return json.MarshalEncode(e, struct {
		*activityFields
		CreatedAt int64 `json:"created_at"` // in milliseconds
	}{(*activityFields)(a), a.CreatedAt.UnixMilli()})
}

// readyRecord is a READY that lists some guilds.
func readyRecord(session, self string, guilds []string) []byte {
	type id struct {
		ID string `json:"id"`
	}
	ready := struct {
		SessionID string `json:"session_id"`
		User      id     `json:"user"`
		Guilds    []id   `json:"guilds"`
	}{SessionID: session, User: id{self}}
	for _, g := range guilds {
		ready.Guilds = append(ready.Guilds, id{g})
	}
	b, err := json.Marshal(ready)
	if err != nil { // it has nothing but strings
		return nil
	}
	return b
}

// guildRecords returns the events that give a State this guild. Readers of State may be at work;
// nobody else writes to it, but a program that has put a guild into State itself may.
func (k *Keeper) guildRecords(id string) []record {
	g, _ := k.guild(id)
	if g == nil {
		return nil
	}
	k.st.RLock()
	defer k.st.RUnlock()
	var records []record
	add := func(eventType string, v any) {
		if b, err := json.Marshal(v, encodeOptions); err == nil {
			records = append(records, record{eventType, b})
		}
	}
	whole := *g
	whole.Unavailable = false
	add("GUILD_CREATE", &whole)
	if g.Unavailable {
		add("GUILD_DELETE", &discordgo.Guild{ID: g.ID, Unavailable: true})
	}
	for _, list := range [...][]*discordgo.Channel{g.Channels, g.Threads} {
		for _, c := range list {
			if len(c.Members) > 0 {
				add("THREAD_MEMBERS_UPDATE", threadMembers(c))
			}
			for _, m := range c.Messages {
				add("MESSAGE_CREATE", m)
			}
		}
	}
	return records
}

func threadMembers(c *discordgo.Channel) *discordgo.ThreadMembersUpdate {
	u := &discordgo.ThreadMembersUpdate{ID: c.ID, GuildID: c.GuildID, MemberCount: c.MemberCount}
	for _, m := range c.Members {
		u.AddedMembers = append(u.AddedMembers, discordgo.AddedThreadMember{ThreadMember: m})
	}
	return u
}
