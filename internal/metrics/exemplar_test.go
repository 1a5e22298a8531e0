package metrics_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/botwright/botwright/internal/metrics"
)

type traceKey struct{}

func traceOf(ctx context.Context) string {
	id, _ := ctx.Value(traceKey{}).(string)
	return id
}

type answers func(*http.Request) (*http.Response, error)

func (f answers) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestExemplars looks for the trace of a context on every histogram that has one, and for none
// where there is no trace.
func TestExemplars(t *testing.T) {
	m := metrics.New("discord", traceOf)
	observe := func(ctx context.Context) {
		m.Handler("main.onMessage", "MESSAGE_CREATE").Done(ctx, time.Millisecond, time.Second, metrics.None)
		m.RESTWaited(ctx, "GET", "/channels/{id}", time.Second)
		m.Interaction([]byte(`{"id":"80351110224678912","type":2,"data":{"name":"ping"}}`), time.Now())
		r, err := http.NewRequestWithContext(ctx, http.MethodPost,
			"https://discord.com/api/v9/interactions/80351110224678912/token/callback", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		rt := m.Transport(answers(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody}, nil
		}))
		if _, err := rt.RoundTrip(r); err != nil {
			t.Fatal(err)
		}
	}
	observe(t.Context())
	if with := exemplars(t, m); len(with) != 0 {
		t.Errorf("exemplars without a trace: %v", with)
	}
	observe(context.WithValue(t.Context(), traceKey{}, strings.Repeat("a", 200)))
	if with := exemplars(t, m); len(with) != 0 {
		t.Errorf("exemplars that are too long: %v", with)
	}
	observe(context.WithValue(t.Context(), traceKey{}, "4bf92f3577b34da6a3ce929d0e0e4736"))
	with := exemplars(t, m)
	for _, name := range []string{"handler_duration_seconds", "handler_queue_wait_seconds",
		"interaction_ack_seconds", "rest_request_duration_seconds", "rest_ratelimit_wait_seconds"} {
		if with["discord_"+name] != `trace_id:"4bf92f3577b34da6a3ce929d0e0e4736"` {
			t.Errorf("%s has %q", name, with["discord_"+name])
		}
	}
}

// exemplars returns the labels of one exemplar of each metric that has any.
func exemplars(t *testing.T, c prometheus.Collector) map[string]string {
	t.Helper()
	reg := prometheus.NewRegistry()
	reg.MustRegister(c)
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]string)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, b := range m.GetHistogram().GetBucket() {
				var labels []string
				for _, l := range b.GetExemplar().GetLabel() {
					labels = append(labels, l.GetName()+`:"`+l.GetValue()+`"`)
				}
				if labels != nil {
					found[f.GetName()] = strings.Join(labels, ",")
				}
			}
		}
	}
	return found
}
