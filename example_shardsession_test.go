package botwright_test

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

// A presence that is to be seen in every guild is set on every shard.
func ExampleBot_EachShard() {
	bot, srv, done := exampleShards(4)
	defer done()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	err := bot.EachShard(ctx, func(_ context.Context, s botwright.ShardSession) error {
		return s.UpdateGameStatus(0, fmt.Sprintf("shard %d of %d", s.ID, s.Count))
	})
	if err != nil {
		panic(err)
	}

	games := make(map[int]string) // as Discord sees them
	err = srv.Wait(ctx, func() bool {
		for _, p := range srv.Presences() {
			games[p.ShardID] = p.Activities[0].Name
		}
		return len(games) == 4
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(games)
	// Output: map[0:shard 0 of 4 1:shard 1 of 4 2:shard 2 of 4 3:shard 3 of 4]
}

func ExampleBot_Sessions() {
	bot, _, done := exampleShards(2)
	defer done()
	for id, session := range bot.Sessions() {
		fmt.Println("shard", id, "is connected as", session.State.User.Username)
	}
	// Output:
	// shard 0 is connected as testbot
	// shard 1 is connected as testbot
}

// exampleShards opens a bot with a number of shards. The caller calls done.
func exampleShards(n int) (bot *botwright.Bot, srv *discordtest.Server, done func()) {
	srv, err := discordtest.New(discordtest.Config{MaxConcurrency: n})
	if err != nil {
		panic(err)
	}
	bot, err = botwright.New(srv.Token, botwright.WithAPI(srv.URL), botwright.WithShards(n),
		botwright.WithIntents(discordgo.IntentGuilds),
		botwright.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		panic(err)
	}
	w := &exampleWorld{srv: srv, bot: bot}
	w.open()
	return bot, srv, w.close
}
