package silence_test

import (
	"math"
	"testing"
	"time"

	"github.com/botwright/botwright/internal/silence"
)

// feed lets events come in evenly for d, looked at every 5 s, and reports whether the shard was
// ever found silent.
func feed(
	d *silence.Detector, now *time.Time, events *float64, length time.Duration, rate float64,
) bool {
	found := false
	const look = 5 * time.Second
	for end := now.Add(length); now.Before(end); {
		*now = now.Add(look)
		*events += rate * look.Seconds()
		found = d.Observe(*now, uint64(*events)) || found
	}
	return found
}

func TestObserve(t *testing.T) {
	t.Parallel()
	type stretch struct {
		d    time.Duration
		rate float64
	}
	tests := []struct {
		name   string
		before []stretch // in which it must not be found silent
		quiet  time.Duration
		silent bool
	}{
		{"busy, then silent", []stretch{{10 * time.Hour, 20}}, time.Minute, true},
		{"busy, then silent for less", []stretch{{10 * time.Hour, 20}}, 55 * time.Second, false},
		{"slow, then silent", []stretch{{24 * time.Hour, 0.1}}, 13 * time.Minute, true},
		{"slow, then silent for less", []stretch{{24 * time.Hour, 0.1}}, 11 * time.Minute, false},
		{"never busy", []stretch{{24 * time.Hour, 0.001}}, 12 * time.Hour, false},
		{"no event ever", []stretch{{time.Hour, 0}}, 24 * time.Hour, false},
		{"just started", []stretch{{10 * time.Minute, 20}}, 10 * time.Minute, false},
		{"a conversation", []stretch{{12 * time.Hour, 0.001}, {time.Hour, 1}}, 5 * time.Minute, false},
		{"a burst", []stretch{{24 * time.Hour, 0.01}, {5 * time.Second, 1000}}, 30 * time.Minute, false},
		{"evening", []stretch{{8 * time.Hour, 20}, {time.Hour, 1}, {time.Hour, 0.1}}, 5 * time.Minute, false},
		{"back after an outage", []stretch{{10 * time.Hour, 1}, {50 * time.Second, 0}, {5 * time.Second, 50},
			{50 * time.Second, 0}, {5 * time.Second, 50}}, time.Minute, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var d silence.Detector
			now, events := time.Unix(1_700_000_000, 0), 0.0
			d.Observe(now, 0)
			for _, s := range tt.before {
				if feed(&d, &now, &events, s.d, s.rate) {
					t.Fatalf("silent at %.2f events per second", s.rate)
				}
			}
			if silent := feed(&d, &now, &events, tt.quiet, 0); silent != tt.silent {
				t.Errorf("silent: %t, want %t", silent, tt.silent)
			}
		})
	}
}

func TestRate(t *testing.T) {
	t.Parallel()
	var d silence.Detector
	now, events := time.Unix(1_700_000_000, 0), 0.0
	want := func(when string, rate, off float64) {
		t.Helper()
		if got := d.Rate(); math.Abs(got-rate) > off {
			t.Errorf("%s: %.2f events per second, want %.2f", when, got, rate)
		}
	}
	d.Observe(now, 0)
	want("before anything", 0, 0)
	feed(&d, &now, &events, 5*time.Second, 8)
	want("after the first look", 8, 0.01)
	feed(&d, &now, &events, 20*time.Minute, 8)
	want("after a while", 8, 0.01)
	feed(&d, &now, &events, 5*time.Minute, 0)
	want("after one window of silence", 8/math.E, 0.05)
	feed(&d, &now, &events, 30*time.Minute, 2)
	want("after a change", 2, 0.05)
}
