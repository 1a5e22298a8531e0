package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/botwright/botwright/discordtest"
)

// A demo is a fake Discord in which people chat and try the bot.
type demo struct {
	srv *discordtest.Server
}

func newDemo() (*demo, error) {
	srv, err := discordtest.New(discordtest.Config{})
	if err != nil {
		return nil, fmt.Errorf("start the fake Discord: %w", err)
	}
	return &demo{srv: srv}, nil
}

func (d *demo) close() { d.srv.Close() }

// chat lets people talk, and now and then one of them tries the bot, until ctx is done.
func (d *demo) chat(ctx context.Context) {
	go func() { _ = d.srv.Chat(ctx, discordtest.ChatConfig{Rate: 4}) }()
	tick := time.NewTicker(1500 * time.Millisecond)
	defer tick.Stop()
	for slash := false; ; slash = !slash {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		guild := pick(d.srv.Guilds())
		channel, member := pick(guild.Channels), pick(guild.Members)
		if slash {
			d.srv.SlashCommand(guild.ID, channel.ID, member.User.ID, "ping")
			continue
		}
		if _, err := d.srv.Say(channel.ID, member.User.ID, "!ping"); err != nil {
			return
		}
	}
}

func pick[T any](from []T) T { return from[rand.IntN(len(from))] }
