package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/botwright/botwright/discordtest"
)

// A world is a fake Discord for a bot of 16 shards.
type world struct {
	srv *discordtest.Server
}

func newWorld(addr string) (*world, error) {
	srv, err := discordtest.New(discordtest.Config{
		Addr: addr, Guilds: 48, Shards: 16, MaxConcurrency: 16,
		HeartbeatInterval: 5 * time.Second, // so that the latency is soon known
	})
	if err != nil {
		return nil, fmt.Errorf("start the fake Discord: %w", err)
	}
	return &world{srv: srv}, nil
}

func (w *world) close() { w.srv.Close() }

// live lets people talk, and cuts a connection every few seconds, until ctx is done.
func (w *world) live(ctx context.Context) {
	var chat sync.WaitGroup
	defer chat.Wait()
	chat.Go(func() { _ = w.srv.Chat(ctx, discordtest.ChatConfig{Rate: 200}) })
	tick := time.NewTicker(3 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if conns := w.srv.Connections(); len(conns) > 0 {
			conns[rand.IntN(len(conns))].Reset()
		}
	}
}
