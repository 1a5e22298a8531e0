package discordtest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/bwmarrin/discordgo"
)

func channelRoutes(r router) {
	const channel = "/channels/{channel}"
	r.on("GET", channel, (*exchange).getChannel)
	r.on("PATCH", channel, (*exchange).patchChannel)
	r.on("DELETE", channel, (*exchange).deleteChannel)
	r.on("POST", channel+"/typing", (*exchange).triggerTyping, discordgo.PermissionSendMessages)
	r.on("GET", "/guilds/{guild}/channels", (*exchange).listChannels)
	r.on("POST", "/guilds/{guild}/channels", (*exchange).createChannel, discordgo.PermissionManageChannels)
	r.on("PATCH", "/guilds/{guild}/channels", (*exchange).moveChannels, discordgo.PermissionManageChannels)
}

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
	Flags                *int                   `json:"flags"`
	PermissionOverwrites []overwriteEdit        `json:"permission_overwrites"`
	AvailableTags        json.RawMessage        `json:"available_tags"`
	DefaultReaction      json.RawMessage        `json:"default_reaction_emoji"`
	SortOrder            *int                   `json:"default_sort_order"`
	ForumLayout          *int                   `json:"default_forum_layout"`
	DefaultAutoArchive   *int                   `json:"default_auto_archive_duration"`

	// Of threads.
	Archived    *bool    `json:"archived"`
	Locked      *bool    `json:"locked"`
	Invitable   *bool    `json:"invitable"`
	AutoArchive *int     `json:"auto_archive_duration"`
	AppliedTags []string `json:"applied_tags"`
}

func (e *channelEdit) check() error {
	var f form
	if e.Name != nil {
		f.text("name", *e.Name, 1, 100)
	}
	if e.Topic != nil {
		f.text("topic", *e.Topic, 0, 4096)
	}
	if e.RateLimitPerUser != nil {
		f.number("rate_limit_per_user", float64(*e.RateLimitPerUser), 0, 21600)
	}
	if e.AutoArchive != nil {
		choices(&f, "auto_archive_duration", *e.AutoArchive, 60, 1440, 4320, 10080)
	}
	for i, o := range e.PermissionOverwrites {
		o.check(&f, fmt.Sprintf("permission_overwrites.%d.", i))
	}
	return f.err()
}

func (e *channelEdit) apply(c *channel) {
	set(&c.Name, e.Name)
	set(&c.Position, e.Position)
	set(&c.NSFW, e.NSFW)
	set(&c.RateLimitPerUser, e.RateLimitPerUser)
	set(&c.Flags, e.Flags)
	if e.Topic != nil {
		c.Topic = e.Topic
	}
	if e.ParentID != nil {
		c.ParentID = orNil(*e.ParentID)
	}
	if c.Type == discordgo.ChannelTypeGuildVoice || c.Type == discordgo.ChannelTypeGuildStageVoice {
		set(&c.Bitrate, e.Bitrate)
		set(&c.UserLimit, e.UserLimit)
	}
	if e.PermissionOverwrites != nil {
		c.PermissionOverwrites = []overwrite{}
		for _, o := range e.PermissionOverwrites {
			c.PermissionOverwrites = append(c.PermissionOverwrites, o.overwrite())
		}
	}
	if isSet(e.AvailableTags) {
		c.AvailableTags = e.AvailableTags
	}
	if isSet(e.DefaultReaction) {
		c.DefaultReaction = e.DefaultReaction
	}
	if e.SortOrder != nil {
		c.SortOrder = e.SortOrder
	}
	if e.ForumLayout != nil {
		c.ForumLayout = e.ForumLayout
	}
	set(&c.AutoArchive, e.DefaultAutoArchive)
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
	if err := in.check(); err != nil {
		return nil, err
	}
	if c.isThread() {
		return x.patchThread(c, &in)
	}
	need := permissions(discordgo.PermissionManageChannels)
	if in.PermissionOverwrites != nil {
		need |= discordgo.PermissionManageRoles
	}
	if err := x.mayIn(c, need); err != nil {
		return nil, err
	}
	before := *c
	in.apply(c)
	x.emitLocked(c.GuildID, "CHANNEL_UPDATE", c)
	x.auditLocked(c.GuildID, discordgo.AuditLogActionChannelUpdate, c.ID,
		auditChange{"name", before.Name, c.Name}, auditChange{"topic", deref(before.Topic), deref(c.Topic)})
	return c, nil
}

