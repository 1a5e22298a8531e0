package alert

import (
	"github.com/botwright/botwright/internal/health"
)

// A key names what a problem is with.
type key struct {
	check    string
	shard    int
	flapping bool
}

func keyOf(p health.Problem) key {
	k := key{p.Check, health.NoShard, p.Flapping}
	if len(p.Shards) > 0 && !p.Flapping {
		k.shard = p.Shards[0]
	}
	return k
}

// Coalesce makes few notices of many that were not told: of each problem the last one counts. What
// has come and gone meanwhile is told as resolved, and what is repeated was never told.
func Coalesce(notices []health.Notice) []health.Notice {
	if len(notices) < 2 {
		return notices
	}
	last := make(map[key]health.Kind)
	problems := make(map[key]health.Problem)
	var order []key
	for _, n := range notices {
		for _, p := range n.Problems {
			k := keyOf(p)
			kind, known := last[k]
			if !known {
				order = append(order, k)
			} else if problems[k].Worst.Worse(p.Worst) {
				p.Worst = problems[k].Worst
			}
			if n.Kind != health.Repeating || kind != health.Firing {
				last[k] = n.Kind
			}
			problems[k] = p
		}
	}
	byKind := make(map[health.Kind][]health.Problem)
	for _, k := range order {
		byKind[last[k]] = append(byKind[last[k]], problems[k])
	}
	newest := notices[len(notices)-1]
	var few []health.Notice
	for _, kind := range []health.Kind{
		health.Resolved, health.Firing, health.Repeating, health.Fatal,
	} {
		if len(byKind[kind]) > 0 && (kind != health.Repeating || len(few) == 0) {
			few = append(few, health.Notice{Kind: kind, Time: newest.Time,
				Problems: byKind[kind], Open: newest.Open})
		}
	}
	return few
}
