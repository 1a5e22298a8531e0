package botwright_test

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

// overloadHeap bounds what 200,000 events may add to the live heap while no handler returns: the
// 16,384 events that the queue holds by default, and the fake Discord's list of what it has sent.
// Without a bound they would add more than 100 MiB.
const overloadHeap = 32 << 20

// TestOverload lets 200,000 events come in while every handler is stuck. It is not parallel,
// because it measures the heap.
func TestOverload(t *testing.T) {
	const (
		events   = 200_000
		messages = events * 3 / 10
		interval = 2 * time.Second
	)
	srv := newServer(t, discordtest.Config{
		Guilds: 25, HeartbeatInterval: interval, ReplayLimit: 1 << 18})
	bot := newBot(t, srv, botwright.WithIntents(discordgo.IntentsAll),
		botwright.WithoutCompression()) // under the race detector it would be most of the work
	var (
		release = make(chan struct{})
		all     = make(chan struct{})
		others  atomic.Int64 // presences and typing that were handled
		mu      sync.Mutex
		heard   = make(map[string][]int)
		count   int
	)
	bot.Handle("MESSAGE_CREATE", func(_ context.Context, e *botwright.Event) error {
		<-release
		text, _, _ := strings.Cut(strings.TrimPrefix(string(e.Raw()), `{"content":"`), `"`)
		number, err := strconv.Atoi(text)
		mu.Lock()
		defer mu.Unlock()
		heard[e.ChannelID] = append(heard[e.ChannelID], number)
		if count++; count == messages {
			close(all)
		}
		return err
	})
	for _, eventType := range []string{"PRESENCE_UPDATE", "TYPING_START"} {
		bot.Handle(eventType, func(context.Context, *botwright.Event) error {
			<-release
			others.Add(1)
			return nil
		})
	}
	open(t, bot)
	burst := overload(srv.Guilds(), events)
	before := liveHeap()
	for _, e := range burst {
		if err := srv.Dispatch(e.guildID, e.eventType, e.data); err != nil {
			t.Fatal(err)
		}
	}
	beats := len(srv.Heartbeats())
	await(t, srv, func() bool { return len(srv.Heartbeats()) >= beats+2 })
	if st := bot.Queue(); st.Events != 16_384 || st.Blocked == 0 || st.Shed == 0 {
		t.Errorf("amid the overload: %+v", st)
	}
	grown := liveHeap() - before
	t.Logf("the live heap grew by %.1f MiB", float64(grown)/(1<<20))
	if grown > overloadHeap {
		t.Errorf("the live heap grew by %d bytes, want at most %d", grown, overloadHeap)
	}
	close(release)
	receive(t, all)
	if err := bot.Shutdown(testContext(t)); err != nil {
		t.Fatal(err)
	}
	for channel, numbers := range heard {
		if !slices.IsSorted(numbers) || len(slices.Compact(numbers)) != messages/len(srv.Guilds()) {
			t.Errorf("channel %s: %d messages, in order: %t", channel, len(numbers), slices.IsSorted(numbers))
		}
	}
	if st := bot.Queue(); others.Load()+int64(st.Shed) != events-messages || st.Dropped > 0 {
		t.Errorf("%d presences and typing were handled and %d shed, of %d", others.Load(), st.Shed, events-messages)
	}
	// That is what Discord does to a connection without a heartbeat for one and a half intervals.
	if n := bot.Shards()[0].Disconnects[4009]; n != 0 {
		t.Errorf("closed %d times because a heartbeat was late", n)
	}
	runtime.KeepAlive(burst)
}

type overloadEvent struct {
	guildID, eventType string
	data               json.RawMessage
}

// overload returns n events, ten of each guild in turn: five presences, two typing and three
// messages. No guild has more than its share.
func overload(guilds []discordtest.Guild, n int) []overloadEvent {
	filler := strings.Repeat("x", 100)
	burst := make([]overloadEvent, 0, n)
	messages := 0
	for i := range n {
		g := guilds[i/10%len(guilds)]
		e := overloadEvent{g.ID, "PRESENCE_UPDATE", fmt.Appendf(nil,
			`{"guild_id":%q,"user":{"id":"5"},"status":"idle","x":%q}`, g.ID, filler)}
		switch {
		case i%10 >= 7: // last: when they have been handled, all has been read
			e = overloadEvent{g.ID, "MESSAGE_CREATE", fmt.Appendf(nil,
				`{"content":"%d","id":"%d","guild_id":%q,"channel_id":%q,"x":%q}`,
				messages, i, g.ID, g.Channels[0].ID, filler)}
			messages++
		case i%10 >= 5:
			e = overloadEvent{g.ID, "TYPING_START", fmt.Appendf(nil,
				`{"guild_id":%q,"channel_id":%q,"user_id":"5","x":%q}`, g.ID, g.Channels[0].ID, filler)}
		}
		burst = append(burst, e)
	}
	return burst
}

// liveHeap returns how many bytes are reachable.
func liveHeap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
