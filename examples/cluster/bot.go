package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"strconv"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/contrib/natscluster"
)

// runBot runs one process of the bot until ctx is done. It prints the shard and the id of each
// message.
func runBot(ctx context.Context) error {
	replicas, err := strconv.Atoi(cmp.Or(os.Getenv("NATS_REPLICAS"), "0"))
	if err != nil {
		return fmt.Errorf("NATS_REPLICAS: %w", err)
	}
	cluster, err := natscluster.Connect(ctx, os.Getenv("NATS_URL"),
		natscluster.Config{Replicas: replicas})
	if err != nil {
		return err
	}
	defer cluster.Close()
	opts := []botwright.Option{
		botwright.WithShards(0), // as many as Discord recommends
		botwright.WithCluster(cluster),
		botwright.WithIntents(discordgo.IntentGuilds | discordgo.IntentGuildMessages),
		botwright.WithLogger(slog.New(slog.NewTextHandler(os.Stderr,
			&slog.HandlerOptions{Level: slog.LevelError}))),
	}
	if api := os.Getenv("DISCORD_API_URL"); api != "" {
		opts = append(opts, botwright.WithAPI(api))
	}
	if addr := os.Getenv("ADMIN_ADDR"); addr != "" {
		opts = append(opts, botwright.WithAdmin(botwright.AdminConfig{
			Addr: addr, Token: os.Getenv("ADMIN_TOKEN"), OpenProbes: true,
		}))
	}
	bot, err := botwright.New(os.Getenv("DISCORD_TOKEN"), opts...)
	if err != nil {
		return err
	}
	botwright.On(bot, func(
		_ context.Context, s *discordgo.Session, m *discordgo.MessageCreate,
	) error {
		_, err := fmt.Println(strconv.Itoa(s.ShardID), m.ID)
		return err
	})
	return bot.Run(ctx)
}
