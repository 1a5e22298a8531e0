package ttl_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/botwright/botwright/internal/ttl"
)

// TestCacheAgreesWithModel runs random calls on a cache and on the plainest thing that does the
// same. One shard is held to the exact order of use, several to everything else.
func TestCacheAgreesWithModel(t *testing.T) {
	tests := []struct {
		maxSize, keys int
		sliding       bool
	}{
		{1, 3, false},
		{5, 9, false},
		{5, 9, true},
		{100, 150, true},
		{128, 200, false}, // two shards
		{300, 400, true},  // four
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%+v", tt), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				// Hidden in a struct, because rapid asks a *testing.T for its deadline, which
				// a bubble does not have.
				rapid.Check(struct{ testing.TB }{t}, func(t *rapid.T) {
					newModel(t, tt.maxSize, tt.keys, tt.sliding).run(t)
				})
			})
		})
	}
}

// model is the cache under test and what it must hold: entries from the oldest to the newest,
// expired ones until the cache says that it removed them.
type model struct {
	cache   *ttl.Cache[int, int]
	cfg     ttl.Config[int, int]
	exact   bool
	keys    int
	entries []modelEntry
	values  int // so that every value stored is another
	events  []event
}

type modelEntry struct {
	key, value int
	deadline   time.Time // zero is never
	ttl        time.Duration
}

type event struct {
	key, value int
	reason     ttl.Reason
}

func (e modelEntry) expired() bool { return !e.deadline.IsZero() && !time.Now().Before(e.deadline) }

func newModel(t *rapid.T, maxSize, keys int, sliding bool) *model {
	m := &model{keys: keys, exact: maxSize < 128}
	m.cfg = config(maxSize)
	m.cfg.Sliding = sliding
	m.cfg.OnEvict = func(key, value int, reason ttl.Reason) {
		m.events = append(m.events, event{key, value, reason})
	}
	m.cache = ttl.New(m.cfg)
	return m
}

func (m *model) run(t *rapid.T) {
	key := rapid.IntRange(0, m.keys-1)
	t.Repeat(map[string]func(*rapid.T){
		"Set":      func(t *rapid.T) { m.set(t, key.Draw(t, "key"), m.cfg.TTL) },
		"SetTTL":   func(t *rapid.T) { m.set(t, key.Draw(t, "key"), drawTTL(t)) },
		"GetOrSet": func(t *rapid.T) { m.getOrSet(t, key.Draw(t, "key")) },
		"Load":     func(t *rapid.T) { m.load(t, key.Draw(t, "key")) },
		"Get":      func(t *rapid.T) { m.get(t, key.Draw(t, "key")) },
		"Peek":     func(t *rapid.T) { m.peek(t, key.Draw(t, "key")) },
		"Delete":   func(t *rapid.T) { m.delete(t, key.Draw(t, "key")) },
		"fill": func(t *rapid.T) {
			for range key.Draw(t, "keys") / 2 {
				m.set(t, key.Draw(t, "key"), drawTTL(t))
			}
		},
		"DeleteFunc": func(t *rapid.T) {
			mod := rapid.IntRange(2, 5).Draw(t, "mod")
			n := m.cache.DeleteFunc(func(key, _ int) bool { return key%mod == 0 })
			m.removed(t, ttl.Deleted, n, func(e modelEntry) bool { return e.key%mod == 0 })
		},
		"Clear": func(t *rapid.T) {
			live := len(m.live())
			m.cache.Clear()
			m.removed(t, ttl.Deleted, live, func(modelEntry) bool { return true })
		},
		"Shrink": func(t *rapid.T) {
			share := rapid.SampledFrom([]float64{0, 0.1, 0.5, 1}).Draw(t, "share")
			live := len(m.live())
			n := m.cache.Shrink(share)
			if want := int(share*float64(live) + 0.5); n < want-1 || n > want+1 {
				t.Fatalf("Shrink(%v) of %d removed %d", share, live, n)
			}
			m.removed(t, ttl.Shrunk, n, nil)
		},
		"Sweep": func(t *rapid.T) {
			expired := len(m.entries) - len(m.live())
			n := m.cache.Sweep(rapid.IntRange(0, 10).Draw(t, "budget"))
			if n != len(m.events) || n > expired {
				t.Fatalf("Sweep removed %d of %d, %d events", n, expired, len(m.events))
			}
			m.apply(t)
		},
		"wait": func(t *rapid.T) {
			time.Sleep(time.Duration(rapid.IntRange(1, 40).Draw(t, "seconds")) * time.Second)
		},
		"": m.check,
	})
}

func drawTTL(t *rapid.T) time.Duration {
	seconds := rapid.SampledFrom([]int{-1, 1, 20, 60, 300}).Draw(t, "ttl")
	return time.Duration(seconds) * time.Second
}

func (m *model) set(t *rapid.T, key int, lifetime time.Duration) {
	m.values++
	m.cache.Set(key, m.values, lifetime)
	m.apply(t)
	m.push(key, m.values, lifetime)
}

func (m *model) getOrSet(t *rapid.T, key int) {
	m.values++
	got, loaded := m.cache.GetOrSet(key, m.values)
	m.lookedUp(t, key, got, loaded)
	if !loaded {
		m.push(key, m.values, m.cfg.TTL)
	}
}

