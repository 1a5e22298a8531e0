package botwright_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

// totals is what a shard has.
type totals struct{ Guilds, Users int }

func countTotals(_ context.Context, s botwright.ShardSession, _ struct{}) (t totals, err error) {
	s.State.RLock()
	defer s.State.RUnlock()
	for _, g := range s.State.Guilds {
		t.Guilds++
		t.Users += g.MemberCount
	}
	return t, nil
}

func ExampleGather() {
	srv, err := discordtest.New(discordtest.Config{Guilds: 8, Members: 20, MaxConcurrency: 4})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer srv.Close()
	ctx := context.Background()
	bot, err := botwright.New(srv.Token, botwright.WithAPI(srv.URL), botwright.WithShards(4),
		botwright.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		fmt.Println(err)
		return
	}

	// In every process, before Open: what to do on one shard.
	type totals struct{ Guilds, Users int }
	botwright.RegisterOp(bot, "totals",
		func(_ context.Context, s botwright.ShardSession, _ struct{}) (t totals, err error) {
			s.State.RLock()
			defer s.State.RUnlock()
			for _, g := range s.State.Guilds {
				t.Guilds++
				t.Users += g.MemberCount
			}
			return t, nil
		})
	if err := bot.Open(ctx); err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = bot.Shutdown(ctx) }()

	// Anywhere: the sum over all shards of all processes.
	replies, err := botwright.Gather[totals](ctx, bot, "totals", nil)
	if err != nil {
		fmt.Println(err) // some shards have not replied
	}
	var all totals
	for _, r := range replies {
		if r.Err != nil {
			fmt.Println("shard", r.ShardID, r.Err)
		}
		all.Guilds += r.Value.Guilds
		all.Users += r.Value.Users
	}
	fmt.Printf("%d shards, %d guilds, %d users\n", len(replies), all.Guilds, all.Users)
	// Output: 4 shards, 8 guilds, 168 users
}

func ExampleForGuild() {
	srv, err := discordtest.New(discordtest.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer srv.Close()
	ctx := context.Background()
	bot, err := botwright.New(srv.Token, botwright.WithAPI(srv.URL), botwright.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		fmt.Println(err)
		return
	}
	botwright.RegisterOp(bot, "name",
		func(_ context.Context, s botwright.ShardSession, guildID string) (string, error) {
			g, err := s.State.Guild(guildID)
			if err != nil {
				return "", err
			}
			return g.Name, nil
		})
	if err := bot.Open(ctx); err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = bot.Shutdown(ctx) }()

	id := srv.Guilds()[0].ID
	name, err := botwright.ForGuild[string](ctx, bot, id, "name", id)
	fmt.Println(name == srv.Guilds()[0].Name, err)
	// Output: true <nil>
}

func ExampleBroadcast() {
	srv, err := discordtest.New(discordtest.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer srv.Close()
	ctx := context.Background()
	bot, err := botwright.New(srv.Token, botwright.WithAPI(srv.URL), botwright.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		fmt.Println(err)
		return
	}
	done := make(chan struct{})
	botwright.RegisterOp(bot, "reload",
		func(_ context.Context, s botwright.ShardSession, what string) (struct{}, error) {
			fmt.Printf("shard %d reloads the %s\n", s.ID, what)
			close(done)
			return struct{}{}, nil
		})
	if err := bot.Open(ctx); err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = bot.Shutdown(ctx) }()

	if err := botwright.Broadcast(ctx, bot, "reload", "rules"); err != nil {
		fmt.Println(err)
	}
	<-done
	// Output: shard 0 reloads the rules
}

