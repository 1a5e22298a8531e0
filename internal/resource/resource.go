// Package resource tells what the process uses of the machine.
package resource

import (
	"bytes"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"time"
)

// A Usage is what the process uses. What the system does not tell is 0.
type Usage struct {
	RSS        int64 // memory in RAM, in bytes; from /proc, so on Linux
	Go         int64 // memory that Go has from the system, which GOMEMLIMIT is about
	Heap       int64 // of it objects, live or not yet collected
	Live       int64 // of those, what the last collection found to be in use; 0 before the first
	Outside    int64 // of Go stacks, and what the runtime needs for itself
	Goroutines int
	GCs        uint64        // collections so far
	GCPause    time.Duration // for which they have stopped the program
	UserCPU    time.Duration // not on Windows
	SystemCPU  time.Duration
}

// Resident returns RSS where it is known, else Go.
func (u Usage) Resident() int64 {
	if u.RSS > 0 {
		return u.RSS
	}
	return u.Go
}

// Alive returns what no collection can free, as of the last one. Garbage does not count: with
// GOGC=off and GOMEMLIMIT the heap fills up to the limit again and again, and all is well.
func (u Usage) Alive() int64 { return u.Live + u.Outside }

// Uncollected returns what Alive would be if all that was made since the last collection lived.
func (u Usage) Uncollected() int64 { return max(u.Heap, u.Live) + u.Outside }

// Read measures the process. It takes some microseconds and does not stop the program.
func Read() Usage {
	samples := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/sched/goroutines:goroutines"},
		{Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
	}
	metrics.Read(samples)
	bytesOf := func(i int) int64 { return int64(samples[i].Value.Uint64()) }
	var gc debug.GCStats
	debug.ReadGCStats(&gc)
	u := Usage{
		RSS:        rss(),
		Go:         bytesOf(0) - bytesOf(1),
		Heap:       bytesOf(2),
		Live:       bytesOf(4),
		Outside:    bytesOf(0) - bytesOf(1) - bytesOf(2) - bytesOf(5) - bytesOf(6),
		Goroutines: int(bytesOf(3)),
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
