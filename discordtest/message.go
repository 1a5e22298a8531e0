package discordtest

import (
	"encoding/json"
	"regexp"
	"slices"

	"github.com/bwmarrin/discordgo"
)

// A message is a message in the form in which Discord sends it. Parts that the server only passes
// on stay JSON.
type message struct {
	ID               string          `json:"id"`
	ChannelID        string          `json:"channel_id"`
	GuildID          string          `json:"guild_id,omitempty"` // gateway only
	Author           *user           `json:"author"`
	Member           *member         `json:"member,omitempty"` // gateway only
	Content          string          `json:"content"`
	Timestamp        string          `json:"timestamp"`
	EditedTimestamp  *string         `json:"edited_timestamp"`
	TTS              bool            `json:"tts"`
	MentionEveryone  bool            `json:"mention_everyone"`
	Mentions         []*user         `json:"mentions"`
	MentionRoles     []string        `json:"mention_roles"`
	Attachments      []attachment    `json:"attachments"`
	Embeds           json.RawMessage `json:"embeds"`
	Components       json.RawMessage `json:"components"`
	Reactions        []*reaction     `json:"reactions,omitempty"`
	Pinned           bool            `json:"pinned"`
	Type             int             `json:"type"`
	Flags            int             `json:"flags"`
	Nonce            json.RawMessage `json:"nonce,omitempty"`
	WebhookID        string          `json:"webhook_id,omitempty"`
	ApplicationID    string          `json:"application_id,omitempty"`
	MessageReference json.RawMessage `json:"message_reference,omitempty"`
	Referenced       *message        `json:"referenced_message,omitempty"`
	Interaction      *usedBy         `json:"interaction_metadata,omitempty"`
	StickerItems     json.RawMessage `json:"sticker_items,omitempty"`
	Poll             *poll           `json:"poll,omitempty"`
	Thread           *channel        `json:"thread,omitempty"`
}

// usedBy names the interaction that a message answers.
type usedBy struct {
	ID   string `json:"id"`
	Type int    `json:"type"`
	User *user  `json:"user"`
}

type attachment struct {
	ID          string `json:"id"`
	Filename    string `json:"filename"`
	Size        int    `json:"size"`
	URL         string `json:"url"`
	ProxyURL    string `json:"proxy_url"`
	ContentType string `json:"content_type,omitempty"`
}

type reaction struct {
	Count int   `json:"count"`
	Me    bool  `json:"me"`
	Emoji emoji `json:"emoji"`
	users []string
}

type emoji struct {
	ID   *string `json:"id"`
	Name string  `json:"name"`
}

// Message flags. An ephemeral one is only seen by the user of the interaction; while it is loading
// the bot is still thinking.
const (
	flagCrossposted  = 1 << 0
	flagHasThread    = 1 << 5
	flagEphemeral    = 1 << 6
	flagLoading      = 1 << 7
	flagComponentsV2 = 1 << 15
)

func (m *message) ephemeral() bool { return m.Flags&flagEphemeral != 0 }

var (
	userMention   = regexp.MustCompile(`<@!?(\d+)>`)
	roleMention   = regexp.MustCompile(`<@&(\d+)>`)
	everyoneWords = regexp.MustCompile(`@(everyone|here)\b`)
)

// emptyList is a list field without elements.
func emptyList() json.RawMessage { return json.RawMessage("[]") }

// redacted returns m as a session without MESSAGE_CONTENT gets it.
func (m *message) redacted() *message {
	r := *m
	r.Content, r.Attachments, r.Embeds, r.Components, r.Poll = "", []attachment{}, emptyList(), emptyList(), nil
	if r.Referenced != nil {
		r.Referenced = r.Referenced.redacted()
	}
	return &r
}

// shownWithoutIntent reports whether content stays readable without MESSAGE_CONTENT: in DMs, in the
// bot's own messages and where the bot is mentioned.
func (m *message) shownWithoutIntent(botID string, dm bool) bool {
	isBot := func(u *user) bool { return u.ID == botID }
	return dm || isBot(m.Author) || slices.ContainsFunc(m.Mentions, isBot)
}

// public converts m to discordgo's form.
func (m *message) public(guildID string) *discordgo.Message {
	out := new(discordgo.Message)
	_ = json.Unmarshal(marshal(m), out)
	out.GuildID = guildID
	return out
}

// marshal encodes a value of the server's own types, which cannot fail unless it holds invalid raw
// JSON.
func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("discordtest: " + err.Error())
	}
	return b
}

// clone returns a copy that shares nothing which the server changes later.
func (m *message) clone() message {
	c := *m
	c.Reactions = make([]*reaction, len(m.Reactions))
	for i, r := range m.Reactions {
		copied := *r
		c.Reactions[i] = &copied
	}
	return c
}
