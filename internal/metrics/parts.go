package metrics

import (
	"cmp"
	"runtime"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/botwright/botwright/internal/build"
)

// Parts is a prometheus.Collector of several others. One that panics costs its own metrics and no
// more.
type Parts struct {
	parts  []part
	errors *prometheus.CounterVec
}

type part struct {
	name string
	prometheus.Collector
}

// NewParts returns Parts without any.
func NewParts(namespace string) *Parts {
	return &Parts{errors: prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: namespace, Name: "instrumentation_errors_total",
		Help: "Collections of a part's metrics that panicked and were left out.",
	}, []string{"hook"})}
}

// Add makes c a part. It must not be called once p is registered.
func (p *Parts) Add(name string, c prometheus.Collector) {
	p.parts = append(p.parts, part{name, c})
	p.errors.WithLabelValues(name)
}

// Describe implements prometheus.Collector.
func (p *Parts) Describe(ch chan<- *prometheus.Desc) {
	for _, part := range p.parts {
		part.Describe(ch)
	}
	p.errors.Describe(ch)
}

// Collect implements prometheus.Collector.
func (p *Parts) Collect(ch chan<- prometheus.Metric) {
	for _, part := range p.parts {
		p.collect(part, ch)
	}
	p.errors.Collect(ch)
}

func (p *Parts) collect(one part, ch chan<- prometheus.Metric) {
	defer func() {
		if v := recover(); v != nil {
			p.errors.WithLabelValues(one.name).Inc()
		}
	}()
	one.Collect(ch)
}

// NewBuild returns a Collector that says what the program was built from.
func NewBuild(namespace string, v build.Version) prometheus.Collector {
	info := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info",
		Help: "1, with the versions that the program was built from.",
	}, []string{"botwright", "discordgo", "go"})
	info.WithLabelValues(cmp.Or(v.Botwright, "unknown"), cmp.Or(v.Discordgo, "unknown"),
		runtime.Version()).Set(1)
	return info
}
