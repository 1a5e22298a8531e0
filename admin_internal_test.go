package botwright

import (
	"testing"
	"time"

	"github.com/botwright/botwright/internal/gateway"
)

func TestJudgements(t *testing.T) {
	reset := time.Date(2026, 11, 23, 18, 0, 0, 0, time.UTC)
	budget := func(remaining int, exhausted bool) gateway.Budget {
		return gateway.Budget{Total: 1000, Remaining: remaining, ResetAt: reset, Exhausted: exhausted}
	}
	tests := []struct {
		name string
		got  CheckResult
		want HealthStatus
	}{
		{"identify: plenty", judgeIdentify(budget(900, false), 16, 0.2), Healthy},
		{"identify: a fifth", judgeIdentify(budget(200, false), 16, 0.2), Healthy},
		{"identify: little", judgeIdentify(budget(199, false), 16, 0.2), Degraded},
		{"identify: fewer than shards", judgeIdentify(budget(15, false), 16, 0.2), Unhealthy},
		{"identify: at the reserve", judgeIdentify(budget(50, true), 16, 0.2), Unhealthy},
		{"handlers: nothing happened", judgeHandlers(0, 0, 0.1), Healthy},
		{"handlers: too few to tell", judgeHandlers(9, 9, 0.1), Healthy},
		{"handlers: a tenth", judgeHandlers(100, 10, 0.1), Healthy},
		{"handlers: more", judgeHandlers(100, 11, 0.1), Degraded},
		{"handlers: most", judgeHandlers(100, 50, 0.1), Unhealthy},
		{"handlers: several errors an event", judgeHandlers(10, 30, 0.1), Unhealthy},
	}
	for _, tt := range tests {
		got := tt.got.Status
		if got == "" {
			got = Healthy
		}
		if got != tt.want {
			t.Errorf("%s: %s (%s)", tt.name, got, tt.got.Message)
		}
	}
}
