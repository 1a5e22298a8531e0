package metrics

import "github.com/prometheus/client_golang/prometheus"

// Observed says what the caches and debouncers of a program have done, by their names. Its
// functions must not block.
type Observed struct {
	Caches     func() map[string]Cache
	Debouncers func() map[string]Debouncer
}

// A Cache is what a cache has done.
type Cache struct {
	Hits, Misses      uint64
	Loads, LoadErrors uint64
	Entries, MaxSize  int
	Evictions         map[string]uint64 // by reason
}

// A Debouncer is what a debouncer has done.
type Debouncer struct {
	Triggers uint64
	Rejected uint64
	Runs     uint64
	Early    uint64
	Panics   uint64
}

type observed struct {
	Observed

	requests, entries, size, evictions, loads *prometheus.Desc
	calls, fires, early, rejected, panics     *prometheus.Desc
}

// NewObserved returns a Collector of caches and debouncers.
func NewObserved(namespace string, o Observed) prometheus.Collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(namespace+"_"+name, help, labels, nil)
	}
	return &observed{
		Observed: o,
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
		panics: desc("debounce_panics_total", "Callbacks that panicked.", "name"),
	}
}

// Describe implements prometheus.Collector.
func (o *observed) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{o.requests, o.entries, o.size, o.evictions, o.loads,
		o.calls, o.fires, o.early, o.rejected, o.panics} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (o *observed) Collect(ch chan<- prometheus.Metric) {
	out := Sink(ch)
	for name, s := range o.Caches() {
		out.Counter(o.requests, s.Hits, name, "hit")
		out.Counter(o.requests, s.Misses, name, "miss")
		out.Counter(o.loads, s.Loads-s.LoadErrors, name, "success")
		out.Counter(o.loads, s.LoadErrors, name, "error")
		out.Gauge(o.entries, float64(s.Entries), name)
		out.Gauge(o.size, float64(s.MaxSize), name)
		for reason, n := range s.Evictions {
			out.Counter(o.evictions, n, name, reason)
		}
	}
	for name, s := range o.Debouncers() {
		out.Counter(o.calls, s.Triggers, name)
		out.Counter(o.fires, s.Runs, name)
		out.Counter(o.early, s.Early, name)
		out.Counter(o.rejected, s.Rejected, name)
		out.Counter(o.panics, s.Panics, name)
	}
}
