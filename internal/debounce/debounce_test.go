package debounce_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/botwright/botwright/internal/debounce"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A debouncer is one whose callbacks do not care whether they are replaced.
type debouncer[K comparable] struct{ *debounce.Debouncer[K] }

func newDebouncer[K comparable](cfg debounce.Config) *debouncer[K] {
	return &debouncer[K]{debounce.New[K](cfg)}
}

func (d *debouncer[K]) Trigger(key K, fn func()) bool {
	return d.Debouncer.Trigger(key, fn, nil) != debounce.Refused
}

// A debounceLog records what ran and when.
type debounceLog struct {
	start time.Time
	mu    sync.Mutex
	got   []debounceCall
}

type debounceCall struct {
	ms   int // since the start
	name string
}

func newDebounceLog() *debounceLog { return &debounceLog{start: time.Now()} }

func (l *debounceLog) add(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.got = append(l.got, debounceCall{int(time.Since(l.start).Milliseconds()), name})
}

func (l *debounceLog) fn(name string) func() { return func() { l.add(name) } }

func (l *debounceLog) check(t *testing.T, want ...debounceCall) {
	t.Helper()
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.Equal(l.got, want) {
		t.Errorf("callbacks:\n got %v\nwant %v", l.got, want)
	}
}

// everyHalfSecond is a burst that never pauses for long: eleven triggers in five seconds.
func everyHalfSecond() (ms []int) {
	for i := range 11 {
		ms = append(ms, i*500)
	}
	return ms
}

func TestDebouncerTimeline(t *testing.T) {
	type config = debounce.Config
	tests := []struct {
		name     string
		cfg      config
		triggers []int // in ms; the n-th asks for callback "n"
		want     []debounceCall
	}{
		{"one trigger", config{}, []int{0}, []debounceCall{{1000, "0"}}},
		{
			"the last of a burst",
			config{},
			[]int{0, 500, 1200},
			[]debounceCall{{2200, "2"}},
		},
		{
			"two bursts",
			config{Wait: 200 * time.Millisecond},
			[]int{0, 100, 500},
			[]debounceCall{{300, "1"}, {700, "2"}},
		},
		{
			"a burst without end",
			config{},
			everyHalfSecond(),
			[]debounceCall{{6000, "10"}},
		},
		{
			"MaxWait",
			config{MaxWait: 2700 * time.Millisecond},
			everyHalfSecond(),
			[]debounceCall{{2700, "5"}, {5700, "10"}},
		},
		{
			"MaxWait below Wait",
			config{MaxWait: 100 * time.Millisecond},
			[]int{0, 500},
			[]debounceCall{{1000, "1"}},
		},
		{"Leading, one trigger", config{Leading: true}, []int{0}, []debounceCall{{0, "0"}}},
		{
			"Leading, a burst",
			config{Leading: true},
			[]int{0, 500, 800},
			[]debounceCall{{0, "0"}, {1800, "2"}},
		},
		{
			"Leading, two bursts",
			config{Leading: true},
			[]int{0, 500, 1500, 1600},
			[]debounceCall{{0, "0"}, {1500, "1"}, {1500, "2"}, {2600, "3"}},
		},
		{
			"Leading, MaxWait does not end the burst",
			config{Leading: true, MaxWait: 2700 * time.Millisecond},
			everyHalfSecond(),
			[]debounceCall{{0, "0"}, {3200, "6"}, {6000, "10"}},
		},
		{
			"LeadingOnly",
			config{LeadingOnly: true},
			[]int{0, 500, 1200, 2200},
			[]debounceCall{{0, "0"}, {2200, "3"}},
		},
		{
			"LeadingOnly, MaxWait ends the burst",
			config{LeadingOnly: true, MaxWait: 2700 * time.Millisecond},
			everyHalfSecond(),
			[]debounceCall{{0, "0"}, {3000, "6"}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDebouncer[string](tt.cfg)
				defer d.Close()
				log := newDebounceLog()
				for i, ms := range tt.triggers {
					time.Sleep(time.Until(log.start.Add(time.Duration(ms) * time.Millisecond)))
					synctest.Wait()
					if !d.Trigger("key", log.fn(fmt.Sprint(i))) {
						t.Error("Trigger reports false before Close")
					}
				}
				time.Sleep(time.Minute)
				log.check(t, tt.want...)
				if n := d.Len(); n != 0 {
					t.Errorf("Len is %d after all has run", n)
				}
				want := debounce.Stats{
					Triggers: uint64(len(tt.triggers)), Runs: uint64(len(tt.want)),
				}
				if got := d.Stats(); got != want {
					t.Errorf("Stats are %+v, want %+v", got, want)
				}
			})
		})
	}
}

