// Health is a bot with sixteen shards in a fake Discord, of which three break after a few seconds
// and come back. The terminal and the status page show the alert arriving and resolving.
//
//	go run ./examples/health            # then open the address that it prints
//	go run ./examples/health -json      # shows what is posted to the webhook
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

func main() {
	runFor := flag.Duration("for", 0, "stop after this time; 0 runs until Ctrl-C")
	addr := flag.String("addr", "127.0.0.1:9180", "where the status page is")
	showJSON := flag.Bool("json", false, "show what is posted to the webhook")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *runFor > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, *runFor)
		defer cancel()
	}
	if err := run(ctx, *addr, *showJSON); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

const shards = 16

// run runs the bot until ctx is done.
func run(ctx context.Context, addr string, showJSON bool) error {
	world, err := discordtest.New(discordtest.Config{Guilds: 48, MaxConcurrency: shards})
	if err != nil {
		return fmt.Errorf("start the fake Discord: %w", err)
	}
	defer world.Close()
	hook, err := world.AddWebhook(world.Guilds()[0].Channels[0].ID, "health")
	if err != nil {
		return fmt.Errorf("add a webhook: %w", err)
	}
	webhook := &botwright.WebhookAlerter{
		URL: world.URL + "/api/webhooks/" + hook.ID + "/" + hook.Token}
	if showJSON {
		webhook.Client = &http.Client{Transport: printer{os.Stdout}}
	}
	bot, err := botwright.New(world.Token, botwright.WithAPI(world.URL),
		botwright.WithShards(shards),
		botwright.WithLogger(slog.New(slog.DiscardHandler)),
		botwright.WithHealth(botwright.HealthConfig{
			Interval: 2 * time.Second, Group: time.Second, Name: "robin-0",
			Alerters: []botwright.Alerter{terminal{os.Stdout}, webhook},
		}),
		botwright.WithMetrics(prometheus.NewRegistry()),
		botwright.WithAdmin(botwright.AdminConfig{Addr: addr}))
	if err != nil {
		return err
	}
	bot.Handle("*", func(context.Context, *botwright.Event) error { return nil })
	bot.Health().Register("database", func(context.Context) (botwright.CheckResult, error) {
		return botwright.CheckResult{Message: "connected"}, nil
	})
	go func() { _ = world.Chat(ctx, discordtest.ChatConfig{Rate: 40}) }()
	go trouble(ctx, world, bot)
	fmt.Printf("The status page is on http://%s/ while this runs. Ctrl-C ends it.\n", addr)
	return bot.Run(ctx)
}

// The story: how long all is well, and how long three shards are broken.
const (
	wellFor   = 6 * time.Second
	brokenFor = 12 * time.Second
)

// trouble breaks shards 3 to 5 and repairs them, again and again, until ctx is done.
func trouble(ctx context.Context, world *discordtest.Server, bot *botwright.Bot) {
	say := func(format string, args ...any) {
		fmt.Printf("%s  "+format+"\n", append([]any{time.Now().Format(time.TimeOnly)}, args...)...)
	}
	for {
		if !wait(ctx, wellFor) {
			return
		}
		say("breaking shards 3 to 5")
		world.RefuseGateway(true)
		world.RefuseResume(true)
		for id := 3; id <= 5; id++ {
			if c := world.Conn(id); c != nil {
				c.Reset()
			}
		}
		if !wait(ctx, brokenFor) {
			return
		}
		say("mending them")
		world.RefuseGateway(false)
		world.RefuseResume(false)
		for id := 3; id <= 5; id++ {
			// Its back-off may be at half a minute by now.
			if err := bot.RestartShard(ctx, id); err != nil && ctx.Err() == nil {
				say("shard %d: %v", id, err)
			}
		}
		if !wait(ctx, 4*wellFor) {
			return
		}
	}
}

func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
