package botwright_test

import (
	"context"
	"flag"
	"sync"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

var cutsFor = flag.Duration("cuts", 3*time.Second,
	"how long TestShardsUnderCuts cuts a tenth of its shards every second")

// 200 shards in one process, of which a tenth is cut every second, lose and double nothing.
func TestShardsUnderCuts(t *testing.T) {
	t.Parallel()
	const shards, cut = 200, 20
	srv := newServer(t, discordtest.Config{MaxConcurrency: shards})
	bot := newBot(t, srv, botwright.WithShards(shards), botwright.WithIntents(
		discordgo.IntentGuilds|discordgo.IntentGuildMessages))
	n := newNumbered(bot)
	open(t, bot)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var sending sync.WaitGroup
	sending.Go(func() {
		n.send(ctx, 2*time.Millisecond, func(number int, eventType string, d any) {
			if err := srv.DispatchShard(number%shards, eventType, d); err != nil {
				t.Error(err)
			}
		})
	})
	ticks := time.NewTicker(time.Second)
	defer ticks.Stop()
	for second := range int(*cutsFor / time.Second) {
		<-ticks.C
		for i := range cut {
			if c := srv.Conn((second*cut + i) % shards); c != nil { // nil: still away
				c.Reset()
			}
		}
	}
	stop()
	sending.Wait()
	n.check(t)
	if identifies := len(srv.Identifies()); identifies != shards {
		t.Errorf("%d IDENTIFYs, want %d: the others resume", identifies, shards)
	}
	if resumes := len(srv.Resumes()); resumes == 0 {
		t.Error("nothing was cut")
	}
}
