package botwright_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

func pong(ctx context.Context, s *discordgo.Session, i *discordgo.InteractionCreate) error {
	return s.InteractionRespond(i.Interaction, &discordgo.InteractionResponse{
		Type: discordgo.InteractionResponseChannelMessageWithSource,
		Data: &discordgo.InteractionResponseData{Content: "pong"},
	}, discordgo.WithContext(ctx))
}

// TestUnhandledInteraction uses what nobody handles, and what somebody does.
func TestUnhandledInteraction(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		register func(*botwright.Bot)
		opts     []botwright.Option
		handled  bool
	}{
		{"no handlers", func(*botwright.Bot) {}, nil, false},
		{"another command", func(b *botwright.Bot) {
			botwright.On(b, pong, botwright.Command("pong"))
		}, nil, false},
		{"another command, concurrent", func(b *botwright.Bot) {
			botwright.On(b, pong, botwright.Command("pong"), botwright.Concurrent())
			botwright.On(b, pong, botwright.Component("config"))
		}, nil, false},
		{"turned away without a word", func(b *botwright.Bot) {
			b.Use(botwright.Filter(func(e *botwright.Event) bool { return e.Type == "TYPING_START" }))
			botwright.On(b, pong, botwright.Command("config"))
		}, nil, false},
		{"handled", func(b *botwright.Bot) {
			botwright.On(b, pong, botwright.Command("config"))
			botwright.On(b, pong, botwright.Command("pong"), botwright.Concurrent())
		}, nil, true},
		{"all of a command", func(b *botwright.Bot) {
			botwright.On(b, pong, botwright.Command("config set"))
		}, nil, true},
		{"all interactions", func(b *botwright.Bot) { botwright.On(b, pong) }, nil, true},
		{"put off", func(b *botwright.Bot) {
			botwright.On(b, pong, botwright.Debounce(time.Hour, botwright.ByUser), botwright.Command("config"))
		}, nil, true},
		{"forwarded to the session", func(*botwright.Bot) {},
			[]botwright.Option{botwright.WithSessionEvents("INTERACTION_CREATE")}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			log := newErrorLog()
			srv := newServer(t, discordtest.Config{})
			bot := newBot(t, srv, append(tt.opts, botwright.WithErrorHandler(log.handle))...)
			tt.register(bot)
			read := make(chan bool, 1)
			bot.Handle("TYPING_START", func(context.Context, *botwright.Event) error {
				read <- true
				return nil
			})
			open(t, bot)
			g := srv.Guilds()[0]
			channel, user := g.Channels[0].ID, g.Members[0].User.ID
			for range 2 {
				srv.SlashCommand(g.ID, channel, user, "config", &discordtest.CommandOption{
					Name: "set", Type: discordgo.ApplicationCommandOptionSubCommand})
			}
			if err := srv.Type(channel, user); err != nil {
				t.Fatal(err)
			}
			if receive(t, read); bot.Shutdown(testContext(t)) != nil {
				t.Error("not all handlers have returned")
			}
			want := 1 // for both
			if tt.handled {
				want = 0
			}
			if got := log.count("nobody handles /config set: register"); got != want {
				t.Errorf("reported %d times, want %d: %v", got, want, log.all())
			}
		})
	}
}

// count returns how many errors have the text.
func (l *errorLog) count(text string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, err := range l.errs {
		if strings.Contains(err.Error(), text) {
			n++
		}
	}
	return n
}

// TestUnhandledInteractionNames reports components once for each id up to its colon, and no more
// than a hundred names.
func TestUnhandledInteractionNames(t *testing.T) {
	t.Parallel()
	log := newErrorLog()
	bot := newBot(t, newServer(t, discordtest.Config{}), botwright.WithErrorHandler(log.handle))
	for i := range 300 {
		botwright.DeliverOrphan(bot, fmt.Sprintf(`{"type":3,"data":{"custom_id":"page:%d"}}`, i))
	}
	if n := log.count(`nobody handles clicks on "page:0"`); n != 1 || len(log.all()) != 1 {
		t.Errorf("reported %d times: %v", n, log.all())
	}
	for i := range 300 {
		botwright.DeliverOrphan(bot, fmt.Sprintf(`{"type":5,"data":{"custom_id":"form%d"}}`, i))
	}
	botwright.DeliverOrphan(bot, `{"type":2,"data":{"name":"late"}}`)
	if n := len(log.all()); n != 100 {
		t.Errorf("%d names were reported", n)
	}
}
