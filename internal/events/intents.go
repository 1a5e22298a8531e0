package events

import "github.com/bwmarrin/discordgo"

// privileged are the intents that an application must be granted in the developer portal.
const privileged = discordgo.IntentGuildMembers | discordgo.IntentGuildPresences |
	discordgo.IntentMessageContent

// A Requirement is what a bot must have asked for in IDENTIFY to be sent an event. The zero
// Requirement belongs to an event that Discord sends to every bot.
type Requirement struct {
	// Any holds the intents each of which makes Discord send the event, though not always the
	// same share of it: of MESSAGE_CREATE, one for guilds and one for direct messages.
	Any discordgo.Intent
}

// Default returns the intents to ask for on behalf of a handler: all that deliver the event and are
// not privileged.
func (r Requirement) Default() discordgo.Intent { return r.Any &^ privileged }

// NeedsPrivileged reports whether the event comes with a privileged intent only.
func (r Requirement) NeedsPrivileged() bool { return r.Any != 0 && r.Default() == 0 }

// MetBy reports whether a bot that asked for the given intents is sent the event, or some of it.
func (r Requirement) MetBy(intents discordgo.Intent) bool {
	return r.Any == 0 || r.Any&intents != 0
}

// Intents returns the requirement of an event type, and false for one it has never heard of. It
// knows every type that [Decode] knows and those that Discord documents beside them. The source is
// https://discord.com/developers/docs/events/gateway#list-of-intents.
func Intents(eventType string) (Requirement, bool) {
	intents, ok := intentsOf(eventType)
	return Requirement{Any: intents}, ok
}

func intentsOf(eventType string) (intents discordgo.Intent, ok bool) {
	switch eventType {
	case "GUILD_CREATE", "GUILD_UPDATE", "GUILD_DELETE",
		"GUILD_ROLE_CREATE", "GUILD_ROLE_UPDATE", "GUILD_ROLE_DELETE",
		"CHANNEL_CREATE", "CHANNEL_UPDATE", "CHANNEL_DELETE",
		"THREAD_CREATE", "THREAD_UPDATE", "THREAD_DELETE",
		"THREAD_LIST_SYNC", "THREAD_MEMBER_UPDATE",
		"STAGE_INSTANCE_CREATE", "STAGE_INSTANCE_UPDATE", "STAGE_INSTANCE_DELETE",
		"VOICE_CHANNEL_STATUS_UPDATE", "VOICE_CHANNEL_START_TIME_UPDATE":
		return discordgo.IntentGuilds, true
	case "CHANNEL_PINS_UPDATE":
		return discordgo.IntentGuilds | discordgo.IntentDirectMessages, true
	case "THREAD_MEMBERS_UPDATE":
		// With the first alone, only for threads that the bot itself joins or leaves.
		return discordgo.IntentGuilds | discordgo.IntentGuildMembers, true
	case "GUILD_MEMBER_ADD", "GUILD_MEMBER_UPDATE", "GUILD_MEMBER_REMOVE":
		// Without it, GUILD_MEMBER_UPDATE comes for the bot's own member and for nobody else.
		return discordgo.IntentGuildMembers, true
	case "GUILD_AUDIT_LOG_ENTRY_CREATE", "GUILD_BAN_ADD", "GUILD_BAN_REMOVE":
		return discordgo.IntentGuildModeration, true
	case "GUILD_EMOJIS_UPDATE", "GUILD_STICKERS_UPDATE",
		"GUILD_SOUNDBOARD_SOUND_CREATE", "GUILD_SOUNDBOARD_SOUND_UPDATE",
		"GUILD_SOUNDBOARD_SOUND_DELETE", "GUILD_SOUNDBOARD_SOUNDS_UPDATE":
		// GUILD_EXPRESSIONS, for which discordgo keeps the older name.
		return discordgo.IntentGuildEmojis, true
	case "GUILD_INTEGRATIONS_UPDATE",
		"INTEGRATION_CREATE", "INTEGRATION_UPDATE", "INTEGRATION_DELETE":
		return discordgo.IntentGuildIntegrations, true
	case "WEBHOOKS_UPDATE":
		return discordgo.IntentGuildWebhooks, true
	case "INVITE_CREATE", "INVITE_DELETE":
		return discordgo.IntentGuildInvites, true
	case "VOICE_STATE_UPDATE", "VOICE_CHANNEL_EFFECT_SEND":
		return discordgo.IntentGuildVoiceStates, true
	case "PRESENCE_UPDATE":
		return discordgo.IntentGuildPresences, true
	case "GUILD_SCHEDULED_EVENT_CREATE", "GUILD_SCHEDULED_EVENT_UPDATE",
		"GUILD_SCHEDULED_EVENT_DELETE",
		"GUILD_SCHEDULED_EVENT_USER_ADD", "GUILD_SCHEDULED_EVENT_USER_REMOVE":
		return discordgo.IntentGuildScheduledEvents, true
	case "AUTO_MODERATION_RULE_CREATE", "AUTO_MODERATION_RULE_UPDATE",
		"AUTO_MODERATION_RULE_DELETE":
		return discordgo.IntentAutoModerationConfiguration, true
	case "AUTO_MODERATION_ACTION_EXECUTION":
		return discordgo.IntentAutoModerationExecution, true
	}
	if intents, ok := messageIntentsOf(eventType); ok {
		return intents, true
	}
	return 0, needsNoIntent(eventType)
}

// messageIntentsOf covers the events with one intent for guilds and one for direct messages.
func messageIntentsOf(eventType string) (intents discordgo.Intent, ok bool) {
	switch eventType {
	case "MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_DELETE":
		return discordgo.IntentGuildMessages | discordgo.IntentDirectMessages, true
	case "MESSAGE_DELETE_BULK":
		return discordgo.IntentGuildMessages, true
	case "MESSAGE_REACTION_ADD", "MESSAGE_REACTION_REMOVE",
		"MESSAGE_REACTION_REMOVE_ALL", "MESSAGE_REACTION_REMOVE_EMOJI":
		return discordgo.IntentGuildMessageReactions | discordgo.IntentDirectMessageReactions, true
	case "MESSAGE_POLL_VOTE_ADD", "MESSAGE_POLL_VOTE_REMOVE":
		return discordgo.IntentGuildMessagePolls | discordgo.IntentDirectMessagePolls, true
	case "TYPING_START":
		return discordgo.IntentGuildMessageTyping | discordgo.IntentDirectMessageTyping, true
	}
	return 0, false
}

// needsNoIntent covers what is about the bot itself, what answers its own requests, and
// PRESENCES_REPLACE, which discordgo keeps from the time of user accounts.
func needsNoIntent(eventType string) bool {
	switch eventType {
	case "READY", "RESUMED", "RATE_LIMITED", "USER_UPDATE", "VOICE_SERVER_UPDATE",
		"INTERACTION_CREATE", "APPLICATION_COMMAND_PERMISSIONS_UPDATE",
		"ENTITLEMENT_CREATE", "ENTITLEMENT_UPDATE", "ENTITLEMENT_DELETE",
		"SUBSCRIPTION_CREATE", "SUBSCRIPTION_UPDATE", "SUBSCRIPTION_DELETE",
		"GUILD_MEMBERS_CHUNK", "SOUNDBOARD_SOUNDS", "CHANNEL_INFO", "PRESENCES_REPLACE":
		return true
	}
	return false
}
