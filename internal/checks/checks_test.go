package checks_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/botwright/botwright/internal/checks"
	"github.com/botwright/botwright/internal/dispatch"
	"github.com/botwright/botwright/internal/gateway"
	"github.com/botwright/botwright/internal/health"
	"github.com/botwright/botwright/internal/memory"
	"github.com/botwright/botwright/internal/resource"
	"github.com/botwright/botwright/internal/rest"
	"github.com/botwright/botwright/internal/session"
	"github.com/botwright/botwright/internal/traffic"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var limits = checks.Limits{Interval: 5 * time.Minute, MaxLatency: time.Second,
	MaxRESTLatency: 5 * time.Second, MaxMemory: 0.8, MaxCacheEntries: 1000, MaxQueue: 0.8,
	MaxHandlerErrors: 0.1, MinIdentifies: 0.2}

// find returns one check of the parts.
func find(t *testing.T, parts checks.Parts, name string) health.Check {
	t.Helper()
	list := parts.List(limits)
	i := slices.IndexFunc(list, func(c health.Check) bool { return c.Name == name })
	if i < 0 {
		t.Fatalf("there is no check %s", name)
	}
	return list[i]
}

// run returns what one check reads.
func run(t *testing.T, c health.Check) []health.Reading {
	t.Helper()
	readings, err := c.Run(t.Context())
	if err != nil {
		t.Fatalf("%s: %v", c.Name, err)
	}
	return readings
}

func read(t *testing.T, parts checks.Parts, name string) health.Reading {
	t.Helper()
	return run(t, find(t, parts, name))[0]
}

// expect compares a reading's status, and looks for a text in its message.
func expect(t *testing.T, name string, got health.Reading, status health.Status, message string) {
	t.Helper()
	if got.Status == "" {
		got.Status = health.Healthy
	}
	if got.Status != status || !strings.Contains(got.Message, message) {
		t.Errorf("%s: %s (%s), want %s (%s)", name, got.Status, got.Message, status, message)
	}
}

func TestOnlyWhatThereIs(t *testing.T) {
	parts := checks.Parts{Memory: memory.New(memory.Config{}).Read}
	if list := parts.List(limits); len(list) != 1 || list[0].Name != checks.Memory || list[0].Interval != 15*time.Second {
		t.Errorf("checks %+v", list)
	}
	for _, name := range []string{checks.Gateway, checks.Captures} {
		if !slices.Contains(checks.Names(), name) {
			t.Errorf("Names lacks %s", name)
		}
	}
}

func TestIdentify(t *testing.T) {
	tests := []struct {
		name   string
		budget gateway.Budget
		want   health.Status
	}{
		{"unknown", gateway.Budget{}, health.Healthy},
		{"plenty", gateway.Budget{Total: 1000, Remaining: 900}, health.Healthy},
		{"a fifth", gateway.Budget{Total: 1000, Remaining: 200}, health.Healthy},
		{"little", gateway.Budget{Total: 1000, Remaining: 199}, health.Degraded},
		{"fewer than shards", gateway.Budget{Total: 1000, Remaining: 15}, health.Unhealthy},
		{"at the reserve", gateway.Budget{Total: 1000, Remaining: 50, Exhausted: true}, health.Unhealthy},
	}
	for _, tt := range tests {
		if tt.budget.Total > 0 {
			tt.budget.ResetAt = time.Now().Add(time.Hour)
		}
		parts := checks.Parts{Identifies: func() gateway.Budget { return tt.budget },
			Shards: func() []checks.Shard { return make([]checks.Shard, 16) }}
		expect(t, tt.name, read(t, parts, checks.Identify), tt.want, "")
	}
	gone := gateway.Budget{Total: 1000, ResetAt: time.Now().Add(-time.Second)}
	parts := checks.Parts{Identifies: func() gateway.Budget { return gone }, Shards: func() []checks.Shard { return nil }}
	expect(t, "yesterday's", read(t, parts, checks.Identify), health.Healthy, "nothing spent")
}

