package gateway

import "maps"

// Add adds the counters of another shard's status. All else stays.
func (s *Status) Add(o Status) {
	s.Events += o.Events
	s.Duplicates += o.Duplicates
	s.Malformed += o.Malformed
	s.Identifies += o.Identifies
	s.Resumes += o.Resumes
	s.Losses += o.Losses
	s.FailedDials += o.FailedDials
	s.Throttled += o.Throttled
	s.Disconnects = sum(s.Disconnects, o.Disconnects)
	s.Commands = sum(s.Commands, o.Commands)
}

// sum returns a new map with the sums of both.
func sum(a, b map[int]uint64) map[int]uint64 {
	total := maps.Clone(a)
	if total == nil {
		total = make(map[int]uint64, len(b))
	}
	for k, n := range b {
		total[k] += n
	}
	return total
}