func (m *model) load(t *rapid.T, key int) {
	m.values++
	fetched := false
	got, err := m.cache.Load(context.Background(), key, func(context.Context) (int, error) {
		fetched = true
		return m.values, nil
	})
	synctest.Wait() // for the OnEvict calls of the fetch
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	m.lookedUp(t, key, got, !fetched)
	if fetched {
		m.push(key, m.values, m.cfg.TTL)
	}
}

func (m *model) get(t *rapid.T, key int) {
	got, ok := m.cache.Get(key)
	m.lookedUp(t, key, got, ok)
}

// lookedUp checks the result of a call that uses key and, on a hit, makes it the newest.
func (m *model) lookedUp(t *rapid.T, key, got int, ok bool) {
	m.checkFound(t, key, got, ok)
	m.apply(t)
	if i := m.find(key); ok {
		e := m.entries[i]
		m.entries = slices.Delete(m.entries, i, i+1)
		if !m.cfg.Sliding {
			m.entries = append(m.entries, e)
			return
		}
		m.push(e.key, e.value, e.ttl)
	}
}

func (m *model) peek(t *rapid.T, key int) {
	got, ok := m.cache.Peek(key)
	m.checkFound(t, key, got, ok)
}

func (m *model) delete(t *rapid.T, key int) {
	i := m.find(key)
	live := i >= 0 && !m.entries[i].expired()
	if got := m.cache.Delete(key); got != live {
		t.Fatalf("Delete(%d) = %t, want %t", key, got, live)
	}
	m.apply(t)
	if m.find(key) >= 0 {
		t.Fatalf("Delete(%d) reported nothing", key)
	}
}

// removed checks a call that removed n live entries for reason: all those for which chosen is
// true, if it is not nil.
func (m *model) removed(t *rapid.T, reason ttl.Reason, n int, chosen func(modelEntry) bool) {
	for _, e := range m.events {
		if e.reason == reason {
			n--
		}
	}
	if n != 0 {
		t.Fatalf("%v: count and events differ by %d", reason, n)
	}
	m.apply(t)
	if chosen != nil && slices.ContainsFunc(m.live(), chosen) {
		t.Fatalf("%v: an entry is left", reason)
	}
}

// apply removes from the model what the cache reported, and checks that it was right to go.
func (m *model) apply(t *rapid.T) {
	for _, ev := range m.events {
		i := m.find(ev.key)
		if i < 0 || m.entries[i].value != ev.value {
			t.Fatalf("%+v: there is no such entry", ev)
		}
		if expired := m.entries[i].expired(); expired != (ev.reason == ttl.Expired) {
			t.Fatalf("%+v: expired is %t", ev, expired)
		}
		if ev.reason == ttl.Size && len(m.entries) != m.cfg.MaxSize {
			t.Fatalf("%+v: with %d entries of %d", ev, len(m.entries), m.cfg.MaxSize)
		}
		if (ev.reason == ttl.Size || ev.reason == ttl.Shrunk) && m.exact && i != 0 {
			t.Fatalf("%+v: %d entries are older", ev, i)
		}
		m.entries = slices.Delete(m.entries, i, i+1)
	}
	m.events = nil
}

func (m *model) push(key, value int, lifetime time.Duration) {
	e := modelEntry{key: key, value: value, ttl: lifetime}
	if lifetime >= 0 {
		e.deadline = time.Now().Add(lifetime)
	}
	m.entries = append(m.entries, e)
}

func (m *model) find(key int) int {
	return slices.IndexFunc(m.entries, func(e modelEntry) bool { return e.key == key })
}

// live returns the entries that have not expired, the newest first.
func (m *model) live() []modelEntry {
	var live []modelEntry
	for _, e := range slices.Backward(m.entries) {
		if !e.expired() {
			live = append(live, e)
		}
	}
	return live
}

// checkFound checks what a lookup returned before the model follows it.
func (m *model) checkFound(t *rapid.T, key, got int, ok bool) {
	i := m.find(key)
	live := i >= 0 && !m.entries[i].expired()
	if ok != live || ok && got != m.entries[i].value {
		t.Fatalf("lookup of %d = %d, %t; live is %t", key, got, ok, live)
	}
}

// check compares the whole cache with the model.
func (m *model) check(t *rapid.T) {
	live := m.live()
	if got := m.cache.Len(); got != len(live) {
		t.Fatalf("Len = %d, want %d", got, len(live))
	}
	if got := m.cache.Stats().Entries; got != len(m.entries) || got > m.cfg.MaxSize {
		t.Fatalf("%d entries, want %d, at most %d", got, len(m.entries), m.cfg.MaxSize)
	}
	var got, want [][2]int
	for key, value := range m.cache.All() {
		got = append(got, [2]int{key, value})
	}
	for _, e := range live {
		want = append(want, [2]int{e.key, e.value})
	}
	if !m.exact {
		byKey := func(a, b [2]int) int { return a[0] - b[0] }
		slices.SortFunc(got, byKey)
		slices.SortFunc(want, byKey)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("All = %v, want %v", got, want)
	}
	if len(m.events) > 0 {
		t.Fatalf("reading reported %+v", m.events)
	}
}
