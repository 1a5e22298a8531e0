package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/botwright/botwright/internal/memory"
)

// resources collects what the process uses. The names differ from those of the collectors for
// Go and the process in client_golang, so that both may be registered.
type resources struct {
	memory *memory.Monitor

	rss, goBytes, heap, live, used, limit, high *prometheus.Desc
	cpu, goroutines, gcs, gcPause               *prometheus.Desc
}

// NewResources returns a Collector of what the process uses, and of what memory says about it.
func NewResources(namespace string, memory *memory.Monitor) prometheus.Collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(namespace+"_resource_"+name, help, labels, nil)
	}
	return &resources{
		memory:  memory,
		rss:     desc("rss_bytes", "Memory of the process that is in RAM."),
		goBytes: desc("go_bytes", "Memory that Go has from the system."),
		heap:    desc("heap_bytes", "Memory in objects, live or not yet collected."),
		live: desc("live_bytes",
			"Memory in objects that the last garbage collection found in use."),
		used: desc("memory_used_bytes",
			"Memory that counts against the limit; see WithMemoryLimit."),
		limit: desc("memory_limit_bytes",
			"Memory that the process may use, by WithMemoryLimit, GOMEMLIMIT or its cgroup; left "+
				"out without a limit."),
		high: desc("memory_high",
			"1 if the process uses more memory than it is to; see ResourceConfig."),
		cpu:        desc("cpu_seconds_total", "CPU time of the process.", "mode"),
		goroutines: desc("goroutines", "Goroutines."),
		gcs:        desc("gc_cycles_total", "Garbage collections."),
		gcPause: desc("gc_pause_seconds_total",
			"Time for which garbage collections have stopped the program."),
	}
}

// Describe implements prometheus.Collector.
func (r *resources) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{r.rss, r.goBytes, r.heap, r.live, r.used, r.limit, r.high, r.cpu,
		r.goroutines, r.gcs, r.gcPause} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (r *resources) Collect(ch chan<- prometheus.Metric) {
	out, u, high := Sink(ch), r.memory.Read(), 0.0
	if u.High {
		high = 1
	}
	if u.RSS > 0 {
		out.Gauge(r.rss, float64(u.RSS))
	}
	out.Gauge(r.goBytes, float64(u.Go))
	out.Gauge(r.heap, float64(u.Heap))
	out.Gauge(r.live, float64(u.Live))
	out.Gauge(r.used, float64(u.Used))
	if u.Limit.Max > 0 {
		out.Gauge(r.limit, float64(u.Limit.Max))
	}
	out.Gauge(r.high, high)
	out.Seconds(r.cpu, u.UserCPU, "user")
	out.Seconds(r.cpu, u.SystemCPU, "system")
	out.Gauge(r.goroutines, float64(u.Goroutines))
	out.Counter(r.gcs, u.GCs)
	out.Seconds(r.gcPause, u.GCPause)
}
