package oteltrace_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/bwmarrin/discordgo"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/contrib/oteltrace"
	"github.com/botwright/botwright/discordtest"
)

// A bot whose spans are kept in memory. In production the provider has an exporter of
// otlptracehttp.New.
func ExampleNew() {
	srv, err := discordtest.New(discordtest.Config{Guilds: 1, Channels: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer srv.Close()
	spans := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	token := srv.Token

	tracer := oteltrace.New(oteltrace.Config{Provider: provider})
	logger := slog.New(oteltrace.NewLogHandler(slog.NewJSONHandler(os.Stderr, nil)))
	bot, err := botwright.New(token,
		botwright.WithTracer(tracer),
		botwright.WithLogger(logger),
		botwright.WithAPI(srv.URL))
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	botwright.On(bot, func(ctx context.Context, s *discordgo.Session, m *discordgo.MessageCreate) error {
		defer cancel()
		return s.ChannelTyping(m.ChannelID, discordgo.WithContext(ctx))
	})
	if err := bot.Open(ctx); err != nil {
		fmt.Println(err)
		return
	}
	guild := srv.Guilds()[0]
	if _, err := srv.Say(guild.Channels[0].ID, guild.Members[0].User.ID, "hello"); err != nil {
		fmt.Println(err)
		return
	}
	<-ctx.Done()
	if err := bot.Shutdown(context.Background()); err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range spans.GetSpans() {
		if s.SpanKind == trace.SpanKindConsumer {
			fmt.Println(s.Name)
		}
	}
	// Output:
	// process MESSAGE_CREATE
}

// Lines that are logged with the context of a span say which one.
func ExampleNewLogHandler() {
	log := slog.New(oteltrace.NewLogHandler(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	})))
	ctx := trace.ContextWithSpanContext(context.Background(), trace.NewSpanContext(
		trace.SpanContextConfig{TraceID: trace.TraceID{15: 1}, SpanID: trace.SpanID{7: 2}}))
	log.InfoContext(ctx, "report is ready")
	// Output:
	// level=INFO msg="report is ready" trace_id=00000000000000000000000000000001 span_id=0000000000000002
}

// IDs and texts of errors are shown to whoever asks for them.
func ExampleIDs() {
	tracer := oteltrace.New(oteltrace.Config{
		Attributes: oteltrace.IDs, // discord.guild.id, discord.channel.id, discord.user.id
		ErrorText:  true,          // what errors say, with the tokens in URLs left out
	})
	_ = tracer
	e, err := botwright.NewEvent("MESSAGE_CREATE", []byte(`{"guild_id":"1","channel_id":"2","author":{"id":"3"}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, id := range oteltrace.IDs(e) {
		fmt.Println(id.Key, id.Value.AsString())
	}
	// Output:
	// discord.guild.id 1
	// discord.channel.id 2
	// discord.user.id 3
}
