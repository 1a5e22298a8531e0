package cooldown_test

import (
	"testing"
	"time"

	"golang.org/x/time/rate"

	"github.com/botwright/botwright/internal/cooldown"
)

func TestTake(t *testing.T) {
	t.Parallel()
	keys := cooldown.New(rate.Every(10*time.Second), 2, 100)
	start := time.Now()
	for i, tt := range []struct {
		key   string
		at    time.Duration
		wait  time.Duration
		first bool
	}{
		{"a", 0, 0, false},
		{"a", 0, 0, false},
		{"a", 0, 10 * time.Second, true},
		{"b", 0, 0, false},
		{"a", 4 * time.Second, 6 * time.Second, false},
		{"a", 10 * time.Second, 0, false},
		{"a", 11 * time.Second, 9 * time.Second, true},
	} {
		wait, first := keys.Take(tt.key, start.Add(tt.at))
		if wait.Round(time.Millisecond) != tt.wait || first != tt.first {
			t.Errorf("%d: wait %v, first %t; want %v, %t", i, wait, first, tt.wait, tt.first)
		}
	}
}

// TestMaxKeys forgets the key that was used longest ago.
func TestMaxKeys(t *testing.T) {
	t.Parallel()
	keys, now := cooldown.New(rate.Every(time.Hour), 1, 2), time.Now()
	for _, key := range []string{"a", "b", "c"} {
		if wait, _ := keys.Take(key, now); wait != 0 {
			t.Errorf("%s waits %v", key, wait)
		}
	}
	if wait, _ := keys.Take("a", now); wait != 0 {
		t.Errorf("a was not forgotten")
	}
	if wait, _ := keys.Take("c", now); wait == 0 {
		t.Errorf("c was forgotten")
	}
}
