package discordtest

import (
	"encoding/json"
	"slices"

	"github.com/bwmarrin/discordgo"
)

// A channel is a guild channel, a thread or a DM, in the form in which Discord sends it.
type channel struct {
	ID                   string                `json:"id"`
	Type                 discordgo.ChannelType `json:"type"`
	GuildID              string                `json:"guild_id,omitempty"`
	Name                 string                `json:"name,omitempty"`
	Topic                *string               `json:"topic,omitempty"`
	Position             int                   `json:"position"`
	NSFW                 bool                  `json:"nsfw"`
	ParentID             *string               `json:"parent_id"`
	RateLimitPerUser     int                   `json:"rate_limit_per_user"`
	LastMessageID        *string               `json:"last_message_id"`
	PermissionOverwrites []overwrite           `json:"permission_overwrites,omitzero"`
	Bitrate              int                   `json:"bitrate,omitempty"`
	UserLimit            int                   `json:"user_limit,omitempty"`
	Recipients           []*user               `json:"recipients,omitempty"`
	Flags                int                   `json:"flags"`

	// Of forums.
	AvailableTags   json.RawMessage `json:"available_tags,omitempty"`
	DefaultReaction json.RawMessage `json:"default_reaction_emoji,omitempty"`
	SortOrder       *int            `json:"default_sort_order,omitempty"`
	ForumLayout     *int            `json:"default_forum_layout,omitempty"`
	AutoArchive     int             `json:"default_auto_archive_duration,omitempty"`

	*thread // nil for other channels

	messages []*message // oldest first
}

func (c *channel) public() *discordgo.Channel {
	out := new(discordgo.Channel)
	_ = json.Unmarshal(marshal(c), out)
	return out
}

// isThread reports whether the channel is a thread of another.
func (c *channel) isThread() bool { return c.thread != nil }

// speaks reports whether the channel can have messages; the others have threads or channels.
func (c *channel) speaks() bool {
	switch c.Type {
	case discordgo.ChannelTypeGuildCategory, discordgo.ChannelTypeGuildForum, discordgo.ChannelTypeGuildMedia:
		return false
	}
	return true
}

// message returns a message by id, or nil. Ids rise, so the list is searched by halves.
func (c *channel) message(id string) *message {
	i, ok := slices.BinarySearchFunc(c.messages, id, compareMessage)
	if !ok {
		return nil
	}
	return c.messages[i]
}

// keep appends m and drops the oldest messages over the limit.
func (c *channel) keep(m *message, limit int) {
	if len(c.messages) >= limit {
		n := len(c.messages) - limit + 1
		clear(c.messages[:n])
		c.messages = c.messages[n:]
	}
	c.messages = append(c.messages, m)
	c.LastMessageID = &m.ID
}

// drop removes a message and reports whether it was there.
func (c *channel) drop(id string) bool {
	before := len(c.messages)
	c.messages = slices.DeleteFunc(c.messages, func(m *message) bool { return m.ID == id })
	return len(c.messages) < before
}

// compareMessage orders a message against an id, for binary search.
func compareMessage(m *message, id string) int { return compareIDs(m.ID, id) }

// compareIDs orders snowflakes by value without parsing them.
func compareIDs(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