// Failures count for five minutes.
func TestHandlers(t *testing.T) {
	tests := []struct {
		name         string
		events, fail uint64
		want         health.Status
	}{
		{"nothing happened", 0, 0, health.Healthy},
		{"too few to tell", 9, 9, health.Healthy},
		{"a tenth", 100, 10, health.Healthy},
		{"more", 100, 11, health.Degraded},
		{"most", 100, 50, health.Unhealthy},
		{"several errors an event", 10, 30, health.Unhealthy},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			var events, failures uint64
			c := find(t, checks.Parts{
				Queue:    func() dispatch.Stats { return dispatch.Stats{Finished: events} },
				Oldest:   func() checks.Oldest { return checks.Oldest{} },
				Failures: func() uint64 { return failures },
			}, checks.Handlers)
			run(t, c)
			events, failures = tt.events, tt.fail
			expect(t, tt.name, run(t, c)[0], tt.want, "errors in")
			for range 21 {
				time.Sleep(15 * time.Second)
				run(t, c)
			}
			expect(t, tt.name+", six minutes ago", run(t, c)[0], health.Healthy, "0 errors in 0 events")
		})
	}
}

func TestQueue(t *testing.T) {
	full := dispatch.Config{MaxEvents: 100, MaxBytes: 1000}
	tests := []struct {
		name    string
		stats   dispatch.Stats
		age     time.Duration
		want    health.Status
		message string
	}{
		{"some", dispatch.Stats{Events: 50}, 0, health.Healthy, "50 events"},
		{"interactions have room of their own", dispatch.Stats{Events: 90, Interactions: 20}, 0, health.Healthy, ""},
		{"many", dispatch.Stats{Events: 80}, 0, health.Degraded, "80 events"},
		{"full of bytes", dispatch.Stats{Bytes: 1000}, 0, health.Unhealthy, "nothing more is read"},
		{"one waits", dispatch.Stats{Events: 2}, 5 * time.Second, health.Healthy, "2 events"},
		{"one waits long", dispatch.Stats{Events: 2}, 6 * time.Second, health.Degraded, "waited for 6s (by test)"},
		{"one waits very long", dispatch.Stats{Events: 80}, 31 * time.Second, health.Unhealthy, "waited for 31s"},
	}
	for _, tt := range tests {
		parts := checks.Parts{QueueLimits: full,
			Queue: func() dispatch.Stats { return tt.stats },
			Oldest: func() checks.Oldest {
				return checks.Oldest{Age: tt.age, Blame: func() string { return " (by test)" }}
			}}
		expect(t, tt.name, read(t, parts, checks.Queue), tt.want, tt.message)
	}
}

func TestMemoryAndCaches(t *testing.T) {
	for used, want := range map[int64]health.Status{700: health.Healthy, 801: health.Degraded, 951: health.Unhealthy} {
		m := memory.New(memory.Config{Limit: 1000, Read: func() resource.Usage {
			return resource.Usage{Live: used, Go: used}
		}})
		expect(t, "memory", read(t, checks.Parts{Memory: m.Read}, checks.Memory), want, "(WithMemoryLimit)")
	}
	tests := []struct {
		caches []checks.CacheSize
		want   health.Status
		text   string
	}{
		{nil, health.Healthy, "no caches"},
		{[]checks.CacheSize{{"a", 50, 50}, {"b", 10, 50}}, health.Healthy, "a has 50 entries"},
		{[]checks.CacheSize{{"a", 50, 50}, {"b", 1001, 0}}, health.Degraded, "b has 1001 entries, more than 1000"},
	}
	for _, tt := range tests {
		parts := checks.Parts{Caches: func() []checks.CacheSize { return tt.caches }}
		expect(t, "caches", read(t, parts, checks.Cache), tt.want, tt.text)
	}
}

func TestInvalidRequests(t *testing.T) {
	for _, tt := range []struct {
		stats rest.Stats
		want  health.Status
		text  string
	}{
		{rest.Stats{Invalid: 1999}, health.Healthy, "1999 of 10 minutes"},
		{rest.Stats{Invalid: 2000}, health.Degraded, ""},
		{rest.Stats{Invalid: 7000}, health.Unhealthy, "about to block"},
		{rest.Stats{Blocked: time.Minute}, health.Unhealthy, "for 1m0s more"},
	} {
		parts := checks.Parts{Requests: func() rest.Stats { return tt.stats }}
		expect(t, "invalid", read(t, parts, checks.Invalid), tt.want, tt.text)
	}
}

