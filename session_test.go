package botwright_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

func TestSessionSends(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	bot := newBot(t, srv, botwright.WithIntents(
		discordgo.IntentGuilds|discordgo.IntentGuildMembers))
	chunks := make(chan *discordgo.GuildMembersChunk, 10)
	botwright.On(bot, func(_ context.Context, _ *discordgo.Session, c *discordgo.GuildMembersChunk) error {
		chunks <- c
		return nil
	})
	open(t, bot)
	s, g := bot.Session(), srv.Guilds()[0]
	presence := func(text string) func() bool {
		return func() bool {
			for _, c := range srv.Frames() {
				if c.Op == 3 && strings.Contains(string(c.D), text) {
					return true
				}
			}
			return false
		}
	}
	if err := s.UpdateGameStatus(0, "chess"); err != nil {
		t.Fatal(err)
	}
	if err := srv.Wait(testContext(t), presence("chess")); err != nil {
		t.Fatal(err)
	}
	err := s.UpdateStatusComplex(discordgo.UpdateStatusData{Status: "dnd", Activities: []*discordgo.Activity{
		{Name: "custom", Type: discordgo.ActivityTypeCustom, State: "thinking"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Wait(testContext(t), presence("thinking")); err != nil {
		t.Fatal(err)
	}
	if err := s.RequestGuildMembers(g.ID, "", 0, "n1", false); err != nil {
		t.Fatal(err)
	}
	if c := receive(t, chunks); c.Nonce != "n1" || len(c.Members) != len(g.Members)+1 {
		t.Errorf("chunk %q with %d members", c.Nonce, len(c.Members))
	}
	if err := s.GatewayWriteStruct(map[string]any{"op": 3, "d": map[string]any{
		"since": nil, "activities": []any{}, "status": "idle", "afk": true}}); err != nil {
		t.Fatal(err)
	}
	if err := srv.Wait(testContext(t), presence("idle")); err != nil {
		t.Fatal(err)
	}
}

func TestSessionEventsSurviveReconnects(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{IdentifyWindow: 1})
	bot := newBot(t, srv, botwright.WithSessionEvents("MESSAGE_CREATE"))
	heard, connects := make(chan string, 10), make(chan bool, 10)
	bot.Session().AddHandler(func(_ *discordgo.Session, m *discordgo.MessageCreate) {
		heard <- m.ID
	})
	bot.Session().AddHandler(func(*discordgo.Session, *discordgo.Connect) { connects <- true })
	ready := make(chan string, 10)
	botwright.On(bot, func(_ context.Context, _ *discordgo.Session, r *discordgo.Ready) error {
		ready <- r.SessionID
		return nil
	})
	open(t, bot)
	receive(t, connects)
	first := receive(t, ready)
	g := srv.Guilds()[0]
	if err := srv.Dispatch(g.ID, "MESSAGE_CREATE", json.RawMessage(`null`)); err != nil {
		t.Fatal(err) // would crash discordgo
	}
	say(t, srv, "before")
	receive(t, heard)

	srv.Conn(0).Reconnect() // op 7
	say(t, srv, "meanwhile")
	receive(t, heard)

	srv.DropSessions()
	srv.Conn(0).Reset()
	second := receive(t, ready)
	say(t, srv, "after")
	receive(t, heard)
	if first == second {
		t.Error("READY of the new session did not come")
	}
	if len(connects) > 0 {
		t.Error("the session was opened again")
	}
	s := bot.Session()
	s.State.RLock()
	id := s.State.SessionID
	s.State.RUnlock()
	if id != second {
		t.Errorf("the session's id is %s, want %s", id, second)
	}
}

func TestSessionConfig(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{Guilds: 2, MaxConcurrency: 2})
	bot := newBot(t, srv, botwright.WithShards(2), botwright.WithSessionConfig(
		func(s *discordgo.Session) {
			s.UserAgent = "mine"
			s.Identify.Presence = discordgo.GatewayStatusUpdate{
				Status: "idle", Game: discordgo.Activity{Name: "go"}}
		}))
	open(t, bot)
	if _, err := bot.Session().User("@me"); err != nil {
		t.Fatal(err)
	}
	for _, id := range srv.Identifies() {
		if p := string(id.Presence); !strings.Contains(p, `"go"`) || !strings.Contains(p, "idle") {
			t.Errorf("presence of shard %d: %s", id.ShardID, p)
		}
	}
	for i, g := range srv.Guilds() {
		s, err := bot.SessionFor(g.ID)
		if err != nil || s.ShardID != i%2 || s.UserAgent != "mine" {
			t.Errorf("guild %d: shard %d, %q, %v", i, s.ShardID, s.UserAgent, err)
		}
	}
}

func TestPartOfTheShards(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{Guilds: 3})
	bot := newBot(t, srv, botwright.WithShards(3, 1))
	g := srv.Guilds()
	if _, err := bot.SessionFor(g[0].ID); err == nil {
		t.Error("a session before Open")
	}
	open(t, bot)
	if shards := bot.Shards(); len(shards) != 1 || shards[0].ID != 1 || shards[0].State != botwright.ShardReady {
		t.Errorf("shards %+v", shards)
	}
	owned := 0
	for _, guild := range g {
		if _, err := bot.SessionFor(guild.ID); err == nil {
			owned++
		}
	}
	if owned != 1 {
		t.Errorf("%d of 3 guilds are owned, want 1", owned)
	}
	if _, err := bot.SessionFor("x"); err == nil {
		t.Error("a session for a malformed id")
	}
}

func TestRecommendedShards(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{Guilds: 4, Shards: 3, MaxConcurrency: 3})
	bot := newBot(t, srv, botwright.WithShards(0))
	open(t, bot)
	if n := len(bot.Shards()); n != 3 {
		t.Errorf("%d shards, want the recommended 3", n)
	}
}
