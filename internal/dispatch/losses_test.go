package dispatch_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/botwright/botwright/internal/dispatch"
)

func TestLosses(t *testing.T) {
	var l dispatch.Losses[string]
	now := time.Now()
	due := func(after time.Duration, want map[string]uint64) {
		t.Helper()
		now = now.Add(after)
		got := l.Due(now)
		for _, loss := range got {
			if want[loss.Of] != loss.Dropped {
				t.Errorf("%s has lost %d, want %d", loss.Of, loss.Dropped, want[loss.Of])
			}
		}
		if len(got) != len(want) {
			t.Errorf("%d due, want %d", len(got), len(want))
		}
	}
	due(0, nil)
	for range 5 {
		l.Note("a")
	}
	due(0, map[string]uint64{"a": 5})
	l.Note("a")
	l.Note("b")
	due(30*time.Second, map[string]uint64{"b": 1})
	due(30*time.Second, map[string]uint64{"a": 1})
	due(time.Hour, nil) // and both are forgotten
	for i := range 5000 {
		l.Note(strconv.Itoa(i))
	}
	got := l.Due(now)
	slices.SortFunc(got, func(a, b dispatch.Loss[string]) int { return strings.Compare(a.Of, b.Of) })
	if len(got) != 101 || got[0] != (dispatch.Loss[string]{Dropped: 4900}) {
		t.Errorf("of many: %d due, first %+v", len(got), got[0])
	}
}
