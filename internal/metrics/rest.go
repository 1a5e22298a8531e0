package metrics

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/botwright/botwright/internal/route"
)

// maxRoutes is how many routes have a name of their own: more than Discord's API has.
const maxRoutes = 300

// rest counts requests to Discord's API.
type rest struct {
	routes       *names
	requests     *prometheus.CounterVec
	duration     *prometheus.HistogramVec
	ratelimited  *prometheus.CounterVec
	invalid      *prometheus.CounterVec
	waits        *prometheus.HistogramVec
	inflight     prometheus.Gauge
	interactions *interactions
	traceID      traceID
}

func newREST(namespace string, in *interactions, id traceID) *rest {
	r := &rest{
		routes:       newNames(maxRoutes),
		interactions: in,
		traceID:      id,
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "rest_requests_total",
			Help: `Requests to Discord's API, each attempt counted; the status is "error" ` +
				"if there was no answer.",
		}, []string{"method", "route", "status"}),
		duration: prometheus.NewHistogramVec(histogram(namespace, "rest_request_duration_seconds",
			"Time until the headers of Discord's answer had come.",
			[]float64{.025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20}), []string{"method", "route"}),
		ratelimited: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "rest_ratelimited_total",
			Help: "Answers with status 429 by whose limit it was: user, global, shared " +
				"(not the bot's fault), or cloudflare (the host is blocked).",
		}, []string{"method", "route", "scope"}),
		invalid: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "rest_invalid_requests_total",
			Help: "Answers for which Discord blocks a host that has 10,000 in 10 minutes: 401, " +
				"403, and 429 unless the limit is shared; and cloudflare, when it has.",
		}, []string{"reason"}),
		waits: prometheus.NewHistogramVec(histogram(namespace, "rest_ratelimit_wait_seconds",
			"Time that requests waited for rate limits before they were sent, of those that did.",
			[]float64{.01, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}), []string{"method", "route"}),
		inflight: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: namespace, Name: "rest_inflight",
			Help: "Requests to Discord's API that are waiting for an answer.",
		}),
	}
	for _, reason := range []string{"401", "403", "429", cloudflare} {
		r.invalid.WithLabelValues(reason) // there at 0, for increase()
	}
	return r
}

const cloudflare = "cloudflare"

// invalidRequest returns why Discord counts an answer as an invalid request, "" if it does not.
func invalidRequest(resp *http.Response) string {
	switch resp.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		return strconv.Itoa(resp.StatusCode)
	case http.StatusTooManyRequests:
		switch scope(resp.Header) {
		case cloudflare:
			return cloudflare
		case "shared":
			return ""
		}
		return "429"
	}
	return ""
}

func (r *rest) all() []prometheus.Collector {
	return []prometheus.Collector{r.requests, r.duration, r.ratelimited, r.invalid, r.waits,
		r.inflight}
}

// Describe implements prometheus.Collector.
func (r *rest) Describe(ch chan<- *prometheus.Desc) {
	for _, c := range r.all() {
		c.Describe(ch)
	}
}

// Collect implements prometheus.Collector.
func (r *rest) Collect(ch chan<- prometheus.Metric) {
	for _, c := range r.all() {
		c.Collect(ch)
	}
}

// Transport returns a RoundTripper that counts the requests it passes to next.
func (m *Metrics) Transport(next http.RoundTripper) http.RoundTripper {
	return &transport{rest: m.rest, next: next}
}

type transport struct {
	rest *rest
	next http.RoundTripper
}

// callback is the route of the first answer to an interaction.
const callback = "/interactions/{id}/{token}/callback"

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	path := r.URL.EscapedPath()
	name := t.rest.routes.bound([]byte(route.Template(path)))
	verb := method(r.Method)
	t.rest.ratelimited.WithLabelValues(verb, name, "user") // there at 0, for rate()
	t.rest.inflight.Inc()
	defer t.rest.inflight.Dec()
	start := time.Now()
	resp, err := t.next.RoundTrip(r)
	t.rest.traceID.observe(r.Context(), t.rest.duration.WithLabelValues(verb, name), time.Since(start))
	if err != nil {
		t.rest.requests.WithLabelValues(verb, name, "error").Inc()
		return resp, err
	}
	t.rest.requests.WithLabelValues(verb, name, status(resp.StatusCode)).Inc()
	if reason := invalidRequest(resp); reason != "" {
		t.rest.invalid.WithLabelValues(reason).Inc()
	}
	if resp.StatusCode == http.StatusTooManyRequests {
		t.rest.ratelimited.WithLabelValues(verb, name, scope(resp.Header)).Inc()
	} else if name == callback {
		t.rest.interactions.answer(r.Context(), interactionID(path), resp.StatusCode)
	}
	return resp, nil
}

// interactionID returns the id in the path of a callback.
func interactionID(path string) string {
	_, rest, _ := strings.Cut(path, "/interactions/")
	id, _, _ := strings.Cut(rest, "/")
	return id
}

func method(m string) string {
	switch m {
	case "":
		return http.MethodGet
	case http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
		return m
	}
	return Other
}

func status(code int) string {
	if code < 100 || code > 599 {
		return Other
	}
	return strconv.Itoa(code)
}

// scope returns whose limit a 429 is about. Cloudflare, which stands before Discord and blocks
// hosts that send too many invalid requests, sets none of Discord's headers.
func scope(h http.Header) string {
	switch s := h.Get("X-RateLimit-Scope"); {
	case s == "user", s == "global", s == "shared":
		return s
	case h.Get("X-RateLimit-Global") != "":
		return "global"
	case h.Get("X-RateLimit-Limit") != "":
		return "user"
	}
	return cloudflare
}
