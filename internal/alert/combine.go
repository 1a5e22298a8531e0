package alert

import (
	"slices"

	"github.com/botwright/botwright/internal/health"
)

// Split divides a notice into what other processes of the bot have to tell, too, and what is about
// this one alone: problems of shards and of the checks with the given names, and the others.
func Split(n health.Notice, shared ...string) (common, own health.Notice) {
	isCommon := func(p health.Problem) bool {
		return len(p.Shards) > 0 || slices.Contains(shared, p.Check)
	}
	isOwn := func(p health.Problem) bool { return !isCommon(p) }
	common, own = n, n
	common.Problems = slices.DeleteFunc(slices.Clone(n.Problems), isOwn)
	common.Open = slices.DeleteFunc(slices.Clone(n.Open), isOwn)
	own.Problems = slices.DeleteFunc(slices.Clone(n.Problems), isCommon)
	return common, own
}

// Combine makes one notice of those that processes have about their shards, of which there are
// total. All are of one kind.
func Combine(notices []health.Notice, total int) health.Notice {
	var all health.Notice
	for _, n := range notices {
		all.Kind = n.Kind
		if n.Time.After(all.Time) {
			all.Time = n.Time
		}
		all.Problems = append(all.Problems, n.Problems...)
		all.Open = append(all.Open, n.Open...)
	}
	all.Problems, all.Open = combine(all.Problems, total), combine(all.Open, total)
	return all
}

func combine(problems []health.Problem, total int) []health.Problem {
	groups := health.Group(problems)
	for i := range groups {
		p := &groups[i]
		slices.Sort(p.Shards)
		p.Shards = slices.Compact(p.Shards)
		if p.TotalShards > 0 {
			p.TotalShards = max(p.TotalShards, total)
		}
	}
	return groups
}
