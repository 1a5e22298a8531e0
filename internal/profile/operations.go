// Package profile measures operations, and captures what the process is doing.
package profile

import (
	"maps"
	"math"
	"math/bits"
	"slices"
	"strings"
	"sync"
	"time"
)

// Other is the name of the operations for which there was no room.
const Other = "other"

// Operations has statistics of operations by name, of at most a given number of names. Its
// methods may be called from any goroutine.
type Operations struct {
	limit int

	mu     sync.RWMutex // guards what follows
	byName map[string]*Operation
}

// NewOperations returns Operations with room for limit names.
func NewOperations(limit int) *Operations {
	return &Operations{limit: limit, byName: make(map[string]*Operation)}
}

// Get returns the operation of that name, or that named [Other] when there is no room for one
// more.
func (o *Operations) Get(name string) *Operation {
	o.mu.RLock()
	op := o.byName[name]
	o.mu.RUnlock()
	if op != nil {
		return op
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.byName[name] == nil && len(o.byName) >= o.limit-1 { // one is kept for Other
		name = Other
	}
	if op = o.byName[name]; op == nil {
		op = &Operation{Name: strings.Clone(name)}
		o.byName[op.Name] = op
	}
	return op
}

// Snapshot returns the statistics of all operations, by name.
func (o *Operations) Snapshot() []Stats {
	o.mu.RLock()
	names := slices.Sorted(maps.Keys(o.byName))
	ops := make([]*Operation, len(names))
	for i, name := range names {
		ops[i] = o.byName[name]
	}
	o.mu.RUnlock()
	stats := make([]Stats, len(ops))
	for i, op := range ops {
		stats[i] = op.Stats()
	}
	return stats
}

// Stats describes an operation. The percentiles are upper bounds, at most 7 % too high.
type Stats struct {
	Name           string
	Running        int    // calls that have not returned
	Count          uint64 // calls that have
	Errors         uint64 // of those, with an error or a panic
	Slow           uint64 // calls that have passed the threshold
	Total          time.Duration
	P50, P95, P99  time.Duration
	Max            time.Duration
	AllocatedBytes uint64 // by the whole process while it ran
}

// An Operation collects the statistics of one.
type Operation struct {
	Name string // not changed

	mu      sync.Mutex // guards what follows
	stats   Stats
	buckets [buckets]uint64
}

// Begin notes that a call has begun.
func (op *Operation) Begin() {
	op.mu.Lock()
	defer op.mu.Unlock()
	op.stats.Running++
}

// Slow notes that a call has passed the threshold.
func (op *Operation) Slow() {
	op.mu.Lock()
	defer op.mu.Unlock()
	op.stats.Slow++
}

// End notes that a call has returned: how long it took, how much was allocated and whether it
// failed.
func (op *Operation) End(took time.Duration, allocated uint64, failed bool) {
	op.mu.Lock()
	defer op.mu.Unlock()
	s := &op.stats
	s.Running--
	s.Count++
	if failed {
		s.Errors++
	}
	s.Total += took
	s.Max = max(s.Max, took)
	s.AllocatedBytes += allocated
	op.buckets[bucket(took)]++
}

// Stats returns a snapshot.
func (op *Operation) Stats() Stats {
	op.mu.Lock()
	defer op.mu.Unlock()
	s := op.stats
	s.Name = op.Name
	s.P50, s.P95, s.P99 = op.quantileLocked(50), op.quantileLocked(95), op.quantileLocked(99)
	return s
}

// quantileLocked returns a duration that percent of the calls did not exceed.
func (op *Operation) quantileLocked(percent uint64) time.Duration {
	rank := (op.stats.Count*percent + 99) / 100
	var seen uint64
	for i, n := range op.buckets {
		if seen += n; n > 0 && seen >= rank {
			return min(upperBound(i), op.stats.Max)
		}
	}
	return 0
}

// Durations are counted in units of 1024 ns, in buckets of which each power of two has 16: none
// is wider than a sixteenth of what is in it. The last one has what is over an hour.
const (
	perPower = 16
	buckets  = 29 * perPower
)

// bucket returns the index of the bucket that d belongs to.
func bucket(d time.Duration) int {
	v := uint64(max(d, 0)) >> 10
	shift := max(bits.Len64(v)-5, 0)
	return min(shift*perPower+int(v>>shift), buckets-1)
}

// upperBound returns the longest duration in bucket i.
func upperBound(i int) time.Duration {
	if i == buckets-1 {
		return math.MaxInt64
	}
	shift := max(i/perPower-1, 0)
	v := uint64(i-shift*perPower) + 1
	return time.Duration(v<<shift<<10) - 1
}
