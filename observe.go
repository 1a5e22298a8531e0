package botwright

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/botwright/botwright/internal/checks"
	"github.com/botwright/botwright/internal/metrics"
)

// ObserveCache shows a cache of the program in the bot's metrics and reports, under a name. stats
// is [TTLCache.Stats] of that cache, or anything else that must not block. It panics if the name
// is empty or taken, or stats is nil.
func (b *Bot) ObserveCache(name string, stats func() TTLCacheStats) {
	observe(&b.observed, &b.observed.caches, "ObserveCache", name, stats)
}

// ObserveDebouncer shows a debouncer of the program in the bot's metrics under a name. stats is
// [Debouncer.Stats] of that debouncer. The name "handlers" is that of the [Debounce] middleware of
// all handlers. It panics if the name is empty or taken, or stats is nil.
func (b *Bot) ObserveDebouncer(name string, stats func() DebouncerStats) {
	observe(&b.observed, &b.observed.debouncers, "ObserveDebouncer", name, stats)
}

// observed has the parts of a program whose figures a bot shows.
type observed struct {
	mu         sync.Mutex // guards what follows
	caches     map[string]func() TTLCacheStats
	debouncers map[string]func() DebouncerStats
}

func observe[S any](o *observed, in *map[string]func() S, method, name string, stats func() S) {
	if name == "" || stats == nil {
		panic(fmt.Sprintf("botwright: %s(%q): pass a name and a function", method, name))
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, taken := (*in)[name]; taken {
		panic(fmt.Sprintf("botwright: %s(%q): the name is taken: use another one", method, name))
	}
	if *in == nil {
		*in = make(map[string]func() S)
	}
	(*in)[name] = stats
}

// snapshot returns copies, so that no foreign function is called under the lock.
func (o *observed) snapshot() (map[string]func() TTLCacheStats, map[string]func() DebouncerStats) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return maps.Clone(o.caches), maps.Clone(o.debouncers)
}

// A CacheReport describes a cache that [Bot.ObserveCache] shows.
type CacheReport struct {
	Name     string  `json:"name"`
	Entries  int     `json:"entries"`
	MaxSize  int     `json:"max_size"`
	HitRatio float64 `json:"hit_ratio"` // from 0 to 1, since the start
}

// cacheReports returns those of all caches, by name.
func (b *Bot) cacheReports() []CacheReport {
	caches, _ := b.observed.snapshot()
	reports := make([]CacheReport, 0, len(caches))
	for _, name := range slices.Sorted(maps.Keys(caches)) {
		s := caches[name]()
		r := CacheReport{Name: name, Entries: s.Entries, MaxSize: s.MaxSize}
		if lookups := s.Hits + s.Misses; lookups > 0 {
			r.HitRatio = float64(s.Hits) / float64(lookups)
		}
		reports = append(reports, r)
	}
	return reports
}

// cacheSizes is the same for the check of caches.
func (b *Bot) cacheSizes() (sizes []checks.CacheSize) {
	for _, c := range b.cacheReports() {
		sizes = append(sizes, checks.CacheSize{Name: c.Name, Entries: c.Entries, MaxSize: c.MaxSize})
	}
	return sizes
}

// debouncerStats returns the figures of the Debounce middleware of all handlers.
func (b *Bot) debouncerStats() DebouncerStats {
	debouncers, sum := b.attachedDebouncers()
	for _, a := range debouncers {
		sum.add(a.debouncer.Stats())
	}
	return sum
}

// observedMetrics collects the figures of caches and debouncers.
type observedMetrics struct {
	observed *observed

	requests, entries, size, evictions, loads  *prometheus.Desc
	calls, fires, early, rejected, firesPanics *prometheus.Desc
}

func newObservedMetrics(namespace string, o *observed) *observedMetrics {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(namespace+"_"+name, help, labels, nil)
	}
	return &observedMetrics{
		observed: o,
		requests: desc("cache_requests_total", "Lookups in a cache.", "cache", "result"),
		entries:  desc("cache_entries", "Entries of a cache.", "cache"),
		size:     desc("cache_max_entries", "Entries that a cache has room for.", "cache"),
		evictions: desc("cache_evictions_total",
			"Entries that left a cache, by the reason.", "cache", "reason"),
		loads: desc("cache_loads_total",
			"Values fetched because they were not in a cache.", "cache", "result"),
		calls: desc("debounce_calls_total", "Triggers of a debouncer.", "name"),
		fires: desc("debounce_fires_total", "Callbacks that a debouncer has run.", "name"),
		early: desc("debounce_early_total",
			"Callbacks run before their turn because the debouncer was full.", "name"),
		rejected: desc("debounce_rejected_total",
			"Triggers that a debouncer has not taken because its callbacks hang.", "name"),
		firesPanics: desc("debounce_panics_total", "Callbacks that panicked.", "name"),
	}
}

// Describe implements prometheus.Collector.
func (m *observedMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.requests, m.entries, m.size, m.evictions, m.loads,
		m.calls, m.fires, m.early, m.rejected, m.firesPanics} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (m *observedMetrics) Collect(ch chan<- prometheus.Metric) {
	out := metrics.Sink(ch)
	caches, debouncers := m.observed.snapshot()
	for name, stats := range caches {
		s := stats()
		out.Counter(m.requests, s.Hits, name, "hit")
		out.Counter(m.requests, s.Misses, name, "miss")
		out.Counter(m.loads, s.Loads-s.LoadErrors, name, "success")
		out.Counter(m.loads, s.LoadErrors, name, "error")
		out.Gauge(m.entries, float64(s.Entries), name)
		out.Gauge(m.size, float64(s.MaxSize), name)
		for reason, n := range s.Evictions {
			out.Counter(m.evictions, n, name, reason.String())
		}
	}
	for name, stats := range debouncers {
		s := stats()
		out.Counter(m.calls, s.Triggers, name)
		out.Counter(m.fires, s.Runs, name)
		out.Counter(m.early, s.Early, name)
		out.Counter(m.rejected, s.Rejected, name)
		out.Counter(m.firesPanics, s.Panics, name)
	}
}
