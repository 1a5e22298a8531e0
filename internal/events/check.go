package events

import (
	"cmp"

	"github.com/bwmarrin/discordgo"
)

// check returns a *PayloadError for the first field that a payload lacks although discordgo or an
// ordinary handler goes by it without a look: its identity, the pointers that Discord documents as
// always there, and the elements of its lists.
func check(payload any) error {
	if field := missing(payload); field != "" {
		return &PayloadError{Field: "/" + field, Reason: "missing"}
	}
	return nil
}

// missing returns the path of the first missing field of a payload, empty if it has all. It splits
// the events by family, each of which returns false for a payload that is not one of its own.
func missing(payload any) string {
	families := [...]func(any) (string, bool){
		missingInMessageEvent, missingInGuildEvent, missingInMemberEvent, missingInChannelEvent,
		missingInScheduleEvent, missingInAppEvent,
	}
	for _, family := range families {
		if field, ok := family(payload); ok {
			return field
		}
	}
	return ""
}

func missingInMessageEvent(payload any) (string, bool) {
	switch p := payload.(type) {
	case *discordgo.MessageCreate:
		return cmp.Or(missingInMessage(p.Message), missingAuthor(p.Message)), true
	case *discordgo.MessageUpdate: // an update may hold no more than what has changed
		return missingInMessage(p.Message), true
	case *discordgo.MessageDelete:
		return missingInMessage(p.Message), true
	case *discordgo.MessageDeleteBulk:
		return empty("channel_id", p.ChannelID), true
	case *discordgo.MessageReactionAdd:
		return cmp.Or(missingInReaction(p.MessageReaction), missingInMemberIfAny(p.Member)), true
	case *discordgo.MessageReactionRemove:
		return missingInReaction(p.MessageReaction), true
	case *discordgo.MessageReactionRemoveAll:
		return missingInReactions(p.MessageReaction), true
	case *discordgo.MessagePollVoteAdd:
		return cmp.Or(empty("user_id", p.UserID), empty("channel_id", p.ChannelID),
			empty("message_id", p.MessageID)), true
	case *discordgo.MessagePollVoteRemove:
		return cmp.Or(empty("user_id", p.UserID), empty("channel_id", p.ChannelID),
			empty("message_id", p.MessageID)), true
	case *discordgo.TypingStart:
		return cmp.Or(empty("user_id", p.UserID), empty("channel_id", p.ChannelID)), true
	}
	return "", false
}

func missingInGuildEvent(payload any) (string, bool) {
	switch p := payload.(type) {
	case *discordgo.Ready:
		return cmp.Or(empty("session_id", p.SessionID), missingInUser("user", p.User),
			each("guilds", p.Guilds, missingInGuild),
			each("private_channels", p.PrivateChannels, missingInChannel)), true
	case *discordgo.GuildCreate:
		return missingInGuild(p.Guild), true
	case *discordgo.GuildUpdate:
		return missingInGuild(p.Guild), true
	case *discordgo.GuildDelete:
		return missingInGuild(p.Guild), true
	case *discordgo.GuildRoleCreate:
		return missingInGuildRole(p.GuildRole), true
	case *discordgo.GuildRoleUpdate:
		return missingInGuildRole(p.GuildRole), true
	case *discordgo.GuildRoleDelete:
		return cmp.Or(empty("guild_id", p.GuildID), empty("role_id", p.RoleID)), true
	case *discordgo.GuildEmojisUpdate:
		return cmp.Or(empty("guild_id", p.GuildID), nulls("emojis", p.Emojis)), true
	case *discordgo.GuildStickersUpdate:
		return cmp.Or(empty("guild_id", p.GuildID), nulls("stickers", p.Stickers)), true
	case *discordgo.GuildIntegrationsUpdate:
		return empty("guild_id", p.GuildID), true
	case *discordgo.GuildAuditLogEntryCreate:
		return cmp.Or(missingInAuditLogEntry(p.AuditLogEntry), empty("guild_id", p.GuildID)), true
	case *discordgo.VoiceServerUpdate:
		return empty("guild_id", p.GuildID), true
	case *discordgo.VoiceStateUpdate:
		return missingInVoiceState(p.VoiceState), true
	case *discordgo.WebhooksUpdate:
		return cmp.Or(empty("guild_id", p.GuildID), empty("channel_id", p.ChannelID)), true
	}
	return "", false
}

func missingInMemberEvent(payload any) (string, bool) {
	switch p := payload.(type) {
	case *discordgo.GuildMemberAdd:
		return missingInGuildMember(p.Member), true
	case *discordgo.GuildMemberUpdate:
		return missingInGuildMember(p.Member), true
	case *discordgo.GuildMemberRemove:
		return missingInGuildMember(p.Member), true
	case *discordgo.GuildMembersChunk:
		return cmp.Or(empty("guild_id", p.GuildID), each("members", p.Members, missingInMember),
			each("presences", p.Presences, missingInPresence)), true
	case *discordgo.GuildBanAdd:
		return cmp.Or(empty("guild_id", p.GuildID), missingInUser("user", p.User)), true
	case *discordgo.GuildBanRemove:
		return cmp.Or(empty("guild_id", p.GuildID), missingInUser("user", p.User)), true
	case *discordgo.PresenceUpdate:
		return missingInPresence(&p.Presence), true
	case *discordgo.PresencesReplace:
		return each("presences", *p, missingInPresence), true
	case *discordgo.UserUpdate:
		return missingID(p.User), true
	}
	return "", false
}

