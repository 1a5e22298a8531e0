package shardenv_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/botwright/botwright/internal/shardenv"
)

func getenv(env map[string]string) func(string) string {
	return func(name string) string { return env[name] }
}

func TestRead(t *testing.T) {
	t.Parallel()
	type env = map[string]string
	tests := []struct {
		name  string
		env   env
		count int   // of all shards; 0 for Discord's recommendation
		ids   []int // none for all
	}{
		{"count", env{"SHARD_COUNT": "2"}, 2, nil},
		{"recommended", env{"SHARD_COUNT": "0"}, 0, nil},
		{"one", env{"SHARD_COUNT": "4", "SHARD_ID": "3"}, 4, []int{3}},
		{"shard 0", env{"SHARD_COUNT": "4", "SHARD_ID": "0"}, 4, []int{0}},
		{"spaces", env{"SHARD_COUNT": " 4 ", "SHARD_IDS": " 0 - 1 , 3 "}, 4, []int{0, 1, 3}},
		{"list", env{"SHARD_COUNT": "8", "SHARD_IDS": "7,0-3"}, 8, []int{0, 1, 2, 3, 7}},
		{"range of one", env{"SHARD_COUNT": "8", "SHARD_IDS": "5-5"}, 8, []int{5}},
		{"ordinal", env{"SHARD_COUNT": "4", "SHARD_ID": "ordinal", "HOSTNAME": "my-bot-2"}, 4, []int{2}},
		{"ordinal, POD_NAME first", env{"SHARD_COUNT": "4", "SHARD_ID": "ordinal",
			"POD_NAME": "bot-1", "HOSTNAME": "node-3"}, 4, []int{1}},
		{"ordinal, two each", env{"SHARD_COUNT": "4", "SHARD_ID": "ordinal", "POD_NAME": "bot-1",
			"SHARDS_PER_POD": "2"}, 4, []int{2, 3}},
		{"ordinal, the last has fewer", env{"SHARD_COUNT": "5", "SHARD_ID": "ordinal",
			"POD_NAME": "bot-1", "SHARDS_PER_POD": "4"}, 5, []int{4}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			count, ids, set, err := shardenv.Read(getenv(tt.env))
			if err != nil || !set {
				t.Fatal(set, err)
			}
			if count != tt.count || !slices.Equal(ids, tt.ids) {
				t.Errorf("shards %v of %d, want %v of %d", ids, count, tt.ids, tt.count)
			}
		})
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	type env = map[string]string
	tests := []struct {
		name string
		env  env
		want []string // all of these must be named
	}{
		{"id without count", env{"SHARD_ID": "3"}, []string{"SHARD_COUNT is not set", "3"}},
		{"ids without count", env{"SHARD_IDS": "0-3"}, []string{"SHARD_COUNT is not set", "0-3"}},
		{"ordinal without count", env{"SHARD_ID": "ordinal", "POD_NAME": "b-0"}, []string{"SHARD_COUNT is not set"}},
		{"id and ids", env{"SHARD_COUNT": "4", "SHARD_ID": "1", "SHARD_IDS": "2"}, []string{"SHARD_ID ", "SHARD_IDS", "one of them"}},
		{"count is not a number", env{"SHARD_COUNT": "many"}, []string{"SHARD_COUNT", `"many"`}},
		{"negative count", env{"SHARD_COUNT": "-1"}, []string{"SHARD_COUNT", `"-1"`}},
		{"signed count", env{"SHARD_COUNT": "+4"}, []string{"SHARD_COUNT", `"+4"`}},
		{"fractional count", env{"SHARD_COUNT": "1.5"}, []string{"SHARD_COUNT", `"1.5"`}},
		{"huge count", env{"SHARD_COUNT": "100001"}, []string{"SHARD_COUNT", "100000"}},
		{"count beyond int", env{"SHARD_COUNT": "99999999999999999999"}, []string{"SHARD_COUNT"}},
		{"id with the recommended count", env{"SHARD_COUNT": "0", "SHARD_ID": "0"}, []string{"SHARD_COUNT is 0", "same number"}},
		{"ordinal with the recommended count", env{"SHARD_COUNT": "0", "SHARD_ID": "ordinal", "POD_NAME": "b-0"}, []string{"SHARD_COUNT is 0"}},
		{"id out of range", env{"SHARD_COUNT": "4", "SHARD_ID": "4"}, []string{"SHARD_ID", "no shard 4 of 4"}},
		{"negative id", env{"SHARD_COUNT": "4", "SHARD_ID": "-1"}, []string{"SHARD_ID", `"-1"`}},
		{"id is a list", env{"SHARD_COUNT": "4", "SHARD_ID": "0,1"}, []string{"SHARD_ID", `"0,1"`}},
		{"range out of range", env{"SHARD_COUNT": "4", "SHARD_IDS": "2-4"}, []string{"SHARD_IDS", "no shard 4 of 4"}},
		{"huge range", env{"SHARD_COUNT": "4", "SHARD_IDS": "0-2000000000"}, []string{"SHARD_IDS"}},
		{"backward range", env{"SHARD_COUNT": "4", "SHARD_IDS": "3-1"}, []string{"SHARD_IDS", "from 3 to 1"}},
		{"open range", env{"SHARD_COUNT": "4", "SHARD_IDS": "1-"}, []string{"SHARD_IDS", "0-3,7"}},
		{"two dashes", env{"SHARD_COUNT": "4", "SHARD_IDS": "0-1-2"}, []string{"SHARD_IDS", "1-2"}},
		{"empty part", env{"SHARD_COUNT": "4", "SHARD_IDS": "0,,1"}, []string{"SHARD_IDS", `""`}},
		{"twice", env{"SHARD_COUNT": "4", "SHARD_IDS": "0-2,1"}, []string{"SHARD_IDS", "shard 1 twice"}},
		{"ordinal without a name", env{"SHARD_COUNT": "4", "SHARD_ID": "ordinal"}, []string{"POD_NAME", "HOSTNAME"}},
		{"name without a number", env{"SHARD_COUNT": "4", "SHARD_ID": "ordinal", "HOSTNAME": "bot-7d9f"}, []string{"HOSTNAME", "bot-7d9f", "StatefulSet"}},
		{"pod out of range", env{"SHARD_COUNT": "4", "SHARD_ID": "ordinal", "POD_NAME": "bot-4"}, []string{"POD_NAME", "bot-4", "no shard is left"}},
		{"pod out of range, two each", env{"SHARD_COUNT": "4", "SHARD_ID": "ordinal", "POD_NAME": "bot-2", "SHARDS_PER_POD": "2"}, []string{"bot-2", "2 for each"}},
		{"huge pod", env{"SHARD_COUNT": "4", "SHARD_ID": "ordinal", "POD_NAME": "bot-99999999999999999999"}, []string{"POD_NAME"}},
		{"none per pod", env{"SHARD_COUNT": "4", "SHARD_ID": "ordinal", "POD_NAME": "bot-1", "SHARDS_PER_POD": "0"}, []string{"SHARDS_PER_POD"}},
		{"per pod is not a number", env{"SHARD_COUNT": "4", "SHARD_ID": "ordinal", "POD_NAME": "bot-1", "SHARDS_PER_POD": "x"}, []string{"SHARDS_PER_POD", `"x"`}},
		{"per pod without ordinal", env{"SHARD_COUNT": "4", "SHARD_ID": "1", "SHARDS_PER_POD": "2"}, []string{"SHARDS_PER_POD", "ordinal"}},
		{"per pod alone", env{"SHARDS_PER_POD": "2"}, []string{"SHARDS_PER_POD", "ordinal"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, _, _, err := shardenv.Read(getenv(tt.env))
			if err == nil {
				t.Fatal("it was accepted")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not name %q: %v", want, err)
				}
			}
		})
	}
}

func TestReadNothing(t *testing.T) {
	t.Parallel()
	for _, env := range []map[string]string{{}, {"SHARD_COUNT": " "}, {"POD_NAME": "bot-1", "HOSTNAME": "bot-1"}} {
		if count, ids, set, err := shardenv.Read(getenv(env)); set || err != nil {
			t.Errorf("%v: %d, %v, %v", env, count, ids, err)
		}
	}
}