// patchThread changes a thread. Its owner may do most of it, and whoever may speak may open it.
func (x *exchange) patchThread(c *channel, in *channelEdit) (any, error) {
	opens := in.Archived != nil && !*in.Archived && c.Metadata.Archived
	need := permissions(discordgo.PermissionManageThreads)
	switch own := c.OwnerID == x.world.bot.ID; {
	case in.Locked != nil || in.Flags != nil:
	case own:
		need = 0
	case opens && !c.Metadata.Locked && in.Name == nil && in.AutoArchive == nil:
		need = discordgo.PermissionSendMessages
	}
	if err := x.mayIn(c, need); err != nil {
		return nil, err
	}
	if c.Metadata.Archived && !opens && in.Archived == nil {
		return nil, errArchived
	}
	set(&c.Name, in.Name)
	set(&c.RateLimitPerUser, in.RateLimitPerUser)
	set(&c.Flags, in.Flags)
	set(&c.Metadata.Locked, in.Locked)
	set(&c.Metadata.AutoArchive, in.AutoArchive)
	if in.AppliedTags != nil {
		c.AppliedTags = in.AppliedTags
	}
	if in.Invitable != nil && c.Metadata.Invitable != nil {
		c.Metadata.Invitable = in.Invitable
	}
	if in.Archived != nil {
		x.archiveLocked(c, *in.Archived)
	}
	x.emitInLocked(c, "THREAD_UPDATE", c)
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
	if in.Name == nil {
		return nil, formError("name", "BASE_TYPE_REQUIRED", "This field is required")
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	if len(g.channels) >= maxChannels {
		return nil, &apiError{400, 30013, "Maximum number of guild channels reached (500)", nil}
	}
	kind := discordgo.ChannelTypeGuildText
	set(&kind, in.Type)
	c := x.addChannelLocked(g, *in.Name, kind)
	in.apply(c)
	x.emitLocked(g.id, "CHANNEL_CREATE", c)
	x.auditLocked(g.id, discordgo.AuditLogActionChannelCreate, c.ID, auditChange{"name", nil, c.Name})
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
	need := permissions(discordgo.PermissionManageChannels)
	if c.isThread() {
		need = discordgo.PermissionManageThreads
	}
	if err := x.mayIn(c, need); err != nil {
		return nil, err
	}
	x.removeChannelLocked(c)
	if !c.isThread() {
		x.auditLocked(c.GuildID, discordgo.AuditLogActionChannelDelete, c.ID, auditChange{"name", c.Name, nil})
	}
	return c, nil
}

// removeChannelLocked deletes a guild channel and what is in it, or a thread; a DM is only closed
// and opens again with the next message.
func (s *Server) removeChannelLocked(c *channel) {
	g := s.world.guilds[c.GuildID]
	switch {
	case g == nil:
		return
	case c.isThread():
		s.removeThreadLocked(c)
		return
	}
	for _, t := range slices.Clone(g.threads) {
		if deref(t.ParentID) == c.ID {
			s.removeThreadLocked(t)
		}
	}
	for _, child := range g.channels {
		if deref(child.ParentID) == c.ID { // of a category
			child.ParentID = nil
			s.emitLocked(g.id, "CHANNEL_UPDATE", child)
		}
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
	for code, i := range s.world.invites {
		if i.Channel == c {
			delete(s.world.invites, code)
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

// moveChannels changes the positions and categories of several channels.
func (x *exchange) moveChannels() (any, error) {
	g, err := x.guild()
	if err != nil {
		return nil, err
	}
	var in []struct {
		ID       string  `json:"id"`
		Position *int    `json:"position"`
		ParentID *string `json:"parent_id"`
	}
	if err := x.decode(&in); err != nil {
		return nil, err
	}
	for _, e := range in {
		if c := x.world.channels[e.ID]; c == nil || c.GuildID != g.id {
			return nil, errUnknownChannel
		}
	}
	for _, e := range in {
		c := x.world.channels[e.ID]
		(&channelEdit{Position: e.Position, ParentID: e.ParentID}).apply(c)
		x.emitLocked(g.id, "CHANNEL_UPDATE", c)
	}
	return nil, nil
}

// maxChannels is Discord's limit for a guild.
const maxChannels = 500
