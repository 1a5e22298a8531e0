package resource_test

import (
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/botwright/botwright/internal/memlimit"
	"github.com/botwright/botwright/internal/resource"
)

func TestRead(t *testing.T) {
	before := resource.Read()
	ballast := make([]byte, 64<<20)
	for i := 0; i < len(ballast); i += 512 {
		ballast[i] = 1
	}
	runtime.GC()
	after := resource.Read()
	runtime.KeepAlive(ballast)

	if grown := after.Heap - before.Heap; grown < 60<<20 {
		t.Errorf("64 MiB more, and the heap has grown by %d bytes", grown)
	}
	if after.Go < after.Heap {
		t.Errorf("Go has %d bytes and %d in objects", after.Go, after.Heap)
	}
	if after.GCs <= before.GCs {
		t.Errorf("a collection was not counted: %d, then %d", before.GCs, after.GCs)
	}
	if after.GCPause <= before.GCPause {
		t.Errorf("a collection took no time: %v, then %v", before.GCPause, after.GCPause)
	}
	if after.Goroutines < 2 {
		t.Errorf("%d goroutines", after.Goroutines)
	}
	if runtime.GOOS != "linux" {
		return
	}
	if after.RSS < 64<<20 {
		t.Errorf("64 MiB are in use, and RSS is %d bytes", after.RSS)
	}
	if after.UserCPU <= 0 || after.UserCPU < before.UserCPU || after.SystemCPU < before.SystemCPU {
		t.Errorf("CPU time %v and %v, then %v and %v",
			before.UserCPU, before.SystemCPU, after.UserCPU, after.SystemCPU)
	}
}

func TestMemory(t *testing.T) {
	if got := (resource.Usage{RSS: 3, Go: 2}).Memory(); got != 3 {
		t.Errorf("with RSS: %d", got)
	}
	if got := (resource.Usage{Go: 2}).Memory(); got != 2 {
		t.Errorf("without RSS: %d", got)
	}
}

func TestHighHasHysteresis(t *testing.T) {
	m := resource.NewMonitor(1000)
	for i, step := range []struct {
		memory int64
		want   bool
	}{{0, false}, {999, false}, {1000, true}, {950, true}, {900, true}, {899, false}, {950, false}, {2000, true}} {
		if got := m.High(step.memory); got != step.want {
			t.Errorf("step %d: with %d bytes it is %v", i, step.memory, got)
		}
	}
}

func TestLimitIsThatOfTheProcess(t *testing.T) {
	old := debug.SetMemoryLimit(1 << 30)
	defer debug.SetMemoryLimit(old)
	limit, source, ok := memlimit.Detect()
	if !ok || limit > 1<<30 {
		t.Fatalf("detected %d, %q, %v", limit, source, ok)
	}
	want := resource.Limit{Max: limit, Source: source, Warn: limit / 5 * 4}
	if got := resource.NewMonitor(0).Limit(); got != want {
		t.Errorf("limit %+v, want %+v", got, want)
	}
	want.Warn = 5
	if got := resource.NewMonitor(5).Limit(); got != want {
		t.Errorf("limit %+v, want %+v", got, want)
	}
}
