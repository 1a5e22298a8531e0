package botwright_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

func TestFilters(t *testing.T) {
	const message = "MESSAGE_CREATE"
	const interaction = "INTERACTION_CREATE"
	tests := []struct {
		name   string
		filter botwright.Middleware
		event  string
		raw    string
		want   bool
	}{
		{"human", botwright.NotBot(), message, `{"author":{"id":"1"}}`, true},
		{"bot", botwright.NotBot(), message, `{"author":{"id":"1","bot":true}}`, false},
		{"bot false", botwright.NotBot(), message, `{"author":{"id":"1","bot":false}}`, true},
		{"member bot", botwright.NotBot(), "GUILD_MEMBER_ADD", `{"user":{"bot":true}}`, false},
		{"reaction by bot", botwright.NotBot(), "MESSAGE_REACTION_ADD", `{"member":{"user":{"bot":true}}}`, false},
		{"webhook", botwright.NotBot(), message, `{"webhook_id":"5","author":{"id":"1"}}`, false},
		{"webhook null", botwright.NotBot(), message, `{"webhook_id":null,"author":{"id":"1"}}`, true},
		{"bot, escaped", botwright.NotBot(), message, `{"author":{"id":"1","\u0062ot":true}}`, false},
		{"bot, the second author", botwright.NotBot(), message, `{"author":{"id":"1"},"author":{"bot":true}}`, false},
		{"bot, no more", botwright.NotBot(), message, `{"author":{"bot":true},"author":{"bot":false}}`, true},
		{"no user", botwright.NotBot(), "GUILD_CREATE", `{"id":"1"}`, true},
		{"not an object", botwright.NotBot(), message, `[]`, true},

		{"in guild", botwright.GuildOnly(), message, `{"guild_id":"5"}`, true},
		{"direct message", botwright.GuildOnly(), message, `{"channel_id":"5"}`, false},

		{"prefix", botwright.Prefix("!"), message, `{"content":"!ping"}`, true},
		{"whole", botwright.Prefix("!ping"), message, `{"content":"!ping"}`, true},
		{"the second content", botwright.Prefix("!"), message, `{"content":"x","content":"!"}`, true},
		{"the first content", botwright.Prefix("!"), message, `{"content":"!","content":"x"}`, false},
		{"no prefix", botwright.Prefix("!"), message, `{"content":"ping!"}`, false},
		{"short", botwright.Prefix("!ping"), message, `{"content":"!p"}`, false},
		{"escapes", botwright.Prefix("ä\n"), message, `{"content":"\u00e4\n!"}`, true},
		{"escapes, other", botwright.Prefix("!"), message, `{"content":"\n!"}`, false},
		{"no content", botwright.Prefix("!"), message, `{}`, false},
		{"content null", botwright.Prefix("!"), message, `{"content":null}`, false},

		{"command", botwright.Command("ping"), interaction, `{"type":2,"data":{"name":"ping"}}`, true},
		{"other command", botwright.Command("ping"), interaction, `{"type":2,"data":{"name":"pin"}}`, false},
		{"component", botwright.Command("ping"), interaction, `{"type":3,"data":{"name":"ping"}}`, false},
		{"no data", botwright.Command("ping"), interaction, `{"type":2}`, false},
		{"no interaction", botwright.Command("ping"), message, `{"type":2,"data":{"name":"ping"}}`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			called := false
			h := tt.filter(func(context.Context, *botwright.Event) error {
				called = true
				return nil
			})
			if err := h(t.Context(), botwright.SomeEvent(tt.event, tt.raw)); err != nil {
				t.Fatal(err)
			}
			if called != tt.want {
				t.Errorf("let through: %v, want %v", called, tt.want)
			}
		})
	}
}

