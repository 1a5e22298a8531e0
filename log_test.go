package botwright_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

// messages returns level, message and some attributes of what was logged.
func (l *logRecorder) messages(t *testing.T) []string {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var lines []string
	for line := range strings.Lines(l.text.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		text := m["level"].(string) + " " + m["msg"].(string)
		for _, key := range []string{"shard", "handler"} {
			if v, ok := m[key]; ok {
				text += " " + strings.TrimPrefix(strings.Trim(string(mustJSON(t, v)), `"`), "github.com/botwright/")
			}
		}
		for _, key := range []string{"took", "after", "retry_in"} {
			if v, ok := m[key]; ok {
				if _, err := time.ParseDuration(v.(string)); err != nil {
					t.Errorf("%s has no unit: %s", key, line)
				}
			}
		}
		if m["level"] == "ERROR" && m["handler"] == nil {
			text += fmt.Sprintf(": %v", m["error"])
		}
		lines = append(lines, text)
	}
	return lines
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func jsonLogger(l *logRecorder) *slog.Logger { return slog.New(slog.NewJSONHandler(l, nil)) }

func failingHandler(context.Context, *discordgo.Session, *discordgo.MessageCreate) error {
	return errors.New("the database is full")
}

// The log tells a bot's life: ready, what was lost and came back, which handler failed, the end.
func TestLogOfALife(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	log := newLogRecorder()
	bot := newBot(t, srv, botwright.WithLogger(jsonLogger(log)),
		botwright.WithIntents(discordgo.IntentGuildMessages|discordgo.IntentMessageContent))
	botwright.On(bot, failingHandler)
	if err := bot.Open(testContext(t)); err != nil {
		t.Fatal(err)
	}
	await := func(what string) {
		t.Helper()
		for log.count(what) == 0 {
			receive(t, log.more)
		}
	}
	say(t, srv, "hello")
	await("event handler failed")
	srv.Conn(0).Reset()
	await("shard resumed")
	if err := bot.Shutdown(testContext(t)); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"INFO shard ready 0", "INFO ready", "ERROR event handler failed 0 botwright_test.failingHandler",
		"WARN gateway connection lost 0", "INFO shard resumed 0", "INFO shutting down", "INFO stopped",
	}
	got := log.messages(t)
	got = slices.DeleteFunc(got, func(s string) bool { return strings.Contains(s, "State will miss some") })
	if !slices.Equal(got, want) {
		t.Errorf("the log says\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// A start of hundreds of shards is told in fewer lines than there are shards.
func TestLogOfABigStart(t *testing.T) {
	t.Parallel()
	const shards = 17
	srv := newServer(t, discordtest.Config{Shards: shards, MaxConcurrency: shards})
	log := newLogRecorder()
	bot := newBot(t, srv, botwright.WithShards(shards), botwright.WithLogger(jsonLogger(log)))
	open(t, bot)
	if n := log.count(`"msg":"shard ready"`); n != 0 {
		t.Errorf("%d lines say that a shard is ready", n)
	}
	if n := log.count(`"msg":"ready"`); n != 1 {
		t.Errorf("%d lines say that the bot is ready", n)
	}
}

func TestShutdownErrorCounts(t *testing.T) {
	err := &botwright.ShutdownError{Running: 4, Handlers: []string{"a", "b", "b", "b"}}
	if got := err.Error(); !strings.Contains(got, "4 handlers (a, b ×3)") {
		t.Error(got)
	}
}
