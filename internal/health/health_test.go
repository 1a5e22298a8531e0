package health_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botwright/botwright/internal/health"
)

// A bench is a Monitor in a bubble, and what it has told.
type bench struct {
	*health.Monitor
	quiet atomic.Bool

	mu      sync.Mutex // guards what follows
	start   time.Time
	told    []string
	reports int
}

// run calls f with a Monitor that runs, of a process before which another one told of problems at
// the start. Checks are due every minute, or after 10 s to confirm.
func run(t *testing.T, f func(b *bench), told ...health.Problem) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{start: time.Now()}
		b.Monitor = health.New(health.Config{
			Interval: time.Minute, Timeout: 5 * time.Second, Confirm: 10 * time.Second,
			Failures: 2, Window: 3, Successes: 2, Group: 5 * time.Second, Repeat: time.Hour,
			Quiet: b.quiet.Load, Notify: b.note, Logger: slog.New(slog.DiscardHandler),
			Report: func(health.Report) { b.reports++ },
		})
		b.Restore(told, b.start)
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { b.Run(ctx) })
		defer running.Wait()
		defer cancel()
		f(b)
	})
}

func (b *bench) note(n health.Notice) {
	b.mu.Lock()
	defer b.mu.Unlock()
	line := fmt.Sprintf("%v %s", n.Time.Sub(b.start), n.Kind)
	for _, p := range health.Group(n.Problems) {
		line += fmt.Sprintf(" %s[%s] %s", p.Check, health.Ranges(p.Shards), p.Worst)
		if p.Flapping {
			line += " flapping"
		}
		if p.Duration > 0 {
			line += " " + p.Duration.String()
		}
	}
	b.told = append(b.told, fmt.Sprintf("%s (%d open)", line, len(health.Group(n.Open))))
}

func (b *bench) want(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.Equal(b.told, want) {
		t.Errorf("told:\n%s\nwant:\n%s", strings.Join(b.told, "\n"), strings.Join(want, "\n"))
	}
}

// script is a check that answers with a letter a run: h, d or u; the last one for ever.
func script(letters string) func(context.Context) ([]health.Reading, error) {
	var runs atomic.Int64
	status := map[byte]health.Status{
		'h': health.Healthy, 'd': health.Degraded, 'u': health.Unhealthy}
	return func(context.Context) ([]health.Reading, error) {
		i := min(int(runs.Add(1)), len(letters)) - 1
		return []health.Reading{{Shard: health.NoShard, Status: status[letters[i]]}}, nil
	}
}

func TestHysteresis(t *testing.T) {
	tests := []struct {
		name, script string
		want         []string
	}{
		{"healthy", "h", nil},
		{"one bad reading", "huhhh", nil},
		{"bad every third time", "huhhuhhuhhuhh", nil},
		{"two of three", "huhuuuuuu", []string{"2m15s firing x[] unhealthy (1 open)"}},
		{"bad from the start", "u", []string{"15s firing x[] unhealthy (1 open)"}},
		{"mended", "huuhh", []string{
			"1m15s firing x[] unhealthy (1 open)",
			"2m25s resolved x[] unhealthy 1m25s (0 open)",
		}},
		{"one good reading does not mend", "huuhuuhuuuu", []string{
			"1m15s firing x[] unhealthy (1 open)",
		}},
		{"gets worse", "hddduuu", []string{
			"1m15s firing x[] degraded (1 open)",
			"3m15s firing x[] unhealthy (1 open)",
		}},
		{"gets better and worse", "huuudddduuu", []string{"1m15s firing x[] unhealthy (1 open)"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			run(t, func(b *bench) {
				b.Register(health.Check{Name: "x", Run: script(tt.script)})
				time.Sleep(20 * time.Minute)
				b.want(t, tt.want...)
			})
		})
	}
}

func TestGroups(t *testing.T) {
	run(t, func(b *bench) {
		var broken atomic.Bool
		b.Register(health.Check{Name: "gateway", Run: func(context.Context) (r []health.Reading, _ error) {
			for shard := range 20 {
				status := health.Healthy
				if broken.Load() && shard >= 3 && shard <= 17 {
					status = health.Unhealthy
				}
				r = append(r, health.Reading{Shard: shard, Status: status, Message: "not ready"})
			}
			return r, nil
		}})
		b.Register(health.Check{Name: "rest", Run: func(context.Context) ([]health.Reading, error) {
			if broken.Load() {
				return nil, errors.New("no route")
			}
			return nil, nil
		}})
		synctest.Wait()
		broken.Store(true)
		time.Sleep(2 * time.Minute)
		fired := "1m15s firing gateway[3–17] unhealthy rest[] unhealthy (2 open)"
		b.want(t, fired)
		if r := b.Report(); r.Status != health.Unhealthy || len(r.Checks) != 2 ||
			len(r.Checks[0].Shards) != 15 || r.Checks[1].Message != "no route" {
			t.Errorf("report: %+v", r)
		}
		time.Sleep(time.Hour)
		repeated := "1h1m15s repeating gateway[3–17] unhealthy rest[] unhealthy (2 open)"
		b.want(t, fired, repeated)
		broken.Store(false)
		time.Sleep(10 * time.Minute)
		b.want(t, fired, repeated,
			"1h2m25s resolved gateway[3–17] unhealthy 1h1m25s rest[] unhealthy 1h1m25s (0 open)")
	})
}

