package botwright_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

func TestEachShard(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{MaxConcurrency: 4})
	bot := newBot(t, srv, botwright.WithShards(4), botwright.WithIntents(discordgo.IntentGuilds))
	nothing := func(context.Context, botwright.ShardSession) error { return nil }
	if err := bot.EachShard(t.Context(), nothing); !errors.Is(err, botwright.ErrNotOpen) {
		t.Errorf("before Open: %v", err)
	}
	for id := range bot.Sessions() {
		t.Errorf("there is a session of shard %d before Open", id)
	}
	open(t, bot)

	err := bot.EachShard(testContext(t), func(_ context.Context, s botwright.ShardSession) error {
		if s.Count != 4 || s.ID != s.ShardID {
			t.Errorf("shard %d of %d has the session of shard %d", s.ID, s.Count, s.ShardID)
		}
		return s.UpdateGameStatus(0, "everywhere")
	})
	if err != nil {
		t.Error(err)
	}
	poll(t, func() bool {
		shards := make(map[int]bool)
		for _, p := range srv.Presences() {
			shards[p.ShardID] = true
		}
		return len(shards) == 4
	})

	failure := errors.New("it failed")
	err = bot.EachShard(t.Context(), func(_ context.Context, s botwright.ShardSession) error {
		switch s.ID {
		case 1:
			return failure
		case 2:
			panic("oh")
		}
		return nil
	})
	var panicked *botwright.PanicError
	if !errors.Is(err, failure) || !errors.As(err, &panicked) ||
		!strings.Contains(err.Error(), "shard 1: ") || !strings.Contains(err.Error(), "shard 2: ") {
		t.Errorf("error %v", err)
	}
}

func TestSessions(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	bot := newBot(t, srv, botwright.WithShards(4, 1, 3), botwright.WithIntents(discordgo.IntentGuilds))
	open(t, bot)
	var ids []int
	for id, s := range bot.Sessions() {
		if s.ShardID != id {
			t.Errorf("shard %d has the session of shard %d", id, s.ShardID)
		}
		ids = append(ids, id)
	}
	if len(ids) != 2 || ids[0] != 1 || ids[1] != 3 {
		t.Errorf("shards %v", ids)
	}
	for range bot.Sessions() {
		break
	}
}
