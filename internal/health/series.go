package health

import "time"

// rules are the hysteresis.
type rules struct {
	failures, window, successes int
}

// A series is one thing that a check looks at, over time.
type series struct {
	reading   Reading // the last one
	last      Reading // the last bad one
	status    Status
	since     time.Time // when status was entered, or began to show
	badSince  time.Time // the first of the last run of bad readings
	ended     time.Time // when it was one last
	worst     Status    // of the problem so far
	confirmed bool      // the rules agree with status; else it is a first impression
	recent    uint64    // a bit per reading, the last one lowest: it was bad
	good      int       // good readings in a row
}

// problem reports whether the series is something to tell of.
func (s *series) problem() bool { return s.confirmed && s.status.bad() }

// unsettled reports whether the next reading may change the status.
func (s *series) unsettled() bool { return !s.confirmed || s.reading.Status.bad() != s.status.bad() }

// A change is what a reading does to a series.
type change int

const (
	same  change = iota
	began        // it has become a problem
	grew         // the problem has another status
	ended        // it is none any more
)

// record takes a reading.
func (s *series) record(r Reading, rules rules, now time.Time) change {
	before, problem := s.status, s.problem()
	s.note(r, now)
	switch {
	case r.Status.bad() && s.failures(rules.window) >= rules.failures:
		s.status, s.confirmed = r.Status, true
	case !r.Status.bad() && (!s.problem() || s.good >= rules.successes):
		s.status, s.confirmed = Healthy, true
	case before == "":
		s.status = r.Status
	}
	if s.status != before {
		s.since = now
		if s.status.bad() && !before.bad() {
			s.since = s.badSince
		}
	}
	switch {
	case s.problem() && !problem:
		s.worst = s.status
		return began
	case problem && !s.problem():
		s.ended = now
		return ended
	case problem && s.status != before:
		if s.status.Worse(s.worst) {
			s.worst = s.status
		}
		return grew
	}
	return same
}

func (s *series) note(r Reading, now time.Time) {
	if r.Status.bad() && !s.reading.Status.bad() {
		s.badSince = now
	}
	s.reading = r
	if r.Status.bad() {
		s.last = r
	}
	s.recent <<= 1
	s.good++
	if r.Status.bad() {
		s.recent |= 1
		s.good = 0
	}
}

// failures counts the bad ones among the last readings.
func (s *series) failures(window int) int {
	n := 0
	for i := range window {
		n += int(s.recent >> i & 1)
	}
	return n
}