func TestQuiet(t *testing.T) {
	run(t, func(b *bench) {
		b.quiet.Store(true)
		b.Register(health.Check{Name: "passing", Run: script("uuuuhhhhhhhhhhhhhhhhhh")})
		b.Register(health.Check{Name: "staying", Run: script("u")})
		time.Sleep(10*time.Minute + time.Second)
		b.want(t)
		b.quiet.Store(false)
		time.Sleep(time.Minute)
		b.want(t, "10m15s firing staying[] unhealthy (1 open)")
	})
}

// A shard that is not there any more is no problem any more.
func TestSeriesThatGoes(t *testing.T) {
	run(t, func(b *bench) {
		var gone atomic.Bool
		b.Register(health.Check{Name: "gateway", Run: func(context.Context) ([]health.Reading, error) {
			if gone.Load() {
				return nil, nil
			}
			return []health.Reading{{Shard: 7, Status: health.Unhealthy}}, nil
		}})
		time.Sleep(time.Minute)
		gone.Store(true)
		time.Sleep(time.Minute)
		b.want(t, "15s firing gateway[7] unhealthy (1 open)",
			"1m15s resolved gateway[7] unhealthy 1m15s (0 open)")
	})
}

func TestCheckThatPanicsOrHangs(t *testing.T) {
	run(t, func(b *bench) {
		release := make(chan struct{})
		var hung atomic.Int64
		b.Register(health.Check{Name: "panics", Run: func(context.Context) ([]health.Reading, error) {
			panic("at the disco")
		}})
		b.Register(health.Check{Name: "hangs", Run: func(context.Context) ([]health.Reading, error) {
			hung.Add(1)
			<-release
			return nil, nil
		}})
		b.Register(health.Check{Name: "fine", Run: script("h")})
		time.Sleep(10 * time.Minute)
		if n := hung.Load(); n != 1 {
			t.Errorf("the check that hangs was begun %d times", n)
		}
		want := map[string]string{
			"panics": "the check panicked: at the disco", "hangs": "does not return", "fine": ""}
		for _, c := range b.Report().Checks {
			if !strings.Contains(c.Message, want[c.Name]) {
				t.Errorf("%s: %q", c.Name, c.Message)
			}
			if healthy := c.Status == health.Healthy; healthy != (c.Name == "fine") {
				t.Errorf("%s is %s", c.Name, c.Status)
			}
		}
		close(release)
		time.Sleep(10 * time.Minute)
		if c := b.Report().Checks[1]; c.Status != health.Healthy {
			t.Errorf("after it has returned: %+v", c)
		}
	})
}

func TestCheckNow(t *testing.T) {
	m := health.New(health.Config{Interval: time.Hour, Timeout: time.Minute, Failures: 2,
		Window: 2, Successes: 1, Logger: slog.New(slog.DiscardHandler)})
	if r := m.Report(); r.Status != health.Pending {
		t.Errorf("without checks: %s", r.Status)
	}
	m.Register(health.Check{Name: "a", Run: script("h")})
	m.Register(health.Check{Name: "b", Run: script("d")})
	if m.Register(health.Check{Name: "a", Run: script("h")}) {
		t.Error("a name was registered twice")
	}
	if r := m.Report(); r.Status != health.Pending || len(r.Checks) != 2 {
		t.Errorf("before: %+v", r)
	}
	// The first impression counts for the report, and is no problem yet.
	if r := m.Check(t.Context()); r.Status != health.Degraded || len(r.Open) != 0 {
		t.Errorf("once: %+v", r)
	}
	if r := m.Check(t.Context()); len(r.Open) != 1 || r.Open[0].Check != "b" {
		t.Errorf("twice: %+v", r)
	}
	for range 100 {
		m.Check(t.Context())
	}
	if n := len(m.Report().Checks[0].History); n != 60 {
		t.Errorf("history of %d", n)
	}
}

func TestReportsEveryMinute(t *testing.T) {
	run(t, func(b *bench) {
		b.Register(health.Check{Name: "x", Run: script("h")})
		time.Sleep(10*time.Minute + time.Second)
		synctest.Wait()
		if b.reports != 10 {
			t.Errorf("%d reports in 10 minutes", b.reports)
		}
	})
}

func TestRanges(t *testing.T) {
	tests := []struct {
		numbers []int
		want    string
	}{
		{nil, ""}, {[]int{3}, "3"}, {[]int{3, 4}, "3, 4"}, {[]int{3, 4, 5}, "3–5"},
		{[]int{0, 2, 3, 4, 9, 11, 12}, "0, 2–4, 9, 11, 12"},
	}
	for _, tt := range tests {
		if got := health.Ranges(tt.numbers); got != tt.want {
			t.Errorf("Ranges(%v) = %q, want %q", tt.numbers, got, tt.want)
		}
	}
}
