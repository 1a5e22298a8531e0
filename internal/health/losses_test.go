package health_test

import (
	"testing"
	"time"

	"github.com/botwright/botwright/internal/health"
)

func TestLosses(t *testing.T) {
	start := time.Now()
	for _, tt := range []struct {
		name   string
		totals []uint64 // every 10 minutes
		want   bool
	}{
		{"none", []uint64{0, 0, 0}, false},
		{"five", []uint64{1, 2, 3, 4, 5, 5}, false},
		{"six", []uint64{1, 2, 3, 4, 5, 6}, true},
		{"six between two looks", []uint64{0, 6}, true},
		{"a thousand", []uint64{0, 1000, 1000}, true},
		{"six, an hour ago", []uint64{6, 6, 6, 6, 6, 6, 6}, false},
		{"six, the first an hour ago", []uint64{1, 2, 3, 4, 5, 5, 6}, false},
		{"counted anew", []uint64{4, 0, 1}, false},
	} {
		var l health.Losses
		got := false
		for i, total := range tt.totals {
			got = l.Note(total, start.Add(time.Duration(i)*10*time.Minute))
		}
		if got != tt.want {
			t.Errorf("%s: %t", tt.name, got)
		}
	}
}
