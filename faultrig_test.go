package botwright_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

// A rig is a bot at a fake Discord whose people number their messages.
type rig struct {
	t    *testing.T
	srv  *discordtest.Server
	bot  *botwright.Bot
	errs *errorLog
	log  *logRecorder
	ran  chan error // what Run returned

	guilds   []discordtest.Guild
	channels []*discordgo.Channel // that people write in
	last     int                  // number of the last message

	mu    sync.Mutex
	heard map[string][]int // by channel, in the order in which they were handled
	count int
	more  chan struct{} // 1 slot: count has changed
}

func newRig(t *testing.T, cfg discordtest.Config, opts ...botwright.Option) *rig {
	t.Helper()
	r := &rig{
		t: t, srv: newServer(t, cfg), errs: newErrorLog(), log: newLogRecorder(), ran: make(chan error, 1),
		heard: make(map[string][]int), more: make(chan struct{}, 1),
	}
	r.bot = newBot(t, r.srv, append([]botwright.Option{
		botwright.WithErrorHandler(r.errs.handle),
		botwright.WithLogger(slog.New(slog.NewTextHandler(r.log,
			&slog.HandlerOptions{Level: slog.LevelDebug}))),
		botwright.WithIntents(discordgo.IntentsAll),
		botwright.WithShards(max(cfg.Shards, 1)),
	}, opts...)...)
	r.bot.Handle("MESSAGE_CREATE", r.hear)
	r.guilds = r.srv.Guilds()
	for _, g := range r.guilds {
		r.channels = append(r.channels, g.Channels[0], g.Channels[len(g.Channels)-1])
	}
	return r
}

// hear is the bot's message handler.
func (r *rig) hear(_ context.Context, e *botwright.Event) error {
	var message struct {
		Content int `json:"content,string"`
	}
	if err := json.Unmarshal(e.Raw(), &message); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.heard[e.ChannelID] = append(r.heard[e.ChannelID], message.Content)
	r.count++
	select {
	case r.more <- struct{}{}:
	default:
	}
	return nil
}

// say lets people write n messages, in all channels in turn.
func (r *rig) say(n int) {
	r.t.Helper()
	r.sayAs(n, func(c *discordgo.Channel) string { return c.GuildID })
}

// sayAs is say for messages that say they are of other guilds.
func (r *rig) sayAs(n int, guild func(*discordgo.Channel) string) {
	r.t.Helper()
	for range n {
		r.last++
		c := r.channels[r.last%len(r.channels)]
		r.dispatch(c.GuildID, "MESSAGE_CREATE", fmt.Sprintf(
			`{"id":"%d","channel_id":%q,"guild_id":%q,"author":{"id":"7"},"content":"%d"}`,
			1e6+r.last, c.ID, guild(c), r.last))
	}
}

func (r *rig) dispatch(guildID, eventType, data string) {
	r.t.Helper()
	if err := r.srv.Dispatch(guildID, eventType, json.RawMessage(data)); err != nil {
		r.t.Fatal(err)
	}
}

// awaitHeard waits until as many messages were handled as were written.
func (r *rig) awaitHeard() {
	r.t.Helper()
	for {
		r.mu.Lock()
		count := r.count
		r.mu.Unlock()
		if count >= r.last {
			return
		}
		select {
		case <-r.more:
		case <-time.After(testTime):
			r.t.Fatalf("%d of %d messages were handled; shard 0: %+v", count, r.last, r.bot.Shards()[0])
		}
	}
}

// checkHeard checks that every message was handled once, and in the order of its channel.
func (r *rig) checkHeard() {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []int
	for channel, numbers := range r.heard {
		if !slices.IsSorted(numbers) {
			r.t.Errorf("channel %s: out of order: %v", channel, numbers)
		}
		all = append(all, numbers...)
	}
	slices.Sort(all)
	for i, n := range all {
		if n != i+1 {
			r.t.Errorf("of %d messages, %d were handled, and not each once: at %d", r.last, len(all), i+1)
			return
		}
	}
	if len(all) != r.last {
		r.t.Errorf("%d of %d messages were handled", len(all), r.last)
	}
}

// await waits for a condition in the fake Discord.
func (r *rig) await(cond func() bool) {
	r.t.Helper()
	await(r.t, r.srv, cond)
}

// awaitConnected waits until every shard has a session and a connection.
func (r *rig) awaitConnected(shards int) {
	r.t.Helper()
	r.await(func() bool {
		for id := range shards {
			if r.srv.Conn(id) == nil {
				return false
			}
		}
		return true
	})
}

// awaitNewSession waits until shard 0 has another session.
func (r *rig) awaitNewSession(old string) {
	r.t.Helper()
	r.await(func() bool { return r.srv.Conn(0) != nil && r.srv.Conn(0).SessionID() != old })
}

// conn is the connection of shard 0.
func (r *rig) conn() *discordtest.Conn {
	r.t.Helper()
	r.awaitConnected(1)
	return r.srv.Conn(0)
}

// awaitOffline waits until no connection is left.
func (r *rig) awaitOffline() {
	r.t.Helper()
	r.await(func() bool { return len(r.srv.Connections()) == 0 })
}

// first answers the first n commands with an opcode in place of the server.
func (r *rig) first(n, op int, answer func(c *discordtest.Conn)) {
	var seen atomic.Int32
	r.srv.OnFrame(func(c *discordtest.Conn, got int, _ json.RawMessage) bool {
		if got != op || int(seen.Add(1)) > n {
			return false
		}
		answer(c)
		return true
	})
}

// connection does something to the nth connection, counted from 1, in place of HELLO.
func (r *rig) connection(n int, do func(c *discordtest.Conn)) {
	r.srv.OnConnect(func(c *discordtest.Conn) bool {
		if c.Number() != n {
			return false
		}
		do(c)
		return true
	})
}

// handle counts the events of a type.
func (r *rig) handle(eventType string) <-chan *botwright.Event {
	events := make(chan *botwright.Event, 1<<12)
	r.bot.Handle(eventType, func(_ context.Context, e *botwright.Event) error {
		events <- e
		return nil
	})
	return events
}

// run runs the bot until the test's end or until stop.
func (r *rig) run() (stop func()) {
	ctx, cancel := context.WithCancel(testContext(r.t))
	go func() { r.ran <- r.bot.Run(ctx) }()
	r.t.Cleanup(cancel)
	return cancel
}

// logRecorder keeps the log and tells when it grows.
type logRecorder struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{} // 1 slot
}

func newLogRecorder() *logRecorder { return &logRecorder{more: make(chan struct{}, 1)} }

func (l *logRecorder) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.more <- struct{}{}:
	default:
	}
	return l.text.Write(p)
}

func (l *logRecorder) count(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), what)
}

// awaitLog waits until the log says something for the nth time.
func (r *rig) awaitLog(what string, n int) {
	r.t.Helper()
	for r.log.count(what) < n {
		receive(r.t, r.log.more)
	}
}

func (l *logRecorder) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Reset()
}
