package memory_test

import (
	"runtime/debug"
	"testing"

	"github.com/botwright/botwright/internal/memory"
	"github.com/botwright/botwright/internal/resource"
)

func reading(u resource.Usage) func() resource.Usage { return func() resource.Usage { return u } }

func TestWhatCounts(t *testing.T) {
	full := resource.Usage{RSS: 190, Go: 210, Heap: 180, Live: 80, Outside: 10}
	untouched := resource.Usage{RSS: 60, Go: 210, Heap: 180, Live: 170, Outside: 10}
	tests := []struct {
		name  string
		limit memory.Limit
		usage resource.Usage
		want  int64
	}{
		{"garbage is no use of GOMEMLIMIT", memory.Limit{Max: 200, Source: memory.GOMEMLIMIT}, full, 90},
		{"garbage is use of a cgroup", memory.Limit{Max: 200, Source: memory.Cgroup}, full, 190},
		{"garbage is no use of an option", memory.Limit{Max: 200, Source: memory.Option}, full, 90},
		{"the collector minds what was never touched", memory.Limit{Max: 200, Source: memory.GOMEMLIMIT}, untouched, 180},
		{"an option does not", memory.Limit{Max: 200, Source: memory.Option}, untouched, 60},
		{"the kernel does not", memory.Limit{Max: 200, Source: memory.Cgroup}, untouched, 60},
		{"no limit", memory.Limit{}, full, 190},
		{"no limit, no RSS", memory.Limit{}, resource.Usage{Go: 7}, 7},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := memory.NewLimited(tt.limit, reading(tt.usage)).Read()
			if r.Used != tt.want || r.Limit != tt.limit {
				t.Errorf("%d of %+v, want %d", r.Used, r.Limit, tt.want)
			}
		})
	}
}

func TestHighHasHysteresis(t *testing.T) {
	used := int64(0)
	m := memory.New(memory.Config{Limit: -1, Warn: 1000,
		Read: func() resource.Usage { return resource.Usage{RSS: used} }})
	for i, step := range []struct {
		memory int64
		want   bool
	}{{0, false}, {999, false}, {1000, true}, {950, true}, {900, true}, {899, false}, {950, false}, {2000, true}} {
		used = step.memory
		if got := m.Read().High; got != step.want {
			t.Errorf("step %d: with %d bytes it is %v", i, step.memory, got)
		}
	}
}

func TestOneLimit(t *testing.T) {
	old := debug.SetMemoryLimit(1 << 30)
	defer debug.SetMemoryLimit(old)
	detected := memory.Detect()
	if detected.Max == 0 || detected.Max > 1<<30 {
		t.Fatalf("detected %+v", detected)
	}
	tests := []struct {
		name string
		cfg  memory.Config
		want memory.Limit
		warn int64
	}{
		{"detected", memory.Config{}, detected, detected.Max / 5 * 4},
		{"set", memory.Config{Limit: 100}, memory.Limit{Max: 100, Source: memory.Option}, 80},
		{"none", memory.Config{Limit: -1}, memory.Limit{}, memory.DefaultWarn},
		{"warned of earlier", memory.Config{Limit: 100, Warn: 5}, memory.Limit{Max: 100, Source: memory.Option}, 5},
	}
	for _, tt := range tests {
		m := memory.New(tt.cfg)
		if r := m.Read(); r.Limit != tt.want || r.Warn != tt.warn || m.Limit() != tt.want {
			t.Errorf("%s: limit %+v, warn %d; want %+v, %d", tt.name, r.Limit, r.Warn, tt.want, tt.warn)
		}
	}
}
