package health_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/botwright/botwright/internal/health"
)

// offset keeps what happens in a test apart from the ticks of the Monitor.
const offset = 2 * time.Second

// every registers a check of shards that runs every 15 s. bad says which are, at a time.
func (b *bench) every(shards int, bad func(shard int, at time.Duration) bool) {
	time.Sleep(offset)
	b.Register(health.Check{Name: "gateway", Interval: 15 * time.Second,
		Run: func(context.Context) (rs []health.Reading, _ error) {
			for s := range shards {
				r := health.Reading{Shard: s, Status: health.Healthy, Message: "ready"}
				if bad(s, time.Since(b.start)) {
					r.Status, r.Message = health.Unhealthy, "backoff"
				}
				rs = append(rs, r)
			}
			return rs, nil
		}})
}

// said returns what was told.
func (b *bench) said() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.told...)
}

// What comes and goes all the time is one alert that says so, however long it does.
func TestFlappingIsOneAlert(t *testing.T) {
	for _, tt := range []struct{ up, down time.Duration }{
		{30 * time.Second, 30 * time.Second},
		{time.Minute, time.Minute}, {5 * time.Minute, 40 * time.Second},
		{5 * time.Minute, 5 * time.Minute},
	} {
		t.Run(fmt.Sprintf("%v up, %v down", tt.up, tt.down), func(t *testing.T) {
			run(t, func(b *bench) {
				b.every(1, func(_ int, at time.Duration) bool {
					return at < time.Hour && at%(tt.up+tt.down) >= tt.up
				})
				time.Sleep(time.Hour)
				hour := b.said()
				if len(hour) > 4 || !strings.Contains(strings.Join(hour, "\n"), "flapping") {
					t.Errorf("%d messages in an hour:\n%s", len(hour), strings.Join(hour, "\n"))
				}
				time.Sleep(time.Hour)
				last := b.said()
				if len(last) > len(hour)+2 || !strings.HasSuffix(last[len(last)-1], "(0 open)") {
					t.Errorf("at the end:\n%s", strings.Join(last, "\n"))
				}
			})
		})
	}
}

// Many shards of which each is rarely down are one alert as well, as long as they go on.
func TestManyShardsThatComeAndGo(t *testing.T) {
	run(t, func(b *bench) {
		b.every(64, func(shard int, at time.Duration) bool {
			return (at+time.Duration(shard)*28*time.Second)%(30*time.Minute) < time.Minute
		})
		time.Sleep(time.Hour)
		hour := b.said()
		if len(hour) > 12 {
			t.Errorf("%d messages in an hour:\n%s", len(hour), strings.Join(hour, "\n"))
		}
		time.Sleep(5 * time.Hour)
		if n := len(b.said()) - len(hour); n > 5 {
			t.Errorf("%d messages in the next five hours", n)
		}
	})
}

// Flapping hides neither a shard that is dead nor an outage of all.
func TestFlappingHidesNothing(t *testing.T) {
	run(t, func(b *bench) {
		b.every(64, func(shard int, at time.Duration) bool {
			switch {
			case at < 2*time.Hour && shard == 0:
				return at%time.Minute >= 30*time.Second
			case shard == 1:
				return at >= 30*time.Minute
			}
			return at >= time.Hour && at < 90*time.Minute
		})
		time.Sleep(4 * time.Hour)
		b.want(t,
			"47s firing gateway[0] unhealthy (1 open)",
			"1m27s resolved gateway[0] unhealthy 55s (0 open)",
			"1m52s firing gateway[0] unhealthy flapping (1 open)",
			"30m47s firing gateway[0, 1] unhealthy flapping (1 open)",
			"40m15s firing gateway[1] unhealthy (2 open)",
			"1h0m22s firing gateway[0–63] unhealthy flapping (2 open)",
			"1h10m15s firing gateway[2–63] unhealthy (2 open)",
			"1h40m27s resolved gateway[2–63] unhealthy 30m10s (2 open)",
			"2h10m30s resolved gateway[0–63] unhealthy flapping 2h9m48s (1 open)",
			"3h10m30s repeating gateway[1] unhealthy (1 open)",
		)
	})
}

// A check that fails to run says nothing about its shards.
func TestFailedCheckKeepsItsShards(t *testing.T) {
	run(t, func(b *bench) {
		n := 0
		time.Sleep(offset)
		b.Register(health.Check{Name: "gateway", Interval: 15 * time.Second,
			Run: func(context.Context) ([]health.Reading, error) {
				if n++; n == 6 {
					panic("once")
				}
				return []health.Reading{{Shard: 7, Status: health.Unhealthy}}, nil
			}})
		time.Sleep(5 * time.Minute)
		b.want(t, "17s firing gateway[7] unhealthy (1 open)")
	})
}

// A check can have rules of its own.
func TestRulesOfACheck(t *testing.T) {
	run(t, func(b *bench) {
		time.Sleep(offset)
		b.Register(health.Check{Name: "x", Failures: 1, Window: 1, Successes: 3, Run: script("huhhhh")})
		time.Sleep(10 * time.Minute)
		b.want(t, "1m7s firing x[] unhealthy (1 open)", "2m27s resolved x[] unhealthy 1m25s (0 open)")
	})
}

// What an earlier process has told is not told again, and its end is.
func TestRestore(t *testing.T) {
	old := func(check string) health.Problem { // an hour before the bubble's time begins
		return health.Problem{Check: check, Status: health.Unhealthy, Worst: health.Unhealthy,
			Since: time.Date(1999, 12, 31, 23, 0, 0, 0, time.UTC)}
	}
	run(t, func(b *bench) {
		b.Register(health.Check{Name: "x", Run: script("h")})
		time.Sleep(offset)
		b.Register(health.Check{Name: "stays", Run: script("u")})
		time.Sleep(30 * time.Minute)
		b.want(t, "17s resolved gone[] unhealthy 1h0m17s x[] unhealthy 1h0m17s (1 open)")
		if told := b.Told(); len(told) != 1 || told[0].Check != "stays" {
			t.Errorf("told %v", told)
		}
	}, old("x"), old("stays"), old("gone"))
	run(t, func(b *bench) { // what is still open is repeated when it would have been
		b.Register(health.Check{Name: "stays", Run: script("u")})
		time.Sleep(time.Hour + time.Minute)
		b.want(t, "1h0m0s repeating stays[] unhealthy (1 open)")
	}, old("stays"))
}
