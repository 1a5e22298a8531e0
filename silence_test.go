package botwright_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
	"github.com/botwright/botwright/internal/testkit"
)

func TestSilentShardIsReconnected(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{Guilds: 2, MaxConcurrency: 2})
	log := newErrorLog()
	bot := newBot(t, srv, botwright.WithShards(2), botwright.WithSampleEvery(time.Hour),
		botwright.WithIntents(discordgo.IntentGuilds|discordgo.IntentGuildMessages),
		botwright.WithErrorHandler(log.handle))
	got := make(chan string, 10)
	botwright.On(bot, func(_ context.Context, _ *discordgo.Session, m *discordgo.MessageCreate) error {
		got <- m.ID
		return nil
	})
	open(t, bot)
	silent, other := srv.Conn(0), srv.Conn(1)
	srv.OnDispatch(func(c *discordtest.Conn, _ int64, _ string, payload []byte) []byte {
		if c == silent {
			return nil // heartbeats are acknowledged all the same
		}
		return payload
	})
	g := srv.Guilds()[0]
	m, err := srv.Say(g.Channels[0].ID, g.Members[0].User.ID, "is anybody there?")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().Add(time.Minute)
	look := botwright.NewWatch(bot, 0, now)
	for range 12 {
		look(now)
		now = now.Add(5 * time.Second)
	}
	if silent.Closed() || len(log.all()) > 0 {
		t.Error("the shard was reconnected too early")
	}
	look(now)
	if id := receive(t, got); id != m.ID {
		t.Errorf("message %s came, want the one that was missed", id)
	}
	resumes := srv.Resumes()
	if len(resumes) != 1 || resumes[0].ShardID != 0 || !resumes[0].Accepted || other.Closed() {
		t.Errorf("resumes %+v", resumes)
	}
	if len(log.all()) != 1 || !strings.Contains(log.all()[0].Error(), "shard 0 has had no event for 1m0s") {
		t.Errorf("the error handler was told %v", log.all())
	}
}

// A shard that is held up by a full queue says so, and is not taken for a silent one.
func TestHeldShardIsNotSilent(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{Guilds: 16}) // one alone would lose its own events
	log := newErrorLog()
	bot := newBot(t, srv, botwright.WithSampleEvery(time.Hour), botwright.WithErrorHandler(log.handle),
		botwright.WithQueue(botwright.QueueConfig{MaxEvents: 8, Slow: -1}))
	release := make(chan bool)
	bot.Handle("MESSAGE_CREATE", func(context.Context, *botwright.Event) error {
		<-release
		return nil
	})
	open(t, bot)
	defer close(release)
	g := srv.Guilds()[0]
	for i := range 200 { // of a guild each, so that none has more than its share
		data := fmt.Appendf(nil, `{"id":"5","channel_id":"%d","guild_id":"%d"}`, i+1<<32, i+1<<32)
		if err := srv.Dispatch(g.ID, "MESSAGE_CREATE", json.RawMessage(data)); err != nil {
			t.Fatal(err)
		}
	}
	testkit.Await(t, "the reader is held up", func() bool {
		return bot.Shards()[0].Blocked >= 100*time.Millisecond
	})
	now := time.Now().Add(time.Minute)
	look := botwright.NewWatch(bot, 0, now)
	for range 120 { // ten minutes
		look(now)
		now = now.Add(5 * time.Second)
	}
	if errs := errorsBut[*botwright.OverflowError](log); len(errs) > 0 || len(srv.AllConnections()) != 1 {
		t.Errorf("reconnected: %v", errs)
	}
}
