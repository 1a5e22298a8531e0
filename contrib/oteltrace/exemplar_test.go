package oteltrace_test

import (
	"io"
	"net/http"
	"regexp"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/contrib/oteltrace"
)

// TestExemplars scrapes a bot as Prometheus does, and finds the trace of what took so long.
func TestExemplars(t *testing.T) {
	reg := prometheus.NewRegistry()
	r := startWith(t, oteltrace.Config{}, func(b *botwright.Bot) { botwright.On(b, reply) },
		botwright.WithMetrics(reg), botwright.WithAdmin(botwright.AdminConfig{Addr: "127.0.0.1:0"}))
	r.say("hello")
	process := one(t, r.wait(event, 1), event)
	q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+r.AdminAddr()+"/metrics", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Accept", "application/openmetrics-text;version=1.0.0")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	id := process.SpanContext.TraceID().String()
	for _, name := range []string{"handler_duration_seconds", "handler_queue_wait_seconds", "rest_request_duration_seconds"} {
		line := regexp.MustCompile(`(?m)^discord_` + name + `_bucket\{.*\} \d+ # \{trace_id="` + id + `"\}`)
		if !line.Match(text) {
			t.Errorf("no exemplar of %s in\n%s", name, text)
		}
	}
}
