// Package step1 is the bot with its connection replaced. The handlers are as they were.
package step1

import (
	"fmt"
	"log"
	"strings"
	"sync"

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
		botwright.WithIntents(discordgo.IntentsGuildMessages | discordgo.IntentMessageContent),
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
	botwright.On(bot, botwright.Adapt(b.onMessage))
	botwright.On(bot, botwright.Adapt(b.onInteraction))
	return bot, nil
}

func (b *Bot) onMessage(s *discordgo.Session, m *discordgo.MessageCreate) {
	if m.Author.Bot || !strings.HasPrefix(m.Content, "!thanks") {
		return
	}
	for _, user := range m.Mentions {
		b.mu.Lock()
		b.thanks[user.ID]++
		n := b.thanks[user.ID]
		b.mu.Unlock()
		_, err := s.ChannelMessageSend(m.ChannelID, fmt.Sprintf("%s: %d", user.Username, n))
		if err != nil {
			log.Println("send:", err)
		}
	}
}

func (b *Bot) onInteraction(s *discordgo.Session, i *discordgo.InteractionCreate) {
	if i.Type != discordgo.InteractionApplicationCommand || i.ApplicationCommandData().Name != "thanks" {
		return
	}
	user := i.Member.User // panics in a direct message
	if options := i.ApplicationCommandData().Options; len(options) > 0 {
		user = options[0].UserValue(s)
	}
	b.mu.Lock()
	n := b.thanks[user.ID]
	b.mu.Unlock()
	err := s.InteractionRespond(i.Interaction, &discordgo.InteractionResponse{
		Type: discordgo.InteractionResponseChannelMessageWithSource,
		Data: &discordgo.InteractionResponseData{
			Content: fmt.Sprintf("%s was thanked %d times", user.Username, n)},
	})
	if err != nil {
		log.Println("respond:", err)
	}
}
