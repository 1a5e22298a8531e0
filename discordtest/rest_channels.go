package discordtest

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/bwmarrin/discordgo"
)

func (x *exchange) getChannel() (any, error) { return x.channel() }

// channelEdit are the fields of a channel that can be set.
type channelEdit struct {
	Name                 *string                `json:"name"`
	Type                 *discordgo.ChannelType `json:"type"`
	Topic                *string                `json:"topic"`
	Position             *int                   `json:"position"`
	NSFW                 *bool                  `json:"nsfw"`
	ParentID             *string                `json:"parent_id"`
	RateLimitPerUser     *int                   `json:"rate_limit_per_user"`
	Bitrate              *int                   `json:"bitrate"`
	UserLimit            *int                   `json:"user_limit"`
	PermissionOverwrites json.RawMessage        `json:"permission_overwrites"`
}

func (e *channelEdit) apply(c *channel) {
	set(&c.Name, e.Name)
	set(&c.Position, e.Position)
	set(&c.NSFW, e.NSFW)
	set(&c.RateLimitPerUser, e.RateLimitPerUser)
	set(&c.Bitrate, e.Bitrate)
	set(&c.UserLimit, e.UserLimit)
	if e.Topic != nil {
		c.Topic = e.Topic
	}
	if e.ParentID != nil {
		c.ParentID = e.ParentID
	}
	if e.PermissionOverwrites != nil {
		c.PermissionOverwrites = e.PermissionOverwrites
	}
}

// set stores a value that was given.
func set[T any](dst *T, v *T) {
	if v != nil {
		*dst = *v
	}
}

func (x *exchange) patchChannel() (any, error) {
	c, err := x.channel()
	if err != nil {
		return nil, err
	}
	var in channelEdit
	if err := x.decode(&in); err != nil {
		return nil, err
	}
	if in.Name != nil && (len(*in.Name) < 1 || len(*in.Name) > 100) {
		return nil, formError("name", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
	}
	in.apply(c)
	x.emitLocked(c.GuildID, "CHANNEL_UPDATE", c)
	return c, nil
}

func (x *exchange) createChannel() (any, error) {
	g, err := x.guild()
	if err != nil {
		return nil, err
	}
	var in channelEdit
	if err := x.decode(&in); err != nil {
		return nil, err
	}
	if in.Name == nil || *in.Name == "" {
		return nil, formError("name", "BASE_TYPE_REQUIRED", "This field is required")
	}
	kind := discordgo.ChannelTypeGuildText
	set(&kind, in.Type)
	c := x.addChannelLocked(g, *in.Name, kind)
	in.apply(c)
	x.emitLocked(g.id, "CHANNEL_CREATE", c)
	return created{c}, nil
}

// addChannelLocked makes a channel that nobody has been told of yet.
func (s *Server) addChannelLocked(g *guild, name string, kind discordgo.ChannelType) *channel {
	id, _ := strconv.ParseUint(s.newIDLocked(), 10, 64)
	return s.world.addChannel(g, id, name, kind)
}

func (x *exchange) deleteChannel() (any, error) {
	c, err := x.channel()
	if err != nil {
		return nil, err
	}
	x.removeChannelLocked(c)
	return c, nil
}

// removeChannelLocked deletes a guild channel; a DM is only closed and opens again with the next
// message.
func (s *Server) removeChannelLocked(c *channel) {
	g := s.world.guilds[c.GuildID]
	if g == nil {
		return
	}
	delete(s.world.channels, c.ID)
	g.channels = slices.DeleteFunc(g.channels, func(x *channel) bool { return x == c })
	for id, v := range g.voice {
		if deref(v.ChannelID) == c.ID {
			delete(g.voice, id)
		}
	}
	for id, w := range s.world.webhooks {
		if w.ChannelID == c.ID {
			delete(s.world.webhooks, id)
		}
	}
	s.emitLocked(g.id, "CHANNEL_DELETE", c)
}

func (x *exchange) triggerTyping() (any, error) {
	c, err := x.channel()
	if err != nil {
		return nil, err
	}
	x.typeLocked(c, x.world.bot.ID)
	return nil, nil
}

func (x *exchange) listChannels() (any, error) {
	g, err := x.guild()
	if err != nil {
		return nil, err
	}
	return g.channels, nil
}
