// Tracing shows why a command was slow: a bot in a fake Discord answers !report, and the trace of
// that message is printed as a tree, with what each part of it took.
//
// It needs no token. With OTEL_EXPORTER_OTLP_ENDPOINT set, such as http://localhost:4318, the spans
// are sent there as well.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/bwmarrin/discordgo"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/contrib/oteltrace"
	"github.com/botwright/botwright/discordtest"
)

func main() {
	runFor := flag.Duration("for", time.Minute, "give up after this time")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, *runFor)
	defer cancel()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run has a slow command run once and prints its trace.
func run(ctx context.Context, out io.Writer) (err error) {
	srv, err := discordtest.New(discordtest.Config{Guilds: 1, Channels: 1})
	if err != nil {
		return fmt.Errorf("start the fake Discord: %w", err)
	}
	defer srv.Close()
	spans := &collector{}
	provider, err := newProvider(ctx, spans)
	if err != nil {
		return fmt.Errorf("set up OpenTelemetry: %w", err)
	}
	defer func() { err = errors.Join(err, provider.Shutdown(context.WithoutCancel(ctx))) }()
	logs := oteltrace.NewLogHandler(slog.NewTextHandler(out, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}}))
	bot, err := botwright.New(srv.Token, botwright.WithAPI(srv.URL),
		botwright.WithIntents(discordgo.IntentsGuildMessages|discordgo.IntentsMessageContent),
		botwright.WithLogger(slog.New(slog.DiscardHandler)),
		botwright.WithTracer(oteltrace.New(oteltrace.Config{Provider: provider})))
	if err != nil {
		return err
	}
	r := &reporter{log: slog.New(logs), answered: make(chan error, 1)}
	botwright.On(bot, r.onMessage, botwright.NotBot())
	if err := bot.Open(ctx); err != nil {
		return err
	}
	if err := provoke(ctx, bot, srv, r.answered); err != nil {
		return errors.Join(err, bot.Shutdown(context.WithoutCancel(ctx)))
	}
	// The spans of handlers have ended when the bot has shut down.
	if err := bot.Shutdown(ctx); err != nil {
		return err
	}
	spans.printSlowest(out)
	return nil
}

// newProvider returns what keeps all spans in c and, if the environment says so, exports them.
func newProvider(ctx context.Context, c *collector) (*sdktrace.TracerProvider, error) {
	options := []sdktrace.TracerProviderOption{
		sdktrace.WithSyncer(c),
		sdktrace.WithResource(resource.NewSchemaless(semconv.ServiceName("botwright-tracing"))),
	}
	if os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" {
		exporter, err := otlptracehttp.New(ctx)
		if err != nil {
			return nil, err
		}
		options = append(options, sdktrace.WithBatcher(exporter))
	}
	return sdktrace.NewTracerProvider(options...), nil
}

// provoke uses up the limit of a channel, has a person talk there and then ask for a report, and
// waits for the answer.
func provoke(ctx context.Context, bot *botwright.Bot, srv *discordtest.Server, answered <-chan error) error {
	guild := srv.Guilds()[0]
	channel, person := guild.Channels[0].ID, guild.Members[0].User.ID
	for i := range 5 {
		if i == 4 {
			srv.Advance(4100 * time.Millisecond) // of the 5 s that the limit of 5 is for
		}
		_, err := bot.Session().ChannelMessageSend(channel, "news", discordgo.WithContext(ctx))
		if err != nil {
			return err
		}
	}
	srv.FailREST(func(*http.Request) *discordtest.RESTFault {
		return &discordtest.RESTFault{Delay: 120 * time.Millisecond}
	})
	for _, text := range []string{"hello", "!report"} {
		if _, err := srv.Say(channel, person, text); err != nil {
			return err
		}
	}
	select {
	case err := <-answered:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// A reporter handles messages.
type reporter struct {
	log      *slog.Logger
	answered chan error
}

// onMessage answers !report in the channel that it was asked in. The context makes the call of
// Discord's API a part of the trace. All other messages take their time, in which the next one of
// the channel waits in line.
func (r *reporter) onMessage(
	ctx context.Context, s *discordgo.Session, m *discordgo.MessageCreate,
) error {
	if m.Content != "!report" {
		return work(ctx, 3*time.Millisecond)
	}
	err := work(ctx, 40*time.Millisecond)
	if err == nil {
		r.log.InfoContext(ctx, "report is ready")
		_, err = s.ChannelMessageSend(m.ChannelID, "all is well", discordgo.WithContext(ctx))
	}
	r.answered <- err
	return err
}

// work stands for what a handler does.
func work(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
