package bench_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/bep/debounce"

	"github.com/botwright/botwright"
)

// A minute is longer than any benchmark runs: these measure triggers, and nothing fires.
const debounceWait = time.Minute

// BenchmarkDebounce triggers keys that already wait.
func BenchmarkDebounce(b *testing.B) {
	fn := func() {}
	for _, n := range []int{1, 1_000, 100_000} {
		keys := snowflakes(n)
		b.Run(fmt.Sprintf("keys=%d/impl=botwright", n), func(b *testing.B) {
			d := botwright.NewDebouncer[string](botwright.DebouncerConfig{Wait: debounceWait})
			defer d.Close()
			benchDebounce(b, keys, func(key string) { d.Trigger(key, fn) })
		})
		b.Run(fmt.Sprintf("keys=%d/impl=bep", n), func(b *testing.B) {
			d := &bepByKey{debounced: make(map[string]func(func()))}
			benchDebounce(b, keys, func(key string) { d.Trigger(key, fn) })
		})
	}
}

// bepByKey is one bep/debounce function per key. It never forgets a key, as the library does not
// say when a function has nothing left to do.
type bepByKey struct {
	mu        sync.Mutex
	debounced map[string]func(func())
}

func (d *bepByKey) Trigger(key string, fn func()) {
	d.mu.Lock()
	call := d.debounced[key]
	if call == nil {
		call = debounce.New(debounceWait)
		d.debounced[key] = call
	}
	d.mu.Unlock()
	call(fn)
}

func benchDebounce(b *testing.B, keys []string, trigger func(key string)) {
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
