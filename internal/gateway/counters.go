package gateway

import "maps"

// Add adds the counters of another shard's status. All else stays.
func (st *Status) Add(o Status) {
	st.Events += o.Events
	st.Duplicates += o.Duplicates
	st.Malformed += o.Malformed
	st.Identifies += o.Identifies
	st.Resumes += o.Resumes
	st.Losses += o.Losses
	st.FailedDials += o.FailedDials
	st.Throttled += o.Throttled
	st.Disconnects = sum(st.Disconnects, o.Disconnects)
	st.Commands = sum(st.Commands, o.Commands)
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
