// Quickstart is a bot that answers !ping and /ping.
//
// Without a token it starts a fake Discord with a few guilds whose members chat, and shows in the
// terminal what is said. With DISCORD_TOKEN it runs on Discord, where the application needs
// the Message Content Intent; DISCORD_API_URL names another REST base, such as a proxy.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/botwright/botwright"
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
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	view := newView(os.Stdout)
	token, opts := os.Getenv("DISCORD_TOKEN"), []botwright.Option{
		botwright.WithHTTPClient(view.client()),
		botwright.WithErrorHandler(view.failed),
	}
	if api := os.Getenv("DISCORD_API_URL"); api != "" {
		opts = append(opts, botwright.WithAPI(api))
	}
	if token == "" {
		world, err := newDemo()
		if err != nil {
			return err
		}
		defer world.close()
		go world.chat(ctx)
		token, opts = world.srv.Token, append(opts, botwright.WithAPI(world.srv.URL))
		fmt.Println("No DISCORD_TOKEN: this is a fake Discord. Ctrl-C ends it.")
	}
	bot, err := newBot(token, log, opts...)
	if err != nil {
		return err
	}
	view.watch(bot)
	err = bot.Run(ctx)
	fmt.Printf("in State: %v\n", bot.StateStats())
	view.summary()
	return err
}
