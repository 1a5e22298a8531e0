package events_test

import (
	"testing"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/events"
)

// intentEvents is Discord's own list, by intent and not by event:
// https://discord.com/developers/docs/events/gateway#list-of-intents.
func intentEvents() map[discordgo.Intent][]string {
	return map[discordgo.Intent][]string{
		discordgo.IntentGuilds: {
			"GUILD_CREATE", "GUILD_UPDATE", "GUILD_DELETE", "GUILD_ROLE_CREATE",
			"GUILD_ROLE_UPDATE", "GUILD_ROLE_DELETE", "CHANNEL_CREATE", "CHANNEL_UPDATE",
			"CHANNEL_DELETE", "CHANNEL_PINS_UPDATE", "THREAD_CREATE", "THREAD_UPDATE",
			"THREAD_DELETE", "THREAD_LIST_SYNC", "THREAD_MEMBER_UPDATE", "THREAD_MEMBERS_UPDATE",
			"STAGE_INSTANCE_CREATE", "STAGE_INSTANCE_UPDATE", "STAGE_INSTANCE_DELETE",
			"VOICE_CHANNEL_STATUS_UPDATE", "VOICE_CHANNEL_START_TIME_UPDATE",
		},
		discordgo.IntentGuildMembers: {
			"GUILD_MEMBER_ADD", "GUILD_MEMBER_UPDATE", "GUILD_MEMBER_REMOVE",
			"THREAD_MEMBERS_UPDATE",
		},
		discordgo.IntentGuildModeration: {
			"GUILD_AUDIT_LOG_ENTRY_CREATE", "GUILD_BAN_ADD", "GUILD_BAN_REMOVE",
		},
		discordgo.IntentGuildEmojis: {
			"GUILD_EMOJIS_UPDATE", "GUILD_STICKERS_UPDATE", "GUILD_SOUNDBOARD_SOUND_CREATE",
			"GUILD_SOUNDBOARD_SOUND_UPDATE", "GUILD_SOUNDBOARD_SOUND_DELETE",
			"GUILD_SOUNDBOARD_SOUNDS_UPDATE",
		},
		discordgo.IntentGuildIntegrations: {
			"GUILD_INTEGRATIONS_UPDATE", "INTEGRATION_CREATE", "INTEGRATION_UPDATE",
			"INTEGRATION_DELETE",
		},
		discordgo.IntentGuildWebhooks:    {"WEBHOOKS_UPDATE"},
		discordgo.IntentGuildInvites:     {"INVITE_CREATE", "INVITE_DELETE"},
		discordgo.IntentGuildVoiceStates: {"VOICE_CHANNEL_EFFECT_SEND", "VOICE_STATE_UPDATE"},
		discordgo.IntentGuildPresences:   {"PRESENCE_UPDATE"},
		discordgo.IntentGuildMessages: {
			"MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_DELETE", "MESSAGE_DELETE_BULK",
		},
		discordgo.IntentGuildMessageReactions: {
			"MESSAGE_REACTION_ADD", "MESSAGE_REACTION_REMOVE", "MESSAGE_REACTION_REMOVE_ALL",
			"MESSAGE_REACTION_REMOVE_EMOJI",
		},
		discordgo.IntentGuildMessageTyping: {"TYPING_START"},
		discordgo.IntentDirectMessages: {
			"MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_DELETE", "CHANNEL_PINS_UPDATE",
		},
		discordgo.IntentDirectMessageReactions: {
			"MESSAGE_REACTION_ADD", "MESSAGE_REACTION_REMOVE", "MESSAGE_REACTION_REMOVE_ALL",
			"MESSAGE_REACTION_REMOVE_EMOJI",
		},
		discordgo.IntentDirectMessageTyping: {"TYPING_START"},
		discordgo.IntentGuildScheduledEvents: {
			"GUILD_SCHEDULED_EVENT_CREATE", "GUILD_SCHEDULED_EVENT_UPDATE",
			"GUILD_SCHEDULED_EVENT_DELETE", "GUILD_SCHEDULED_EVENT_USER_ADD",
			"GUILD_SCHEDULED_EVENT_USER_REMOVE",
		},
		discordgo.IntentAutoModerationConfiguration: {
			"AUTO_MODERATION_RULE_CREATE", "AUTO_MODERATION_RULE_UPDATE",
			"AUTO_MODERATION_RULE_DELETE",
		},
		discordgo.IntentAutoModerationExecution: {"AUTO_MODERATION_ACTION_EXECUTION"},
		discordgo.IntentGuildMessagePolls: {
			"MESSAGE_POLL_VOTE_ADD", "MESSAGE_POLL_VOTE_REMOVE",
		},
		discordgo.IntentDirectMessagePolls: {
			"MESSAGE_POLL_VOTE_ADD", "MESSAGE_POLL_VOTE_REMOVE",
		},
		0: {
			"READY", "RESUMED", "RATE_LIMITED", "USER_UPDATE", "VOICE_SERVER_UPDATE",
			"INTERACTION_CREATE", "APPLICATION_COMMAND_PERMISSIONS_UPDATE", "ENTITLEMENT_CREATE",
			"ENTITLEMENT_UPDATE", "ENTITLEMENT_DELETE", "SUBSCRIPTION_CREATE",
			"SUBSCRIPTION_UPDATE", "SUBSCRIPTION_DELETE", "GUILD_MEMBERS_CHUNK",
			"SOUNDBOARD_SOUNDS", "CHANNEL_INFO", "PRESENCES_REPLACE",
		},
	}
}

