package botwright

import (
	"fmt"
	"strings"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/events"
)

// privilegedNames returns the names of the privileged intents among the given ones, as the
// developer portal shows them.
func privilegedNames(intents discordgo.Intent) string {
	var names []string
	for _, p := range []struct {
		intent discordgo.Intent
		name   string
	}{
		{discordgo.IntentGuildPresences, "Presence Intent"},
		{discordgo.IntentGuildMembers, "Server Members Intent"},
		{discordgo.IntentMessageContent, "Message Content Intent"},
	} {
		if intents&p.intent != 0 {
			names = append(names, p.name)
		}
	}
	return strings.Join(names, ", ")
}

// resolveIntents decides which intents to ask for: those of WithIntents, or else those that the
// handlers, the forwarded events and State need.
func (b *Bot) resolveIntents() error {
	b.intents = b.cfg.intents
	if !b.cfg.intentsSet {
		b.intents = events.Requirement{Any: b.cfg.state.intents()}.Default()
	}
	var problems []string
	for _, t := range append(b.handlers.types(), b.cfg.sessionEvents...) {
		needs, _ := events.Intents(t)
		if !b.cfg.intentsSet {
			b.intents |= needs.Default()
		}
		if needs.NeedsPrivileged() && !needs.MetBy(b.cfg.intents) {
			problems = append(problems, fmt.Sprintf("%s needs the %s", t, intentNames(needs.Any)))
		}
	}
	if len(problems) > 0 {
		return fmt.Errorf("botwright: privileged intents are missing: %s. Name them, with all "+
			"others, in WithIntents, and enable them under Privileged Gateway Intents on the "+
			"Bot page at %s", strings.Join(problems, "; "), portal)
	}
	b.warnOfIntents()
	return nil
}

// intentNames names a privileged intent as the portal does and as discordgo does.
func intentNames(intent discordgo.Intent) string {
	switch intent {
	case discordgo.IntentGuildMembers:
		return "Server Members Intent (discordgo.IntentGuildMembers)"
	case discordgo.IntentGuildPresences:
		return "Presence Intent (discordgo.IntentGuildPresences)"
	}
	return privilegedNames(intent)
}

// warnOfIntents logs what will not work as somebody may expect.
func (b *Bot) warnOfIntents() {
	for _, t := range b.handlers.types() {
		b.warnOfType(t)
	}
	if missing := b.cfg.state.intents() &^ b.intents; missing != 0 {
		b.cfg.logger.Info("State will not follow all that its policy keeps: the bot does not ask "+
			"for some intents, see WithIntents and WithState", "missing", stateIntentNames(missing))
	}
}

// stateIntentNames names intents that a StatePolicy may need.
func stateIntentNames(intents discordgo.Intent) string {
	var names []string
	for _, i := range []struct {
		intent discordgo.Intent
		name   string
	}{
		{discordgo.IntentGuilds, "IntentGuilds"},
		{discordgo.IntentGuildMembers, "IntentGuildMembers"},
		{discordgo.IntentGuildEmojis, "IntentGuildEmojis"},
		{discordgo.IntentGuildVoiceStates, "IntentGuildVoiceStates"},
		{discordgo.IntentGuildPresences, "IntentGuildPresences"},
		{discordgo.IntentGuildMessages, "IntentGuildMessages"},
	} {
		if intents&i.intent != 0 {
			names = append(names, i.name)
		}
	}
	return strings.Join(names, ", ")
}

func (b *Bot) warnOfType(eventType string) {
	needs, _ := events.Intents(eventType)
	if !needs.MetBy(b.intents) {
		b.cfg.logger.Warn("a handler will never be called: the bot does not ask for the intent "+
			"of its event", "event", eventType)
	}
	const guild = discordgo.IntentGuildMessages
	content := b.intents&discordgo.IntentMessageContent != 0
	if eventType == "MESSAGE_CREATE" && b.intents&guild != 0 && !content {
		b.cfg.logger.Info("messages come without their content, but for direct messages and " +
			"those that mention the bot: the Message Content Intent is not asked for")
	}
}

// checkLate warns of a handler that is added to an open bot and needs more than it asked for.
func (b *Bot) checkLate(r *registration) {
	if b.currentFleet() != nil {
		b.warnOfType(r.eventType)
	}
}
