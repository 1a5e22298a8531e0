package resource_test

import (
	"runtime"
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"

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

func TestResident(t *testing.T) {
	if got := (resource.Usage{RSS: 3, Go: 2}).Resident(); got != 3 {
		t.Errorf("with RSS: %d", got)
	}
	if got := (resource.Usage{Go: 2}).Resident(); got != 2 {
		t.Errorf("without RSS: %d", got)
	}
}

func TestGarbageIsNotAlive(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	runtime.GC()
	before := resource.Read()
	for range 64 {
		sink = make([]byte, 1<<20)
	}
	after := resource.Read()
	if grown := after.Alive() - before.Alive(); grown > 16<<20 {
		t.Errorf("64 MiB of garbage, and %d bytes more are alive", grown)
	}
	if grown := after.Uncollected() - before.Uncollected(); grown < 48<<20 {
		t.Errorf("64 MiB were made, and only %d bytes more may be alive", grown)
	}
	if after.Alive() < after.Live || after.Uncollected() > after.Go {
		t.Errorf("%+v contradicts itself", after)
	}
}

var sink []byte

func TestCPUMeter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m resource.CPUMeter
		if p := m.Percent(time.Hour); p != 0 {
			t.Errorf("%v %% before the start", p)
		}
		m.Start()
		u := resource.Read()
		busy := u.UserCPU + u.SystemCPU
		check := func(after, used time.Duration, want float64) {
			t.Helper()
			time.Sleep(after)
			if got := m.Percent(busy + used); got < want-5 || got > want+5 { // Start and busy differ a little
				t.Errorf("%v %% CPU, want %v", got, want)
			}
		}
		check(0, 0, 0)
		check(2*time.Second, time.Second, 50)
		check(999*time.Millisecond, 9*time.Second, 50) // too soon
		check(time.Millisecond, 3*time.Second, 200)
	})
}
