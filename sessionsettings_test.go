package botwright_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

// TestSessionSettingsRefused sets what belongs to the bot, in WithSessionConfig and in the session.
func TestSessionSettingsRefused(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*discordgo.Session){
		"use WithShards":     func(s *discordgo.Session) { s.ShardID, s.ShardCount = 1, 2 },
		"use WithHTTPClient": func(s *discordgo.Session) { s.Client = &http.Client{} },
		"pass it to New":     func(s *discordgo.Session) { s.Token = "Bot " + someToken + "x" },
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			srv := newServer(t, discordtest.Config{})
			_, err := botwright.New(srv.Token, botwright.WithSessionConfig(change))
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("New: %v", err)
			}
			bot := newBot(t, srv)
			change(bot.Session())
			err = bot.Open(testContext(t))
			if err == nil || !strings.Contains(err.Error(), want) || len(srv.Requests()) > 0 {
				t.Errorf("Open: %v after %d requests", err, len(srv.Requests()))
			}
		})
	}
}

// TestSessionConfigSeesShards gives the function the numbers of each shard, also when a reshard
// makes new ones.
func TestSessionConfigSeesShards(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		shards botwright.Option
		want   []string
	}{
		{botwright.WithShards(3), []string{"0/3", "1/3", "2/3"}},
		{botwright.WithShards(4, 1, 3), []string{"1/4", "3/4"}},
		{botwright.WithShards(0), []string{"0/0", "1/16"}}, // see WithSessionConfig
	} {
		t.Run(fmt.Sprint(tt.want), func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			var seen []string
			srv := newServer(t, discordtest.Config{MaxConcurrency: 16, Shards: 2})
			bot := newBot(t, srv, tt.shards, botwright.WithSessionConfig(func(s *discordgo.Session) {
				mu.Lock()
				defer mu.Unlock()
				seen = append(seen, fmt.Sprintf("%d/%d", s.ShardID, s.ShardCount))
			}))
			open(t, bot)
			if !slices.Equal(seen[:len(tt.want)], tt.want) {
				t.Errorf("the function saw %q, want %q", seen, tt.want)
			}
			for _, status := range bot.Shards() {
				if s := bot.Session(); status.ID == 0 && (s.ShardID != 0 || s.ShardCount == 0) {
					t.Errorf("the first session is shard %d of %d", s.ShardID, s.ShardCount)
				}
			}
		})
	}
}

// TestSessionOpenRefused calls discordgo's Open before and after the bot's.
func TestSessionOpenRefused(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	bot := newBot(t, srv)
	if err := bot.Session().Open(); err == nil || !strings.Contains(err.Error(), "Bot.Run") {
		t.Errorf("Open: %v", err)
	}
	open(t, bot)
	if err := bot.Session().Open(); err == nil {
		t.Error("the session was opened twice")
	}
	if n := len(srv.Identifies()); n != 1 {
		t.Errorf("%d IDENTIFYs", n)
	}
}

// TestAddHandlerWarnings holds what the log says of handlers that discordgo would run.
func TestAddHandlerWarnings(t *testing.T) {
	t.Parallel()
	add := func(handlers ...any) func(*discordgo.Session) {
		return func(s *discordgo.Session) {
			for _, h := range handlers {
				s.AddHandler(h)
			}
		}
	}
	message := func(*discordgo.Session, *discordgo.MessageCreate) {}
	update := func(*discordgo.Session, *discordgo.MessageUpdate) {}
	forward := func(types ...string) []botwright.Option {
		return []botwright.Option{botwright.WithSessionEvents(types...)}
	}
	tests := []struct {
		name string
		add  func(*discordgo.Session)
		opts []botwright.Option
		want []string // of one line; nil: no warning
	}{
		{"not forwarded", add(message, update), nil, []string{"never be called", "botwright.Adapt",
			`botwright.WithSessionEvents(\"MESSAGE_CREATE\", \"MESSAGE_UPDATE\")`}},
		{"forwarded", add(message), forward("MESSAGE_CREATE", "GUILD_ROLE_CREATE"), nil},
		{"nothing to forward", add(func(*discordgo.Session, *discordgo.Ready) {},
			func(*discordgo.Session, *discordgo.Connect) {}), nil, nil},
		{"resumed", add(func(*discordgo.Session, *discordgo.Resumed) {}), nil,
			[]string{"RESUMED", "botwright.On[discordgo.Resumed]"}},
		{"all of none", add(func(*discordgo.Session, any) {}), nil, []string{"names no events"}},
		{"all of some", add(func(*discordgo.Session, any) {}), forward("GUILD_ROLE_CREATE"), nil},
		{"before", add(update), forward("MESSAGE_UPDATE"), []string{"BeforeUpdate", "MESSAGE_UPDATE"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			log, text := newTextLog()
			bot := newBot(t, newServer(t, discordtest.Config{}), append(tt.opts, botwright.WithLogger(log))...)
			tt.add(bot.Session())
			open(t, bot)
			warned := strings.Contains(text(), "AddHandler")
			if tt.want == nil && warned || tt.want != nil && !hasLine(text(), append(tt.want, "WARN")) {
				t.Errorf("want %q, the log says:\n%s", tt.want, text())
			}
		})
	}
}

// TestAdapt runs a handler that was written for discordgo.
func TestAdapt(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	bot := newBot(t, srv, botwright.WithPrivilegedIntents(discordgo.IntentMessageContent))
	got := make(chan string, 1)
	botwright.On(bot, botwright.Adapt(func(s *discordgo.Session, m *discordgo.MessageCreate) {
		if s == bot.Session() {
			got <- m.Content
		}
	}))
	open(t, bot)
	say(t, srv, "hello")
	if text := receive(t, got); text != "hello" {
		t.Errorf("the handler got %q", text)
	}
}
