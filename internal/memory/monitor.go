// Package memory judges how much of its memory a process has used up, and gives up caches before
// it runs out.
//
// One [Monitor] answers everybody: the guard, the health check, reports, metrics and the page. It
// has one [Limit], and what counts against it depends on who set it:
//
//   - A cgroup's limit is enforced by the kernel, so RSS counts, garbage included.
//   - GOMEMLIMIT is enforced by the collector, so what it cannot free counts: the heap that the
//     last collection found alive, stacks, and the runtime's own memory.
//   - WithMemoryLimit is a wish. The same counts, but no more than RSS: pages that were asked for
//     and never touched, such as the windows of decompressors, cost the machine nothing.
//
// # The guard
//
// A [Guard] is in one of three states:
//
//   - calm: less than the first step is used.
//   - shrinking: a step is reached. Each look gives up a share of the caches.
//   - resigned: a step is reached, and what was given up last brought nothing. Nothing is given up
//     until use has grown by Margin of the limit or the next step is reached: a process whose
//     caches are not what takes the memory keeps them, and their hits.
//
// Collections are forced only to learn what would otherwise not be known: when what was allocated
// since the last one decides about a step and no collection has happened since the last look, and
// around a shrink.
package memory

import (
	"sync"

	"github.com/botwright/botwright/internal/resource"
)

// Config configures a Monitor.
type Config struct {
	Limit int64 // in bytes; 0 for what can be detected, negative for none
	Warn  int64 // from how many bytes on use is high; 0 for the default

	// Read measures the process. Default: resource.Read.
	Read func() resource.Usage
}

// DefaultWarn is from where on use is high when nothing limits it: 500 MiB, with which a bot of a
// thousand guilds does well and a leak is noticed in time.
const DefaultWarn = 500 << 20

// A Monitor compares the memory of the process with its limit. Its methods may be called from any
// goroutine.
type Monitor struct {
	cfg    Config
	detect sync.Once

	limit Limit // since detect
	warn  int64

	mu   sync.Mutex
	high bool
}

// New returns a Monitor. It does no I/O.
func New(cfg Config) *Monitor {
	if cfg.Read == nil {
		cfg.Read = resource.Read
	}
	return &Monitor{cfg: cfg}
}

// Limit returns the limit. It is looked for once.
func (m *Monitor) Limit() Limit {
	m.detect.Do(func() {
		switch {
		case m.cfg.Limit > 0:
			m.limit = Limit{m.cfg.Limit, Option}
		case m.cfg.Limit == 0:
			m.limit = Detect()
		}
		switch {
		case m.cfg.Warn > 0:
			m.warn = m.cfg.Warn
		case m.limit.Max > 0:
			m.warn = m.limit.Max / 5 * 4 // which leaves time to act
		default:
			m.warn = DefaultWarn
		}
	})
	return m.limit
}

// A Reading is what the process uses, and how that compares with its limit.
type Reading struct {
	resource.Usage
	Limit Limit
	Used  int64 // what counts against the limit; RSS without one
	Warn  int64 // from where on it is high
	High  bool
}

// Share returns which part of the limit is used, 0 without a limit.
func (r Reading) Share() float64 {
	if r.Limit.Max == 0 {
		return 0
	}
	return float64(r.Used) / float64(r.Limit.Max)
}

// Read measures the process, which takes some microseconds and does not stop the program.
func (m *Monitor) Read() Reading {
	r := Reading{Usage: m.cfg.Read(), Limit: m.Limit(), Warn: m.warn}
	r.Used = r.Limit.counts(r.Usage, r.Alive())
	r.High = m.isHigh(r.Used)
	return r
}

// counts returns what of a usage counts against the limit, if alive is what cannot be freed.
func (l Limit) counts(u resource.Usage, alive int64) int64 {
	switch l.Source {
	case GOMEMLIMIT:
		return alive
	case Option:
		return min(alive, u.Resident())
	}
	return u.Resident()
}

// isHigh is true from the limit on, and false again a tenth below it: a process on the edge is
// told of once.
func (m *Monitor) isHigh(used int64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case used >= m.warn:
		m.high = true
	case used < m.warn/10*9:
		m.high = false
	}
	return m.high
}
