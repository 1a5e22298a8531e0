package metrics_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"github.com/botwright/botwright/internal/build"
	"github.com/botwright/botwright/internal/dispatch"
	"github.com/botwright/botwright/internal/gateway"
	"github.com/botwright/botwright/internal/health"
	"github.com/botwright/botwright/internal/metrics"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// values returns all series of a collector with their values, as Prometheus writes them, without those
// of histograms.
func values(t *testing.T, c prometheus.Collector) map[string]float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry() // which compares what is collected with what is described
	registry.MustRegister(c)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]float64)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetValue())
			}
			all[f.GetName()+"{"+strings.Join(labels, ",")+"}"] = m.GetCounter().GetValue() + m.GetGauge().GetValue() +
				float64(m.GetHistogram().GetSampleCount())
		}
	}
	return all
}

// expect compares some series of a collector.
func expect(t *testing.T, c prometheus.Collector, want map[string]float64) {
	t.Helper()
	got := values(t, c)
	for series, v := range want {
		if n, ok := got[series]; !ok || n != v {
			t.Errorf("%s is %v (%v), want %v", series, n, ok, v)
		}
	}
	if t.Failed() {
		t.Logf("%v", got)
	}
}

// What Discord, or a program, could make up without end is one label value.
func TestLabelsAreBounded(t *testing.T) {
	m := metrics.New("discord", nil)
	for i := range 1000 {
		m.Event(fmt.Appendf(nil, "MADE_UP_%d", i))
		m.Handler(fmt.Sprintf("handler%d", i), "MESSAGE_CREATE").Done(t.Context(), 0, 0, metrics.Error)
	}
	m.Event([]byte("MESSAGE_CREATE"))
	expect(t, m, map[string]float64{
		"discord_gateway_events_total{other}":                       1000,
		"discord_gateway_events_total{MESSAGE_CREATE}":              1,
		"discord_handler_errors_total{handler499,error}":            1,
		"discord_handler_errors_total{other,error}":                 500,
		"discord_handler_errors_total{other,panic}":                 0,
		"discord_handler_duration_seconds{MESSAGE_CREATE,handler0}": 1,
		"discord_handler_duration_seconds{MESSAGE_CREATE,other}":    500,
		"discord_handler_queue_wait_seconds{other}":                 500,
		"discord_identify_wait_seconds{}":                           0,
	})
}

// A fakeAPI answers with a status, or not at all.
type fakeAPI struct {
	status int
	header http.Header
}

func (f fakeAPI) RoundTrip(r *http.Request) (*http.Response, error) {
	if f.status == 0 {
		return nil, errors.New("no route to host")
	}
	return &http.Response{StatusCode: f.status, Header: f.header, Request: r, Body: io.NopCloser(strings.NewReader(""))}, nil
}

func TestRequests(t *testing.T) {
	m := metrics.New("discord", nil)
	for _, api := range []fakeAPI{
		{200, nil}, {403, nil}, {0, nil},
		{429, http.Header{"X-Ratelimit-Scope": {"shared"}, "Via": {"1.1 google"}}},
		{429, http.Header{"X-Ratelimit-Scope": {"user"}, "Via": {"1.1 google"}}},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
			"https://discord.com/api/v10/channels/123456789012345678/messages", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if resp, err := m.Transport(api).RoundTrip(r); err == nil {
			_ = resp.Body.Close()
		}
	}
	const route = "POST,/channels/{id}/messages,"
	expect(t, m, map[string]float64{
		"discord_rest_requests_total{" + route + "200}":       1,
		"discord_rest_requests_total{" + route + "error}":     1,
		"discord_rest_requests_total{" + route + "429}":       2,
		"discord_rest_ratelimited_total{" + route + "shared}": 1,
		"discord_rest_invalid_requests_total{403}":            1,
		"discord_rest_invalid_requests_total{429}":            1,
		"discord_rest_inflight{}":                             0,
	})
}

// An interaction is counted once, by its first answer or for want of one.
func TestInteractions(t *testing.T) {
	m := metrics.New("discord", nil)
	answer := func(id string, status int) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
			"https://discord.com/api/v10/interactions/"+id+"/token/callback", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if resp, err := m.Transport(fakeAPI{status: status}).RoundTrip(r); err == nil {
			_ = resp.Body.Close()
		}
	}
	const command = `{"id":"%s","type":2,"data":{"name":"ping"}}`
	for _, id := range []string{"1001", "1002", "1003"} {
		m.Interaction(fmt.Appendf(nil, command, id), time.Now())
	}
	m.Interaction(fmt.Appendf(nil, command, "1004"), time.Now().Add(-11*time.Second)) // nobody answered it
	answer("1001", 204)
	answer("1001", 204)
	answer("1002", 404)
	answer("9999", 204)
	expect(t, m, map[string]float64{
		"discord_interactions_total{ping,answered,command}": 1,
		"discord_interactions_total{ping,refused,command}":  1,
		"discord_interaction_ack_seconds{ping}":             1,
	})
}

