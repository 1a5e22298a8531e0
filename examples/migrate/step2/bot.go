// Package step2 is the bot with handlers that return their errors, behind filters.
package step2

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
)

// Bot is what the handlers share.
type Bot struct {
	mu     sync.Mutex
	thanks map[string]int // by user
}

// New makes the bot.
func New(token string, opts ...botwright.Option) (*botwright.Bot, error) {
	b := &Bot{thanks: make(map[string]int)}
	own := []botwright.Option{
		botwright.WithPrivilegedIntents(discordgo.IntentMessageContent),
		botwright.WithCommands(&discordgo.ApplicationCommand{
			Name: "thanks", Description: "How often somebody was thanked",
			Options: []*discordgo.ApplicationCommandOption{{
				Type: discordgo.ApplicationCommandOptionUser, Name: "user", Description: "Who",
			}},
		}),
	}
	bot, err := botwright.New(token, append(own, opts...)...)
	if err != nil {
		return nil, err
	}
	botwright.On(bot, b.onMessage, botwright.NotBot(), botwright.Prefix("!thanks"))
	botwright.On(bot, b.onThanks, botwright.Command("thanks"), botwright.AutoDefer(2*time.Second),
		botwright.ReplyOnError("That did not work."))
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
	user := i.User
	if i.Member != nil {
		user = i.Member.User
	}
	if options := i.ApplicationCommandData().Options; len(options) > 0 {
		user = options[0].UserValue(s)
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
