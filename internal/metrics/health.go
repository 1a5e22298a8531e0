package metrics

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/botwright/botwright/internal/health"
)

// A Health says where the state of checks and alerts is that is read when Prometheus asks. Its
// functions must not block.
type Health struct {
	Report func() health.Report
	Alerts func() map[string]Alerts // by sink, of which there must be few

	// Storage counts what could not be written, by what it was.
	Storage func() map[string]uint64
}

// Alerts counts the alerts of a sink.
type Alerts struct {
	Sent, Failed uint64
}

// maxChecks is how many checks have series of their own. Checks are registered by the program,
// which has a few dozen at most unless it makes one per guild.
const maxChecks = 100

type healthMetrics struct {
	Health
	status, duration, alerts, storage *prometheus.Desc
}

// NewHealth returns a Collector of checks and alerts.
func NewHealth(namespace string, h Health) prometheus.Collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(namespace+"_"+name, help, labels, nil)
	}
	return &healthMetrics{
		Health: h,
		status: desc("health_check_status",
			"1 if the check is healthy, 0.5 if it is degraded, 0 if it is unhealthy; the worst of "+
				"the shards. Left out until the check has run.", "check"),
		duration: desc("health_check_duration_seconds",
			"Time that the last run of the check took.", "check"),
		alerts: desc("alerts_sent_total",
			"Attempts to tell an alert, or to edit the status message, by the kind of alerter and "+
				"whether it took it (sent) or had an error (failed). What failed is tried again.",
			"sink", "outcome"),
		storage: desc("storage_failures_total",
			"Writes that failed, as on a full disk, by what was to be written.", "store"),
	}
}

// Describe implements prometheus.Collector.
func (h *healthMetrics) Describe(ch chan<- *prometheus.Desc) {
	ch <- h.status
	ch <- h.duration
	ch <- h.alerts
	ch <- h.storage
}

// Collect implements prometheus.Collector.
func (h *healthMetrics) Collect(ch chan<- prometheus.Metric) {
	out := Sink(ch)
	status, duration := worstByLabel(h.Report().Checks)
	for label, v := range status {
		out.Gauge(h.status, v, label)
		out.Gauge(h.duration, duration[label], label)
	}
	for sink, n := range h.Alerts() {
		out.Counter(h.alerts, n.Sent, sink, "sent")
		out.Counter(h.alerts, n.Failed, sink, "failed")
	}
	for store, n := range h.Storage() {
		out.Counter(h.storage, n, store)
	}
}

// worstByLabel returns status and duration of the checks that have run. The first maxChecks are
// labeled with their names, all others with [Other]. Of checks with the same label, the lowest
// status and the longest duration count.
func worstByLabel(checks []health.CheckReport) (status, duration map[string]float64) {
	status, duration = make(map[string]float64), make(map[string]float64)
	for i, c := range checks { // in the order of registration, so that a label stays the same
		if c.Status == health.Pending {
			continue
		}
		label := Other
		if i < maxChecks {
			label = strings.ToValidUTF8(c.Name, "\uFFFD") // Prometheus takes nothing else
		}
		v := statusValue(c.Status)
		if known, ok := status[label]; ok {
			v = min(v, known)
		}
		status[label] = v
		duration[label] = max(duration[label], c.Duration.Seconds())
	}
	return status, duration
}

func statusValue(s health.Status) float64 {
	switch s {
	case health.Unhealthy:
		return 0
	case health.Degraded:
		return 0.5
	}
	return 1
}
