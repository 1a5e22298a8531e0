package health

import (
	"maps"
	"slices"
	"time"
)

// key names a series, or with flapShard the flapping of a check.
type key struct {
	check string
	shard int
}

const flapShard = -2

func keyOf(p Problem) key {
	switch {
	case p.Flapping:
		return key{p.Check, flapShard}
	case len(p.Shards) == 0:
		return key{p.Check, NoShard}
	}
	return key{p.Check, p.Shards[0]}
}

// Told returns the problems that were told and not told to be over, one per series, for
// [Monitor.Restore] in the next process.
func (m *Monitor) Told() []Problem {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Values(m.told))
}

// Restore takes what an earlier process has told, and when it told something last, before Run. What
// is still there is not told again before it is time to repeat it, and what is over is told to be
// when its check has made sure.
func (m *Monitor) Restore(problems []Problem, at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.restored, m.lastTold = make(map[key]bool), at
	for _, p := range problems {
		m.told[keyOf(p)] = p
		m.restored[keyOf(p)] = true
	}
}

// Announce tells at once, even in a quiet time, of a problem that no check has found and that stays
// until the end of the process.
func (m *Monitor) Announce(kind Kind, p Problem) {
	p.Since, p.First = time.Now(), true
	m.mu.Lock()
	if m.announced == nil {
		m.announced = make(map[key]Problem)
	}
	m.told[keyOf(p)], m.announced[keyOf(p)] = p, p
	n := Notice{Kind: kind, Time: p.Since, Problems: []Problem{p},
		Open: slices.Collect(maps.Values(m.told))}
	m.mu.Unlock()
	m.cfg.Notify(n)
	m.cfg.Report(m.Report())
}

// settledLocked reports whether the check knows how a series is.
func (m *Monitor) settledLocked(k key) bool {
	i := slices.IndexFunc(m.checks, func(c *check) bool { return c.Name == k.check })
	if i < 0 {
		return true // nobody looks at it any more
	}
	c := m.checks[i]
	if c.lastRun.IsZero() {
		return false
	}
	if k.shard == flapShard {
		return !slices.ContainsFunc(slices.Collect(maps.Values(c.series)), (*series).unsettled)
	}
	s := c.series[k.shard]
	return s == nil || !s.unsettled()
}

// overLocked returns until when a series of a check that flaps was a problem, and whether that is
// over for good.
func (m *Monitor) overLocked(k key, now time.Time) (until time.Time, over bool) {
	for _, c := range m.checks {
		if s := c.series[k.shard]; c.Name == k.check && s != nil {
			if s.problem() {
				return now, false
			}
			return s.ended, now.Sub(s.ended) >= calm
		}
	}
	return now, true
}
