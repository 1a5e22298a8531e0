package botwright_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

// setenv sets the variables that WithShardsFromEnv reads, and empties the others.
func setenv(t *testing.T, env map[string]string) {
	t.Helper()
	for _, name := range []string{"SHARD_COUNT", "SHARD_ID", "SHARD_IDS", "SHARDS_PER_POD",
		"POD_NAME", "HOSTNAME"} {
		t.Setenv(name, env[name])
	}
}

func TestShardsFromEnv(t *testing.T) {
	for _, tt := range []struct {
		env   map[string]string
		count int
		ids   []int
		wrong string
	}{
		{map[string]string{}, 3, []int{0, 2}, ""}, // WithShards before it
		{map[string]string{"SHARD_COUNT": "4", "SHARD_ID": "3"}, 4, []int{3}, ""},
		{map[string]string{"SHARD_COUNT": "2"}, 2, nil, ""},
		{map[string]string{"SHARD_ID": "3"}, 0, nil, "WithShardsFromEnv: SHARD_COUNT is not set"},
	} {
		setenv(t, tt.env)
		bot, err := botwright.New(someToken, botwright.WithShards(3, 0, 2),
			botwright.WithShardsFromEnv(), botwright.WithLogger(slog.New(slog.DiscardHandler)))
		if tt.wrong != "" {
			if err == nil || !strings.Contains(err.Error(), tt.wrong) {
				t.Errorf("%v: %v", tt.env, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		count, ids := botwright.ConfiguredShards(bot)
		if count != tt.count || !slices.Equal(ids, tt.ids) {
			t.Errorf("shards %v of %d, want %v of %d", ids, count, tt.ids, tt.count)
		}
	}
}

func ExampleWithShardsFromEnv() {
	// As the manifest of a StatefulSet sets them, and Kubernetes the name of its second pod.
	for name, value := range map[string]string{
		"SHARD_COUNT": "8", "SHARD_ID": "ordinal", "SHARDS_PER_POD": "4", "POD_NAME": "bot-1",
	} {
		_ = os.Setenv(name, value)
		defer func() { _ = os.Unsetenv(name) }()
	}
	srv, _ := discordtest.New(discordtest.Config{MaxConcurrency: 8})
	defer srv.Close()
	bot, err := botwright.New(srv.Token, botwright.WithAPI(srv.URL), botwright.WithShardsFromEnv())
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	if err := bot.Open(ctx); err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range bot.Shards() {
		fmt.Println("shard", s.ID, s.State)
	}
	_ = bot.Shutdown(ctx)
	// Output:
	// shard 4 ready
	// shard 5 ready
	// shard 6 ready
	// shard 7 ready
}
