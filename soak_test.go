package botwright_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"
	"go.uber.org/goleak"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
	"github.com/botwright/botwright/internal/leftover"
)

var (
	soakTime = flag.Duration("soak", 3*time.Second, "how long TestSoak goes on")
	soakSeed = flag.Uint64("seed", 1, "what TestSoak draws its faults from")
)

const soakShards = 8

// A soak is 8 shards under traffic whose events are numbered by channel.
type soak struct {
	t      *testing.T
	srv    *discordtest.Server
	bot    *botwright.Bot
	guilds []discordtest.Guild // one per shard

	mu    sync.Mutex
	said  map[string]int // by channel
	heard map[string]int
	more  chan struct{} // 1 slot: something was heard
}

// TestSoak breaks connections at random for a while. Then nothing may be missing, doubled or out of
// order, and nothing left over. It is not parallel, because it looks at the heap and at goroutines.
func TestSoak(t *testing.T) {
	leaks, before := goleak.IgnoreCurrent(), liveHeap()
	srv, err := discordtest.New(discordtest.Config{
		Guilds: soakShards, Shards: soakShards, MaxConcurrency: soakShards, Members: 1,
		HeartbeatInterval: heartbeat, ReplayLimit: 1 << 13, RecordLimit: 1 << 10,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer goleak.VerifyNone(t, leaks)
	defer leftover.AwaitSessions()
	s := &soak{
		t: t, srv: srv, guilds: srv.Guilds(), said: make(map[string]int), heard: make(map[string]int),
		more: make(chan struct{}, 1),
	}
	defer s.closeServer()
	s.bot = newBot(t, srv, botwright.WithShards(soakShards), botwright.WithIntents(discordgo.IntentsAll))
	s.bot.Handle("MESSAGE_CREATE", s.hear)
	if err := s.bot.Open(testContext(t)); err != nil {
		t.Fatal(err)
	}
	heap := s.run(*soakTime)
	for id := range soakShards { // what waits for its back-off need not
		if err := s.bot.RestartShard(testContext(t), id); err != nil {
			t.Error(err)
		}
	}
	s.awaitAll()
	if n := len(srv.Identifies()); n != soakShards {
		t.Errorf("%d identifies, want %d", n, soakShards)
	}
	half := len(heap) / 2
	if half > 0 && median(heap[half:]) > median(heap[:half])+8<<20 {
		t.Errorf("the live heap grows: %v", heap)
	}
	bot := s.aloneHeap() - before
	if bot > botHeap {
		t.Errorf("the bot by itself takes %d MiB, want at most %d", bot>>20, int64(botHeap)>>20)
	}
	if err := s.bot.Shutdown(testContext(t)); err != nil {
		t.Error(err)
	}
	events, resumes := 0, uint64(0)
	for _, n := range s.heard {
		events += n
	}
	for _, st := range s.bot.Shards() {
		resumes += st.Resumes
	}
	t.Logf("seed %d: %d events, %d resumes, live heap %v MiB, of the bot by itself %d MiB",
		*soakSeed, events, resumes, mebibytes(heap), bot>>20)
}

// botHeap is what the bot of a soak may take when the fake Discord is gone: 8 shards with small
// guilds, whatever went through them.
const botHeap = 16 << 20

// aloneHeap ends the fake Discord and returns the live heap of the bot, which looks for it.
func (s *soak) aloneHeap() int64 {
	s.closeServer()
	return liveHeap()
}

// closeServer also lets go of the server, which a deferred Close would keep.
func (s *soak) closeServer() {
	if s.srv != nil {
		s.srv.Close()
		s.srv = nil
	}
}

// run lets people talk and things break for d. It returns the live heap over time, from when the
// fake Discord's own memory is full.
func (s *soak) run(d time.Duration) []int64 {
	ctx, cancel := context.WithTimeout(s.t.Context(), d)
	defer cancel()
	var work sync.WaitGroup
	defer work.Wait()
	for _, g := range s.guilds {
		work.Go(func() { s.talk(ctx, g) })
	}
	work.Go(func() { s.breakThings(ctx) })
	var heap []int64
	const warm = 45 * time.Second // 8192 events of a shard
	sample := time.NewTimer(min(d/2, warm))
	defer sample.Stop()
	for {
		select {
		case <-ctx.Done():
			return heap
		case <-sample.C:
			heap = append(heap, liveHeap())
			sample.Reset(d / 30)
		}
	}
}

// talk writes about 200 messages a second.
func (s *soak) talk(ctx context.Context, g discordtest.Guild) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for n := 0; ctx.Err() == nil; n++ {
		channel := g.Channels[n%2].ID
		s.mu.Lock()
		s.said[channel]++
		number := s.said[channel]
		s.mu.Unlock()
		data := fmt.Sprintf(`{"id":"%d","guild_id":%q,"channel_id":%q,"content":"%d"}`, n+1, g.ID, channel, number)
		if err := s.srv.Dispatch(g.ID, "MESSAGE_CREATE", json.RawMessage(data)); err != nil {
			s.t.Error(err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// hear checks that a message is the next one of its channel.
func (s *soak) hear(_ context.Context, e *botwright.Event) error {
	var message struct {
		Content int `json:"content,string"`
	}
	if err := json.Unmarshal(e.Raw(), &message); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if want := s.heard[e.ChannelID] + 1; message.Content != want {
		s.t.Errorf("shard %d, sequence %d: message %d of channel %s, want %d",
			e.ShardID, e.Sequence, message.Content, e.ChannelID, want)
	}
	s.heard[e.ChannelID] = message.Content
	select {
	case s.more <- struct{}{}:
	default:
	}
	return nil
}

// awaitAll waits until everything that was said was heard.
func (s *soak) awaitAll() {
	s.t.Helper()
	for {
		s.mu.Lock()
		missing := 0
		for channel, n := range s.said {
			missing += n - s.heard[channel]
		}
		s.mu.Unlock()
		if missing == 0 {
			return
		}
		select {
		case <-s.more:
		case <-time.After(testTime):
			s.t.Fatalf("%d events are missing", missing)
		}
	}
}

// breakThings injects a fault now and then.
func (s *soak) breakThings(ctx context.Context) {
	rng := rand.New(rand.NewPCG(*soakSeed, 0))
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Duration(rng.IntN(300)) * time.Millisecond):
		}
		id := rng.IntN(soakShards)
		if c := s.srv.Conn(id); c != nil {
			s.breakOne(ctx, rng, c, id)
		} else if rng.IntN(4) == 0 { // do not let it sit out its back-off
			s.restart(ctx, id)
		}
	}
}

// breakOne injects one fault from which the session survives.
func (s *soak) breakOne(ctx context.Context, rng *rand.Rand, c *discordtest.Conn, shard int) {
	pause, srv := time.Duration(rng.IntN(200))*time.Millisecond, s.srv
	switch rng.IntN(16) {
	case 0:
		c.Reconnect()
	case 1:
		c.Close(4000, "")
	case 2:
		c.Close([]int{4002, 4008, 4999}[rng.IntN(3)], "")
	case 3:
		c.Reset()
	case 4:
		c.ResetMidFrame()
	case 5:
		c.InvalidSession(true)
	case 6:
		c.SendRaw([]byte("null"))
	case 7:
		c.SendRaw([]byte(`{"op":0,"t":"MESSAGE_CREATE","s":`))
	case 8:
		c.SendTruncated([]byte(`{"op":11,"d":null}`))
	case 9:
		c.RequestHeartbeat()
	case 10:
		c.HoldACKs(true) // for as long as the connection lives
	case 11:
		c.PauseWrites(true)
		time.AfterFunc(pause, func() { c.PauseWrites(false) })
	case 12:
		c.PauseReads(true)
		time.AfterFunc(pause, func() { c.PauseReads(false) })
	case 13:
		srv.Refuse(true)
		time.AfterFunc(pause, func() { srv.Refuse(false) })
		c.Reset()
	case 14:
		srv.RefuseResume(true)
		time.AfterFunc(pause, func() { srv.RefuseResume(false) })
		c.Reset()
	case 15:
		s.restart(ctx, shard)
	}
}

func (s *soak) restart(ctx context.Context, shard int) {
	err := s.bot.RestartShard(ctx, shard)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		s.t.Error(err)
	}
}

// median returns the middle one of at least one value.
func median(values []int64) int64 {
	return slices.Sorted(slices.Values(values))[len(values)/2]
}

func mebibytes(values []int64) []int64 {
	out := make([]int64, len(values))
	for i, v := range values {
		out[i] = v >> 20
	}
	return out
}
