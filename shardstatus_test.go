package botwright_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

func TestShardStatusJSON(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tests := []struct {
		name   string
		status botwright.ShardStatus
		want   string
	}{
		{"new", botwright.ShardStatus{ID: 3, State: botwright.ShardIdle, Since: at},
			`{"id":3,"state":"idle","since":"2026-01-02T03:04:05Z","latency_ns":0,` +
				`"average_latency_ns":0,"guilds":0,"unavailable_guilds":0,"sequence":0,"events":0,` +
				`"event_rate":0,"duplicates":0,"malformed":0,"identifies":0,"resumes":0,"losses":0,"failed_dials":0,"disconnects":{}}`},
		{"in trouble", botwright.ShardStatus{
			ID: 1, State: botwright.ShardBackoff, Since: at, Latency: 40 * time.Millisecond,
			AverageLatency: 50 * time.Millisecond, LastACK: at, Guilds: 2, UnavailableGuilds: 1,
			Sequence: 7, SessionSince: at, Events: 9, EventRate: 0.5, Duplicates: 4, Malformed: 1,
			Identifies: 2, Resumes: 3, Losses: 8, FailedDials: 6, DownSince: at, RetryAt: at, Disconnects: map[int]uint64{4000: 2, 0: 1}, Err: errors.New("lost"),
		}, `{"id":1,"state":"backoff","since":"2026-01-02T03:04:05Z",` +
			`"down_since":"2026-01-02T03:04:05Z","retry_at":"2026-01-02T03:04:05Z","latency_ns":40000000,` +
			`"average_latency_ns":50000000,"last_ack":"2026-01-02T03:04:05Z","guilds":2,` +
			`"unavailable_guilds":1,"sequence":7,"session_since":"2026-01-02T03:04:05Z","events":9,` +
			`"event_rate":0.5,"duplicates":4,"malformed":1,"identifies":2,"resumes":3,"losses":8,"failed_dials":6,` +
			`"disconnects":{"0":1,"4000":2},"error":"lost"}`},
	}
	for _, tt := range tests {
		got, err := json.Marshal(tt.status)
		if err != nil || string(got) != tt.want {
			t.Errorf("%s: %s, %v\nwant %s", tt.name, got, err, tt.want)
		}
	}
}

// status reads the status of all shards, which must not wait for anything.
func status(t *testing.T, bot *botwright.Bot) []botwright.ShardStatus {
	t.Helper()
	read := make(chan []botwright.ShardStatus, 1)
	go func() { read <- bot.Shards() }()
	return receive(t, read)
}

func TestShardStatusNeverBlocks(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{Guilds: 2, MaxConcurrency: 2})
	// One slot: a handler that is stuck holds up the readers of both shards.
	bot := newBot(t, srv, botwright.WithShards(2), botwright.WithQueue(botwright.QueueConfig{MaxEvents: 1}))
	began, release := make(chan bool, 6), make(chan bool)
	botwright.On(bot, func(context.Context, *discordgo.Session, *discordgo.MessageCreate) error {
		began <- true
		<-release
		return nil
	})
	open(t, bot)
	defer close(release)
	for range 3 {
		for _, g := range srv.Guilds() {
			if _, err := srv.Say(g.Channels[0].ID, g.Members[0].User.ID, "hi"); err != nil {
				t.Fatal(err)
			}
		}
	}
	receive(t, began)
	for _, s := range status(t, bot) {
		if s.State != botwright.ShardReady {
			t.Errorf("with handlers stuck, shard %d is %s", s.ID, s.State)
		}
	}
}

func TestShardStatusWhileDialling(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	dialled, release := make(chan bool, 1), make(chan bool)
	srv.OnConnect(func(*discordtest.Conn) bool {
		dialled <- true
		<-release
		return false
	})
	bot := newBot(t, srv, botwright.WithIntents(discordgo.IntentGuilds))
	resumed := make(chan bool, 1)
	botwright.On(bot, func(context.Context, *discordgo.Session, *discordgo.Resumed) error {
		resumed <- true
		return nil
	})
	opened := make(chan error, 1)
	go func() { opened <- bot.Open(testContext(t)) }()
	receive(t, dialled)
	if s := status(t, bot)[0]; s.State != botwright.ShardConnecting || !s.LastACK.IsZero() {
		t.Errorf("while it waits for HELLO: %+v", s)
	}
	close(release)
	if err := receive(t, opened); err != nil {
		t.Fatal(err)
	}
	srv.Conn(0).Close(4000, "")
	receive(t, resumed)
	s := status(t, bot)[0]
	if s.State != botwright.ShardReady || s.Err != nil {
		t.Errorf("%s, %v", s.State, s.Err)
	}
	if s.Resumes != 1 || s.Identifies != 1 || s.Disconnects[4000] != 1 {
		t.Errorf("%d resumes, %d identifies, disconnects %v", s.Resumes, s.Identifies, s.Disconnects)
	}
	if s.Guilds != 3 || s.UnavailableGuilds != 0 || s.SessionSince.IsZero() || s.Sequence == 0 {
		t.Errorf("%+v", s)
	}
	if err := bot.Shutdown(testContext(t)); err != nil {
		t.Error(err)
	}
}
