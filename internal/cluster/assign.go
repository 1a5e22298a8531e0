package cluster

import (
	"cmp"
	"slices"
)

// A candidate can have shards.
type candidate struct {
	id       string
	capacity int // 0: any number
}

// assign returns who should own each shard. It depends on nothing but its arguments: every process
// with the same view comes to the same result. A shard stays where it is unless its owner is no
// candidate or has more than its share. Shards that do not fit into the capacities have no owner.
func assign(shards []int, candidates []candidate, owners map[int]string) map[int]string {
	wanted := make(map[int]string, len(shards))
	if len(candidates) == 0 {
		return wanted
	}
	candidates = slices.Clone(candidates)
	owned := make(map[string]int)
	for _, s := range shards {
		owned[owners[s]]++
	}
	// If shares differ by one, those are first who have the larger one or more. How much more does
	// not matter: it changes while shards are on their way, and the result must not.
	larger := len(shards)/len(candidates) + 1
	slices.SortFunc(candidates, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(min(owned[b.id], larger), min(owned[a.id], larger)),
			cmp.Compare(a.id, b.id))
	})
	room := shares(len(shards), candidates)
	var free []int
	for _, s := range shards {
		if owner := owners[s]; owner != "" && room[owner] > 0 {
			room[owner]--
			wanted[s] = owner
		} else {
			free = append(free, s)
		}
	}
	for len(free) > 0 {
		before := len(free)
		for _, c := range candidates {
			if room[c.id] > 0 && len(free) > 0 {
				room[c.id]--
				wanted[free[0]] = c.id
				free = free[1:]
			}
		}
		if len(free) == before { // the capacities are used up
			break
		}
	}
	return wanted
}

// shares returns how many of n shards each candidate should have: the same number for all, one
// more for the first ones if need be, and none above its capacity.
func shares(n int, candidates []candidate) map[string]int {
	share := make(map[string]int, len(candidates))
	for n > 0 {
		var open []candidate
		for _, c := range candidates {
			if c.capacity == 0 || share[c.id] < c.capacity {
				open = append(open, c)
			}
		}
		if len(open) == 0 {
			return share
		}
		each := max(n/len(open), 1)
		for _, c := range open {
			more := min(each, n)
			if c.capacity > 0 {
				more = min(more, c.capacity-share[c.id])
			}
			share[c.id] += more
			n -= more
		}
	}
	return share
}
