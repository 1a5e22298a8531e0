package events

import (
	"cmp"
	"strconv"

	"github.com/bwmarrin/discordgo"
)

// The functions of this file return the path of the first missing field of one object, empty if
// it has all. A nil object lacks its first field: discordgo embeds a pointer in most events, which
// stays nil when the payload has none of its fields.

// empty returns the name of a field if it is empty.
func empty(name, value string) string {
	if value == "" {
		return name
	}
	return ""
}

// each applies a function to the elements of a list, none of which may be null.
func each[T any](name string, list []*T, missing func(*T) string) string {
	for i, v := range list {
		path := func() string { return name + "/" + strconv.Itoa(i) }
		if v == nil {
			return path()
		}
		if field := missing(v); field != "" {
			return path() + "/" + field
		}
	}
	return ""
}

// nulls returns the path of the first null in a list of objects.
func nulls[T any](name string, list []*T) string {
	return each(name, list, func(*T) string { return "" })
}

// nullValues returns the path of nulls among the values of an object.
func nullValues[T any](name string, values map[string]*T) string {
	for _, v := range values {
		if v == nil {
			return name + "/*"
		}
	}
	return ""
}

func missingInMessage(m *discordgo.Message) string {
	if m == nil {
		return "id"
	}
	return cmp.Or(empty("id", m.ID), empty("channel_id", m.ChannelID),
		each("mentions", m.Mentions, missingID), nulls("attachments", m.Attachments),
		each("embeds", m.Embeds, missingInEmbed), nulls("reactions", m.Reactions),
		nulls("sticker_items", m.StickerItems),
		each("mention_channels", m.MentionChannels, missingInChannel))
}

func missingAuthor(m *discordgo.Message) string {
	if m == nil {
		return "author"
	}
	return missingInUser("author", m.Author)
}

func missingInEmbed(e *discordgo.MessageEmbed) string {
	return nulls("fields", e.Fields)
}

func missingInReaction(r *discordgo.MessageReaction) string {
	if r == nil {
		return "user_id"
	}
	return cmp.Or(empty("user_id", r.UserID), missingInReactions(r))
}

func missingInReactions(r *discordgo.MessageReaction) string {
	if r == nil {
		return "channel_id"
	}
	return cmp.Or(empty("channel_id", r.ChannelID), empty("message_id", r.MessageID))
}

// missingInUser takes the name of the field that holds the user.
func missingInUser(name string, u *discordgo.User) string {
	if u == nil {
		return name
	}
	if u.ID == "" {
		return name + "/id"
	}
	return ""
}

func missingID(u *discordgo.User) string {
	if u == nil {
		return "id"
	}
	return empty("id", u.ID)
}

func missingInMember(m *discordgo.Member) string {
	if m == nil {
		return "user"
	}
	return missingInUser("user", m.User)
}

func missingInMemberIfAny(m *discordgo.Member) string {
	if m == nil || m.User != nil {
		return ""
	}
	return "member/user"
}

func missingInGuildMember(m *discordgo.Member) string {
	if m == nil {
		return "guild_id"
	}
	return cmp.Or(empty("guild_id", m.GuildID), missingInMember(m))
}

func missingInPresence(p *discordgo.Presence) string {
	if p == nil {
		return "user"
	}
	return cmp.Or(missingInUser("user", p.User), nulls("activities", p.Activities))
}

func missingInGuild(g *discordgo.Guild) string {
	if g == nil {
		return "id"
	}
	return cmp.Or(empty("id", g.ID),
		nulls("roles", g.Roles), nulls("emojis", g.Emojis),
		nulls("stickers", g.Stickers), each("members", g.Members, missingInMember),
		each("presences", g.Presences, missingInPresence),
		each("channels", g.Channels, missingInChannel),
		each("threads", g.Threads, missingInChannel),
		each("voice_states", g.VoiceStates, missingInVoiceState),
		nulls("stage_instances", g.StageInstances))
}

func missingInGuildRole(r *discordgo.GuildRole) string {
	switch {
	case r == nil:
		return "guild_id"
	case r.Role == nil:
		return "role"
	default:
		return cmp.Or(empty("guild_id", r.GuildID), empty("role/id", r.Role.ID))
	}
}

func missingInChannel(c *discordgo.Channel) string {
	if c == nil {
		return "id"
	}
	return cmp.Or(empty("id", c.ID), each("recipients", c.Recipients, missingID),
		nulls("permission_overwrites", c.PermissionOverwrites))
}

func missingInVoiceState(v *discordgo.VoiceState) string {
	if v == nil {
		return "user_id"
	}
	return cmp.Or(empty("user_id", v.UserID), missingInMemberIfAny(v.Member))
}

func missingInThreadMember(m *discordgo.ThreadMember) string {
	if m == nil {
		return "id"
	}
	return empty("id", m.ID)
}

func eachAddedMember(members []discordgo.AddedThreadMember) string {
	for i, m := range members {
		if m.ThreadMember == nil || m.UserID == "" {
			return "added_members/" + strconv.Itoa(i) + "/user_id"
		}
	}
	return ""
}

func missingInInvite(i *discordgo.Invite) string {
	if i == nil {
		return "code"
	}
	return empty("code", i.Code)
}

func missingInAuditLogEntry(e *discordgo.AuditLogEntry) string {
	if e == nil {
		return "id"
	}
	if e.ActionType == nil {
		return "action_type"
	}
	return cmp.Or(empty("id", e.ID), nulls("changes", e.Changes))
}

func missingInScheduled(e *discordgo.GuildScheduledEvent) string {
	if e == nil {
		return "id"
	}
	return cmp.Or(empty("id", e.ID), empty("guild_id", e.GuildID))
}

func missingInStage(s *discordgo.StageInstance) string {
	if s == nil {
		return "id"
	}
	return cmp.Or(empty("id", s.ID), empty("guild_id", s.GuildID))
}

func missingInRule(r *discordgo.AutoModerationRule) string {
	if r == nil {
		return "id"
	}
	return cmp.Or(empty("id", r.ID), empty("guild_id", r.GuildID))
}

func missingInPermissions(p *discordgo.GuildApplicationCommandPermissions) string {
	if p == nil {
		return "id"
	}
	return cmp.Or(empty("id", p.ID), empty("guild_id", p.GuildID),
		nulls("permissions", p.Permissions))
}

func missingInIntegration(i *discordgo.Integration) string {
	if i == nil {
		return "id"
	}
	return empty("id", i.ID)
}

func missingInEntitlement(e *discordgo.Entitlement) string {
	if e == nil {
		return "id"
	}
	return empty("id", e.ID)
}

func missingInSubscription(s *discordgo.Subscription) string {
	if s == nil {
		return "id"
	}
	return empty("id", s.ID)
}
