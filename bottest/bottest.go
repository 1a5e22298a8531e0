// Package bottest tests bots: it starts a fake Discord and a bot in it, lets users act, and waits
// for the answers.
//
// Have a function that makes the bot, and use it in main and in tests:
//
//	func newBot(token string, opts ...botwright.Option) (*botwright.Bot, error) {
//		ping := &discordgo.ApplicationCommand{Name: "ping", Description: "Answers pong"}
//		opts = append([]botwright.Option{botwright.WithCommands(ping)}, opts...)
//		bot, err := botwright.New(token, opts...)
//		if err != nil {
//			return nil, err
//		}
//		botwright.On(bot, onPing, botwright.Command("ping"))
//		return bot, nil
//	}
//
//	func TestPing(t *testing.T) {
//		bot := bottest.Start(t, discordtest.Config{}, newBot)
//		if m := bot.Command("ping"); m.Content != "pong" {
//			t.Errorf("/ping answers %q", m.Content)
//		}
//	}
//
// A test fails when a handler fails, unless the test takes the error with [Bot.Error]; when nobody
// handles an interaction; and when an answer does not come. It takes a few milliseconds, so there is
// no need to share bots between tests, and tests may run in parallel.
package bottest

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

// A NewFunc makes the bot to be tested and registers its handlers, but does not open it. It must
// pass on opts, which connect the bot to the fake Discord, after its own options.
type NewFunc func(token string, opts ...botwright.Option) (*botwright.Bot, error)

// patience is how long an answer may take. Nothing waits for it unless something is wrong.
const patience = 10 * time.Second

// defaultConcurrency is as many shards as a test may want. It is not more because WithShards(0)
// takes a multiple of it.
const defaultConcurrency = 16

// A Bot is an open bot in a fake Discord of its own. Use it from the goroutine of the test.
type Bot struct {
	*botwright.Bot

	// Server is the Discord that the bot is in. Everything that Bot has no method for is done
	// there; its Advance moves the time of the bot's cooldowns too.
	Server *discordtest.Server

	// Who acts, and where: the first member of the first guild, in its first channel. Set them to
	// let somebody else act, or elsewhere; with GuildID "" in a direct message, see
	// [discordtest.Server.DirectMessage].
	GuildID, ChannelID, UserID string

	t    testing.TB
	errs *errorList
}

// Start starts a fake Discord and opens the bot that newBot makes. Unless cfg has a MaxConcurrency,
// it is 16, so that up to 16 shards open at once. At the end of the test the bot is shut down, and the test fails if a
// handler has failed whose error was not taken with [Bot.Error].
func Start(t testing.TB, cfg discordtest.Config, newBot NewFunc) *Bot {
	t.Helper()
	if cfg.MaxConcurrency == 0 {
		cfg.MaxConcurrency = defaultConcurrency
	}
	srv, err := discordtest.New(cfg)
	if err != nil {
		t.Fatalf("start the fake Discord: %v", err)
	}
	t.Cleanup(srv.Close)
	errs, log := newErrorList(), &output{to: t.Output()}
	bot, err := newBot(srv.Token,
		botwright.WithAPI(srv.URL),
		botwright.WithClock(srv.Now),
		botwright.WithLogger(slog.New(slog.NewTextHandler(log, nil))),
		botwright.WithErrorHandler(errs.add))
	if err != nil {
		t.Fatalf("make the bot: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := bot.Open(ctx); err != nil {
		t.Fatalf("open the bot: %v", err)
	}
	b := &Bot{Bot: bot, Server: srv, t: t, errs: errs}
	if guilds := srv.Guilds(); len(guilds) > 0 {
		b.GuildID = guilds[0].ID
		b.ChannelID = guilds[0].Channels[0].ID
		b.UserID = guilds[0].Members[0].User.ID
	}
	t.Cleanup(func() { b.stop(log) })
	return b
}

// stop shuts the bot down and reports what the test has not asked for.
func (b *Bot) stop(log *output) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := b.Shutdown(ctx); err != nil {
		b.t.Errorf("shut down the bot: %v", err)
	}
	log.close()
	for _, r := range b.errs.rest() {
		b.t.Errorf("the bot reported %s", r)
	}
}

// Command lets the user run a slash command and returns the message that answers it. "config set"
// is the subcommand set of /config. Options are made with [discordtest.Option].
func (b *Bot) Command(name string, options ...*discordtest.CommandOption) *discordgo.Message {
	b.t.Helper()
	command, options := nest(name, options)
	return b.Answer(b.Server.SlashCommand(b.GuildID, b.ChannelID, b.UserID, command, options...))
}

// Click lets the user click a button of a message, or choose values in a select menu, and returns
// the message that answers it.
func (b *Bot) Click(m *discordgo.Message, customID string, values ...string) *discordgo.Message {
	b.t.Helper()
	return b.Answer(b.Server.Component(m.ChannelID, m.ID, b.UserID, customID, values...))
}

// Answer waits for the message that answers an interaction, which was made with one of the
// Server's methods: a context menu's command, or a form.
func (b *Bot) Answer(in *discordtest.Interaction) *discordgo.Message {
	b.t.Helper()
	var m *discordgo.Message
	b.wait("the answer to an interaction", func(ctx context.Context) (err error) {
		m, err = in.Message(ctx)
		return err
	})
	return m
}

// Say lets the user write a message and returns the next one that the bot writes in the channel.
func (b *Bot) Say(text string) *discordgo.Message {
	b.t.Helper()
	said, err := b.Server.Say(b.ChannelID, b.UserID, text)
	if err != nil {
		b.t.Fatalf("say %q: %v", text, err)
	}
	return b.next(said)
}

// next waits for the first message of the bot after another.
func (b *Bot) next(said *discordgo.Message) *discordgo.Message {
	b.t.Helper()
	self := b.Server.Bot().ID
	var found *discordgo.Message
	b.wait("an answer of the bot to "+said.Content, func(ctx context.Context) error {
		return b.Server.Wait(ctx, func() bool {
			after := false
			for _, m := range b.Server.Messages(b.ChannelID) {
				if after && m.Author.ID == self {
					found = m
					return true
				}
				after = after || m.ID == said.ID
			}
			return false
		})
	})
	return found
}

// Error waits for the next error that the bot reports, and takes it, so that it does not fail the
// test: what a handler has returned, a panic as a [*botwright.PanicError], or a
// [*botwright.UnhandledInteractionError].
func (b *Bot) Error() error {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	defer cancel()
	r, err := b.errs.take(ctx)
	if err != nil {
		b.t.Fatalf("the bot has reported no error in %v", patience)
	}
	return r.err
}

// failedGrace is how long an answer may take after an error was reported: a bot may tell its user.
const failedGrace = 250 * time.Millisecond

// wait calls f, which waits for something of the bot, and ends the test if it does not come.
func (b *Bot) wait(what string, f func(ctx context.Context) error) {
	b.t.Helper()
	ctx, cancel := context.WithTimeoutCause(b.t.Context(), patience, errors.New("it took too long"))
	defer cancel()
	go func() {
		if b.errs.waitAny(ctx) != nil {
			return
		}
		timer := time.NewTimer(failedGrace)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel()
		case <-ctx.Done():
		}
	}()
	err := f(ctx)
	if err == nil {
		return
	}
	for _, r := range b.errs.rest() {
		b.t.Errorf("the bot reported %s", r)
	}
	b.t.Fatalf("wait for %s: %v", what, err)
}
