// Cache is a bot that answers "who <name>" with a person's profile.
//
// A profile takes a REST call, so it is kept for a minute: Load makes one call for all who ask for
// the same person at once. The bot sweeps the cache and shrinks it when memory runs out.
//
// Without a token it starts a fake Discord whose members ask for each other. With DISCORD_TOKEN it
// runs on Discord, where the application needs the Message Content Intent.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/bwmarrin/discordgo"

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

// run runs the bot until ctx is done and prints a summary.
func run(ctx context.Context) error {
	token, opts := os.Getenv("DISCORD_TOKEN"), []botwright.Option(nil)
	if token == "" {
		srv, err := discordtest.New(discordtest.Config{})
		if err != nil {
			return fmt.Errorf("start the fake Discord: %w", err)
		}
		defer srv.Close()
		go ask(ctx, srv)
		token, opts = srv.Token, append(opts, botwright.WithAPI(srv.URL))
		fmt.Println("No DISCORD_TOKEN: this is a fake Discord. Ctrl-C ends it.")
	}
	profiles := newProfiles()
	bot, err := newBot(token, profiles, opts...)
	if err != nil {
		return err
	}
	err = bot.Run(ctx)
	stats := profiles.Stats()
	fmt.Printf("in State: %v\n", bot.StateStats())
	fmt.Printf("profiles: %d held, %d found, %d missed, %d fetched\n",
		stats.Entries, stats.Hits, stats.Misses, stats.Loads)
	return err
}

// A profile is what the bot tells of somebody.
type profile struct{ name string }

type profiles = botwright.TTLCache[string, profile]

func newProfiles() *profiles {
	return botwright.NewTTLCache(botwright.TTLCacheConfig[string, profile]{
		TTL:      time.Minute, // people do not change their names often
		MaxSize:  50_000,
		ErrorTTL: 10 * time.Second, // somebody who does not exist is asked for once
	})
}

func newBot(
	token string, cache *profiles, opts ...botwright.Option,
) (*botwright.Bot, error) {
	policy := botwright.StateMinimal()
	policy.MessagesPerChannel, policy.MessageLifetime = 50, 5*time.Minute
	bot, err := botwright.New(token, append(opts,
		botwright.WithLogger(slog.New(slog.NewTextHandler(os.Stderr,
			&slog.HandlerOptions{Level: slog.LevelWarn}))),
		botwright.WithIntents(discordgo.IntentGuilds|discordgo.IntentGuildMessages|
			discordgo.IntentMessageContent),
		botwright.WithState(policy),
		botwright.WithCache("profiles", cache))...)
	if err != nil {
		return nil, err
	}
	botwright.On(bot, func(ctx context.Context, s *discordgo.Session, m *discordgo.MessageCreate) error {
		id := strings.TrimPrefix(m.Content, "who ")
		p, err := cache.Load(ctx, id, func(ctx context.Context) (profile, error) {
			u, err := s.User(id, discordgo.WithContext(ctx))
			if err != nil {
				return profile{}, fmt.Errorf("fetch user %s: %w", id, err)
			}
			return profile{name: u.Username}, nil
		})
		if err != nil {
			return err
		}
		fmt.Printf("%s asks who %s is: %s\n", m.Author.Username, id, p.name)
		return nil
	}, botwright.NotBot(), botwright.Prefix("who "))
	return bot, nil
}

// ask lets people ask for each other until ctx is done.
func ask(ctx context.Context, srv *discordtest.Server) {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		guild := srv.Guilds()[0]
		somebody := func() string { return guild.Members[rand.IntN(len(guild.Members))].User.ID }
		if _, err := srv.Say(guild.Channels[0].ID, somebody(), "who "+somebody()); err != nil {
			return
		}
	}
}
