package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/botwright/botwright/internal/dispatch"
	"github.com/botwright/botwright/internal/profile"
)

// A Bot says where the rest of a bot's state is that is read when Prometheus asks. Its functions
// must not wait for the network or a handler.
type Bot struct {
	Started    time.Time
	Limits     dispatch.Config
	Users      func() int
	State      func() State
	Pressure   func() Pressure
	Operations func() []profile.Stats

	FailedLogins func() uint64 // at the admin server
}

// A State says how many things of each kind State holds, and how many it gave up by the reason.
type State struct {
	Entries map[string]int
	Removed map[string]uint64
}

// A Pressure says how memory stands against its limit.
type Pressure struct {
	Percent int // the step that was reached; 0 while there is enough
	Shrinks uint64
}

// bot collects the state of a Bot.
type bot struct {
	Bot
	start, users, entries, removed, logins    *prometheus.Desc
	pressure, shrinks                         *prometheus.Desc
	maxEvents, maxBytes, maxInFlight          *prometheus.Desc
	opTime, opErrors, opSlow, opRuns, opAlloc *prometheus.Desc
}

// NewBot returns a Collector of a bot's state.
func NewBot(namespace string, b Bot) prometheus.Collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(namespace+"_"+name, help, labels, nil)
	}
	return &bot{
		Bot:   b,
		start: desc("start_time_seconds", "When the bot was made."),
		users: desc("users",
			"Members of the guilds of this process; who is in two of them counts twice."),
		entries: desc("state_entries", "What State holds, by kind.", "kind"),
		removed: desc("state_removed_total",
			"What State gave up: for its age (expired), for lack of room (evicted), or under "+
				"memory pressure (shrunk).", "reason"),
		logins: desc("admin_failed_logins_total",
			"Requests to the admin server with a wrong token."),
		pressure: desc("memory_pressure_ratio",
			"Share of the memory limit at which caches are being shrunk: 0.8, 0.9 or 0.95; 0 "+
				"while there is enough."),
		shrinks: desc("memory_shrinks_total", "Times that caches were shrunk to save memory."),
		maxEvents: desc("handler_queue_max_events",
			"Events that may wait or be handled before reading stops."),
		maxBytes: desc("handler_queue_max_bytes",
			"Size of the events that may wait or be handled before reading stops."),
		maxInFlight: desc("handler_max_inflight", "Events that may be handled at once."),
		opTime: desc("operation_duration_seconds",
			"Time that a profiled operation took; the quantiles are since the start.",
			"operation"),
		opErrors: desc("operation_errors_total",
			"Calls of a profiled operation that failed or panicked.", "operation"),
		opSlow: desc("operation_slow_total",
			"Calls of a profiled operation that took longer than they may.", "operation"),
		opRuns: desc("operation_inflight", "Calls of a profiled operation that are running.",
			"operation"),
		opAlloc: desc("operation_allocated_bytes_total",
			"Memory allocated by the whole process while a profiled operation ran.",
			"operation"),
	}
}

// Describe implements prometheus.Collector.
func (b *bot) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		b.start, b.users, b.entries, b.removed, b.logins, b.pressure, b.shrinks,
		b.maxEvents, b.maxBytes, b.maxInFlight,
		b.opTime, b.opErrors, b.opSlow, b.opRuns, b.opAlloc,
	} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (b *bot) Collect(ch chan<- prometheus.Metric) {
	out := Sink(ch)
	out.Timestamp(b.start, b.Started)
	out.Gauge(b.users, float64(b.Users()))
	state := b.State()
	for kind, n := range state.Entries {
		out.Gauge(b.entries, float64(n), kind)
	}
	for reason, n := range state.Removed {
		out.Counter(b.removed, n, reason)
	}
	out.Counter(b.logins, b.FailedLogins())
	pressure := b.Pressure()
	out.Gauge(b.pressure, float64(pressure.Percent)/100)
	out.Counter(b.shrinks, pressure.Shrinks)
	out.Gauge(b.maxEvents, float64(b.Limits.MaxEvents))
	out.Gauge(b.maxBytes, float64(b.Limits.MaxBytes))
	out.Gauge(b.maxInFlight, float64(b.Limits.MaxInFlight))
	for _, s := range b.Operations() {
		if labelled(s.Name) {
			b.collectOperation(out, s)
		}
	}
}

func (b *bot) collectOperation(out Sink, s profile.Stats) {
	out.Summary(b.opTime, s.Count, s.Total, map[float64]float64{
		0.5: s.P50.Seconds(), 0.95: s.P95.Seconds(), 0.99: s.P99.Seconds(),
	}, s.Name)
	out.Counter(b.opErrors, s.Errors, s.Name)
	out.Counter(b.opSlow, s.Slow, s.Name)
	out.Gauge(b.opRuns, float64(s.Running), s.Name)
	out.Counter(b.opAlloc, s.AllocatedBytes, s.Name)
}
