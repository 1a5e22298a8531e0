package debounce_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/botwright/botwright/internal/debounce"
)

// A minute is longer than any benchmark runs: these measure triggers, and nothing fires.
const benchWait = time.Minute

var benchKeyCounts = []int{1, 1_000, 100_000}

func snowflakes(n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = strconv.Itoa(1_100_000_000_000_000_000 + i*4_194_304)
	}
	return keys
}

// shuffled returns the keys in an order that the cache cannot guess, as events arrive.
func shuffled(keys []string) []string {
	order := rand.New(rand.NewPCG(1, 2)).Perm(len(keys))
	out := make([]string, len(keys))
	for i, j := range order {
		out[i] = keys[j]
	}
	return out
}

// resetDebouncer is what one writes by hand: a timer per key that every trigger resets.
type resetDebouncer struct {
	wait   time.Duration
	mu     sync.Mutex
	timers map[string]*resetEntry
}

type resetEntry struct {
	timer *time.Timer
	fn    func()
}

func newResetDebouncer(wait time.Duration) *resetDebouncer {
	return &resetDebouncer{wait: wait, timers: make(map[string]*resetEntry)}
}

func (d *resetDebouncer) Trigger(key string, fn func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e := d.timers[key]; e != nil {
		e.fn = fn
		e.timer.Reset(d.wait)
		return
	}
	e := &resetEntry{fn: fn}
	d.timers[key] = e
	e.timer = time.AfterFunc(d.wait, func() {
		d.mu.Lock()
		delete(d.timers, key)
		fn := e.fn
		d.mu.Unlock()
		fn()
	})
}

func (d *resetDebouncer) Close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range d.timers {
		e.timer.Stop()
	}
}

// BenchmarkDebouncerTrigger triggers keys that already wait.
func BenchmarkDebouncerTrigger(b *testing.B) {
	fn := func() {}
	for _, n := range benchKeyCounts {
		keys := snowflakes(n)
		b.Run(fmt.Sprintf("keys=%d/impl=Debouncer", n), func(b *testing.B) {
			d := newDebouncer[string](debounce.Config{Wait: benchWait})
			defer d.Close()
			benchTrigger(b, keys, func(key string) { d.Trigger(key, fn) })
		})
		b.Run(fmt.Sprintf("keys=%d/impl=AfterFunc.Reset", n), func(b *testing.B) {
			d := newResetDebouncer(benchWait)
			defer d.Close()
			benchTrigger(b, keys, func(key string) { d.Trigger(key, fn) })
		})
	}
}

func benchTrigger(b *testing.B, keys []string, trigger func(key string)) {
	b.Helper()
	for _, key := range keys {
		trigger(key)
	}
	keys = shuffled(keys)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		trigger(keys[i])
		if i++; i == len(keys) {
			i = 0
		}
	}
}

// BenchmarkDebouncerParallel is the largest case above from all processors.
func BenchmarkDebouncerParallel(b *testing.B) {
	fn := func() {}
	keys := snowflakes(100_000)
	b.Run("impl=Debouncer", func(b *testing.B) {
		d := newDebouncer[string](debounce.Config{Wait: benchWait})
		defer d.Close()
		benchParallel(b, keys, func(key string) { d.Trigger(key, fn) })
	})
	b.Run("impl=AfterFunc.Reset", func(b *testing.B) {
		d := newResetDebouncer(benchWait)
		defer d.Close()
		benchParallel(b, keys, func(key string) { d.Trigger(key, fn) })
	})
}

func benchParallel(b *testing.B, keys []string, trigger func(key string)) {
	b.Helper()
	for _, key := range keys {
		trigger(key)
	}
	keys = shuffled(keys)
	b.ReportAllocs()
	b.SetParallelism(4)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			trigger(keys[i%len(keys)])
		}
	})
}

// BenchmarkDebouncerLife takes a fresh key from its trigger to the end of its callback.
func BenchmarkDebouncerLife(b *testing.B) {
	const batch = 1_000
	keys := snowflakes(batch)
	b.Run("impl=Debouncer", func(b *testing.B) {
		d := newDebouncer[string](debounce.Config{Wait: time.Millisecond})
		defer d.Close()
		benchLife(b, keys, func(key string, fn func()) { d.Trigger(key, fn) })
	})
	b.Run("impl=AfterFunc.Reset", func(b *testing.B) {
		d := newResetDebouncer(time.Millisecond)
		benchLife(b, keys, d.Trigger)
	})
}

func benchLife(b *testing.B, keys []string, trigger func(key string, fn func())) {
	b.Helper()
	b.ReportAllocs()
	var wg sync.WaitGroup
	for b.Loop() {
		wg.Add(len(keys))
		for _, key := range keys {
			trigger(key, wg.Done)
		}
		wg.Wait()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(keys)), "ns/key")
}
