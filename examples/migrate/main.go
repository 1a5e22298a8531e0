// Migrate is a small bot that was moved from discordgo to Botwright in three steps, each of which
// works: folder before has it on discordgo alone, step1 to step3 have what one commit each changes.
// Compare them, as with
//
//	diff -u examples/migrate/before/bot.go examples/migrate/step1/bot.go
//
// Without a token it runs a step in a fake Discord, where people thank each other. With
// DISCORD_TOKEN it runs on Discord, where the application needs the Message Content Intent.
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
	"github.com/botwright/botwright/examples/migrate/step1"
	"github.com/botwright/botwright/examples/migrate/step2"
	"github.com/botwright/botwright/examples/migrate/step3"
)

func main() {
	step := flag.Int("step", 3, "which step to run: 1, 2 or 3")
	runFor := flag.Duration("for", 0, "stop after this time; 0 runs until Ctrl-C")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if *runFor > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, *runFor)
		defer cancel()
	}
	if err := run(ctx, *step); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type newFunc func(token string, opts ...botwright.Option) (*botwright.Bot, error)

// steps returns the steps by number.
func steps() map[int]newFunc {
	return map[int]newFunc{1: step1.New, 2: step2.New, 3: step3.New}
}

// run runs a step until ctx is done.
func run(ctx context.Context, step int) error {
	newBot := steps()[step]
	if newBot == nil {
		return fmt.Errorf("there is no step %d", step)
	}
	if token := os.Getenv("DISCORD_TOKEN"); token != "" {
		bot, err := newBot(token)
		if err != nil {
			return err
		}
		return bot.Run(ctx)
	}
	fmt.Println("No DISCORD_TOKEN: this is a fake Discord. Ctrl-C ends it.")
	srv, err := discordtest.New(discordtest.Config{})
	if err != nil {
		return err
	}
	defer srv.Close()
	bot, err := newBot(srv.Token, botwright.WithAPI(srv.URL))
	if err != nil {
		return err
	}
	go thank(ctx, srv)
	return bot.Run(ctx)
}

// thank lets people thank each other and shows what the bot says, until ctx is done.
func thank(ctx context.Context, srv *discordtest.Server) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	guild := srv.Guilds()[0]
	channel, seen := guild.Channels[0].ID, ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, m := range srv.Messages(channel) {
			if m.ID > seen {
				fmt.Printf("%s: %s\n", m.Author.Username, m.Content)
				seen = m.ID
			}
		}
		from, to := member(guild), member(guild)
		_, _ = srv.Say(channel, from.ID, "!thanks "+to.Mention())
		srv.SlashCommand(guild.ID, channel, from.ID, "thanks", discordtest.Option("user", to))
	}
}

func member(g discordtest.Guild) *discordgo.User {
	return g.Members[rand.IntN(len(g.Members))].User
}
