package oteltrace_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"reflect"
	"testing"

	"github.com/bwmarrin/discordgo"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/contrib/oteltrace"
	"github.com/botwright/botwright/discordtest"
)

// TestLogHandler looks for the ids in lines of loggers with and without groups.
func TestLogHandler(t *testing.T) {
	sc := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}})
	within := trace.ContextWithSpanContext(t.Context(), sc)
	ids := map[string]any{"trace_id": sc.TraceID().String(), "span_id": sc.SpanID().String()}
	with := func(m map[string]any) map[string]any {
		maps.Copy(m, ids)
		return m
	}
	tests := []struct {
		name string
		ctx  context.Context
		of   func(*slog.Logger) *slog.Logger
		want map[string]any
	}{
		{"no span", t.Context(), func(l *slog.Logger) *slog.Logger { return l }, map[string]any{"a": "b"}},
		{"plain", within, func(l *slog.Logger) *slog.Logger { return l }, with(map[string]any{"a": "b"})},
		{"attributes", within, func(l *slog.Logger) *slog.Logger { return l.With("c", "d") },
			with(map[string]any{"a": "b", "c": "d"})},
		{"group", within, func(l *slog.Logger) *slog.Logger { return l.With("c", "d").WithGroup("g").With("e", "f") },
			with(map[string]any{"c": "d", "g": map[string]any{"a": "b", "e": "f"}})},
		{"groups", within, func(l *slog.Logger) *slog.Logger { return l.WithGroup("g").WithGroup("").WithGroup("h") },
			with(map[string]any{"g": map[string]any{"h": map[string]any{"a": "b"}}})},
		{"group, no span", t.Context(), func(l *slog.Logger) *slog.Logger { return l.WithGroup("g") },
			map[string]any{"g": map[string]any{"a": "b"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			log := tt.of(slog.New(oteltrace.NewLogHandler(slog.NewJSONHandler(&out, nil))))
			log.DebugContext(tt.ctx, "below the level")
			log.InfoContext(tt.ctx, "message", "a", "b")
			var got map[string]any
			if err := json.Unmarshal(out.Bytes(), &got); err != nil {
				t.Fatalf("%v in %s", err, out.String())
			}
			for _, key := range []string{"time", "level", "msg"} {
				delete(got, key)
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// TestBotLogs looks for the span of a handler in the line that the bot logs of its error.
func TestBotLogs(t *testing.T) {
	srv, err := discordtest.New(discordtest.Config{Guilds: 1, Channels: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	var out bytes.Buffer
	provider := sdktrace.NewTracerProvider()
	bot, err := botwright.New(srv.Token, botwright.WithAPI(srv.URL),
		botwright.WithTracer(oteltrace.New(oteltrace.Config{Provider: provider})),
		botwright.WithLogger(slog.New(oteltrace.NewLogHandler(slog.NewJSONHandler(&out, nil)))))
	if err != nil {
		t.Fatal(err)
	}
	handled := make(chan trace.SpanContext, 1)
	botwright.On(bot, func(ctx context.Context, _ *discordgo.Session, _ *discordgo.MessageCreate) error {
		handled <- trace.SpanContextFromContext(ctx)
		return errors.New("no")
	})
	if err := bot.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	guild := srv.Guilds()[0]
	if _, err := srv.Say(guild.Channels[0].ID, guild.Members[0].User.ID, "hello"); err != nil {
		t.Fatal(err)
	}
	sc := <-handled
	if err := bot.Shutdown(context.Background()); err != nil { // so that all was logged
		t.Fatal(err)
	}
	for line := range bytes.Lines(out.Bytes()) {
		var got struct {
			Msg     string
			TraceID string `json:"trace_id"`
			SpanID  string `json:"span_id"`
		}
		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatal(err)
		}
		if got.Msg == "event handler failed" {
			if !sc.IsValid() || got.TraceID != sc.TraceID().String() || got.SpanID != sc.SpanID().String() {
				t.Errorf("%s, handled in %v", line, sc)
			}
			return
		}
	}
	t.Errorf("no line in %s", out.String())
}
