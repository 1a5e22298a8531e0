package discordtest

import (
	"strings"

	"github.com/bwmarrin/discordgo"
)

const privilegedIntents = discordgo.IntentGuildMembers | discordgo.IntentGuildPresences |
	discordgo.IntentMessageContent

// validIntents are the bits that Discord defines; any other closes an IDENTIFY with 4013.
const validIntents = discordgo.IntentsAll | discordgo.IntentGuildMessagePolls |
	discordgo.IntentDirectMessagePolls

// eventIntents is the intent that a session needs to receive an event; events not listed go to
// every session. Events that exist in guilds and in DMs have the guild's intent here and the other
// in dmIntents.
var eventIntents = map[string]discordgo.Intent{
	"GUILD_CREATE":                discordgo.IntentGuilds,
	"GUILD_UPDATE":                discordgo.IntentGuilds,
	"GUILD_DELETE":                discordgo.IntentGuilds,
	"GUILD_ROLE_CREATE":           discordgo.IntentGuilds,
	"GUILD_ROLE_UPDATE":           discordgo.IntentGuilds,
	"GUILD_ROLE_DELETE":           discordgo.IntentGuilds,
	"CHANNEL_CREATE":              discordgo.IntentGuilds,
	"CHANNEL_UPDATE":              discordgo.IntentGuilds,
	"CHANNEL_DELETE":              discordgo.IntentGuilds,
	"CHANNEL_PINS_UPDATE":         discordgo.IntentGuilds,
	"THREAD_CREATE":               discordgo.IntentGuilds,
	"THREAD_UPDATE":               discordgo.IntentGuilds,
	"THREAD_DELETE":               discordgo.IntentGuilds,
	"THREAD_LIST_SYNC":            discordgo.IntentGuilds,
	"THREAD_MEMBER_UPDATE":        discordgo.IntentGuilds,
	"THREAD_MEMBERS_UPDATE":       discordgo.IntentGuilds,
	"STAGE_INSTANCE_CREATE":       discordgo.IntentGuilds,
	"STAGE_INSTANCE_UPDATE":       discordgo.IntentGuilds,
	"STAGE_INSTANCE_DELETE":       discordgo.IntentGuilds,
	"VOICE_CHANNEL_STATUS_UPDATE": discordgo.IntentGuilds,

	"GUILD_MEMBER_ADD":    discordgo.IntentGuildMembers,
	"GUILD_MEMBER_UPDATE": discordgo.IntentGuildMembers,
	"GUILD_MEMBER_REMOVE": discordgo.IntentGuildMembers,

	"GUILD_AUDIT_LOG_ENTRY_CREATE": discordgo.IntentGuildModeration,
	"GUILD_BAN_ADD":                discordgo.IntentGuildModeration,
	"GUILD_BAN_REMOVE":             discordgo.IntentGuildModeration,

	"GUILD_EMOJIS_UPDATE":            discordgo.IntentGuildEmojis,
	"GUILD_STICKERS_UPDATE":          discordgo.IntentGuildEmojis,
	"GUILD_SOUNDBOARD_SOUND_CREATE":  discordgo.IntentGuildEmojis,
	"GUILD_SOUNDBOARD_SOUND_UPDATE":  discordgo.IntentGuildEmojis,
	"GUILD_SOUNDBOARD_SOUND_DELETE":  discordgo.IntentGuildEmojis,
	"GUILD_SOUNDBOARD_SOUNDS_UPDATE": discordgo.IntentGuildEmojis,

	"GUILD_INTEGRATIONS_UPDATE": discordgo.IntentGuildIntegrations,
	"INTEGRATION_CREATE":        discordgo.IntentGuildIntegrations,
	"INTEGRATION_UPDATE":        discordgo.IntentGuildIntegrations,
	"INTEGRATION_DELETE":        discordgo.IntentGuildIntegrations,
	"WEBHOOKS_UPDATE":           discordgo.IntentGuildWebhooks,
	"INVITE_CREATE":             discordgo.IntentGuildInvites,
	"INVITE_DELETE":             discordgo.IntentGuildInvites,
	"VOICE_STATE_UPDATE":        discordgo.IntentGuildVoiceStates,
	"VOICE_CHANNEL_EFFECT_SEND": discordgo.IntentGuildVoiceStates,
	"PRESENCE_UPDATE":           discordgo.IntentGuildPresences,

	"MESSAGE_CREATE":      discordgo.IntentGuildMessages,
	"MESSAGE_UPDATE":      discordgo.IntentGuildMessages,
	"MESSAGE_DELETE":      discordgo.IntentGuildMessages,
	"MESSAGE_DELETE_BULK": discordgo.IntentGuildMessages,

	"MESSAGE_REACTION_ADD":          discordgo.IntentGuildMessageReactions,
	"MESSAGE_REACTION_REMOVE":       discordgo.IntentGuildMessageReactions,
	"MESSAGE_REACTION_REMOVE_ALL":   discordgo.IntentGuildMessageReactions,
	"MESSAGE_REACTION_REMOVE_EMOJI": discordgo.IntentGuildMessageReactions,
	"TYPING_START":                  discordgo.IntentGuildMessageTyping,
	"MESSAGE_POLL_VOTE_ADD":         discordgo.IntentGuildMessagePolls,
	"MESSAGE_POLL_VOTE_REMOVE":      discordgo.IntentGuildMessagePolls,

	"GUILD_SCHEDULED_EVENT_CREATE":      discordgo.IntentGuildScheduledEvents,
	"GUILD_SCHEDULED_EVENT_UPDATE":      discordgo.IntentGuildScheduledEvents,
	"GUILD_SCHEDULED_EVENT_DELETE":      discordgo.IntentGuildScheduledEvents,
	"GUILD_SCHEDULED_EVENT_USER_ADD":    discordgo.IntentGuildScheduledEvents,
	"GUILD_SCHEDULED_EVENT_USER_REMOVE": discordgo.IntentGuildScheduledEvents,

	"AUTO_MODERATION_RULE_CREATE":      discordgo.IntentAutoModerationConfiguration,
	"AUTO_MODERATION_RULE_UPDATE":      discordgo.IntentAutoModerationConfiguration,
	"AUTO_MODERATION_RULE_DELETE":      discordgo.IntentAutoModerationConfiguration,
	"AUTO_MODERATION_ACTION_EXECUTION": discordgo.IntentAutoModerationExecution,
}