func TestDisk(t *testing.T) {
	full := errors.New("no space left")
	parts := checks.Parts{
		Sessions: func() session.Failure { return session.Failure{} },
		Captures: func() error { return nil },
	}
	expect(t, "sessions", read(t, parts, checks.Sessions), health.Healthy, "sessions are saved")
	expect(t, "captures", read(t, parts, checks.Captures), health.Healthy, "can be written")
	parts.Sessions = func() session.Failure { return session.Failure{Err: full} }
	parts.Captures = func() error { return full }
	expect(t, "sessions", read(t, parts, checks.Sessions), health.Degraded, "no space left")
	expect(t, "captures", read(t, parts, checks.Captures), health.Degraded, "no space left")
}

func TestGateway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		shards := []checks.Shard{
			{ID: 0, Ready: true, ACK: now, Latency: 30 * time.Millisecond},
			{ID: 1, Ready: true, ACK: now, Latency: 2 * time.Second},
			{ID: 2, Ready: true, ACK: now.Add(-3 * time.Minute)},
			checks.ShardOf(gateway.Status{ShardID: 3, State: gateway.Backoff, Err: errors.New("reset")}),
			{ID: 4, Ready: true},
		}
		c := find(t, checks.Parts{Shards: func() []checks.Shard { return shards }}, checks.Gateway)
		readings := run(t, c)
		for i, want := range []struct {
			status  health.Status
			message string
		}{
			{health.Healthy, "latency 30ms"}, {health.Degraded, "high gateway latency"},
			{health.Unhealthy, "no heartbeat was acknowledged"}, {health.Unhealthy, "backoff: reset"},
			{health.Healthy, "no heartbeat yet"},
		} {
			expect(t, "shard", readings[i], want.status, want.message)
			if readings[i].Shard != i {
				t.Errorf("reading %d is of shard %d", i, readings[i].Shard)
			}
		}
		shards[0].Losses = 6
		expect(t, "lost six times", run(t, c)[0], health.Degraded, "more than 5 times")
		time.Sleep(time.Hour)
		shards[0].ACK = time.Now()
		expect(t, "an hour later", run(t, c)[0], health.Healthy, "latency 30ms")
	})
}

// Discord is asked only when there are not enough calls to judge by.
func TestREST(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked, failure := 0, error(nil)
		var sensor traffic.Sensor
		parts := checks.Parts{Traffic: &sensor, Ask: func(context.Context) error {
			asked++
			return failure
		}}
		c := find(t, parts, checks.REST)
		expect(t, "no traffic", run(t, c)[0], health.Healthy, "answered in")
		sensor.Note(6*time.Second, "")
		expect(t, "slow", run(t, c)[0], health.Degraded, "1 calls in a minute")
		time.Sleep(2 * time.Minute)
		expect(t, "no call of late", run(t, c)[0], health.Healthy, "last answered at")
		if asked != 1 {
			t.Errorf("asked %d times", asked)
		}
		sensor.Note(time.Second, "502 Bad Gateway")
		run(t, c)
		if asked != 2 {
			t.Error("one call that failed was judged without asking")
		}
		for range 4 {
			sensor.Note(time.Second, "502 Bad Gateway")
		}
		expect(t, "all fail", run(t, c)[0], health.Unhealthy, "5 of 5 calls in a minute failed, last: 502")
		for range 20 {
			sensor.Note(time.Second, "")
		}
		expect(t, "some fail", run(t, c)[0], health.Degraded, "5 of 25")

		failure = errors.New("no route to host")
		alone := checks.Parts{Ask: parts.Ask}
		c = find(t, alone, checks.REST)
		if _, err := c.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "who the bot is: no route") {
			t.Errorf("a question without an answer: %v", err)
		}
		if c.Interval != limits.Interval {
			t.Errorf("asked every %v", c.Interval)
		}
	})
}
