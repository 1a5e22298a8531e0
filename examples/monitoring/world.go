package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/botwright/botwright/discordtest"
)

// A world is a fake Discord in which things happen.
type world struct {
	srv *discordtest.Server
}

func newWorld() (*world, error) {
	srv, err := discordtest.New(discordtest.Config{HeartbeatInterval: 5 * time.Second})
	if err != nil {
		return nil, fmt.Errorf("start the fake Discord: %w", err)
	}
	// One request in twenty goes wrong, so that nothing of what a dashboard shows stays empty.
	var requests atomic.Int64
	srv.FailREST(func(*http.Request) *discordtest.RESTFault {
		switch requests.Add(1) % 40 {
		case 10:
			return discordtest.RateLimited(time.Second, "shared")
		case 30:
			return discordtest.BadGateway()
		}
		return nil
	})
	return &world{srv}, nil
}

// live lets people chat and use the command, and now and then a connection break, until ctx is
// done.
func (w *world) live(ctx context.Context) {
	go func() { _ = w.srv.Chat(ctx, discordtest.ChatConfig{Rate: 20}) }()
	use, trouble := time.NewTicker(300*time.Millisecond), time.NewTicker(2*time.Minute)
	defer use.Stop()
	defer trouble.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-use.C:
			g := w.srv.Guilds()[0]
			w.srv.SlashCommand(g.ID, g.Channels[0].ID, g.Members[rand.IntN(len(g.Members))].User.ID, "ping")
		case <-trouble.C:
			if c := w.srv.Conn(0); c != nil {
				c.Reset()
			}
		}
	}
}