// TestOperationsOverProcesses asks shards of three processes.
func TestOperationsOverProcesses(t *testing.T) {
	t.Parallel()
	w := newClusterWorld(t)
	register := func(b *botwright.Bot) {
		botwright.RegisterOp(b, "totals", countTotals)
		botwright.RegisterOp(b, "where",
			func(_ context.Context, s botwright.ShardSession, guild *discordgo.Guild) (int, error) {
				if guild.Name == "" {
					return 0, fmt.Errorf("shard %d knows no guild", s.ID)
				}
				return s.ID, nil
			})
		botwright.RegisterOp(b, "panic",
			func(_ context.Context, s botwright.ShardSession, _ struct{}) (int, error) {
				panic(fmt.Sprint("on shard ", s.ID))
			})
	}
	one, two, three := w.startWith(register), w.startWith(register), w.startWith(register)
	w.awaitShards(map[*process]int{one: 2, two: 2, three: 2})
	ctx := testContext(t)
	for _, p := range []*process{one, two, three} {
		replies, err := botwright.Gather[totals](ctx, p.Bot, "totals", nil)
		if err != nil {
			t.Fatal(err)
		}
		guilds := 0
		for i, r := range replies {
			if r.ShardID != i || r.Err != nil {
				t.Errorf("reply %d: %+v", i, r)
			}
			guilds += r.Value.Guilds
		}
		if guilds != 2*clusterShards {
			t.Errorf("%d guilds", guilds)
		}
		for _, g := range w.srv.Guilds() {
			want, err := botwright.ShardID(g.ID, clusterShards)
			if err != nil {
				t.Fatal(err)
			}
			arg := &discordgo.Guild{Name: g.Name}
			got, err := botwright.ForGuild[int](ctx, p.Bot, g.ID, "where", arg)
			if got != want || err != nil {
				t.Errorf("guild %s is on shard %d, %v, want %d", g.ID, got, err, want)
			}
		}
		if _, err := botwright.ForGuild[int](ctx, p.Bot, "", "where", &discordgo.Guild{}); err == nil ||
			!strings.Contains(err.Error(), "shard 0 knows no guild") {
			t.Error(err)
		}
		panics, err := botwright.Gather[int](ctx, p.Bot, "panic", nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range panics {
			if r.Err == nil || !strings.Contains(r.Err.Error(), fmt.Sprint("on shard ", r.ShardID)) {
				t.Errorf("shard %d: %v", r.ShardID, r.Err)
			}
		}
	}
	three.link.set(true)
	short, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	replies, err := botwright.Gather[totals](short, three.Bot, "totals", nil)
	missing, ok := errors.AsType[*botwright.MissingShardsError](err)
	if !ok || len(missing.Shards) != 4 || len(replies) != 2 || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("cut off: %d replies, %v", len(replies), err)
	}
}

// panicOf returns what f panics with.
func panicOf(f func()) (err error) {
	defer func() { err = fmt.Errorf("%v", recover()) }()
	f()
	return nil
}

func TestOperationMistakes(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	bot := newBot(t, srv)
	nothing := func(context.Context, botwright.ShardSession, struct{}) (any, error) { return nil, nil }
	botwright.RegisterOp(bot, "a", nothing)
	for name, f := range map[string]func(){
		"a nil function":              func() { botwright.RegisterOp[int, int](bot, "b", nil) },
		"is no name":                  func() { botwright.RegisterOp(bot, "B", nothing) },
		`is an operation "a" already`: func() { botwright.RegisterOp(bot, "a", nothing) },
	} {
		err := panicOf(f)
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	ctx := testContext(t)
	if _, err := botwright.Gather[any](ctx, bot, "a", nil); !errors.Is(err, botwright.ErrNotOpen) {
		t.Error(err)
	}
	open(t, bot)
	if _, err := botwright.Gather[any](ctx, bot, "b", nil); !errors.Is(err, botwright.ErrUnknownOp) {
		t.Error(err)
	}
	if err := botwright.Broadcast(ctx, bot, "b", nil); !errors.Is(err, botwright.ErrUnknownOp) {
		t.Error(err)
	}
	if _, err := botwright.ForGuild[any](ctx, bot, "x", "a", nil); err == nil {
		t.Error("no guild")
	}
	if r, err := botwright.Gather[int](ctx, bot, "a", "no struct"); err != nil || r[0].Err == nil {
		t.Errorf("an argument of another type: %v, %v", r, err)
	}
}

// BenchmarkGather asks 16 shards of one process.
func BenchmarkGather(b *testing.B) {
	srv, err := discordtest.New(discordtest.Config{Guilds: 16, MaxConcurrency: 16})
	if err != nil {
		b.Fatal(err)
	}
	defer srv.Close()
	bot, err := botwright.New(srv.Token, botwright.WithAPI(srv.URL), botwright.WithShards(16),
		botwright.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		b.Fatal(err)
	}
	botwright.RegisterOp(bot, "totals", countTotals)
	ctx := context.Background()
	if err := bot.Open(ctx); err != nil {
		b.Fatal(err)
	}
	defer func() { _ = bot.Shutdown(ctx) }()
	for b.Loop() {
		if _, err := botwright.Gather[totals](ctx, bot, "totals", nil); err != nil {
			b.Fatal(err)
		}
	}
}
