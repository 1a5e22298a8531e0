package botwright_test

import (
	"context"
	"flag"
	"fmt"
	"runtime"
	"runtime/pprof"
	"strings"
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

// What an idle shard costs; docs/sharding.md says so. The memory is that of both ends, the fake
// Discord's included, whose sessions and connections are in this process too.
func TestIdleShardCosts(t *testing.T) { //nolint:paralleltest // measures the whole process
	const (
		shards        = 64
		maxGoroutines = 4.5 // 4, and a part of the bot's own
		maxMemory     = 2 << 20
	)
	srv := newServer(t, discordtest.Config{Guilds: 16, MaxConcurrency: shards})
	before := memory()
	goroutines := ownGoroutines()
	bot := newBot(t, srv, botwright.WithShards(shards), botwright.WithIntents(discordgo.IntentGuilds))
	open(t, bot)
	more := float64(ownGoroutines()-goroutines) / shards
	each := (memory() - before) / shards
	t.Logf("per shard: %.1f goroutines, %d KiB", more, each>>10)
	if more > maxGoroutines {
		t.Errorf("%.1f goroutines per shard, want at most %.1f", more, maxGoroutines)
	}
	if each > maxMemory {
		t.Errorf("%d KiB per shard, want at most %d", each>>10, maxMemory>>10)
	}
	runtime.KeepAlive(bot)
}

// memory returns what live objects and stacks take.
func memory() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse) //nolint:gosec // less than 2^63
}

// ownGoroutines counts the goroutines that are not the fake Discord's.
func ownGoroutines() int {
	var stacks strings.Builder
	if err := pprof.Lookup("goroutine").WriteTo(&stacks, 2); err != nil {
		panic(fmt.Sprintf("write the goroutines: %v", err))
	}
	n := 0
	for stack := range strings.SplitSeq(stacks.String(), "\n\n") {
		if !strings.Contains(stack, "discordtest.") && !strings.Contains(stack, "net/http.(*Server)") {
			n++
		}
	}
	return n
}
