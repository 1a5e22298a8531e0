// Package resource tells what the process uses of the machine.
package resource

import (
	"bytes"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"sync"
	"time"

	"github.com/botwright/botwright/internal/memlimit"
)

// A Usage is what the process uses. What the system does not tell is 0.
type Usage struct {
	RSS        int64 // memory in RAM, in bytes; from /proc, so on Linux
	Go         int64 // memory that Go has from the system, which GOMEMLIMIT is about
	Heap       int64 // of it objects, live or not yet swept
	Goroutines int
	GCs        uint64        // collections so far
	GCPause    time.Duration // for which they have stopped the program
	UserCPU    time.Duration // not on Windows
	SystemCPU  time.Duration
}

// Memory returns what is compared with a limit: RSS where it is known, else Go.
func (u Usage) Memory() int64 {
	if u.RSS > 0 {
		return u.RSS
	}
	return u.Go
}

// Read measures the process. It takes some microseconds and does not stop the program.
func Read() Usage {
	samples := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/sched/goroutines:goroutines"},
	}
	metrics.Read(samples)
	var gc debug.GCStats
	debug.ReadGCStats(&gc)
	u := Usage{
		RSS:        rss(),
		Go:         int64(samples[0].Value.Uint64() - samples[1].Value.Uint64()),
		Heap:       int64(samples[2].Value.Uint64()),
		Goroutines: int(samples[3].Value.Uint64()),
		GCs:        uint64(gc.NumGC),
		GCPause:    gc.PauseTotal,
	}
	u.UserCPU, u.SystemCPU = cpu()
	return u
}

// rss reads the second field of /proc/self/statm, which counts pages.
func rss() int64 {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(b)
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}

// DefaultMaxMemory is above which memory is high when nothing limits it: 500 MiB, with which a
// bot of a thousand guilds does well and a leak is noticed in time.
const DefaultMaxMemory = 500 << 20

// A Monitor compares the memory of the process with a limit. Its methods may be called from any
// goroutine.
type Monitor struct {
	once  sync.Once
	limit Limit

	mu   sync.Mutex
	high bool
}

// A Limit is on the memory of the process.
type Limit struct {
	Max    int64  // what the process may use, in bytes; 0 if nothing says so
	Source string // who says so
	Warn   int64  // above which memory is high
}

// NewMonitor returns a Monitor that takes memory for high above warn bytes. If warn is 0, that is
// 80 % of what the process may use, which leaves time to act, or DefaultMaxMemory. It does no I/O.
func NewMonitor(warn int64) *Monitor { return &Monitor{limit: Limit{Warn: warn}} }

// Limit returns the limit, which is looked for once.
func (m *Monitor) Limit() Limit {
	m.once.Do(func() {
		limit, source, ok := memlimit.Detect()
		m.limit.Max, m.limit.Source = limit, source
		switch {
		case m.limit.Warn > 0:
		case ok:
			m.limit.Warn = limit / 5 * 4
		default:
			m.limit.Warn = DefaultMaxMemory
		}
	})
	return m.limit
}

// High reports whether memory is high. It is from the limit on, and is no more when a tenth below
// the limit is reached: a process on the edge is to be reported once.
func (m *Monitor) High(memory int64) bool {
	warn := m.Limit().Warn
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case memory >= warn:
		m.high = true
	case memory < warn/10*9:
		m.high = false
	}
	return m.high
}
