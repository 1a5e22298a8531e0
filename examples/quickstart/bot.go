package main

import (
	"context"
	"log/slog"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
)

// newBot returns the bot: it answers !ping and /ping.
func newBot(token string, log *slog.Logger, opts ...botwright.Option) (*botwright.Bot, error) {
	ping := &discordgo.ApplicationCommand{Name: "ping", Description: "Answers pong"}
	bot, err := botwright.New(token, append(opts,
		botwright.WithLogger(log),
		botwright.WithCommands(ping),
		botwright.WithPrivilegedIntents(discordgo.IntentMessageContent))...)
	if err != nil {
		return nil, err
	}
	botwright.On(bot, onMessage, botwright.NotBot(), botwright.Prefix("!ping"))
	botwright.On(bot, onCommand, botwright.Command("ping"))
	return bot, nil
}

func onMessage(ctx context.Context, s *discordgo.Session, m *discordgo.MessageCreate) error {
	_, err := s.ChannelMessageSendReply(m.ChannelID, "pong", m.Reference(),
		discordgo.WithContext(ctx))
	return err
}

func onCommand(ctx context.Context, s *discordgo.Session, i *discordgo.InteractionCreate) error {
	return s.InteractionRespond(i.Interaction, &discordgo.InteractionResponse{
		Type: discordgo.InteractionResponseChannelMessageWithSource,
		Data: &discordgo.InteractionResponseData{Content: "pong"},
	}, discordgo.WithContext(ctx))
}
