package natscluster_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"
	"go.uber.org/goleak"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/contrib/natscluster"
	"github.com/botwright/botwright/internal/leftover"
)

// processEnv makes a bot of the test binary. What it handles, it writes to that file.
const processEnv = "NATSCLUSTER_TEST_BOT"

func TestMain(m *testing.M) {
	if os.Getenv(processEnv) == "" {
		goleak.VerifyTestMain(withSessions{m})
		return
	}
	if err := runBot(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// withSessions waits for discordgo's sessions before goroutines are counted.
type withSessions struct{ *testing.M }

func (m withSessions) Run() int {
	defer leftover.AwaitSessions()
	return m.M.Run()
}

// runBot runs a bot until the process gets SIGTERM.
func runBot() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	cluster, err := natscluster.Connect(ctx, os.Getenv("NATS_URL"), natscluster.Config{})
	if err != nil {
		return err
	}
	defer cluster.Close()
	// Each line is one write, which a kill does not undo.
	handled, err := os.OpenFile(os.Getenv(processEnv), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer handled.Close()
	bot, err := botwright.New(os.Getenv("DISCORD_TOKEN"),
		botwright.WithAPI(os.Getenv("DISCORD_API_URL")),
		botwright.WithShards(shardCount),
		botwright.WithCluster(cluster),
		botwright.WithIntents(discordgo.IntentGuilds|discordgo.IntentGuildMessages),
		botwright.WithLogger(slog.New(slog.NewTextHandler(os.Stderr, nil))),
	)
	if err != nil {
		return err
	}
	botwright.On(bot, func(_ context.Context, _ *discordgo.Session, m *discordgo.MessageCreate) error {
		_, err := fmt.Fprintf(handled, "%s %s %d\n", m.ChannelID, m.ID, time.Now().UnixNano())
		return err
	})
	botwright.RegisterOp(bot, "guilds", func(
		_ context.Context, s botwright.ShardSession, _ struct{},
	) (int, error) {
		s.State.RLock()
		defer s.State.RUnlock()
		return len(s.State.Guilds), nil
	})
	go func() {
		for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
			fmt.Println(gather(ctx, bot))
		}
	}()
	return bot.Run(ctx)
}

// gather gathers often and returns the median time it takes, and the last total of guilds.
func gather(ctx context.Context, bot *botwright.Bot) (time.Duration, int, error) {
	times, total := make([]time.Duration, 101), 0
	for i := range times {
		start := time.Now()
		replies, err := botwright.Gather[int](ctx, bot, "guilds", nil)
		if err != nil {
			return 0, 0, err
		}
		times[i], total = time.Since(start), 0
		for _, r := range replies {
			total += r.Value
		}
	}
	slices.Sort(times)
	return times[len(times)/2], total, nil
}
