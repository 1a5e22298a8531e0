package botwright

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/events"
)

// WithPrivilegedIntents adds privileged intents to those that the bot asks for, such as
// discordgo.IntentMessageContent, without which messages in guilds have no content. The bot finds
// the other intents by itself, from its handlers and its [StatePolicy]. Several such options add
// up.
//
// A privileged intent must also be enabled under Privileged Gateway Intents on the Bot page of the
// developer portal. If it is not, [Bot.Run] ends with a [*ShardError] that says so.
func WithPrivilegedIntents(intents discordgo.Intent) Option {
	return func(c *config) {
		if other := intents &^ events.Privileged(intents); intents == 0 || other != 0 {
			c.problem("WithPrivilegedIntents", "%s: name one or more of %s; the bot finds out by "+
				"itself which others it needs, or see WithIntents", intentsText(other),
				events.Constants(discordgo.IntentsAll&^discordgo.IntentsAllWithoutPrivileged))
			return
		}
		c.privileged |= intents
	}
}

func intentsText(intents discordgo.Intent) string {
	if intents == 0 {
		return "no intent is given"
	}
	return fmt.Sprintf("not privileged (%s)", events.Constants(intents))
}

// checkIntents refuses what would switch the bot's handlers off in silence.
func (c *config) checkIntents() {
	if c.intentsSet && c.intents == discordgo.IntentMessageContent {
		c.problem("WithIntents", "it sets all intents, and with discordgo.IntentMessageContent "+
			"alone no messages come: use WithPrivilegedIntents, which adds to what handlers need")
	}
}

// givenIntents returns what the program has set, with WithIntents or in the session, and whether
// it has.
func (b *Bot) givenIntents() (given discordgo.Intent, explicit bool, err error) {
	of := b.session.Identify.Intents
	switch {
	case of == discordgo.IntentsAllWithoutPrivileged: // as discordgo.New leaves it
		return b.cfg.intents, b.cfg.intentsSet, nil
	case b.cfg.intentsSet && of != b.cfg.intents:
		return 0, true, fmt.Errorf("botwright: the session's Identify.Intents (%s) and WithIntents "+
			"(%s) differ: set one of them", events.Constants(of), events.Constants(b.cfg.intents))
	}
	return of, true, nil
}

// resolveIntents decides which intents to ask for: those that are given, or else those that the
// handlers, the forwarded events and State need; and the privileged ones.
func (b *Bot) resolveIntents() error {
	given, explicit, err := b.givenIntents()
	if err != nil {
		return err
	}
	b.intents, b.intentsGiven = given|b.cfg.privileged, explicit
	if !explicit {
		b.intents |= events.Requirement{Any: b.cfg.state.intents()}.Default()
	}
	var problems []string
	for _, t := range b.wantedTypes() {
		needs, _ := events.Intents(t.eventType)
		if !explicit {
			b.intents |= needs.Default()
		}
		if needs.NeedsPrivileged() && !needs.MetBy(b.intents) {
			problems = append(problems, fmt.Sprintf(
				"%s (%s) needs the %s: add botwright.WithPrivilegedIntents(%s)", t.eventType,
				t.names, events.PortalNames(needs.Any), events.Constants(needs.Any)))
		}
	}
	if len(problems) > 0 {
		return fmt.Errorf("botwright: privileged intents are missing: %s, and enable it under "+
			"Privileged Gateway Intents on the Bot page at %s",
			strings.Join(problems, "; "), portal)
	}
	b.warnOfIntents()
	return nil
}

// A wantedType is an event type and who wants it.
type wantedType struct{ eventType, names string }

// wantedTypes returns the event types that handlers are registered for, that are forwarded to the
// session, or that somebody expects.
func (b *Bot) wantedTypes() []wantedType {
	var types []wantedType
	for _, t := range b.runner.Handlers.Types() {
		types = append(types, wantedType{t.EventType, t.Names})
	}
	for _, t := range b.cfg.sessionEvents {
		types = append(types, wantedType{t, "named in WithSessionEvents"})
	}
	for _, t := range b.runner.Board.Types() {
		types = append(types, wantedType{t, "expected"})
	}
	return types
}

// warnOfIntents logs what will not work as somebody may expect.
func (b *Bot) warnOfIntents() {
	for _, t := range b.wantedTypes() {
		b.warnOfType(t)
	}
	if missing := b.cfg.state.intents() &^ b.intents; missing != 0 {
		b.cfg.logger.Info("State will miss some of what its policy keeps: the bot does not "+
			"ask for some intents; see WithIntents and WithState",
			"missing", events.Constants(missing))
	}
}

func (b *Bot) warnOfType(t wantedType) {
	needs, known := events.Intents(t.eventType)
	if !known && t.eventType != "*" {
		b.cfg.logger.Warn("a handler is for an unknown event: check the spelling of its "+
			"name", "event", t.eventType, "handler", t.names)
	}
	if !needs.MetBy(b.intents) {
		add := fmt.Sprintf("add the intent to WithIntents: %s", events.Constants(needs.Any))
		if !b.intentsGiven {
			add = "register the handler before the bot is opened"
		}
		b.cfg.logger.Warn("a handler will never be called: the bot does not ask for the intent "+
			"of its event", "event", t.eventType, "handler", t.names,
			"intent", events.Constants(needs.Any), "fix", add)
	}
	const guild = discordgo.IntentGuildMessages
	if t.eventType != "MESSAGE_CREATE" || b.intents&guild == 0 ||
		b.intents&discordgo.IntentMessageContent != 0 {
		return
	}
	level := slog.LevelWarn
	if b.intentsGiven { // then it may well be on purpose
		level = slog.LevelInfo
	}
	b.cfg.logger.Log(context.Background(), level, "messages in guilds have no content, except "+
		"for those that mention the bot: it does not ask for the Message Content Intent",
		"handler", t.names, "intent", "discordgo.IntentMessageContent",
		"fix", "add botwright.WithPrivilegedIntents(discordgo.IntentMessageContent)")
}

// checkLate warns of a handler that is added to an open bot and needs more than it asked for.
func (b *Bot) checkLate(t wantedType) {
	if b.currentFleet() != nil {
		b.warnOfType(t)
	}
}
