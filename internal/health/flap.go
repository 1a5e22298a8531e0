package health

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// calm is how long nothing may change until a check counts as steady again. What comes back
// sooner is held as flapping, and a shard that is down for as long meanwhile is told by itself.
const calm = 10 * time.Minute

// A flap is the flapping of one check; see the package comment for its states.
type flap struct {
	active  bool
	since   time.Time    // when the first problem of the unrest began
	changed time.Time    // when a problem began or ended last, or while active had another status
	ended   time.Time    // when one ended last
	returns int          // problems that began within calm of an end
	changes int          // problems that began
	shards  map[int]bool // that took part
	worst   Status
	message string // of the last problem
}

// note takes what a reading has changed.
func (f *flap) note(shard int, s *series, what change, now time.Time) {
	if what == same {
		return
	}
	f.settle(now)
	if f.shards == nil {
		f.since, f.shards = now, make(map[int]bool)
	}
	f.worst, f.message = worse(f.worst, s.worst), s.last.Message
	switch what {
	case began:
		f.begin(shard, !s.ended.IsZero() && now.Sub(s.ended) < calm)
	case ended:
		f.ended = now
	case grew, same:
		if !f.active {
			return
		}
	}
	f.changed = now
}

// begin notes that a series is a problem, for the first time lately or again.
func (f *flap) begin(shard int, again bool) {
	f.changes++
	if again && !f.shards[shard] {
		f.changes++ // the last time was before all this
	}
	f.shards[shard] = true
	if !f.ended.IsZero() {
		f.returns++
	}
	// One shard that comes back, or a second one that follows it, is not a single outage.
	f.active = f.active || again || f.returns > 1
}

// settle ends the unrest if nothing has changed for long enough.
func (f *flap) settle(now time.Time) {
	if f.shards != nil && now.Sub(f.changed) >= calm {
		*f = flap{}
	}
}

// covers reports whether a problem is part of the flapping rather than one of its own.
func (f *flap) covers(shard int, s *series, now time.Time) bool {
	return f.active && f.shards[shard] && now.Sub(s.since) < calm
}

// flapping returns the problem that stands for all that comes and goes. Its value is how many
// series are a problem now.
func (c *check) flapping() Problem {
	down := 0
	for _, s := range c.series {
		if s.problem() {
			down++
		}
	}
	p := Problem{
		Check: c.Name, Flapping: true, Status: c.flap.worst, Worst: c.flap.worst,
		TotalShards: c.shards(), Value: float64(down), Since: c.flap.since,
		Message: fmt.Sprintf("bad %d times since %s, last: %s", c.flap.changes,
			c.flap.since.UTC().Format("15:04 MST"), c.flap.message),
	}
	for _, shard := range slices.Sorted(maps.Keys(c.flap.shards)) {
		if shard != NoShard {
			p.Shards = append(p.Shards, shard)
		}
	}
	return p
}

func worse(a, b Status) Status {
	if b.Worse(a) {
		return b
	}
	return a
}
