package botwright_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

func TestDerivedIntents(t *testing.T) {
	t.Parallel()
	message := func(bot *botwright.Bot) {
		botwright.On(bot, func(context.Context, *discordgo.Session, *discordgo.MessageCreate) error { return nil })
	}
	none := botwright.WithState(botwright.StateNone())
	exact := []botwright.Option{none}
	tests := []struct {
		name     string
		register func(*botwright.Bot)
		opts     []botwright.Option
		want     discordgo.Intent
		err      string
	}{
		{"none", func(*botwright.Bot) {}, exact, 0, ""},
		{"the default State", func(*botwright.Bot) {}, nil, discordgo.IntentGuilds, ""},
		{"a full State", func(*botwright.Bot) {}, []botwright.Option{botwright.WithState(botwright.StateFull())},
			discordgo.IntentGuilds | discordgo.IntentGuildEmojis | discordgo.IntentGuildVoiceStates, ""},
		{"a State with messages", func(*botwright.Bot) {}, []botwright.Option{botwright.WithState(botwright.StatePolicy{
			Guilds: true, Channels: true, MessagesPerChannel: 10})},
			discordgo.IntentGuilds | discordgo.IntentGuildMessages, ""},
		{"messages", message, exact, discordgo.IntentGuildMessages | discordgo.IntentDirectMessages, ""},
		{"raw", func(b *botwright.Bot) {
			b.Handle("GUILD_ROLE_CREATE", func(context.Context, *botwright.Event) error { return nil })
		}, exact, discordgo.IntentGuilds, ""},
		{"session events", func(*botwright.Bot) {}, []botwright.Option{
			none, botwright.WithSessionEvents("VOICE_STATE_UPDATE")}, discordgo.IntentGuildVoiceStates, ""},
		{"given", message, []botwright.Option{botwright.WithIntents(discordgo.IntentGuilds)}, discordgo.IntentGuilds, ""},
		{"privileged, not named", func(b *botwright.Bot) {
			botwright.On(b, func(context.Context, *discordgo.Session, *discordgo.GuildMemberAdd) error { return nil })
		}, nil, 0, "needs the Server Members Intent: add botwright.WithPrivilegedIntents(discordgo.IntentGuildMembers)"},
		{"privileged, others named", func(b *botwright.Bot) {
			botwright.On(b, func(context.Context, *discordgo.Session, *discordgo.PresenceUpdate) error { return nil })
		}, []botwright.Option{botwright.WithIntents(discordgo.IntentGuilds)}, 0, "needs the Presence Intent"},
		{"privileged, named", func(b *botwright.Bot) {
			botwright.On(b, func(context.Context, *discordgo.Session, *discordgo.GuildMemberAdd) error { return nil })
		}, []botwright.Option{botwright.WithIntents(discordgo.IntentGuildMembers)}, discordgo.IntentGuildMembers, ""},
		{"privileged, added", message, []botwright.Option{none, botwright.WithPrivilegedIntents(discordgo.IntentMessageContent)},
			discordgo.IntentGuildMessages | discordgo.IntentDirectMessages | discordgo.IntentMessageContent, ""},
		{"privileged, added to those given", message, []botwright.Option{
			botwright.WithIntents(discordgo.IntentGuildMessages), botwright.WithPrivilegedIntents(discordgo.IntentMessageContent)},
			discordgo.IntentGuildMessages | discordgo.IntentMessageContent, ""},
		{"set in the session's configuration", message, []botwright.Option{botwright.WithSessionConfig(func(s *discordgo.Session) {
			s.Identify.Intents = discordgo.IntentsGuildMessages
		})}, discordgo.IntentGuildMessages, ""},
		{"set in the session", func(bot *botwright.Bot) {
			bot.Session().Identify.Intents |= discordgo.IntentMessageContent
		}, nil, discordgo.IntentsAllWithoutPrivileged | discordgo.IntentMessageContent, ""},
		{"set twice", func(bot *botwright.Bot) {
			bot.Session().Identify.Intents = discordgo.IntentsNone
		}, []botwright.Option{botwright.WithIntents(discordgo.IntentGuilds)}, 0, "differ: set one of them"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			srv := newServer(t, discordtest.Config{})
			bot := newBot(t, srv, tt.opts...)
			tt.register(bot)
			err := bot.Open(testContext(t))
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) || len(srv.Requests()) > 0 {
					t.Errorf("Open: %v after %d requests", err, len(srv.Requests()))
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := srv.Identifies()[0].Intents; got != tt.want {
				t.Errorf("asked for %b, want %b", got, tt.want)
			}
			if err := bot.Shutdown(testContext(t)); err != nil {
				t.Error(err)
			}
		})
	}
}

func onlyMembers(context.Context, *discordgo.Session, *discordgo.GuildMemberAdd) error { return nil }

func onlyMessages(context.Context, *discordgo.Session, *discordgo.MessageCreate) error { return nil }

// TestIntentWarnings holds what the log says of handlers that will not do what they are for.
func TestIntentWarnings(t *testing.T) {
	t.Parallel()
	messages := func(bot *botwright.Bot) { botwright.On(bot, onlyMessages) }
	tests := []struct {
		name     string
		register func(*botwright.Bot)
		opts     []botwright.Option
		want     []string // of one line
	}{
		{"no content", messages, nil, []string{"WARN", "have no content", "onlyMessages",
			"botwright.WithPrivilegedIntents(discordgo.IntentMessageContent)"}},
		{"no content, on purpose", messages, []botwright.Option{botwright.WithIntents(discordgo.IntentGuildMessages)},
			[]string{"INFO", "have no content", "onlyMessages"}},
		{"never called", messages, []botwright.Option{botwright.WithIntents(discordgo.IntentGuilds)},
			[]string{"WARN", "never be called", "MESSAGE_CREATE", "onlyMessages", "discordgo.IntentGuildMessages"}},
		{"unknown event", func(bot *botwright.Bot) {
			bot.Handle("MESSAGE_CRAETE", func(context.Context, *botwright.Event) error { return nil })
		}, nil, []string{"WARN", "check the spelling", "MESSAGE_CRAETE"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			log, text := newTextLog()
			bot := newBot(t, newServer(t, discordtest.Config{}),
				append(tt.opts, botwright.WithLogger(log))...)
			tt.register(bot)
			open(t, bot)
			if !hasLine(text(), tt.want) {
				t.Errorf("no line has %q:\n%s", tt.want, text())
			}
		})
	}
}

// TestLateIntentWarning adds a handler to an open bot that did not ask for its intent.
func TestLateIntentWarning(t *testing.T) {
	t.Parallel()
	log, text := newTextLog()
	bot := newBot(t, newServer(t, discordtest.Config{}), botwright.WithLogger(log))
	open(t, bot)
	botwright.On(bot, onlyMembers)
	want := []string{"WARN", "never be called", "onlyMembers", "before the bot is opened"}
	if !hasLine(text(), want) {
		t.Errorf("no line has %q:\n%s", want, text())
	}
}

// newTextLog returns a logger and what was logged with it.
func newTextLog() (log *slog.Logger, text func() string) {
	var mu sync.Mutex
	var out bytes.Buffer
	log = slog.New(slog.NewTextHandler(lockedWriter{&mu, &out}, nil))
	return log, func() string {
		mu.Lock()
		defer mu.Unlock()
		return out.String()
	}
}

// hasLine reports whether a line of text has all the words.
func hasLine(text string, words []string) bool {
	for line := range strings.Lines(text) {
		n := 0
		for _, w := range words {
			if strings.Contains(line, w) {
				n++
			}
		}
		if n == len(words) {
			return true
		}
	}
	return false
}
