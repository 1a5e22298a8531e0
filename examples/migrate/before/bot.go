// Package before is a bot on discordgo alone: it counts who was thanked.
package before

import (
	"fmt"
	"log"
	"os"
	"os/signal"
	"strings"
	"sync"

	"github.com/bwmarrin/discordgo"
)

// Bot is what the handlers share.
type Bot struct {
	mu     sync.Mutex
	thanks map[string]int // by user
}

// Run runs the bot until Ctrl-C.
func Run(token string) error {
	b := &Bot{thanks: make(map[string]int)}
	dg, err := discordgo.New("Bot " + token)
	if err != nil {
		return err
	}
	dg.Identify.Intents = discordgo.IntentsGuildMessages | discordgo.IntentMessageContent
	dg.AddHandler(b.onMessage)
	dg.AddHandler(b.onInteraction)
	if err := dg.Open(); err != nil {
		return err
	}
	_, err = dg.ApplicationCommandCreate(dg.State.User.ID, "", &discordgo.ApplicationCommand{
		Name: "thanks", Description: "How often somebody was thanked",
		Options: []*discordgo.ApplicationCommandOption{{
			Type: discordgo.ApplicationCommandOptionUser, Name: "user", Description: "Who",
		}},
	})
	if err != nil {
		return err
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt)
	<-stop
	return dg.Close()
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
