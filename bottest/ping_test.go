package bottest_test

import (
	"context"
	"testing"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/bottest"
	"github.com/botwright/botwright/discordtest"
)

// newPingBot is what a program has, see the package's documentation.
func newPingBot(token string, opts ...botwright.Option) (*botwright.Bot, error) {
	ping := &discordgo.ApplicationCommand{Name: "ping", Description: "Answers pong"}
	opts = append([]botwright.Option{botwright.WithCommands(ping)}, opts...)
	bot, err := botwright.New(token, opts...)
	if err != nil {
		return nil, err
	}
	botwright.On(bot, onPing, botwright.Command("ping"))
	return bot, nil
}

func onPing(ctx context.Context, s *discordgo.Session, i *discordgo.InteractionCreate) error {
	return s.InteractionRespond(i.Interaction, &discordgo.InteractionResponse{
		Type: discordgo.InteractionResponseChannelMessageWithSource,
		Data: &discordgo.InteractionResponseData{Content: "pong"},
	}, discordgo.WithContext(ctx))
}

func TestPing(t *testing.T) {
	bot := bottest.Start(t, discordtest.Config{}, newPingBot)
	if m := bot.Command("ping"); m.Content != "pong" {
		t.Errorf("/ping answers %q", m.Content)
	}
}

// BenchmarkPing is what such a test takes.
func BenchmarkPing(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		done := make(chan bool)
		go func() {
			defer close(done)
			r := newRecorder(b.Context())
			b.StartTimer()
			bottest.Start(r, discordtest.Config{}, newPingBot).Command("ping")
			r.end()
			b.StopTimer()
		}()
		<-done
		b.StartTimer()
	}
}
