package botwright_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

const withMembers = discordgo.IntentGuilds | discordgo.IntentGuildMembers

func countMembers(ctx context.Context, bot *botwright.Bot, guildID string) (int, error) {
	ids := make(map[string]bool)
	for m, err := range bot.Members(ctx, guildID) {
		if err != nil {
			return len(ids), err
		}
		if m.GuildID != guildID {
			return len(ids), fmt.Errorf("a member of guild %q", m.GuildID)
		}
		ids[m.User.ID] = true
	}
	return len(ids), nil
}

func TestMembersCanStop(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{Members: 1500})
	bot := newBot(t, srv, botwright.WithIntents(withMembers))
	open(t, bot)
	for m, err := range bot.Members(testContext(t), srv.Guilds()[0].ID) {
		if err != nil || m == nil {
			t.Errorf("%v, %v", m, err)
		}
		break
	}
	ctx, cancel := context.WithCancel(testContext(t))
	remove := srv.OnFrame(func(_ *discordtest.Conn, op int, _ json.RawMessage) bool {
		if op == 8 {
			cancel()
		}
		return op == 8 // never answered
	})
	defer remove()
	if _, err := countMembers(ctx, bot, srv.Guilds()[1].ID); !errors.Is(err, context.Canceled) {
		t.Errorf("after a cancel: %v", err)
	}
}

// loseSession ends the session in a way that makes the bot begin a new one at once.
func loseSession(srv *discordtest.Server) {
	c := srv.Conn(0)
	srv.DropSessions()
	c.Close(4009, "Session timed out.")
}

// chunk is a part of the answer to the first request of a bot.
func chunk(guildID, userID string, index, count int) json.RawMessage {
	return fmt.Appendf(nil, `{"guild_id":%q,"members":[{"user":{"id":%q}}],"chunk_index":%d,`+
		`"chunk_count":%d,"nonce":"members-1"}`, guildID, userID, index, count)
}

// TestMembersOutliveASession loses the session before the answer comes.
func TestMembersOutliveASession(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{IdentifyWindow: 1})
	bot := newBot(t, srv, botwright.WithIntents(withMembers))
	var asked atomic.Int32
	remove := srv.OnFrame(func(_ *discordtest.Conn, op int, _ json.RawMessage) bool {
		if op == 8 && asked.Add(1) == 1 {
			loseSession(srv)
		}
		return op == 8
	})
	defer remove()
	open(t, bot)
	g := srv.Guilds()[0]
	botwright.On(bot, func(context.Context, *discordgo.Session, *discordgo.Ready) error {
		if asked.Load() == 0 {
			return nil // the first session
		}
		// The second request waits for Discord's 30 s. Its answer comes anyway.
		return srv.Dispatch(g.ID, "GUILD_MEMBERS_CHUNK", chunk(g.ID, "77", 0, 1))
	})
	if n, err := countMembers(testContext(t), bot, g.ID); n != 1 || err != nil {
		t.Errorf("%d members, %v", n, err)
	}
}

// TestMembersLostHalfway loses the session in the middle of the answer.
func TestMembersLostHalfway(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{IdentifyWindow: 1})
	bot := newBot(t, srv, botwright.WithIntents(withMembers))
	g := srv.Guilds()[0]
	remove := srv.OnFrame(func(_ *discordtest.Conn, op int, _ json.RawMessage) bool {
		if op == 8 {
			if err := srv.Dispatch(g.ID, "GUILD_MEMBERS_CHUNK", chunk(g.ID, "77", 0, 2)); err != nil {
				t.Error(err)
			}
		}
		return op == 8
	})
	defer remove()
	open(t, bot)
	got := 0
	for m, err := range bot.Members(testContext(t), g.ID) {
		if err != nil {
			if got != 1 || !strings.Contains(err.Error(), "ask again") {
				t.Errorf("after %d members: %v", got, err)
			}
			return
		}
		got++
		if m.User.ID == "77" {
			loseSession(srv)
		}
	}
	t.Errorf("%d members and no error", got)
}

func TestMembersErrors(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{Guilds: 2})
	bot := newBot(t, srv, botwright.WithShards(2, 0))
	g := srv.Guilds()
	if _, err := countMembers(testContext(t), bot, g[0].ID); !errors.Is(err, botwright.ErrNotOpen) {
		t.Errorf("before Open: %v", err)
	}
	open(t, bot)
	if _, err := countMembers(testContext(t), bot, g[0].ID); !errors.Is(err, botwright.ErrMissingIntent) {
		t.Errorf("without the intent: %v", err)
	}
	if _, err := countMembers(testContext(t), bot, g[1].ID); !errors.Is(err, botwright.ErrNotOwned) {
		t.Errorf("of a foreign guild: %v", err)
	}
	if _, err := countMembers(testContext(t), bot, "x"); err == nil {
		t.Error("no error for a malformed id")
	}
}

func TestMembersEndWithTheBot(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	bot := newBot(t, srv, botwright.WithIntents(withMembers))
	asked := make(chan bool, 1)
	remove := srv.OnFrame(func(_ *discordtest.Conn, op int, _ json.RawMessage) bool {
		if op == 8 {
			asked <- true
		}
		return op == 8
	})
	defer remove()
	open(t, bot)
	ended := make(chan error, 1)
	go func() {
		_, err := countMembers(context.Background(), bot, srv.Guilds()[0].ID)
		ended <- err
	}()
	receive(t, asked)
	if err := bot.Shutdown(testContext(t)); err != nil {
		t.Fatal(err)
	}
	if err := receive(t, ended); !errors.Is(err, botwright.ErrShutdown) {
		t.Errorf("after Shutdown: %v", err)
	}
}

func ExampleBot_Members() {
	srv, err := discordtest.New(discordtest.Config{Members: 20})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer srv.Close()
	bot, err := botwright.New(srv.Token, botwright.WithAPI(srv.URL),
		botwright.WithLogger(slog.New(slog.DiscardHandler)),
		botwright.WithIntents(discordgo.IntentGuilds|discordgo.IntentGuildMembers))
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	if err := bot.Open(ctx); err != nil {
		fmt.Println(err)
		return
	}
	bots := 0
	for m, err := range bot.Members(ctx, srv.Guilds()[0].ID) {
		if err != nil {
			fmt.Println(err)
			break
		}
		if m.User.Bot {
			bots++
		}
	}
	fmt.Println(bots, "bot")
	if err := bot.Shutdown(ctx); err != nil {
		fmt.Println(err)
	}
	// Output: 1 bot
}
