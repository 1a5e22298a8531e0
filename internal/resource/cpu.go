package resource

import (
	"sync"
	"time"
)

// A CPUMeter says how busy the process was of late. Its methods may be called from any goroutine.
type CPUMeter struct {
	mu      sync.Mutex // guards what follows
	since   time.Time  // zero: not started
	busy    time.Duration
	percent float64
}

// Start begins to measure.
func (m *CPUMeter) Start() {
	u := Read()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.since, m.busy = time.Now(), u.UserCPU+u.SystemCPU
}

// Percent returns the CPU time since the last call that is at least a second old, or since Start, in
// percent of one CPU. busy is what the process has used in all. Several callers share what one has
// measured less than a second ago.
func (m *CPUMeter) Percent(busy time.Duration) float64 {
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	took := now.Sub(m.since)
	if m.since.IsZero() || took < time.Second {
		return m.percent
	}
	m.percent = float64(busy-m.busy) / float64(took) * 100
	m.since, m.busy = now, busy
	return m.percent
}
