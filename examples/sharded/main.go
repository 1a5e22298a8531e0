// Sharded runs a bot of many shards and shows them in a live table.
//
// Without a token it starts a fake Discord whose members chat, in which a bot has 16 shards, and
// of which a connection breaks now and then. The bot can also be several processes. Let one serve
// the fake Discord, and start the bot's beside it with what that prints:
//
//	go run ./examples/sharded -serve
//	SHARD_COUNT=16 SHARD_IDS=0-7 DISCORD_API_URL=… DISCORD_TOKEN=… go run ./examples/sharded
//	SHARD_COUNT=16 SHARD_IDS=8-15 DISCORD_API_URL=… DISCORD_TOKEN=… go run ./examples/sharded
//
// SHARD_ID, SHARD_IDS and SHARD_COUNT are those of botwright.WithShardsFromEnv; without them the
// bot has as many shards as Discord recommends. With DISCORD_TOKEN alone it runs on Discord.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
)

func main() {
	runFor := flag.Duration("for", 0, "stop after this time; 0 runs until Ctrl-C")
	serve := flag.Bool("serve", false, "only serve the fake Discord, for bots in other processes")
	addr := flag.String("addr", "127.0.0.1:8090", "where -serve listens")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *runFor > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, *runFor)
		defer cancel()
	}
	run := runBot
	if *serve {
		run = func(ctx context.Context) error { return serveWorld(ctx, *addr) }
	}
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serveWorld serves the fake Discord until ctx is done.
func serveWorld(ctx context.Context, addr string) error {
	w, err := newWorld(addr)
	if err != nil {
		return err
	}
	defer w.close()
	fmt.Printf("export DISCORD_API_URL=%s DISCORD_TOKEN=%s\n", w.srv.URL, w.srv.Token)
	w.live(ctx)
	return nil
}

// runBot runs the bot until ctx is done and prints a summary.
func runBot(ctx context.Context) error {
	token := os.Getenv("DISCORD_TOKEN")
	var opts []botwright.Option
	if api := os.Getenv("DISCORD_API_URL"); api != "" {
		opts = append(opts, botwright.WithAPI(api))
	}
	if token == "" {
		w, err := newWorld("127.0.0.1:0")
		if err != nil {
			return err
		}
		defer w.close()
		go w.live(ctx)
		token, opts = w.srv.Token, append(opts, botwright.WithAPI(w.srv.URL))
		fmt.Println("No DISCORD_TOKEN: this is a fake Discord. Ctrl-C ends it.")
	}
	bot, count, err := newBot(token, opts...)
	if err != nil {
		return err
	}
	showCtx, stop := context.WithCancel(ctx)
	shown := make(chan []botwright.ShardStatus)
	go func() { shown <- newTable(os.Stdout).show(showCtx, bot.Shards) }()
	err = bot.Run(ctx)
	stop()
	count.summary(<-shown)
	return err
}

// newBot returns a bot that counts its events.
func newBot(token string, opts ...botwright.Option) (*botwright.Bot, *counts, error) {
	count := &counts{}
	bot, err := botwright.New(token, append(opts,
		botwright.WithShards(0), // as many as Discord recommends
		botwright.WithShardsFromEnv(),
		botwright.WithAutoReshard(),
		botwright.WithIntents(discordgo.IntentGuilds|discordgo.IntentGuildMessages),
		botwright.WithLogger(slog.New(slog.DiscardHandler)), // the table says it all
		botwright.WithErrorHandler(func(context.Context, *botwright.Event, error) {
			count.errors.Add(1)
		}))...)
	if err != nil {
		return nil, nil, err
	}
	bot.Handle("*", func(context.Context, *botwright.Event) error {
		count.events.Add(1)
		return nil
	})
	return bot, count, nil
}

// counts is what the summary says.
type counts struct{ events, errors atomic.Int64 }

func (c *counts) summary(shards []botwright.ShardStatus) {
	ready, resumes := 0, uint64(0)
	for _, s := range shards {
		resumes += s.Resumes
		if s.State == botwright.ShardReady {
			ready++
		}
	}
	fmt.Printf("%d of %d shards ready, handled %d events, %d resumes, %d errors\n",
		ready, len(shards), c.events.Load(), resumes, c.errors.Load())
}

// refresh is how often the table is drawn.
const refresh = time.Second
