package memory_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/botwright/botwright/internal/memory"
	"github.com/botwright/botwright/internal/resource"
)

// A process is one whose memory a test makes up, in percent of its limit.
type process struct {
	other, cache, garbage int64 // what is alive and is not the cache's, the cache, and what is dead
	allocated             int64 // since the last collection; it will turn out to be alive
	gcs                   uint64
	shrinks               []float64
	logs                  bytes.Buffer
}

func (p *process) usage() resource.Usage {
	live := p.other + p.cache
	heap := live + p.allocated + p.garbage
	return resource.Usage{RSS: heap, Go: heap, Heap: heap, Live: live, GCs: p.gcs}
}

func (p *process) collect() {
	p.gcs++
	p.other += p.allocated
	p.allocated, p.garbage = 0, 0
}

func (p *process) shrink(share float64) int {
	p.shrinks = append(p.shrinks, share)
	freed := int64(float64(p.cache) * share)
	p.cache -= freed
	p.garbage += freed
	return int(freed)
}

func (p *process) guard(source string) *memory.Guard {
	return memory.NewGuard(memory.GuardConfig{
		Monitor: memory.NewLimited(memory.Limit{Max: 100, Source: source}, p.usage),
		Shrink:  p.shrink, Collect: p.collect,
		Logger: slog.New(slog.NewTextHandler(&p.logs, nil)),
	})
}

func (p *process) lines() int { return strings.Count(p.logs.String(), "\n") }

func TestGuardShrinksCaches(t *testing.T) {
	p := &process{other: 20, cache: 62}
	g := p.guard(memory.Option)
	g.Look()
	if s := g.Pressure(); s.Used != 67 || s.Level != 0 || s.Shrinks != 1 || s.Entries != 15 {
		t.Errorf("%+v", s)
	}
	p.other = 46 // 93 with the cache
	g.Look()
	p.other = 75 // 98
	g.Look()
	if s := g.Pressure(); s.Used != 75 || s.Shrinks != 3 || p.cache != 0 {
		t.Errorf("%+v, %d left in the cache", s, p.cache)
	}
	p.other = 10
	for range 7 {
		g.Look()
	}
	logs := p.logs.String()
	for _, want := range []string{"percent=80", "percent=90", "percent=95", "enough memory again"} {
		if strings.Count(logs, want) != 1 {
			t.Errorf("the log does not say %q once:\n%s", want, logs)
		}
	}
	if p.lines() != 4 {
		t.Errorf("more is said than what has changed:\n%s", logs)
	}
}

// A process whose caches are not what takes the memory keeps them.
func TestGuardResigns(t *testing.T) {
	for _, source := range []string{memory.Option, memory.GOMEMLIMIT, memory.Cgroup} {
		p := &process{other: 81, cache: 1}
		g := p.guard(source)
		for range 100 {
			g.Look()
		}
		if len(p.shrinks) != 1 || p.gcs > 2 || p.lines() != 2 {
			t.Errorf("%s: shrunk %v, %d collections:\n%s", source, p.shrinks, p.gcs, p.logs.String())
		}
		p.cache = 6 // 87: it has grown by a twentieth of the limit
		g.Look()
		if len(p.shrinks) != 2 {
			t.Errorf("%s: use has grown, and it does nothing", source)
		}
		p.other = 96
		g.Look()
		if len(p.shrinks) != 3 || p.cache != 0 {
			t.Errorf("%s: all is to be given up: %v", source, p.shrinks)
		}
	}
}

// With GOGC=off the heap is full of garbage most of the time.
func TestGuardForgivesGarbage(t *testing.T) {
	for _, source := range []string{memory.Option, memory.GOMEMLIMIT, memory.Cgroup} {
		p := &process{other: 40, cache: 5}
		g := p.guard(source)
		for range 100 {
			p.garbage = 50
			p.gcs += 3 // the runtime's own, in the meantime
			g.Look()
		}
		if len(p.shrinks) > 0 || p.lines() > 0 {
			t.Errorf("%s: shrunk %v:\n%s", source, p.shrinks, p.logs.String())
		}
		if source == memory.GOMEMLIMIT && p.gcs > 300 {
			t.Errorf("%d collections were forced", p.gcs-300)
		}
	}
}

// What was allocated since the last collection is not known to live. Where it decides, and the
// runtime does not collect, the guard does.
func TestGuardLearnsWhatLives(t *testing.T) {
	p := &process{other: 40, cache: 20, allocated: 25}
	g := p.guard(memory.Option)
	g.Look()
	if len(p.shrinks) != 1 {
		t.Errorf("85 %% are alive, and it is shrunk %v", p.shrinks)
	}
	if p.gcs != 2 {
		t.Errorf("%d collections, want one before and one after", p.gcs)
	}
}

func TestGuardWithoutLimit(t *testing.T) {
	p := &process{other: 1 << 40}
	g := memory.NewGuard(memory.GuardConfig{Monitor: memory.New(memory.Config{Limit: -1, Read: p.usage}),
		Shrink: p.shrink, Collect: p.collect, Logger: slog.New(slog.DiscardHandler)})
	g.Look()
	if len(p.shrinks) > 0 || p.gcs > 0 || g.Pressure() != (memory.Pressure{}) {
		t.Errorf("without a limit: %+v", g.Pressure())
	}
}
