package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// A Sink is where a collection of state goes.
type Sink chan<- prometheus.Metric

// Gauge sends a value that may go up and down.
func (s Sink) Gauge(d *prometheus.Desc, v float64, labels ...string) {
	s.send(d, prometheus.GaugeValue, v, labels)
}

// Counter sends a number that only grows.
func (s Sink) Counter(d *prometheus.Desc, n uint64, labels ...string) {
	s.send(d, prometheus.CounterValue, float64(n), labels)
}

// Seconds sends a time that only grows.
func (s Sink) Seconds(d *prometheus.Desc, v time.Duration, labels ...string) {
	s.send(d, prometheus.CounterValue, v.Seconds(), labels)
}

// Timestamp sends when something was, unless it has not been.
func (s Sink) Timestamp(d *prometheus.Desc, t time.Time, labels ...string) {
	if !t.IsZero() {
		s.Gauge(d, float64(t.UnixMilli())/1000, labels...)
	}
}

// Summary sends how often something was done and how long that took in all, with quantiles in
// seconds.
func (s Sink) Summary(
	d *prometheus.Desc, n uint64, sum time.Duration, quantiles map[float64]float64,
	labels ...string,
) {
	s <- prometheus.MustNewConstSummary(d, n, sum.Seconds(), quantiles, labels...)
}

func (s Sink) send(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels []string) {
	//nolint:promlinter // it wants the name here; the test of the catalogue lints it
	s <- prometheus.MustNewConstMetric(d, kind, v, labels...)
}
