package session_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/botwright/botwright/internal/session"
)

// at returns a position.
func at(sequence int64, handled ...session.Range) session.Position {
	return session.Position{Sequence: sequence, Handled: handled}
}

func checkPosition(t *testing.T, got, want session.Position) {
	t.Helper()
	if got.Sequence != want.Sequence || !slices.Equal(got.Handled, want.Handled) {
		t.Errorf("position %v, want %v", got, want)
	}
}

func TestTracker(t *testing.T) {
	t.Parallel()
	tr := session.NewTracker("s", at(0), 0)
	checkPosition(t, tr.Position(3), at(3)) // nobody wanted them
	pending := make(map[int64]*session.Event)
	for _, seq := range []int64{4, 6, 9, 7} { // 7 comes late
		e, isNew := tr.Begin(seq)
		if !isNew {
			t.Fatalf("%d counts as handled", seq)
		}
		pending[seq] = e
	}
	checkPosition(t, tr.Position(10), at(3, session.Range{5, 5}, session.Range{8, 8}, session.Range{10, 10}))
	checkPosition(t, tr.Position(8), at(3, session.Range{5, 5}, session.Range{8, 8})) // 9 has begun meanwhile
	pending[6].Hold()
	pending[6].Release()
	checkPosition(t, tr.Position(8), at(3, session.Range{5, 5}, session.Range{8, 8}))
	pending[6].Release()
	pending[7].Release()
	checkPosition(t, tr.Position(10), at(3, session.Range{5, 8}, session.Range{10, 10}))
	pending[4].Release()
	pending[9].Release()
	checkPosition(t, tr.Position(10), at(10))
}

// TestTrackerResumes goes on where an earlier process was killed.
func TestTrackerResumes(t *testing.T) {
	t.Parallel()
	earlier := at(10, session.Range{12, 20}, session.Range{22, 22})
	tr := session.NewTracker("s", earlier, 0)
	checkPosition(t, tr.Position(5), earlier) // nothing has come again yet
	var pending []*session.Event
	for seq := int64(6); seq <= 25; seq++ {
		e, isNew := tr.Begin(seq)
		if want := seq == 11 || seq == 21 || seq > 22; isNew != want {
			t.Errorf("event %d is new: %t", seq, isNew)
		}
		if isNew {
			pending = append(pending, e)
		}
	}
	checkPosition(t, tr.Position(25), earlier)
	pending[0].Release()
	checkPosition(t, tr.Position(25), at(20, session.Range{22, 22}))
	for _, e := range pending[1:] {
		e.Release()
	}
	checkPosition(t, tr.Position(25), at(25))
}

// TestTrackerOfState follows what State is fed with, beyond what an earlier process had fed it with.
func TestTrackerOfState(t *testing.T) {
	t.Parallel()
	tr := session.NewTracker("s", at(10), 12)
	check := func(received, want int64) {
		t.Helper()
		if got := tr.FedUpTo(received); got != want {
			t.Errorf("fed up to %d, want %d", got, want)
		}
	}
	check(10, 12)
	if tr.Feeds(12) || !tr.Feeds(13) {
		t.Error("State is not fed with what it has not seen, or with what it has")
	}
	check(14, 14) // nothing of interest
	tr.Feeding(15)
	tr.Feeding(18)
	check(20, 12)
	tr.Fed(15)
	check(20, 15)
	tr.Fed(18)
	check(20, 20)
	check(17, 18) // it was fed before the reader has noted that it was received
}

func TestNothingIsTracked(t *testing.T) {
	t.Parallel()
	var tr *session.Tracker
	e, isNew := tr.Begin(7)
	if e != nil || !isNew || tr.Session() != "" {
		t.Errorf("a nil Tracker tracks %v", e)
	}
	e.Hold()
	e.Release()
	tr.Feeding(7)
	tr.Fed(7)
	if !tr.Feeds(1) || tr.FedUpTo(7) != 0 {
		t.Error("a nil Tracker follows State")
	}
}

// TestPositionIsBounded has every other event pending: the longest ranges are kept.
func TestPositionIsBounded(t *testing.T) {
	t.Parallel()
	tr := session.NewTracker("s", at(0), 0)
	const n = 3 * session.MaxRanges
	for seq := int64(2); seq <= 2*n; seq += 2 {
		tr.Begin(seq)
	}
	p := tr.Position(2*n + 100)
	if len(p.Handled) != session.MaxRanges || p.Sequence != 1 {
		t.Fatalf("%d ranges above %d", len(p.Handled), p.Sequence)
	}
	if last := p.Handled[len(p.Handled)-1]; last != (session.Range{2*n + 1, 2*n + 100}) {
		t.Errorf("the longest range is not kept: the last one is %v", last)
	}
}

// TestTrackerModel compares a Tracker with a set of numbers, over processes that are killed.
func TestTrackerModel(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		handled := make(map[int64]bool)
		var saved session.Position
		for range 4 { // processes
			tr := session.NewTracker("s", saved, 0)
			open := make(map[int64]*session.Event)
			last := saved.Sequence
			for range rnd.IntN(60) {
				if e, ok := open[1+rnd.Int64N(max(last, 1))]; ok && rnd.IntN(2) == 0 {
					e.Release()
					for seq, o := range open {
						if o == e {
							handled[seq] = true
							delete(open, seq)
						}
					}
					continue
				}
				last++
				e, isNew := tr.Begin(last)
				if isNew && rnd.IntN(8) > 0 {
					open[last] = e
				} else {
					if isNew {
						e.Release()
					}
					handled[last] = true
				}
			}
			saved = tr.Position(last)
			for seq := int64(1); seq <= last; seq++ {
				if _, pending := open[seq]; saved.Has(seq) == pending {
					t.Fatalf("event %d, pending %t: position %v", seq, pending, saved)
				}
			}
			for seq := last + 1; seq < last+100; seq++ {
				if saved.Has(seq) != handled[seq] {
					t.Fatalf("event %d, handled %t, has not come again: %v", seq, handled[seq], saved)
				}
			}
		}
	}
}
