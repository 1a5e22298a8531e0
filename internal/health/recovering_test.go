package health_test

import (
	"testing"

	"github.com/botwright/botwright/internal/health"
)

func TestRecovering(t *testing.T) {
	check := func(s health.Status, runs ...health.Status) health.CheckReport {
		return health.CheckReport{Status: s, History: runs}
	}
	well := check(health.Healthy, health.Healthy)
	back := check(health.Unhealthy, health.Unhealthy, health.Healthy)
	tests := []struct {
		name   string
		checks []health.CheckReport
		want   bool
	}{
		{"one is to be confirmed", []health.CheckReport{well, back}, true},
		{"another is bad", []health.CheckReport{back, check(health.Degraded, health.Degraded)}, false},
		{"it went bad again", []health.CheckReport{
			check(health.Unhealthy, health.Healthy, health.Unhealthy)}, false},
		{"one has not run", []health.CheckReport{check(health.Unhealthy)}, false},
	}
	for _, tt := range tests {
		if got := (health.Report{Checks: tt.checks}).Recovering(); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}
