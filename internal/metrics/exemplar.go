package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// A traceID returns the id of a context's trace, "" if there is none. It may be nil.
type traceID func(ctx context.Context) string

// maxTraceID is how long an id may be: Prometheus panics at an exemplar of more than 128 characters.
const maxTraceID = 64

// observe adds a time to a histogram, with the trace of ctx as the exemplar.
func (t traceID) observe(ctx context.Context, o prometheus.Observer, d time.Duration) {
	if t != nil {
		if id := t(ctx); id != "" && len(id) <= maxTraceID {
			if o, ok := o.(prometheus.ExemplarObserver); ok {
				o.ObserveWithExemplar(d.Seconds(), prometheus.Labels{"trace_id": id})
				return
			}
		}
	}
	o.Observe(d.Seconds())
}
