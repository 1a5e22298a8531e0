package status_test

import (
	"errors"
	"testing"
	"time"

	"github.com/botwright/botwright/internal/dispatch"
	"github.com/botwright/botwright/internal/gateway"
	"github.com/botwright/botwright/internal/health"
	"github.com/botwright/botwright/internal/profile"
	"github.com/botwright/botwright/internal/status"
)

func viewOf(f *status.Facts, shards ...gateway.Status) *status.View {
	return &status.View{
		Shards: func() []gateway.Status { return shards },
		Facts:  func() status.Facts { return *f },
	}
}

// What nothing reaches does not count as available, and a mean is of what was measured.
func TestTotals(t *testing.T) {
	down := time.Unix(1_000_000, 0)
	v := viewOf(&status.Facts{Process: "here"},
		gateway.Status{ShardID: 0, State: gateway.Ready, Guilds: 4, Unavailable: 1, Events: 10,
			AverageLatency: 40 * time.Millisecond},
		gateway.Status{ShardID: 1, State: gateway.Ready, Events: 5},
		gateway.Status{ShardID: 2, State: gateway.Backoff, Guilds: 3, DownSince: down, Err: errors.New("reset")})
	page := v.Page()
	want := status.Totals{Shards: 3, Ready: 2, Guilds: 4, Unavailable: 4, Latency: 40, Events: 15}
	if page.Totals != want {
		t.Errorf("totals %+v, want %+v", page.Totals, want)
	}
	s := page.Processes[0].Shards[2]
	if s.Guilds != 0 || s.Unavailable != 3 || s.Down != down.Unix() || s.Error != "reset" || s.Since != 0 {
		t.Errorf("the shard that is down: %+v", s)
	}
	if d, ok := v.Shard(0); !ok || d.Events != 10 || d.State != "ready" {
		t.Errorf("shard 0: %+v, %v", d, ok)
	}
	if _, ok := v.Shard(7); ok {
		t.Error("there is a shard 7")
	}
}

func TestStatusInAWord(t *testing.T) {
	ready, down := gateway.Status{State: gateway.Ready}, gateway.Status{ShardID: 1, State: gateway.Backoff}
	healthy := health.Report{Status: health.Healthy}
	bad := health.Report{Status: health.Unhealthy, Checks: []health.CheckReport{
		{Status: health.Unhealthy, History: []health.Status{health.Unhealthy}}}}
	back := health.Report{Status: health.Unhealthy, Checks: []health.CheckReport{
		{Status: health.Unhealthy, History: []health.Status{health.Healthy}}}}
	tests := []struct {
		facts  status.Facts
		shards []gateway.Status
		want   string
	}{
		{status.Facts{Health: healthy}, []gateway.Status{down}, "starting"},
		{status.Facts{Health: healthy, WasReady: true}, []gateway.Status{ready}, "healthy"},
		{status.Facts{Health: healthy, WasReady: true}, []gateway.Status{ready, down}, "degraded"},
		{status.Facts{Health: bad, WasReady: true}, []gateway.Status{ready}, "unhealthy"},
		{status.Facts{Health: back, WasReady: true}, []gateway.Status{ready}, "recovering"},
		{status.Facts{Health: bad, WasReady: true, Stopping: true}, []gateway.Status{ready}, "stopping"},
	}
	for _, tt := range tests {
		if got := viewOf(&tt.facts, tt.shards...).Page().Status; got != tt.want {
			t.Errorf("%+v: %s, want %s", tt.facts, got, tt.want)
		}
	}
}

