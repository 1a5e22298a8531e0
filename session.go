package botwright

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/events"
	"github.com/botwright/botwright/internal/legacy"
	"github.com/botwright/botwright/internal/redact"
)

// Adapt turns a handler that was written for discordgo's Session.AddHandler into one for [On]:
//
//	botwright.On(bot, botwright.Adapt(onMessage))
//
// The handler gets the same session and the same struct. Unlike in discordgo, events of the same
// channel or guild wait for it, unless it is registered with [Concurrent]. Adapt panics if h is
// nil.
func Adapt[E GatewayEvent](h func(s *discordgo.Session, e *E)) HandlerFunc[E] {
	if h == nil {
		panic("botwright: Adapt was given a nil handler: pass a func(*discordgo.Session, *E)")
	}
	return func(_ context.Context, s *discordgo.Session, e *E) error {
		h(s, e)
		return nil
	}
}

var errSessionOpen = errors.New("botwright: the bot opens its sessions: call Bot.Run or Bot.Open, " +
	"and leave Session.Open out")

// silent is the level at which a discordgo session logs nothing. Otherwise it prints to standard
// error what is none of its program's business: that its connection, which is to the bot, ends
// (Open and heartbeat in wsapi.go), and what REST returns as an error anyway.
const silent = -1

// newSession returns the session of a shard. The error says what WithSessionConfig has set that is
// not for it to set; the session is without that and works.
func (b *Bot) newSession(id, count int) (*discordgo.Session, error) {
	s, err := discordgo.New("Bot " + b.cfg.token)
	if err != nil { // it never is
		panic(fmt.Sprintf("botwright: make a discordgo session: %v", err))
	}
	s.Identify.LargeThreshold = 0
	if discordgo.Logger == nil {
		s.LogLevel = silent
	}
	s.ShardID, s.ShardCount = id, count
	if b.session != nil {
		s.Ratelimiter = b.session.Ratelimiter
	}
	install(s, b.cfg.httpClient, &redact.Transport{Next: b.answering(publicErrors{b.rest})})
	var changes []string
	if b.cfg.sessionConfig != nil {
		own := legacy.SettingsOf(s)
		b.cfg.sessionConfig(s)
		changes = own.Changed(s)
	}
	s.StateEnabled = false // the bot feeds it, see WithState
	legacy.RefuseOpen(s, errSessionOpen)
	if changes != nil {
		return s, fmt.Errorf("WithSessionConfig: %s", strings.Join(changes, "; "))
	}
	return s, nil
}

// newFirstSession makes the session that is there before Open.
func (b *Bot) newFirstSession() (err error) {
	id := 0
	if len(b.cfg.shardIDs) > 0 {
		id = b.cfg.shardIDs[0]
	}
	if b.session, err = b.newSession(id, b.cfg.shardCount); err != nil {
		return fmt.Errorf("botwright: invalid configuration:\n%w", err)
	}
	b.settings = legacy.SettingsOf(b.session)
	return nil
}

// checkSession refuses what a program has set in the first session that has no effect, and warns
// of handlers that were added to it and would not be called.
func (b *Bot) checkSession() error {
	if changes := b.settings.Changed(b.session); changes != nil {
		return fmt.Errorf("botwright: %s", strings.Join(changes, "; "))
	}
	var missing []string
	for _, t := range legacy.Handled(b.session) {
		switch {
		case t == "READY" || b.sessionEvents[t]:
		case t == "RESUMED":
			b.cfg.logger.Warn("a handler will never be called: it was added with Session.AddHandler, "+
				"and a session does not notice when it is resumed",
				"event", t, "fix", "use botwright.On[discordgo.Resumed]")
		case t != "*":
			missing = append(missing, fmt.Sprintf("%q", t))
		case len(b.sessionEvents) == 0:
			b.cfg.logger.Warn("a handler will never be called: it was added with "+
				"Session.AddHandler, and WithSessionEvents names no events",
				"fix", `use Bot.Handle("*", …), or name the events in WithSessionEvents`)
		}
	}
	if missing != nil {
		b.cfg.logger.Warn("handlers will never be called: they were added with Session.AddHandler "+
			"and their events are not forwarded to the session", "events", missing,
			"fix", "use botwright.On with botwright.Adapt, or add botwright.WithSessionEvents("+
				strings.Join(missing, ", ")+")")
	}
	without := slices.DeleteFunc(slices.Clone(b.cfg.sessionEvents), func(t string) bool {
		return !events.HasBefore(t)
	})
	if len(without) > 0 {
		b.cfg.logger.Warn("BeforeUpdate and BeforeDelete are nil for handlers that were added with "+
			"Session.AddHandler: only those of On have them", "events", without)
	}
	return nil
}
