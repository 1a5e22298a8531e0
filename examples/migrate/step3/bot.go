// Package step3 is the bot with its options in a struct, limits, and what operations need.
package step3

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/bwmarrin/discordgo"
	"golang.org/x/time/rate"

	"github.com/botwright/botwright"
)

// Bot is what the handlers share.
type Bot struct {
	mu     sync.Mutex
	thanks map[string]int // by user
}

type thanksOptions struct {
	User *discordgo.User `option:"user,optional" description:"Who"`
}

// New makes the bot.
func New(token string, opts ...botwright.Option) (*botwright.Bot, error) {
	b := &Bot{thanks: make(map[string]int)}
	own := []botwright.Option{
		botwright.WithPrivilegedIntents(discordgo.IntentMessageContent),
		botwright.WithHealth(botwright.HealthConfig{}),
		botwright.WithCommands(&discordgo.ApplicationCommand{
			Name: "thanks", Description: "How often somebody was thanked",
			Options: botwright.DefineOptions[thanksOptions](),
		}),
	}
	bot, err := botwright.New(token, append(own, opts...)...)
	if err != nil {
		return nil, err
	}
	bot.Use(botwright.AutoDefer(2*time.Second), botwright.ReplyOnError("That did not work."))
	botwright.On(bot, b.onMessage, botwright.NotBot(), botwright.Prefix("!thanks"),
		botwright.Cooldown(rate.Every(time.Second), botwright.ByUser))
	botwright.On(bot, b.onThanks, botwright.Command("thanks"))
	return bot, nil
}

func (b *Bot) onMessage(ctx context.Context, s *discordgo.Session, m *discordgo.MessageCreate) error {
	for _, user := range m.Mentions {
		b.mu.Lock()
		b.thanks[user.ID]++
		n := b.thanks[user.ID]
		b.mu.Unlock()
		_, err := s.ChannelMessageSend(m.ChannelID, fmt.Sprintf("%s: %d", user.Username, n),
			discordgo.WithContext(ctx))
		if err != nil {
			return fmt.Errorf("send the new number: %w", err)
		}
	}
	return nil
}

func (b *Bot) onThanks(ctx context.Context, s *discordgo.Session, i *discordgo.InteractionCreate) error {
	options, err := botwright.DecodeOptions[thanksOptions](i)
	if err != nil {
		return err
	}
	user := options.User
	if user == nil && i.Member != nil {
		user = i.Member.User
	} else if user == nil {
		user = i.User
	}
	b.mu.Lock()
	n := b.thanks[user.ID]
	b.mu.Unlock()
	return s.InteractionRespond(i.Interaction, &discordgo.InteractionResponse{
		Type: discordgo.InteractionResponseChannelMessageWithSource,
		Data: &discordgo.InteractionResponseData{
			Content: fmt.Sprintf("%s was thanked %d times", user.Username, n)},
	}, discordgo.WithContext(ctx))
}
