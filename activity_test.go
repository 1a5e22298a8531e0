package botwright_test

import (
	"context"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

// feed lets events come in evenly for d, looked at every 5 s, and reports whether the shard was
// ever found silent.
func feed(a *botwright.Activity, now *time.Time, events *float64, d time.Duration, rate float64) bool {
	silent := false
	const look = 5 * time.Second
	for end := now.Add(d); now.Before(end); {
		*now = now.Add(look)
		*events += rate * look.Seconds()
		silent = a.Observe(*now, uint64(*events)) || silent
	}
	return silent
}

func TestActivity(t *testing.T) {
	t.Parallel()
	type stretch struct {
		d    time.Duration
		rate float64
	}
	tests := []struct {
		name   string
		before []stretch // in which it must not be found silent
		quiet  time.Duration
		silent bool
	}{
		{"busy, then silent", []stretch{{10 * time.Hour, 20}}, time.Minute, true},
		{"busy, then silent for less", []stretch{{10 * time.Hour, 20}}, 55 * time.Second, false},
		{"slow, then silent", []stretch{{24 * time.Hour, 0.1}}, 13 * time.Minute, true},
		{"slow, then silent for less", []stretch{{24 * time.Hour, 0.1}}, 11 * time.Minute, false},
		{"never busy", []stretch{{24 * time.Hour, 0.001}}, 12 * time.Hour, false},
		{"no event ever", []stretch{{time.Hour, 0}}, 24 * time.Hour, false},
		{"just started", []stretch{{10 * time.Minute, 20}}, 10 * time.Minute, false},
		{"a conversation", []stretch{{12 * time.Hour, 0.001}, {time.Hour, 1}}, 5 * time.Minute, false},
		{"a burst", []stretch{{24 * time.Hour, 0.01}, {5 * time.Second, 1000}}, 30 * time.Minute, false},
		{"evening", []stretch{{8 * time.Hour, 20}, {time.Hour, 1}, {time.Hour, 0.1}}, 5 * time.Minute, false},
		{"back after an outage", []stretch{{10 * time.Hour, 1}, {50 * time.Second, 0}, {5 * time.Second, 50},
			{50 * time.Second, 0}, {5 * time.Second, 50}}, time.Minute, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var a botwright.Activity
			now, events := time.Unix(1_700_000_000, 0), 0.0
			a.Observe(now, 0)
			for _, s := range tt.before {
				if feed(&a, &now, &events, s.d, s.rate) {
					t.Fatalf("silent at %.2f events per second", s.rate)
				}
			}
			if silent := feed(&a, &now, &events, tt.quiet, 0); silent != tt.silent {
				t.Errorf("silent: %t, want %t", silent, tt.silent)
			}
		})
	}
}

func TestActivityRate(t *testing.T) {
	t.Parallel()
	var a botwright.Activity
	now, events := time.Unix(1_700_000_000, 0), 0.0
	want := func(when string, rate, off float64) {
		t.Helper()
		if got := a.Rate(); math.Abs(got-rate) > off {
			t.Errorf("%s: %.2f events per second, want %.2f", when, got, rate)
		}
	}
	a.Observe(now, 0)
	want("before anything", 0, 0)
	feed(&a, &now, &events, 5*time.Second, 8)
	want("after the first look", 8, 0.01)
	feed(&a, &now, &events, 20*time.Minute, 8)
	want("after a while", 8, 0.01)
	feed(&a, &now, &events, 5*time.Minute, 0)
	want("after one window of silence", 8/math.E, 0.05)
	feed(&a, &now, &events, 30*time.Minute, 2)
	want("after a change", 2, 0.05)
}

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
	look, now := botwright.NewWatch(bot, 0), time.Now().Add(time.Minute)
	for range 12 {
		look(now)
		now = now.Add(5 * time.Second)
	}
	if silent.Closed() || len(log.errs) > 0 {
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
	if len(log.errs) != 1 || !strings.Contains(log.errs[0].Error(), "shard 0 has had no event for 1m0s") {
		t.Errorf("the error handler was told %v", log.errs)
	}
}

// A shard that is held up by a full queue says so, and is not taken for a silent one.
func TestHeldShardIsNotSilent(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
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
	data := `{"id":"5","channel_id":"` + g.Channels[0].ID + `","guild_id":"` + g.ID + `"}`
	for range 200 {
		if err := srv.Dispatch(g.ID, "MESSAGE_CREATE", json.RawMessage(data)); err != nil {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(testTime); bot.Shards()[0].Held < 100*time.Millisecond; {
		if time.Now().After(deadline) {
			t.Fatalf("the reader is not held up: %+v", bot.Shards()[0])
		}
		time.Sleep(10 * time.Millisecond)
	}
	look, now := botwright.NewWatch(bot, 0), time.Now().Add(time.Minute)
	for range 120 { // ten minutes
		look(now)
		now = now.Add(5 * time.Second)
	}
	if len(log.errs) > 0 || len(srv.AllConnections()) != 1 {
		t.Errorf("reconnected: %v", log.errs)
	}
}