func TestDebouncerKeysAreIndependent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDebouncer[int](debounce.Config{})
		defer d.Close()
		log := newDebounceLog()
		d.Trigger(1, log.fn("one"))
		time.Sleep(300 * time.Millisecond)
		d.Trigger(2, log.fn("two"))
		time.Sleep(300 * time.Millisecond)
		d.Trigger(1, log.fn("one again"))
		if n := d.Len(); n != 2 {
			t.Errorf("Len is %d, want 2", n)
		}
		time.Sleep(time.Minute)
		log.check(t, debounceCall{1300, "two"}, debounceCall{1600, "one again"})
	})
}

func TestDebouncerCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDebouncer[string](debounce.Config{})
		defer d.Close()
		log := newDebounceLog()
		if d.Cancel("key") {
			t.Error("Cancel of an unknown key reports true")
		}
		d.Trigger("key", log.fn("cancelled"))
		if !d.Cancel("key") || d.Cancel("key") {
			t.Error("Cancel must report true once")
		}
		if n := d.Len(); n != 0 {
			t.Errorf("Len is %d after Cancel", n)
		}
		time.Sleep(500 * time.Millisecond)
		d.Trigger("key", log.fn("anew"))
		time.Sleep(time.Minute)
		log.check(t, debounceCall{1500, "anew"})
	})
}

func TestDebouncerCancelEndsBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDebouncer[string](debounce.Config{Leading: true, MaxWait: time.Minute})
		defer d.Close()
		log := newDebounceLog()
		d.Trigger("key", log.fn("first"))
		log.check(t, debounceCall{0, "first"})
		if d.Cancel("key") {
			t.Error("Cancel reports a callback, but the only one has run")
		}
		d.Trigger("key", log.fn("first of the next burst"))
		log.check(t, debounceCall{0, "first"}, debounceCall{0, "first of the next burst"})
	})
}

func TestDebouncerCallbacksOfOneKeyDoNotOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDebouncer[string](debounce.Config{})
		defer d.Close()
		log := newDebounceLog()
		slow := func(name string) func() {
			return func() {
				log.add(name + " starts")
				time.Sleep(5 * time.Second)
				log.add(name + " ends")
			}
		}
		d.Trigger("key", slow("a"))
		time.Sleep(1500 * time.Millisecond) // a runs from 1 s to 6 s
		d.Trigger("key", slow("b"))
		time.Sleep(1500 * time.Millisecond) // b's turn came at 2.5 s
		d.Trigger("key", slow("c"))
		d.Trigger("other", log.fn("other"))
		time.Sleep(2500 * time.Millisecond) // c's came at 4 s and replaces b
		d.Trigger("key", slow("d"))
		if n := d.Len(); n != 2 {
			t.Errorf("Len is %d, want c and d", n)
		}
		time.Sleep(time.Minute)
		log.check(t,
			debounceCall{1000, "a starts"}, debounceCall{4000, "other"},
			debounceCall{6000, "a ends"}, debounceCall{6000, "c starts"},
			debounceCall{11000, "c ends"}, debounceCall{11000, "d starts"},
			debounceCall{16000, "d ends"})
	})
}

func TestDebouncerCancelWhileRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDebouncer[string](debounce.Config{})
		defer d.Close()
		log := newDebounceLog()
		d.Trigger("key", func() { time.Sleep(time.Minute); log.add("running") })
		time.Sleep(2 * time.Second)
		if d.Cancel("key") {
			t.Error("Cancel reports true for a running callback")
		}
		d.Trigger("key", log.fn("next"))
		time.Sleep(2 * time.Second) // its turn has come, but it has to wait
		if !d.Cancel("key") {
			t.Error("Cancel reports false for a callback that waits for a running one")
		}
		time.Sleep(2 * time.Minute)
		log.check(t, debounceCall{61000, "running"})
		if err := d.Flush(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestDebouncerFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDebouncer[string](debounce.Config{})
		defer d.Close()
		log := newDebounceLog()
		d.Trigger("running", func() { time.Sleep(3 * time.Second); log.add("running") })
		time.Sleep(2 * time.Second)
		d.Trigger("running", log.fn("after running"))
		d.Trigger("slow", func() { time.Sleep(time.Second); log.add("slow") })
		d.Trigger("quick", log.fn("quick"))
		if err := d.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := []debounceCall{
			{2000, "quick"}, {3000, "slow"}, {4000, "running"}, {4000, "after running"},
		}
		log.check(t, want...)
		if at := time.Since(log.start); at != 4*time.Second {
			t.Errorf("Flush returned at %v, want 4s", at)
		}
		d.Trigger("quick", log.fn("after Flush"))
		want = append(want, debounceCall{5000, "after Flush"})
		time.Sleep(time.Minute)
		log.check(t, want...) // nothing runs twice
	})
}

// Flush must end although there is always a callback running.
func TestDebouncerFlushWaitsForNothingLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDebouncer[int](debounce.Config{Wait: 100 * time.Millisecond})
		defer d.Close()
		start := time.Now()
		d.Trigger(0, func() { time.Sleep(time.Second) })
		go func() {
			for i := range 20 {
				time.Sleep(100 * time.Millisecond)
				d.Trigger(i+1, func() { time.Sleep(time.Second) })
			}
		}()
		for i := range 3 { // one Flush may begin while another one's callbacks are running
			if err := d.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(start); took > time.Duration(i+1)*time.Second {
				t.Errorf("Flush %d returned after %v", i, took)
			}
		}
	})
}

func TestDebouncerFlushDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDebouncer[string](debounce.Config{})
		defer d.Close()
		log := newDebounceLog()
		d.Trigger("key", func() { time.Sleep(time.Minute); log.add("slow") })
		gaveUp := errors.New("gave up")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, gaveUp)
		defer cancel()
		if err := d.Flush(ctx); !errors.Is(err, gaveUp) {
			t.Errorf("Flush returns %v, want it to wrap %v", err, gaveUp)
		}
		if err := d.Flush(t.Context()); err != nil {
			t.Errorf("Flush without a deadline: %v", err)
		}
		log.check(t, debounceCall{60_000, "slow"})
	})
}

func TestDebouncerClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDebouncer[string](debounce.Config{})
		log := newDebounceLog()
		d.Trigger("running", func() { time.Sleep(5 * time.Second); log.add("running") })
		time.Sleep(2 * time.Second)
		d.Trigger("running", log.fn("dropped"))
		time.Sleep(2 * time.Second) // its turn has come
		d.Trigger("waiting", log.fn("dropped"))
		d.Close()
		want := debounceCall{6000, "running"}
		log.check(t, want)
		if d.Trigger("late", log.fn("late")) {
			t.Error("Trigger reports true after Close")
		}
		if n := d.Len(); n != 0 {
			t.Errorf("Len is %d after Close", n)
		}
		if err := d.Flush(t.Context()); err != nil {
			t.Errorf("Flush after Close: %v", err)
		}
		d.Close()
		time.Sleep(time.Minute)
		log.check(t, want)
	})
}

func TestDebouncerPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newDebounceLog()
		d := newDebouncer[string](debounce.Config{
			OnPanic: func(key, value any, stack []byte) {
				log.add(fmt.Sprint(key, ": ", value))
				if !bytes.Contains(stack, []byte("TestDebouncerPanic")) {
					t.Errorf("the stack does not show the callback:\n%s", stack)
				}
			},
		})
		defer d.Close()
		d.Trigger("key", func() { panic("boom") })
		time.Sleep(2 * time.Second)
		d.Trigger("key", runtime.Goexit)
		time.Sleep(2 * time.Second)
		d.Trigger("key", log.fn("alive"))
		if err := d.Flush(t.Context()); err != nil {
			t.Error(err)
		}
		log.check(t, debounceCall{1000, "key: boom"}, debounceCall{4000, "alive"})
		if n := d.Stats().Panics; n != 1 {
			t.Errorf("Stats count %d panics, want 1", n)
		}
	})
}

func TestDebouncerFromInsideCallback(t *testing.T) {
	tests := []struct {
		name string
		call func(t *testing.T, d *debouncer[string], log *debounceLog)
		want []debounceCall
	}{
		{
			"Trigger",
			func(_ *testing.T, d *debouncer[string], log *debounceLog) {
				d.Trigger("self", log.fn("self"))
			},
			[]debounceCall{{1000, "inside"}, {1900, "other"}, {2000, "self"}},
		},
		{
			"Cancel",
			func(t *testing.T, d *debouncer[string], _ *debounceLog) {
				if d.Cancel("self") || !d.Cancel("other") {
					t.Error("Cancel must drop what waits, not what runs")
				}
			},
			[]debounceCall{{1000, "inside"}},
		},
		{
			"Flush",
			func(t *testing.T, d *debouncer[string], log *debounceLog) {
				d.Trigger("self", log.fn("self"))
				if err := d.Flush(t.Context()); err != nil {
					t.Error(err)
				}
				time.Sleep(100 * time.Millisecond)
				log.add("flushed")
			},
			[]debounceCall{
				{1000, "inside"}, {1000, "other"}, {1100, "flushed"}, {1100, "self"},
			},
		},
		{
			"Close",
			func(_ *testing.T, d *debouncer[string], log *debounceLog) {
				d.Trigger("self", log.fn("dropped"))
				d.Close()
				log.add("closed")
			},
			[]debounceCall{{1000, "inside"}, {1000, "closed"}},
		},
		{
			"Close and panic",
			func(_ *testing.T, d *debouncer[string], _ *debounceLog) {
				defer d.Close()
				panic("on the way out")
			},
			[]debounceCall{{1000, "inside"}, {1000, "on the way out"}},
		},
		{
			"Close deep in recursion",
			func(_ *testing.T, d *debouncer[string], log *debounceLog) {
				var descend func(depth int)
				descend = func(depth int) {
					if depth == 0 {
						d.Close()
						return
					}
					descend(depth - 1)
				}
				descend(200)
				log.add("closed")
			},
			[]debounceCall{{1000, "inside"}, {1000, "closed"}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log := newDebounceLog()
				var d *debouncer[string]
				d = newDebouncer[string](debounce.Config{
					OnPanic: func(_, value any, _ []byte) {
						d.Close() // as good a place as any other inside a callback
						log.add(value.(string))
					},
				})
				d.Trigger("self", func() { log.add("inside"); tt.call(t, d, log) })
				time.Sleep(900 * time.Millisecond)
				d.Trigger("other", log.fn("other"))
				time.Sleep(time.Minute)
				log.check(t, tt.want...)
				d.Close()
			})
		})
	}
}

// Two debouncers that close each other must not wait for each other.
func TestDebouncersCloseEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newDebouncer[int](debounce.Config{})
		b := newDebouncer[int](debounce.Config{})
		a.Trigger(1, func() { time.Sleep(time.Millisecond); b.Close() })
		b.Trigger(1, func() { time.Sleep(time.Millisecond); a.Close() })
		time.Sleep(time.Minute)
		a.Close()
		b.Close()
	})
}

func TestDebouncerMaxKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDebouncer[int](debounce.Config{MaxKeys: 2})
		defer d.Close()
		log := newDebounceLog()
		for i := range 4 {
			d.Trigger(i, log.fn(fmt.Sprint(i)))
			time.Sleep(100 * time.Millisecond)
		}
		d.Trigger(3, log.fn("3 again")) // no room needed
		if n := d.Len(); n != 2 {
			t.Errorf("Len is %d, want 2", n)
		}
		time.Sleep(time.Minute)
		log.check(t,
			debounceCall{200, "0"}, debounceCall{300, "1"},
			debounceCall{1200, "2"}, debounceCall{1400, "3 again"})
		if n := d.Stats().Early; n != 2 {
			t.Errorf("Stats count %d early runs, want 2", n)
		}
	})
}

func TestDebouncerMaxInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDebouncer[string](debounce.Config{MaxInFlight: 2, MaxKeys: 3})
		defer d.Close()
		log := newDebounceLog()
		slow := func(name string) func() {
			return func() { time.Sleep(10 * time.Second); log.add(name) }
		}
		for _, name := range []string{"a", "b", "c", "d", "e"} {
			d.Trigger(name, slow(name))
			time.Sleep(time.Second)
			synctest.Wait()
		}
		if n := d.Len(); n != 3 {
			t.Errorf("Len is %d, want the three that could not start", n)
		}
		if d.Trigger("f", slow("f")) {
			t.Error("Trigger takes a new key although callbacks hang and MaxKeys have piled up")
		}
		if !d.Cancel("c") {
			t.Error("Cancel does not reach a callback that could not start")
		}
		d.Trigger("d", slow("d again"))
		time.Sleep(time.Minute)
		log.check(t,
			debounceCall{11000, "a"}, debounceCall{12000, "b"},
			debounceCall{21000, "d again"}, debounceCall{22000, "e"})
		if n := d.Stats().Rejected; n != 1 {
			t.Errorf("Stats count %d rejected triggers, want 1", n)
		}
		if err := d.Flush(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// Many keys come up in one burst, in batches, and each has moved by then.
func TestDebouncerManyKeysAtOnce(t *testing.T) {
	const keys = 2_000
	synctest.Test(t, func(t *testing.T) {
		d := newDebouncer[int](debounce.Config{})
		defer d.Close()
		start := time.Now()
		ran := make([]atomic.Int64, keys) // when, in ms
		for _, delay := range []time.Duration{0, 400 * time.Millisecond} {
			time.Sleep(delay)
			for key := range keys {
				d.Trigger(key, func() { ran[key].Add(time.Since(start).Milliseconds()) })
				if key%500 == 0 {
					time.Sleep(time.Millisecond)
				}
			}
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		for key := range keys {
			// The second pass begins at 404 ms and pauses for 1 ms after keys 0, 500, 1,000 and 1,500.
			want := int64(1404 + (key+499)/500)
			if got := ran[key].Load(); got != want {
				t.Fatalf("key %d ran at %d ms, want once at %d ms", key, got, want)
			}
		}
	})
}

// Triggers from everywhere, in real time: each key's callbacks come in order and one at a time, and
// the last trigger is never lost, whatever else is going on.
func TestDebouncerConcurrentUse(t *testing.T) {
	const keys, triggers = 64, 2_000
	configs := map[string]debounce.Config{
		"trailing": {Wait: 50 * time.Microsecond},
		"leading":  {Wait: 50 * time.Microsecond, Leading: true},
		"MaxWait":  {Wait: 50 * time.Microsecond, MaxWait: 100 * time.Microsecond},
		"MaxKeys":  {Wait: 50 * time.Microsecond, MaxKeys: keys / 4},
	}
	for name, cfg := range configs {
		t.Run(name, func(t *testing.T) {
			d := newDebouncer[int](cfg)
			var last [keys]int // guarded by the debouncer itself: the race detector is the judge
			var wg sync.WaitGroup
			for key := range keys {
				wg.Go(func() {
					for i := 1; i <= triggers; i++ {
						d.Trigger(key, func() {
							if i <= last[key] {
								t.Errorf("key %d: callback %d after %d", key, i, last[key])
							}
							last[key] = i
						})
						if i%500 == 0 {
							runtime.Gosched()
						}
					}
				})
			}
			wg.Go(func() {
				for range 100 {
					if err := d.Flush(t.Context()); err != nil {
						t.Error(err)
					}
					_ = d.Stats()
				}
			})
			wg.Wait()
			if err := d.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			d.Close()
			for key, got := range last {
				if got != triggers {
					t.Errorf("key %d: last callback is %d, want %d", key, got, triggers)
				}
			}
		})
	}
}

// Close while triggers come in from everywhere: nothing runs after it has returned.
func TestDebouncerCloseUnderLoad(t *testing.T) {
	d := newDebouncer[int](debounce.Config{Wait: 10 * time.Microsecond, Leading: true})
	var closed atomic.Bool
	var wg sync.WaitGroup
	started := make(chan struct{}, 8)
	for worker := range cap(started) {
		wg.Go(func() {
			for i := 0; ; i++ {
				open := d.Trigger(worker*1_000+i%1_000, func() {
					if closed.Load() {
						t.Error("a callback runs after Close")
					}
				})
				if !open {
					return
				}
				if i == 500 {
					started <- struct{}{}
				}
			}
		})
	}
	for range cap(started) {
		<-started
	}
	d.Close()
	closed.Store(true)
	wg.Wait()
}

func TestDebouncerTriggerDoesNotAllocate(t *testing.T) {
	d := newDebouncer[string](debounce.Config{Wait: time.Hour})
	defer d.Close()
	fn := func() {}
	d.Trigger("key", fn)
	if n := testing.AllocsPerRun(1_000, func() { d.Trigger("key", fn) }); n != 0 {
		t.Errorf("a trigger of a waiting key allocates %v times", n)
	}
}

func TestDebouncerWaitsWithoutGoroutines(t *testing.T) {
	d := newDebouncer[int](debounce.Config{Wait: time.Hour})
	defer d.Close()
	before := runtime.NumGoroutine()
	for key := range 1_000 {
		d.Trigger(key, func() {})
	}
	if n := runtime.NumGoroutine(); n > before {
		t.Errorf("%d goroutines with 1,000 waiting keys, %d before", n, before)
	}
}

func TestDebouncerMemory(t *testing.T) {
	const count, budget = 100_000, 200
	keys := snowflakes(count)
	d := newDebouncer[string](debounce.Config{Wait: time.Hour})
	defer d.Close()
	fn := func() {}
	before := heapInUse()
	for _, key := range keys {
		d.Trigger(key, fn)
	}
	perKey := (heapInUse() - before) / count
	t.Logf("%d bytes per key", perKey)
	if perKey > budget {
		t.Errorf("%d bytes per waiting key, want at most %d", perKey, budget)
	}
	if err := d.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := heapInUse() - before; left > 1<<20 {
		t.Errorf("%d bytes are held after the last callback", left)
	}
	runtime.KeepAlive(keys)
}

// A key that fires again and again must not leave anything behind.
func TestDebouncerDoesNotGrow(t *testing.T) {
	const runs, budget = 20_000, 100_000
	d := newDebouncer[string](debounce.Config{Wait: time.Hour})
	defer d.Close()
	before := heapInUse()
	for range runs {
		d.Trigger("key", func() {})
		if err := d.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if grown := heapInUse() - before; grown > budget {
		t.Errorf("%d bytes more after %d runs", grown, runs)
	}
}

func heapInUse() int64 {
	runtime.GC()
	runtime.GC() // what the first one finalized
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