func TestIntents(t *testing.T) {
	want := make(map[string]discordgo.Intent)
	for intent, eventTypes := range intentEvents() {
		for _, eventType := range eventTypes {
			want[eventType] |= intent
		}
	}
	for eventType, intents := range want {
		got, ok := events.Intents(eventType)
		if !ok || got.Any != intents {
			t.Errorf("Intents(%s) = %b, %t; want %b", eventType, got.Any, ok, intents)
		}
	}
	for _, eventType := range events.Types() {
		if _, ok := want[eventType]; !ok {
			t.Errorf("%s is not in the table of this test", eventType)
		}
		if _, ok := events.Intents(eventType); !ok {
			t.Errorf("%s has no requirement", eventType)
		}
	}
	for _, eventType := range []string{"", "SOMETHING_NEW", "message_create", "__CONNECT__"} {
		if got, ok := events.Intents(eventType); ok || got != (events.Requirement{}) {
			t.Errorf("Intents(%q) = %v, %t; want none", eventType, got, ok)
		}
	}
}

func TestRequirement(t *testing.T) {
	const messages = discordgo.IntentGuildMessages | discordgo.IntentDirectMessages
	tests := []struct {
		eventType       string
		byDefault       discordgo.Intent
		needsPrivileged bool
		metBy           discordgo.Intent
		notMetBy        discordgo.Intent
	}{
		{"MESSAGE_CREATE", messages, false, discordgo.IntentDirectMessages, discordgo.IntentGuilds},
		{
			"GUILD_MEMBER_ADD", 0, true,
			discordgo.IntentGuildMembers | discordgo.IntentGuilds, discordgo.IntentsAllWithoutPrivileged,
		},
		{"PRESENCE_UPDATE", 0, true, discordgo.IntentGuildPresences, discordgo.IntentGuildMembers},
		{
			"THREAD_MEMBERS_UPDATE", discordgo.IntentGuilds, false,
			discordgo.IntentGuildMembers, discordgo.IntentGuildMessages,
		},
	}
	for _, tt := range tests {
		r, _ := events.Intents(tt.eventType)
		if got := r.Default(); got != tt.byDefault {
			t.Errorf("%s: Default = %b, want %b", tt.eventType, got, tt.byDefault)
		}
		if got := r.NeedsPrivileged(); got != tt.needsPrivileged {
			t.Errorf("%s: NeedsPrivileged = %t", tt.eventType, got)
		}
		if !r.MetBy(tt.metBy) || r.MetBy(tt.notMetBy) || r.MetBy(0) {
			t.Errorf("%s: MetBy is wrong", tt.eventType)
		}
	}
	if r := (events.Requirement{}); r.NeedsPrivileged() || r.Default() != 0 || !r.MetBy(0) {
		t.Error("the zero Requirement asks for something")
	}
}
