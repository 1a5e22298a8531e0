package session

import (
	"cmp"
	"slices"
)

// A Range is a range of sequence numbers: the first and the last one of it.
type Range = [2]int64

// MaxRanges is how many ranges a Position has at most. There are more only while thousands of
// handlers run and wait at once.
const MaxRanges = 1024

// A Position says which events of a session have been handled: those up to Sequence, and those in
// Handled, which is in ascending order and above Sequence.
type Position struct {
	Sequence int64
	Handled  []Range
}

// Has reports whether an event has been handled.
func (p Position) Has(seq int64) bool {
	if seq <= p.Sequence {
		return true
	}
	_, found := slices.BinarySearchFunc(p.Handled, seq, func(r Range, seq int64) int {
		switch {
		case seq < r[0]:
			return 1
		case seq > r[1]:
			return -1
		}
		return 0
	})
	return found
}

// newPosition returns the position at which the events of some ranges have been handled.
func newPosition(ranges []Range) Position {
	ranges = slices.DeleteFunc(ranges, func(r Range) bool { return r[0] > r[1] || r[1] < 1 })
	slices.SortFunc(ranges, func(a, b Range) int { return cmp.Compare(a[0], b[0]) })
	merged := ranges[:0]
	for _, r := range ranges {
		if n := len(merged); n > 0 && r[0] <= merged[n-1][1]+1 {
			merged[n-1][1] = max(merged[n-1][1], r[1])
		} else {
			merged = append(merged, r)
		}
	}
	var p Position
	if len(merged) > 0 && merged[0][0] <= 1 {
		p.Sequence, merged = merged[0][1], merged[1:]
	}
	p.Handled = longest(merged)
	return p
}

// longest leaves out the shortest ranges when there are too many: what they hold is handled again.
func longest(ranges []Range) []Range {
	if len(ranges) <= MaxRanges {
		return ranges
	}
	slices.SortStableFunc(ranges, func(a, b Range) int {
		return cmp.Compare(b[1]-b[0], a[1]-a[0])
	})
	ranges = ranges[:MaxRanges]
	slices.SortFunc(ranges, func(a, b Range) int { return cmp.Compare(a[0], b[0]) })
	return ranges
}
