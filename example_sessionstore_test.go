package botwright_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

// A bot is stopped, people go on talking, and a new process takes over: it resumes the session and
// hears what was said in between.
func ExampleWithSessionStore() {
	srv, err := discordtest.New(discordtest.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer srv.Close()
	dir, err := os.MkdirTemp("", "sessions")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()

	heard := make(chan string)
	start := func() *botwright.Bot {
		bot, err := botwright.New(srv.Token, botwright.WithAPI(srv.URL),
			botwright.WithIntents(discordgo.IntentsGuildMessages|discordgo.IntentMessageContent),
			botwright.WithLogger(slog.New(slog.DiscardHandler)),
			botwright.WithSessionStore(botwright.FileSessionStore(filepath.Join(dir, "sessions.json"))))
		if err != nil {
			panic(err)
		}
		botwright.On(bot, func(_ context.Context, _ *discordgo.Session, m *discordgo.MessageCreate) error {
			heard <- m.Content
			return nil
		})
		if err := bot.Open(context.Background()); err != nil {
			panic(err)
		}
		return bot
	}
	say := func(text string) {
		g := srv.Guilds()[0]
		if _, err := srv.Say(g.Channels[0].ID, g.Members[0].User.ID, text); err != nil {
			panic(err)
		}
	}

	bot := start()
	say("before")
	fmt.Println(<-heard)
	if err := bot.Shutdown(context.Background()); err != nil {
		fmt.Println(err)
	}
	say("in between")
	bot = start()
	fmt.Println(<-heard)
	fmt.Println("identifies:", len(srv.Identifies()))
	if err := bot.Shutdown(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// before
	// in between
	// identifies: 1
}

// What Discord would close the connection for is not sent, and the error handler is told.
func ExampleSendError() {
	srv, err := discordtest.New(discordtest.Config{Guilds: 2, Shards: 2, MaxConcurrency: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer srv.Close()
	failed := make(chan error)
	bot, err := botwright.New(srv.Token, botwright.WithAPI(srv.URL), botwright.WithShards(0), botwright.WithState(botwright.StateNone()),
		botwright.WithLogger(slog.New(slog.DiscardHandler)),
		botwright.WithErrorHandler(func(_ context.Context, _ *botwright.Event, err error) { failed <- err }))
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := bot.Open(context.Background()); err != nil {
		fmt.Println(err)
		return
	}
	second := srv.Guilds()[1].ID // is on shard 1
	if err := bot.Session().RequestGuildMembers(second, "", 0, "", false); err != nil {
		fmt.Println(err)
	}
	fmt.Println(<-failed)
	fmt.Println(bot.Queue().Events, "events wait")
	if err := bot.Shutdown(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// send op 8 on shard 0: botwright: the guild is on another shard: use SessionFor: guild 453437816836194304 is on shard 1
	// 0 events wait
}