// A part that panics costs its own metrics and no more.
func TestPartThatPanics(t *testing.T) {
	p := metrics.NewParts("discord")
	p.Add("build", metrics.NewBuild("discord", build.Version{Discordgo: "v0.29.0"}))
	p.Add("fleet", metrics.NewFleet("discord", metrics.Fleet{Shards: func() ([]gateway.Status, gateway.Status) { panic("no") }}))
	if n := testutil.CollectAndCount(p, "discord_build_info"); n != 1 {
		t.Errorf("%d series of what is fine", n)
	}
	want := `# HELP discord_instrumentation_errors_total Collections of a part's metrics that panicked and were left out.
# TYPE discord_instrumentation_errors_total counter
discord_instrumentation_errors_total{hook="build"} 0
discord_instrumentation_errors_total{hook="fleet"} 2
`
	if err := testutil.CollectAndCompare(p, strings.NewReader(want), "discord_instrumentation_errors_total"); err != nil {
		t.Error(err)
	}
}

func TestFleet(t *testing.T) {
	f := metrics.NewFleet("discord", metrics.Fleet{
		Configured: 2,
		Shards: func() (now []gateway.Status, gone gateway.Status) {
			gone = gateway.Status{Disconnects: map[int]uint64{4000: 5, 4009: 1}, Duplicates: 3,
				Commands: map[int]uint64{3: 2}, Throttled: 1}
			return []gateway.Status{
				{ShardID: 0, State: gateway.Ready, Guilds: 3, Unavailable: 1, Events: 7, Losses: 2, Disconnects: map[int]uint64{4000: 1, 0: 2}},
				{ShardID: 1, State: gateway.Backoff, Disconnects: map[int]uint64{4000: 1}, FailedDials: 4, Duplicates: 1},
			}, gone
		},
		Queue:  func() dispatch.Stats { return dispatch.Stats{Events: 5, Running: 2, Shed: 9, Dropped: 1} },
		Oldest: func() time.Duration { return 3 * time.Second },
		Budget: func() gateway.Budget { return gateway.Budget{Total: 1000, Remaining: 900} },
	})
	expect(t, f, map[string]float64{
		"discord_shard_up{0}": 1, "discord_shard_up{1}": 0,
		"discord_shards{ready}": 1, "discord_shards{backoff}": 1, "discord_shards{idle}": 0,
		"discord_shard_guilds{0}": 3, "discord_shard_unavailable_guilds{0}": 1,
		"discord_gateway_shard_events_total{0}":           7,
		"discord_shard_losses_total{0}":                   2,
		"discord_shard_failed_dials_total{1}":             4,
		"discord_gateway_disconnects_total{4000}":         7,
		"discord_gateway_disconnects_total{4009}":         1,
		"discord_gateway_duplicates_total{}":              4,
		"discord_gateway_commands_throttled_total{}":      1,
		"discord_gateway_commands_total{presence_update}": 2,
		"discord_gateway_disconnects_total{none}":         2,
		"discord_shards_configured{}":                     2,
		"discord_handler_queue_oldest_seconds{}":          3,
	})
}

func TestObserved(t *testing.T) {
	o := metrics.NewObserved("discord", metrics.Observed{
		Caches: func() map[string]metrics.Cache {
			return map[string]metrics.Cache{"users": {Hits: 3, Misses: 2, Loads: 5, LoadErrors: 1, Entries: 4, MaxSize: 10,
				Evictions: map[string]uint64{"size": 6}}}
		},
		Debouncers: func() map[string]metrics.Debouncer {
			return map[string]metrics.Debouncer{"roles": {Triggers: 9, Runs: 8, Early: 7, Rejected: 6, Panics: 5}}
		},
	})
	expect(t, o, map[string]float64{
		"discord_cache_requests_total{users,hit}": 3, "discord_cache_requests_total{users,miss}": 2,
		"discord_cache_loads_total{users,success}": 4, "discord_cache_loads_total{users,error}": 1,
		"discord_cache_entries{users}": 4, "discord_cache_max_entries{users}": 10,
		"discord_cache_evictions_total{users,size}": 6,
		"discord_debounce_calls_total{roles}":       9, "discord_debounce_fires_total{roles}": 8,
		"discord_debounce_early_total{roles}": 7, "discord_debounce_rejected_total{roles}": 6,
		"discord_debounce_panics_total{roles}": 5,
	})
}

// A check that has not run has no status. Beyond a hundred checks those of the same label are one.
func TestHealth(t *testing.T) {
	report := health.Report{Checks: []health.CheckReport{
		{Name: "gateway", Status: health.Degraded, Duration: time.Second}, {Name: "rest", Status: health.Pending},
		{Name: "caf\xc3", Status: health.Healthy},
	}}
	for i := range 100 {
		report.Checks = append(report.Checks, health.CheckReport{Name: fmt.Sprintf("guild%d", i), Status: health.Healthy})
	}
	report.Checks[len(report.Checks)-1].Status = health.Unhealthy
	h := metrics.NewHealth("discord", metrics.Health{
		Report:  func() health.Report { return report },
		Alerts:  func() map[string]metrics.Alerts { return map[string]metrics.Alerts{"slog": {Sent: 2, Failed: 1}} },
		Storage: func() map[string]uint64 { return map[string]uint64{"sessions": 3} },
	})
	expect(t, h, map[string]float64{
		"discord_health_check_status{gateway}": 0.5, "discord_health_check_duration_seconds{gateway}": 1,
		"discord_health_check_status{caf\uFFFD}": 1, "discord_health_check_status{other}": 0,
		"discord_alerts_sent_total{sent,slog}": 2, "discord_alerts_sent_total{failed,slog}": 1,
		"discord_storage_failures_total{sessions}": 3,
	})
	if _, there := values(t, h)["discord_health_check_status{rest}"]; there {
		t.Error("a check that has not run has a status")
	}
}
