package botwright_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

// commands returns what clients sent with an op.
func commands(srv *discordtest.Server, op int) []discordtest.Frame {
	return slices.DeleteFunc(srv.Frames(), func(c discordtest.Frame) bool { return c.Op != op })
}

func await(t *testing.T, srv *discordtest.Server, cond func() bool) {
	t.Helper()
	if err := srv.Wait(testContext(t), cond); err != nil {
		t.Fatal(err)
	}
}

func TestSendMoreThanAMinuteTakes(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	bot := newBot(t, srv)
	open(t, bot)
	g := srv.Guilds()[0]
	for n := range 121 {
		if err := bot.Session().RequestGuildMembersList(g.ID, []string{"1"}, 0, fmt.Sprint(n), false); err != nil {
			t.Fatal(err)
		}
	}
	await(t, srv, func() bool { return len(commands(srv, 8)) >= 114 })
	if n := len(srv.Frames()); n > 115 {
		t.Errorf("%d payloads at once; 5 of the 120 a minute are for heartbeats", n)
	}
	if n := len(srv.AllConnections()); n != 1 {
		t.Errorf("%d connections: it was cut for sending too much", n)
	}
	srv.Conn(0).Reconnect() // the limit is one of the connection
	await(t, srv, func() bool { return len(commands(srv, 8)) == 121 })
	for n, c := range commands(srv, 8) {
		if !strings.Contains(string(c.D), fmt.Sprintf(`"nonce":"%d"`, n)) {
			t.Fatalf("request %d is %s", n, c.D)
		}
	}
	if n, m := len(srv.Identifies()), len(srv.AllConnections()); n != 1 || m != 2 {
		t.Errorf("%d identifies on %d connections", n, m)
	}
}

func TestSendRefused(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{Guilds: 2, Shards: 2, MaxConcurrency: 2})
	g := srv.Guilds()
	long := strings.Repeat("x", 4000)
	tests := []struct {
		name string
		send func(*discordgo.Session) error
		op   int
		want error
	}{
		{"presence", func(s *discordgo.Session) error {
			return s.UpdateGameStatus(0, long)
		}, 3, botwright.ErrPayloadTooLarge},
		{"request", func(s *discordgo.Session) error {
			return s.RequestGuildMembers(g[0].ID, long, 1, long, false)
		}, 8, botwright.ErrPayloadTooLarge},
		{"raw", func(s *discordgo.Session) error {
			return s.GatewayWriteStruct(map[string]any{"op": 31, "d": long + long})
		}, 31, botwright.ErrPayloadTooLarge},
		{"members of a guild of another shard", func(s *discordgo.Session) error {
			return s.RequestGuildMembers(g[1].ID, "", 0, "", false)
		}, 8, botwright.ErrOtherShard},
		{"voice in a guild of another shard", func(s *discordgo.Session) error {
			return s.ChannelVoiceJoinManual(g[1].ID, "1", false, false)
		}, 4, botwright.ErrOtherShard},
		{"members of nothing", func(s *discordgo.Session) error {
			return s.RequestGuildMembers("", "", 0, "", false)
		}, 8, nil},
		{"presence that is none", func(s *discordgo.Session) error {
			return s.GatewayWriteStruct(map[string]any{"op": 3, "d": 7})
		}, 3, nil},
	}
	failed := make(chan error, 100)
	bot := newBot(t, srv, botwright.WithShards(0), botwright.WithErrorHandler(
		func(_ context.Context, _ *botwright.Event, err error) { failed <- err }))
	open(t, bot)
	for _, tt := range tests {
		if err := tt.send(bot.Session()); err != nil {
			t.Fatal(err)
		}
		err := receive(t, failed)
		var refused *botwright.SendError
		if !errors.As(err, &refused) || refused.Op != tt.op || refused.ShardID != 0 ||
			(tt.want != nil && !errors.Is(err, tt.want)) {
			t.Errorf("%s: %v", tt.name, err)
		}
		if strings.Contains(err.Error(), "xxx") {
			t.Errorf("%s: the error shows what was sent", tt.name)
		}
	}
	if err := bot.Session().UpdateGameStatus(0, "chess"); err != nil {
		t.Fatal(err)
	}
	await(t, srv, func() bool { return len(commands(srv, 3)) == 1 })
	if n := len(srv.AllConnections()); n != 2 {
		t.Errorf("%d connections of 2 shards", n)
	}
}

func TestSendWhileDisconnected(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	failed := make(chan error, 100)
	bot := newBot(t, srv, botwright.WithErrorHandler(
		func(_ context.Context, _ *botwright.Event, err error) { failed <- err }))
	open(t, bot)
	s, g := bot.Session(), srv.Guilds()[0]
	srv.Refuse(true)
	srv.Conn(0).Reset()
	await(t, srv, func() bool { return len(srv.Connections()) == 0 })
	for n := range 1024 {
		if err := s.UpdateGameStatus(0, fmt.Sprint("game ", n)); err != nil {
			t.Fatal(err)
		}
	}
	const waiting = 1023 // beside the presence
	for n := range waiting {
		if err := s.RequestGuildMembersList(g.ID, []string{"1"}, 0, fmt.Sprint(n), false); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.RequestGuildMembersList(g.ID, []string{"1"}, 0, "too many", false); err != nil {
		t.Fatal(err)
	}
	if err := receive(t, failed); !errors.Is(err, botwright.ErrSendQueueFull) {
		t.Errorf("one too many: %v", err)
	}
	srv.Refuse(false)
	await(t, srv, func() bool { return len(commands(srv, 8)) > 100 })
	if p := srv.Presences(); len(p) != 1 || p[0].Activities[0].Name != "game 1023" {
		t.Errorf("presences %+v, want the last one only", p)
	}
}

func TestMembersRateLimited(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	bot := newBot(t, srv, botwright.WithIntents(discordgo.IntentGuilds|discordgo.IntentGuildMembers))
	chunks, limits := make(chan *discordgo.GuildMembersChunk, 10), make(chan string, 10)
	botwright.On(bot, func(_ context.Context, _ *discordgo.Session, c *discordgo.GuildMembersChunk) error {
		chunks <- c
		return nil
	})
	bot.Handle("RATE_LIMITED", func(_ context.Context, e *botwright.Event) error {
		limits <- string(e.Raw())
		return nil
	})
	g := srv.Guilds()[0]
	refusals := 2
	srv.OnFrame(func(_ *discordtest.Conn, op int, _ json.RawMessage) bool {
		if op != 8 || refusals == 0 {
			return false
		}
		refusals--
		limit := fmt.Sprintf(`{"opcode":8,"retry_after":0.1,"meta":{"guild_id":%q,"nonce":"n"}}`, g.ID)
		if err := srv.Dispatch(g.ID, "RATE_LIMITED", json.RawMessage(limit)); err != nil {
			t.Error(err)
		}
		return true
	})
	open(t, bot)
	if err := bot.Session().RequestGuildMembers(g.ID, "", 0, "n", false); err != nil {
		t.Fatal(err)
	}
	receive(t, limits)
	receive(t, limits)
	if c := receive(t, chunks); c.Nonce != "n" || len(c.Members) != len(g.Members)+1 {
		t.Errorf("chunk %q with %d members", c.Nonce, len(c.Members))
	}
	if n := len(srv.AllConnections()); n != 1 {
		t.Errorf("%d connections", n)
	}
}
