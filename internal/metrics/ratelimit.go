package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	limits "github.com/botwright/botwright/internal/rest"
)

// rateLimits shows where requests stand in a transport that keeps to Discord's limits.
type rateLimits struct {
	stats                          func() limits.Stats
	tokens, buckets, waits, blocks *prometheus.Desc
}

// NewRateLimits returns a Collector of what a transport says when Prometheus asks.
func NewRateLimits(namespace string, stats func() limits.Stats) prometheus.Collector {
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc(namespace+"_"+name, help, nil, nil)
	}
	return &rateLimits{
		stats:   stats,
		tokens:  desc("rest_global_tokens", "Requests that the global limit allows at this moment."),
		buckets: desc("rest_buckets", "Rate-limit buckets whose windows are kept track of."),
		waits:   desc("rest_waiting", "Requests that wait for a rate limit."),
		blocks: desc("rest_blocked_seconds",
			"Time until Cloudflare's block of this host is taken to end; 0 without one."),
	}
}

// Describe implements prometheus.Collector.
func (r *rateLimits) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{r.tokens, r.buckets, r.waits, r.blocks} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (r *rateLimits) Collect(ch chan<- prometheus.Metric) {
	out, st := Sink(ch), r.stats()
	out.Gauge(r.tokens, float64(st.Global))
	out.Gauge(r.buckets, float64(st.Buckets))
	out.Gauge(r.waits, float64(st.Waiting))
	out.Gauge(r.blocks, st.Blocked.Seconds())
}

// RESTWaited notes how long a request waited for rate limits before it was sent.
func (m *Metrics) RESTWaited(ctx context.Context, verb, name string, d time.Duration) {
	h := m.rest.waits.WithLabelValues(method(verb), m.rest.routes.bound([]byte(name)))
	m.traceID.observe(ctx, h, d)
}
