// Debounce shows what becomes of bursts of events: a moderator who changes a member's roles one
// after the other, a channel in which everybody talks at once.
//
// It runs in a fake Discord and needs no token. Each line in the terminal is one call of a handler, with
// the number of events that it stands for.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/bwmarrin/discordgo"
	"golang.org/x/time/rate"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

func main() {
	runFor := flag.Duration("for", 0, "stop after this time; 0 runs until Ctrl-C")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *runFor > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, *runFor)
		defer cancel()
	}
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run runs the bot among busy people until ctx is done, and prints a summary.
func run(ctx context.Context) error {
	srv, err := discordtest.New(discordtest.Config{})
	if err != nil {
		return fmt.Errorf("start the fake Discord: %w", err)
	}
	defer srv.Close()
	view := newView(os.Stdout, srv.Guilds())
	bot, err := botwright.New(srv.Token, botwright.WithAPI(srv.URL),
		botwright.WithLogger(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))),
		botwright.WithErrorHandler(view.failed),
		botwright.WithIntents(discordgo.IntentGuilds|discordgo.IntentGuildMembers|
			discordgo.IntentGuildMessages|discordgo.IntentMessageContent))
	if err != nil {
		return err
	}
	addHandlers(bot, view)
	fmt.Println("A fake Discord: a line is one call of a handler. Ctrl-C ends it.")
	go makeBursts(ctx, srv)
	err = bot.Run(ctx) // handles what is still debounced before it returns
	view.summary()
	return err
}

// addHandlers adds what counts every event, and three handlers that are not called for each.
func addHandlers(bot *botwright.Bot, v *view) {
	botwright.On(bot, func(_ context.Context, _ *discordgo.Session, u *discordgo.GuildMemberUpdate) error {
		v.received(u.GuildID + "/" + u.User.ID)
		return nil
	})
	botwright.On(bot, func(_ context.Context, _ *discordgo.Session, m *discordgo.MessageCreate) error {
		v.received(m.ChannelID)
		return nil
	})

	// The last state of a member is worth a write, the ones before are not.
	botwright.On(bot, func(_ context.Context, _ *discordgo.Session, u *discordgo.GuildMemberUpdate) error {
		v.handled(u.GuildID, u.GuildID+"/"+u.User.ID, fmt.Sprintf(
			"Debounce   save %s with nick %q", u.User.Username, u.Nick))
		return nil
	}, botwright.Debounce(400*time.Millisecond, botwright.ByMember))

	// When a channel has become quiet, or every two seconds in one that never does.
	botwright.On(bot, func(_ context.Context, _ *discordgo.Session, m *discordgo.MessageCreate) error {
		v.handled(m.GuildID, m.ChannelID, fmt.Sprintf(
			"Debounce   index #%s up to %q", v.channel(m.ChannelID), m.Content))
		return nil
	}, botwright.DebounceWith(botwright.DebouncerConfig{
		Wait: 400 * time.Millisecond, MaxWait: 2 * time.Second}, botwright.ByChannel))

	// The first message of a channel at once, and then none for three seconds.
	botwright.On(bot, func(_ context.Context, _ *discordgo.Session, m *discordgo.MessageCreate) error {
		v.print(m.GuildID, "Cooldown   #"+v.channel(m.ChannelID)+" has come alive")
		return nil
	}, botwright.Cooldown(rate.Every(3*time.Second), botwright.ByChannel))
}