func TestMetersAndOperations(t *testing.T) {
	f := status.Facts{
		Queue:       dispatch.Stats{Events: 80, Bytes: 1 << 20, Running: 96},
		QueueLimits: dispatch.Config{MaxEvents: 100, MaxBytes: 4 << 20, MaxInFlight: 100},
		Oldest:      3 * time.Second, MaxOldest: 30 * time.Second,
		Invalid:    1000,
		Identifies: gateway.Budget{Total: 1000, Remaining: 400},
	}
	for i := range 10 {
		f.Operations = append(f.Operations, profile.Stats{Name: string(rune('a' + i)),
			P99: time.Duration(i) * time.Millisecond})
	}
	page := viewOf(&f).Page()
	want := []status.Meter{
		{Name: "Queued events", Used: 0.8, Text: "80 of 100", Level: "degraded"},
		{Name: "Queued bytes", Used: 0.25, Text: "1 MiB of 4 MiB", Level: "healthy"},
		{Name: "Handlers running", Used: 0.96, Text: "96 of 100", Level: "unhealthy"},
		{Name: "Oldest waiting event", Used: 0.1, Text: "3s", Level: "healthy"},
		{Name: "Invalid requests in 10 min", Used: 0.1, Text: "1000 of 10000", Level: "healthy"},
		{Name: "Identifies today", Used: 0.6, Text: "600 of 1000", Level: "healthy"},
	}
	if len(page.Meters) != len(want) {
		t.Fatalf("meters %+v", page.Meters)
	}
	for i, m := range page.Meters {
		if m != want[i] {
			t.Errorf("meter %+v, want %+v", m, want[i])
		}
	}
	if len(page.Slow) != 8 || page.Slow[0].Name != "j" || page.Slow[0].P99 != 9 {
		t.Errorf("the slowest: %+v", page.Slow)
	}
}

// The newest alert comes first, and one shard is named with its check.
func TestChecksAndAlerts(t *testing.T) {
	problem := health.Problem{Check: "memory", Status: health.Degraded, Message: "900 MiB"}
	f := status.Facts{
		Health: health.Report{Status: health.Degraded, Checks: []health.CheckReport{{
			Name: "gateway", Status: health.Degraded, Value: 2, Threshold: 1, Unit: "s", Shards: []int{3},
			Duration: 1500 * time.Microsecond, History: []health.Status{health.Healthy, health.Degraded}}}},
		Alerts: []health.Notice{
			{Kind: health.Firing, Time: time.Unix(1, 0), Problems: []health.Problem{problem}, Open: []health.Problem{problem}},
			{Kind: health.Resolved, Time: time.Unix(2, 0), Problems: []health.Problem{problem}},
		},
	}
	page := viewOf(&f).Page()
	if c := page.Checks[0]; c.Name != "gateway (shard 3)" || c.Limit != "1s" || c.Duration != 1.5 || len(c.History) != 2 {
		t.Errorf("check %+v", c)
	}
	if a := page.Alerts; len(a) != 2 || a[0].Kind != "resolved" || a[0].Status != "healthy" || a[1].Status != "degraded" {
		t.Errorf("alerts %+v", a)
	}
}

// A ready shard with guilds is marked when it has had no event for two minutes.
func TestQuiet(t *testing.T) {
	now := time.Now()
	long, short := now.Add(-3*time.Minute), now.Add(-time.Minute)
	tests := []struct {
		name string
		st   gateway.Status
		want bool
	}{
		{"an event of late", gateway.Status{State: gateway.Ready, Guilds: 1, Since: long, LastEvent: short}, false},
		{"no event of late", gateway.Status{State: gateway.Ready, Guilds: 1, Since: long, LastEvent: long}, true},
		{"just ready again", gateway.Status{State: gateway.Ready, Guilds: 1, Since: short, LastEvent: long}, false},
		{"without guilds", gateway.Status{State: gateway.Ready, Since: long}, false},
		{"not ready", gateway.Status{State: gateway.Backoff, Guilds: 1, Since: long}, false},
	}
	for _, tt := range tests {
		d, _ := viewOf(&status.Facts{}, tt.st).Shard(0)
		if d.Quiet != tt.want {
			t.Errorf("%s: %v", tt.name, d.Quiet)
		}
	}
}
