package events

import (
	"strings"

	"github.com/bwmarrin/discordgo"
)

// An intentName is what discordgo and the developer portal call an intent.
type intentName struct {
	intent   discordgo.Intent
	constant string // of discordgo
	portal   string // only the privileged ones are switched on there
}

func intentNames() []intentName {
	return []intentName{
		{discordgo.IntentGuilds, "IntentGuilds", ""},
		{discordgo.IntentGuildMembers, "IntentGuildMembers", "Server Members Intent"},
		{discordgo.IntentGuildModeration, "IntentGuildModeration", ""},
		{discordgo.IntentGuildEmojis, "IntentGuildEmojis", ""},
		{discordgo.IntentGuildIntegrations, "IntentGuildIntegrations", ""},
		{discordgo.IntentGuildWebhooks, "IntentGuildWebhooks", ""},
		{discordgo.IntentGuildInvites, "IntentGuildInvites", ""},
		{discordgo.IntentGuildVoiceStates, "IntentGuildVoiceStates", ""},
		{discordgo.IntentGuildPresences, "IntentGuildPresences", "Presence Intent"},
		{discordgo.IntentGuildMessages, "IntentGuildMessages", ""},
		{discordgo.IntentGuildMessageReactions, "IntentGuildMessageReactions", ""},
		{discordgo.IntentGuildMessageTyping, "IntentGuildMessageTyping", ""},
		{discordgo.IntentDirectMessages, "IntentDirectMessages", ""},
		{discordgo.IntentDirectMessageReactions, "IntentDirectMessageReactions", ""},
		{discordgo.IntentDirectMessageTyping, "IntentDirectMessageTyping", ""},
		{discordgo.IntentMessageContent, "IntentMessageContent", "Message Content Intent"},
		{discordgo.IntentGuildScheduledEvents, "IntentGuildScheduledEvents", ""},
		{discordgo.IntentAutoModerationConfiguration, "IntentAutoModerationConfiguration", ""},
		{discordgo.IntentAutoModerationExecution, "IntentAutoModerationExecution", ""},
		{discordgo.IntentGuildMessagePolls, "IntentGuildMessagePolls", ""},
		{discordgo.IntentDirectMessagePolls, "IntentDirectMessagePolls", ""},
	}
}

// Constants returns an expression for the given intents in Go, such as
// "discordgo.IntentGuilds|discordgo.IntentGuildMembers".
func Constants(intents discordgo.Intent) string {
	return namesOf(intents, "|", func(n intentName) string { return "discordgo." + n.constant })
}

// PortalNames returns what the developer portal calls the privileged ones of the given intents.
func PortalNames(intents discordgo.Intent) string {
	return namesOf(intents, ", ", func(n intentName) string { return n.portal })
}

func namesOf(intents discordgo.Intent, separator string, name func(intentName) string) string {
	var names []string
	for _, n := range intentNames() {
		if s := name(n); intents&n.intent != 0 && s != "" {
			names = append(names, s)
		}
	}
	return strings.Join(names, separator)
}

// Privileged returns those of the given intents that an application must be granted in the
// developer portal.
func Privileged(intents discordgo.Intent) discordgo.Intent { return intents & privileged }