// dmIntents is the same for events without a guild.
var dmIntents = map[string]discordgo.Intent{
	"MESSAGE_CREATE":                discordgo.IntentDirectMessages,
	"MESSAGE_UPDATE":                discordgo.IntentDirectMessages,
	"MESSAGE_DELETE":                discordgo.IntentDirectMessages,
	"CHANNEL_PINS_UPDATE":           discordgo.IntentDirectMessages,
	"MESSAGE_REACTION_ADD":          discordgo.IntentDirectMessageReactions,
	"MESSAGE_REACTION_REMOVE":       discordgo.IntentDirectMessageReactions,
	"MESSAGE_REACTION_REMOVE_ALL":   discordgo.IntentDirectMessageReactions,
	"MESSAGE_REACTION_REMOVE_EMOJI": discordgo.IntentDirectMessageReactions,
	"TYPING_START":                  discordgo.IntentDirectMessageTyping,
	"MESSAGE_POLL_VOTE_ADD":         discordgo.IntentDirectMessagePolls,
	"MESSAGE_POLL_VOTE_REMOVE":      discordgo.IntentDirectMessagePolls,
}

// neededIntent returns the intent for an event, 0 when there is none.
func neededIntent(eventType, guildID string) discordgo.Intent {
	if guildID == "" {
		if in, ok := dmIntents[eventType]; ok || !strings.HasPrefix(eventType, "GUILD_") {
			return in
		}
	}
	return eventIntents[eventType]
}
