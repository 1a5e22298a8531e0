// Monitoring is a bot whose metrics Prometheus reads and Grafana shows; see README.md.
//
// Without a token it runs in a fake Discord where people chat, use its command and sometimes
// bring it into trouble, so that there is something to see. With DISCORD_TOKEN it runs on Discord.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/botwright/botwright"
)

//go:generate go run ./dashboard -o grafana/dashboards/botwright.json

func main() {
	addr := flag.String("addr", "127.0.0.1:9100", "address for /metrics")
	runFor := flag.Duration("for", 0, "stop after this time; 0 runs until Ctrl-C")
	show := flag.Bool("print", false, "print what /metrics has before stopping")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *runFor > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, *runFor)
		defer cancel()
	}
	if err := run(ctx, *addr, *show); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run runs the bot and its endpoint until ctx is done.
func run(ctx context.Context, addr string, show bool) error {
	token, opts := os.Getenv("DISCORD_TOKEN"), []botwright.Option(nil)
	if token == "" {
		world, err := newWorld()
		if err != nil {
			return err
		}
		defer world.srv.Close()
		go world.live(ctx)
		token, opts = world.srv.Token, append(opts, botwright.WithAPI(world.srv.URL))
	}
	reg := prometheus.NewRegistry()
	bot, err := newBot(token, reg, opts...)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("listen for Prometheus: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
	endpoint := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- endpoint.Serve(listener) }()
	fmt.Fprintf(os.Stderr, "metrics are at http://%s/metrics\n", listener.Addr())

	if err := bot.Open(ctx); err != nil {
		return errors.Join(err, endpoint.Close())
	}
	<-ctx.Done()
	stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	if show {
		err = printMetrics(stopCtx, listener.Addr())
	}
	err = errors.Join(err, bot.Shutdown(stopCtx), endpoint.Shutdown(stopCtx))
	if e := <-served; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	return err
}

// printMetrics prints what the endpoint answers.
func printMetrics(ctx context.Context, addr net.Addr) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr.String()+"/metrics", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("/metrics answered %s", resp.Status)
	}
	_, err = io.Copy(os.Stdout, resp.Body)
	return err
}

// newBot returns a bot that answers /ping and remembers who has written.
func newBot(token string, reg prometheus.Registerer, opts ...botwright.Option) (*botwright.Bot, error) {
	bot, err := botwright.New(token, append(opts,
		botwright.WithMetrics(reg), botwright.WithHealth(botwright.HealthConfig{}),
		botwright.WithMemoryLimit(512<<20))...)
	if err != nil {
		return nil, err
	}
	seen := botwright.NewTTLCache(botwright.TTLCacheConfig[string, string]{MaxSize: 100, TTL: time.Minute})
	bot.ObserveCache("seen", seen.Stats)
	botwright.On(bot, registerCommand)
	botwright.On(bot, ping, botwright.Command("ping"))
	botwright.On(bot, func(_ context.Context, _ *discordgo.Session, m *discordgo.MessageCreate) error {
		if _, known := seen.Get(m.Author.ID); !known {
			seen.Set(m.Author.ID, m.Author.Username)
		}
		return nil
	}, botwright.NotBot())
	botwright.On(bot, welcome, botwright.Debounce(time.Second, botwright.ByGuild))
	return bot, nil
}

func registerCommand(ctx context.Context, s *discordgo.Session, r *discordgo.Ready) error {
	command := &discordgo.ApplicationCommand{Name: "ping", Description: "Answers pong"}
	_, err := s.ApplicationCommandCreate(r.Application.ID, "", command, discordgo.WithContext(ctx))
	return err
}

func ping(ctx context.Context, s *discordgo.Session, i *discordgo.InteractionCreate) error {
	return s.InteractionRespond(i.Interaction, &discordgo.InteractionResponse{
		Type: discordgo.InteractionResponseChannelMessageWithSource,
		Data: &discordgo.InteractionResponseData{Content: "pong"},
	}, discordgo.WithContext(ctx))
}

func welcome(_ context.Context, _ *discordgo.Session, g *discordgo.GuildCreate) error {
	if g.Unavailable {
		return errors.New("the guild is not there")
	}
	return nil
}
