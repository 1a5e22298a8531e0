package natscluster_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"os"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/contrib/natscluster"
	"github.com/botwright/botwright/discordtest"
)

// Every process of a bot is started alike. Here it is alone, with a NATS server in the same process
// and a fake Discord.
func ExampleConnect() {
	natsURL, stop := startNATS()
	defer stop()
	discord, err := discordtest.New(discordtest.Config{Shards: 4, MaxConcurrency: 4})
	if err != nil {
		log.Fatal(err)
	}
	defer discord.Close()

	ctx := context.Background()
	cluster, err := natscluster.Connect(ctx, natsURL, natscluster.Config{Name: "mybot"})
	if err != nil {
		log.Fatal(err)
	}
	defer cluster.Close()
	bot, err := botwright.New(discord.Token,
		botwright.WithAPI(discord.URL),
		botwright.WithShards(0), // as many as Discord recommends
		botwright.WithCluster(cluster),
		botwright.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		log.Fatal(err)
	}
	botwright.RegisterOp(bot, "size", countShard)
	if err := bot.Open(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(bot.Shards()), "shards are in this process")

	guilds, users, err := count(ctx, bot)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(guilds, "guilds and", users, "users are in all processes")
	if err := bot.Shutdown(ctx); err != nil {
		log.Fatal(err)
	}
	// Output:
	// 4 shards are in this process
	// 3 guilds and 33 users are in all processes
}

type size struct{ Guilds, Users int }

// countShard is an operation on one shard.
func countShard(_ context.Context, s botwright.ShardSession, _ struct{}) (size, error) {
	s.State.RLock()
	defer s.State.RUnlock()
	n := size{Guilds: len(s.State.Guilds)}
	for _, guild := range s.State.Guilds {
		n.Users += guild.MemberCount
	}
	return n, nil
}

// count adds up what all shards say, in whichever process they are.
func count(ctx context.Context, bot *botwright.Bot) (guilds, users int, err error) {
	replies, err := botwright.Gather[size](ctx, bot, "size", nil)
	for _, r := range replies {
		guilds += r.Value.Guilds
		users += r.Value.Users
	}
	return guilds, users, err
}

// startNATS starts a NATS server that forgets everything when it is stopped.
func startNATS() (url string, stop func()) {
	dir, err := os.MkdirTemp("", "nats")
	if err != nil {
		log.Fatal(err)
	}
	srv, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: dir, NoSigs: true,
	})
	if err != nil {
		log.Fatal(err)
	}
	srv.Start()
	if !srv.ReadyForConnections(patience) {
		log.Fatal("the NATS server does not start")
	}
	return srv.ClientURL(), func() {
		srv.Shutdown()
		srv.WaitForShutdown()
		_ = os.RemoveAll(dir)
	}
}
