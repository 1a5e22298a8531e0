package botwright

import (
	"context"
	"fmt"
	"time"

	"github.com/bwmarrin/discordgo"
	"golang.org/x/time/rate"

	"github.com/botwright/botwright/internal/cooldown"
)

// CooldownConfig configures [CooldownWith].
type CooldownConfig struct {
	// Rate is how often a key may be handled in the long run, such as
	// rate.Every(5*time.Second). It must be positive.
	Rate rate.Limit

	// Burst is how many events of a key may be handled at once after a rest. Default: 1.
	Burst int

	// MaxKeys is how many keys are remembered. Beyond that, the least recently used key starts
	// over. Default: 65,536, which take about 10 MB.
	MaxKeys int

	// TooFast returns the answer for a user who has to wait for the given time, rounded up to
	// seconds, or "" for no answer. Every interaction is answered, visible only to its user,
	// because each one expects an answer. Messages get one reply per wait. The default, nil, tells
	// users of interactions when to try again, and does not reply to messages.
	TooFast func(e *Event, wait time.Duration) string
}

// Cooldown handles events of a key no more often than r. It rejects the others: users of
// interactions are told when to try again, other events are dropped silently. See [CooldownWith],
// and [WithClock] for tests. Cooldown panics if r is not positive or key is nil.
//
// Use Cooldown for throttling, too: with rate.Every(interval) it handles the first event of a key,
// and then none until the interval has passed.
func Cooldown(r rate.Limit, key KeyFunc) Middleware {
	return CooldownWith(CooldownConfig{Rate: r}, key)
}

// CooldownWith is [Cooldown] with bursts, and an answer for users who are too fast. It panics if
// Rate is not positive, another field is negative, or key is nil.
func CooldownWith(cfg CooldownConfig, key KeyFunc) Middleware {
	if cfg.Rate <= 0 {
		panic(fmt.Sprintf("botwright: Cooldown(%v): pass a positive rate, such as "+
			"rate.Every(5*time.Second)", cfg.Rate))
	}
	checkKey("Cooldown", key)
	mustBe("CooldownWith", negative(map[string]int64{
		"Burst": int64(cfg.Burst), "MaxKeys": int64(cfg.MaxKeys)}))
	setDefault(&cfg.Burst, 1)
	setDefault(&cfg.MaxKeys, 65_536)
	return func(next Handler) Handler {
		keys := cooldown.New(cfg.Rate, cfg.Burst, cfg.MaxKeys)
		return func(ctx context.Context, e *Event) error {
			k := key(e)
			if k == "" {
				return next(ctx, e)
			}
			wait, first := keys.Take(k, e.now())
			if wait == 0 {
				return next(ctx, e)
			}
			e.ticket.Claim()
			if !first && e.Type != interactionCreate {
				return nil
			}
			return cfg.answer(ctx, e, wait)
		}
	}
}

// now is the present as the bot sees it, see [WithClock].
func (e *Event) now() time.Time {
	if e.home == nil { // an event of a test
		return time.Now()
	}
	return e.home.now()
}

func (c *CooldownConfig) answer(ctx context.Context, e *Event, wait time.Duration) error {
	wait = (wait + time.Second - 1).Truncate(time.Second)
	text := ""
	switch {
	case c.TooFast != nil:
		text = c.TooFast(e, wait)
	case e.Type == interactionCreate:
		text = fmt.Sprintf("That was too fast: try again in %v.", wait)
	}
	if text == "" {
		return nil
	}
	if err := answer(ctx, e, text); err != nil {
		return fmt.Errorf("answer a user who is too fast: %w", err)
	}
	return nil
}

// answer says something to the user behind an interaction, alone, or replies to a message. For
// other events there is nobody to talk to.
func answer(ctx context.Context, e *Event, text string) error {
	e.ticket.Claim()
	payload, err := e.Payload()
	if err != nil {
		return err
	}
	switch p := payload.(type) {
	case *discordgo.InteractionCreate:
		if p.Type == discordgo.InteractionApplicationCommandAutocomplete {
			return nil // its answer is a list of choices
		}
		return e.Session.InteractionRespond(p.Interaction, &discordgo.InteractionResponse{
			Type: discordgo.InteractionResponseChannelMessageWithSource,
			Data: &discordgo.InteractionResponseData{
				Content: text, Flags: discordgo.MessageFlagsEphemeral},
		}, discordgo.WithContext(ctx))
	case *discordgo.MessageCreate:
		_, err := e.Session.ChannelMessageSendReply(p.ChannelID, text, p.Reference(),
			discordgo.WithContext(ctx))
		return err
	}
	return nil
}
