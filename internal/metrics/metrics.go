// Package metrics counts what a bot does, in the form that Prometheus reads.
//
// The labels of a metric take only so many values, whatever Discord, users or handlers do: what
// there could be no end of becomes "other". No label is ever a guild, user, channel, message,
// token, URL or error text, and shard and event type are never on one metric, whose series would
// be the product of both.
//
// What is counted on the way is counted with children that were looked up beforehand, so that an
// event costs neither an allocation nor a lookup by label. What is known anyway is read when
// Prometheus asks; see [NewFleet].
package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/botwright/botwright/internal/events"
)

// Other is the label value of what there could be no end of.
const Other = "other"

// Metrics counts events, handlers, interactions and requests. It is a prometheus.Collector. Its
// methods may be called from any goroutine.
type Metrics struct {
	vectors []prometheus.Collector
	traceID traceID

	events     *prometheus.CounterVec
	eventTypes map[string]prometheus.Counter // not changed after New

	handlerNames  *names
	handlerTime   *prometheus.HistogramVec
	handlerWait   *prometheus.HistogramVec
	handlerErrors *prometheus.CounterVec

	identifyWait prometheus.Histogram

	interactions *interactions
	rest         *rest
}

// New returns Metrics whose names begin with namespace. The observations of histograms have as their
// exemplar what traceID returns for the context that they were made in, unless that is "" or traceID
// is nil.
func New(namespace string, traceID func(context.Context) string) *Metrics {
	m := &Metrics{traceID: traceID}
	m.events = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: namespace, Name: "gateway_events_total",
		Help: "Events received from Discord, wanted or not.",
	}, []string{"event"})
	m.handlerTime = prometheus.NewHistogramVec(histogram(namespace, "handler_duration_seconds",
		"Time that a handler took, middleware included.", handlerBuckets()),
		[]string{"handler", "event"})
	m.handlerWait = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: namespace, Name: "handler_queue_wait_seconds", Buckets: waitBuckets(),
		Help: "Time from the receipt of an event to the start of a handler of it.",
	}, []string{"handler"})
	m.handlerErrors = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: namespace, Name: "handler_errors_total",
		Help: "Calls of a handler that failed: with an error, a panic, or a timeout.",
	}, []string{"handler", "kind"})
	m.identifyWait = prometheus.NewHistogram(histogram(namespace, "identify_wait_seconds",
		"Time that a shard waited for its turn to identify.",
		[]float64{0.1, 1, 5, 10, 30, 60, 300, 1200, 3600}))
	m.handlerNames = newNames(maxHandlers)
	m.eventTypes = make(map[string]prometheus.Counter)
	for _, t := range events.Types() {
		m.eventTypes[t] = m.events.WithLabelValues(t)
	}
	m.interactions = newInteractions(namespace, traceID)
	m.rest = newREST(namespace, m.interactions, traceID)
	m.vectors = []prometheus.Collector{m.events, m.handlerTime, m.handlerWait, m.handlerErrors,
		m.identifyWait, m.interactions, m.rest}
	return m
}

// maxHandlers is how many handlers have a name of their own. Names come from functions in the
// program's source, of which even a large bot has fewer.
const maxHandlers = 500

// handlerBuckets begin where handlers are that only look something up, and have 3 s, in which an
// interaction must be answered.
func handlerBuckets() []float64 {
	return []float64{.00005, .0002, .001, .005, .02, .05, .1, .25, .5, 1, 2.5, 3, 5, 10}
}

func waitBuckets() []float64 {
	return []float64{.00005, .0002, .001, .005, .01, .05, .1, .5, 1, 3, 10, 60}
}

// histogram returns the options of a histogram that is both: with classic buckets, which every
// Prometheus reads, and native, which has 10 % wide ones and at most 100 of them.
func histogram(namespace, name, help string, buckets []float64) prometheus.HistogramOpts {
	return prometheus.HistogramOpts{
		Namespace: namespace, Name: name, Help: help, Buckets: buckets,
		NativeHistogramBucketFactor:     1.1,
		NativeHistogramMaxBucketNumber:  100,
		NativeHistogramMinResetDuration: time.Hour,
	}
}

// Describe implements prometheus.Collector.
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, v := range m.vectors {
		v.Describe(ch)
	}
}

// Collect implements prometheus.Collector.
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	for _, v := range m.vectors {
		v.Collect(ch)
	}
}

// Event counts an event.
func (m *Metrics) Event(eventType []byte) {
	if c, ok := m.eventTypes[string(eventType)]; ok {
		c.Inc()
		return
	}
	m.events.WithLabelValues(boundedType(string(eventType))).Inc()
}

// boundedType returns an event type that Discord documents as it is.
func boundedType(eventType string) string {
	if _, known := events.Intents(eventType); known {
		return eventType
	}
	return Other
}

// Interaction notes an INTERACTION_CREATE with the data d, which its answer is waited for.
func (m *Metrics) Interaction(d []byte, received time.Time) {
	m.interactions.receive(d, received)
}

// IdentifyWait notes how long a shard waited to identify.
func (m *Metrics) IdentifyWait(d time.Duration) { m.identifyWait.Observe(d.Seconds()) }

// A Failure is how a call of a handler failed.
type Failure int

// Failures.
const (
	None Failure = iota
	Error
	Panic
	Timeout
	failures
)

// A Handler measures one handler. Its methods neither allocate nor look anything up.
type Handler struct {
	duration, wait prometheus.Observer
	errors         [failures]prometheus.Counter
	traceID        traceID
}

// Handler returns what measures the handler of that name for an event type, "*" for all.
func (m *Metrics) Handler(name, eventType string) *Handler {
	name = m.handlerNames.bound([]byte(name))
	if eventType != "*" {
		eventType = boundedType(eventType)
	}
	return &Handler{
		duration: m.handlerTime.WithLabelValues(name, eventType),
		wait:     m.handlerWait.WithLabelValues(name),
		traceID:  m.traceID,
		errors: [failures]prometheus.Counter{
			Error:   m.handlerErrors.WithLabelValues(name, "error"),
			Panic:   m.handlerErrors.WithLabelValues(name, "panic"),
			Timeout: m.handlerErrors.WithLabelValues(name, "timeout"),
		},
	}
}

// Done notes a call: how long its event had waited, how long it took and how it failed. ctx is that
// of the handler.
func (h *Handler) Done(ctx context.Context, wait, took time.Duration, f Failure) {
	h.traceID.observe(ctx, h.wait, wait)
	h.traceID.observe(ctx, h.duration, took)
	if f != None {
		h.errors[f].Inc()
	}
}