func TestFiltersDoNotAllocate(t *testing.T) {
	h := botwright.Chain(botwright.NotBot(), botwright.GuildOnly(), botwright.Prefix("!"))(
		func(context.Context, *botwright.Event) error { return nil })
	e := botwright.SomeEvent("MESSAGE_CREATE",
		`{"author":{"id":"1"},"guild_id":"5","channel_id":"6","content":"hello"}`)
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() { _ = h(ctx, e) }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func TestChainOrder(t *testing.T) {
	var got []string
	trace := func(name string) botwright.Middleware {
		return func(next botwright.Handler) botwright.Handler {
			return func(ctx context.Context, e *botwright.Event) error {
				got = append(got, name)
				defer func() { got = append(got, "/"+name) }()
				return next(ctx, e)
			}
		}
	}
	mw := []botwright.Middleware{trace("a"), trace("b")}
	chain := botwright.Chain(mw...)
	mw[0] = nil // Chain must not hold on to the slice
	h := chain(func(context.Context, *botwright.Event) error {
		got = append(got, "handler")
		return nil
	})
	if err := h(t.Context(), botwright.SomeEvent("X", `{}`)); err != nil {
		t.Fatal(err)
	}
	if want := []string{"a", "b", "handler", "/b", "/a"}; !slices.Equal(got, want) {
		t.Errorf("order %v, want %v", got, want)
	}
}

func TestNewEventRefuses(t *testing.T) {
	for name, e := range map[string][2]string{"no type": {"", "{}"}, "no data": {"X", ""}, "no JSON": {"X", "{"}} {
		if _, err := botwright.NewEvent(e[0], []byte(e[1])); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestLoggingSeesPanics(t *testing.T) {
	var out bytes.Buffer
	cause := errors.New("cause")
	h := botwright.Logging(slog.New(slog.NewTextHandler(&out, nil)))(func(context.Context, *botwright.Event) error { panic(cause) })
	err := h(t.Context(), botwright.SomeEvent("X", `{}`))
	var p *botwright.PanicError
	if !errors.As(err, &p) || !errors.Is(err, cause) {
		t.Fatalf("error %v", err)
	}
	if !strings.Contains(string(p.Stack), "TestLoggingSeesPanics") {
		t.Error("the stack does not show where it happened")
	}
	if line := out.String(); !strings.Contains(line, "level=ERROR") || !strings.Contains(line, "panic: cause") {
		t.Errorf("logged %q", line)
	}
}

func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := botwright.Timeout(time.Second)(func(ctx context.Context, _ *botwright.Event) error {
			<-ctx.Done()
			return context.Cause(ctx)
		})
		start := time.Now()
		err := h(t.Context(), botwright.SomeEvent("X", `{}`))
		if !errors.Is(err, botwright.ErrHandlerTimeout) || time.Since(start) != time.Second {
			t.Errorf("error %v after %v", err, time.Since(start))
		}
	})
}

func TestLogging(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	fail := errors.New("it broke")
	h := botwright.Logging(log)(func(context.Context, *botwright.Event) error { return fail })
	e := botwright.SomeEvent("MESSAGE_CREATE", `{"guild_id":"5","content":"secret words"}`)
	if err := h(t.Context(), e); !errors.Is(err, fail) {
		t.Fatalf("error %v is not the handler's", err)
	}
	line := out.String()
	for _, want := range []string{"level=ERROR", "event=MESSAGE_CREATE", "guild=5", "it broke"} {
		if !strings.Contains(line, want) {
			t.Errorf("%q is not in %s", want, line)
		}
	}
	if strings.Contains(line, "secret") {
		t.Error("the log has what the user wrote")
	}
}

func TestMiddlewareMisuse(t *testing.T) {
	for name, f := range map[string]func(){
		"Timeout": func() { botwright.Timeout(0) },
		"Filter":  func() { botwright.Filter(nil) },
	} {
		t.Run(name, func(t *testing.T) { wantPanic(t, "pass a", f) })
	}
}

// wantPanic checks that f panics with a sentence that holds text.
func wantPanic(t *testing.T, text string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		v := recover()
		if s, ok := v.(string); !ok || !strings.Contains(s, text) {
			t.Errorf("panic %v, want one that says %q", v, text)
		}
	}()
	f()
}

// A reaction that is removed, and one in a direct message, does not say that it is a bot's.
func TestNotBotKnowsItself(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	bot := newBot(t, srv, botwright.WithIntents(discordgo.IntentsAll))
	users := make(chan string, 10)
	bot.Handle("MESSAGE_REACTION_REMOVE", func(_ context.Context, e *botwright.Event) error {
		users <- e.UserID
		return nil
	}, botwright.NotBot())
	open(t, bot)
	g := srv.Guilds()[0]
	for _, user := range []string{srv.Bot().ID, "7"} {
		err := srv.Dispatch(g.ID, "MESSAGE_REACTION_REMOVE", map[string]any{
			"user_id": user, "channel_id": g.Channels[0].ID, "message_id": "1", "guild_id": g.ID,
			"emoji": map[string]any{"name": "x"}})
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := receive(t, users); got != "7" {
		t.Errorf("the first reaction is of %s", got)
	}
}