func missingInChannelEvent(payload any) (string, bool) {
	switch p := payload.(type) {
	case *discordgo.ChannelCreate:
		return missingInChannel(p.Channel), true
	case *discordgo.ChannelUpdate:
		return missingInChannel(p.Channel), true
	case *discordgo.ChannelDelete:
		return missingInChannel(p.Channel), true
	case *discordgo.ChannelPinsUpdate:
		return empty("channel_id", p.ChannelID), true
	case *discordgo.ThreadCreate:
		return missingInChannel(p.Channel), true
	case *discordgo.ThreadUpdate:
		return missingInChannel(p.Channel), true
	case *discordgo.ThreadDelete:
		return missingInChannel(p.Channel), true
	case *discordgo.ThreadListSync:
		return cmp.Or(empty("guild_id", p.GuildID), each("threads", p.Threads, missingInChannel),
			nulls("members", p.Members)), true
	case *discordgo.ThreadMemberUpdate:
		return cmp.Or(missingInThreadMember(p.ThreadMember), empty("guild_id", p.GuildID)), true
	case *discordgo.ThreadMembersUpdate:
		return cmp.Or(empty("id", p.ID), empty("guild_id", p.GuildID),
			eachAddedMember(p.AddedMembers)), true
	case *discordgo.InviteCreate:
		return cmp.Or(missingInInvite(p.Invite), empty("channel_id", p.ChannelID)), true
	case *discordgo.InviteDelete:
		return cmp.Or(empty("code", p.Code), empty("channel_id", p.ChannelID)), true
	}
	return "", false
}

func missingInScheduleEvent(payload any) (string, bool) {
	switch p := payload.(type) {
	case *discordgo.GuildScheduledEventCreate:
		return missingInScheduled(p.GuildScheduledEvent), true
	case *discordgo.GuildScheduledEventUpdate:
		return missingInScheduled(p.GuildScheduledEvent), true
	case *discordgo.GuildScheduledEventDelete:
		return missingInScheduled(p.GuildScheduledEvent), true
	case *discordgo.GuildScheduledEventUserAdd:
		return cmp.Or(empty("guild_scheduled_event_id", p.GuildScheduledEventID),
			empty("user_id", p.UserID)), true
	case *discordgo.GuildScheduledEventUserRemove:
		return cmp.Or(empty("guild_scheduled_event_id", p.GuildScheduledEventID),
			empty("user_id", p.UserID)), true
	case *discordgo.StageInstanceEventCreate:
		return missingInStage(p.StageInstance), true
	case *discordgo.StageInstanceEventUpdate:
		return missingInStage(p.StageInstance), true
	case *discordgo.StageInstanceEventDelete:
		return missingInStage(p.StageInstance), true
	}
	return "", false
}

func missingInAppEvent(payload any) (string, bool) {
	switch p := payload.(type) {
	case *discordgo.InteractionCreate:
		return missingInInteraction(p.Interaction), true
	case *discordgo.ApplicationCommandPermissionsUpdate:
		return missingInPermissions(p.GuildApplicationCommandPermissions), true
	case *discordgo.AutoModerationRuleCreate:
		return missingInRule(p.AutoModerationRule), true
	case *discordgo.AutoModerationRuleUpdate:
		return missingInRule(p.AutoModerationRule), true
	case *discordgo.AutoModerationRuleDelete:
		return missingInRule(p.AutoModerationRule), true
	case *discordgo.AutoModerationActionExecution:
		return cmp.Or(empty("guild_id", p.GuildID), empty("rule_id", p.RuleID)), true
	case *discordgo.IntegrationCreate:
		return cmp.Or(missingInIntegration(p.Integration), empty("guild_id", p.GuildID)), true
	case *discordgo.IntegrationUpdate:
		return cmp.Or(missingInIntegration(p.Integration), empty("guild_id", p.GuildID)), true
	case *discordgo.IntegrationDelete:
		return cmp.Or(empty("id", p.ID), empty("guild_id", p.GuildID)), true
	case *discordgo.EntitlementCreate:
		return missingInEntitlement(p.Entitlement), true
	case *discordgo.EntitlementUpdate:
		return missingInEntitlement(p.Entitlement), true
	case *discordgo.EntitlementDelete:
		return missingInEntitlement(p.Entitlement), true
	case *discordgo.SubscriptionCreate:
		return missingInSubscription(p.Subscription), true
	case *discordgo.SubscriptionUpdate:
		return missingInSubscription(p.Subscription), true
	case *discordgo.SubscriptionDelete:
		return missingInSubscription(p.Subscription), true
	}
	return "", false
}
