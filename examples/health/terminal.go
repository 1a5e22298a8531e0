package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/botwright/botwright"
)

// A terminal is an alerter that prints.
type terminal struct{ out io.Writer }

// Alert implements botwright.Alerter.
func (t terminal) Alert(_ context.Context, a botwright.Alert) error {
	mark := map[botwright.HealthStatus]string{
		botwright.Healthy: "✓", botwright.Degraded: "!", botwright.Unhealthy: "✕"}[a.Status()]
	_, err := fmt.Fprintf(t.out, "%s  %s %s: %s\n", time.Now().Format(time.TimeOnly), mark, a.Kind, a)
	return err
}

// A printer is a transport that shows what is sent.
type printer struct{ out io.Writer }

// RoundTrip implements http.RoundTripper.
func (p printer) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, body, "", "  "); err != nil {
		return nil, err
	}
	if _, err := fmt.Fprintf(p.out, "%s <webhook>\n%s", r.Method, &pretty); err != nil {
		return nil, err
	}
	return http.DefaultTransport.RoundTrip(r)
}
