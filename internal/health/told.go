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

// Restore takes what an earlier process has told, before Run. What is still there is not told
// again, and what is over is told to be when its check has made sure.
func (m *Monitor) Restore(problems []Problem) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.restored = make(map[key]bool)
	for _, p := range problems {
		m.told[keyOf(p)] = p
		m.restored[keyOf(p)] = true
	}
}

// Announce notes that a problem was told by somebody else, so that Run does not tell it again.
func (m *Monitor) Announce(p Problem) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.told[keyOf(p)] = p
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
