package cluster_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/botwright/botwright/internal/cluster"
)

func upTo(n int) []int {
	ids := make([]int, n)
	for i := range ids {
		ids[i] = i
	}
	return ids
}

func loads(owners map[int]string) map[string]int {
	n := make(map[string]int)
	for _, owner := range owners {
		n[owner]++
	}
	return n
}

func TestAssign(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name       string
		shards     int
		candidates string // each letter is one
		capacity   int    // of the first one
		owners     map[int]string
		want       map[int]string
	}{
		{"nobody", 2, "", 0, nil, map[int]string{}},
		{"one has all", 3, "a", 0, nil, map[int]string{0: "a", 1: "a", 2: "a"}},
		{"evenly", 4, "ab", 0, nil, map[int]string{0: "a", 1: "b", 2: "a", 3: "b"}},
		{"the one more goes to who has it", 3, "ab", 0, map[int]string{0: "b", 1: "b", 2: "a"},
			map[int]string{0: "b", 1: "b", 2: "a"}},
		{"who joins is given shards", 4, "ab", 0, map[int]string{0: "a", 1: "a", 2: "a", 3: "a"},
			map[int]string{0: "a", 1: "a", 2: "b", 3: "b"}},
		{"who has gone leaves them", 4, "ab", 0, map[int]string{0: "a", 1: "z", 2: "b", 3: "z"},
			map[int]string{0: "a", 1: "a", 2: "b", 3: "b"}},
		{"a capacity", 4, "ab", 1, nil, map[int]string{0: "a", 1: "b", 2: "b", 3: "b"}},
		{"too little capacity", 3, "a", 2, nil, map[int]string{0: "a", 1: "a"}},
		{"fewer shards than processes", 1, "abc", 0, map[int]string{0: "c"}, map[int]string{0: "c"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			capacities := make(map[string]int)
			for i, c := range tt.candidates {
				capacities[string(c)] = 0
				if i == 0 {
					capacities[string(c)] = tt.capacity
				}
			}
			got := cluster.Assign(upTo(tt.shards), capacities, tt.owners)
			if !maps.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// TestAssignIsEvenAndStable checks that shares differ by one at most, that no more shards move than
// must, and that the result, once it is reached, is wanted again.
func TestAssignIsEvenAndStable(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 100).Draw(t, "shards")
		processes := rapid.IntRange(1, 12).Draw(t, "processes")
		capacities := make(map[string]int)
		for i := range processes {
			capacities[fmt.Sprintf("p%02d", i)] = 0
		}
		owners := make(map[int]string)
		for s := range n {
			if owner := rapid.IntRange(-3, processes+2).Draw(t, "owner"); owner >= 0 {
				owners[s] = fmt.Sprintf("p%02d", owner) // some are no process
			}
		}
		got := cluster.Assign(upTo(n), capacities, owners)
		after := loads(got)
		moved, least := 0, 0
		for s := range n {
			if got[s] == "" {
				t.Fatalf("shard %d has no owner", s)
			}
			if owners[s] != got[s] {
				moved++
			}
		}
		before := loads(owners)
		larger := n % processes
		has := make([]int, 0, processes)
		for p := range capacities {
			if after[p] != n/processes && after[p] != n/processes+1 {
				t.Errorf("%s has %d of %d", p, after[p], n)
			}
			has = append(has, before[p])
		}
		slices.Sort(has)
		slices.Reverse(has)
		least = n
		for i, h := range has { // the larger shares are best left to those who have the most
			share := n / processes
			if i < larger {
				share++
			}
			least -= min(h, share)
		}
		if moved != least {
			t.Errorf("%d shards move, %d must", moved, least)
		}
		if again := cluster.Assign(upTo(n), capacities, got); !maps.Equal(again, got) {
			t.Errorf("then %v\n is followed by %v", got, again)
		}
	})
}
