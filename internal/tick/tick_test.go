package tick_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botwright/botwright/internal/tick"
)

func TestTicks(t *testing.T) {
	for name, tt := range map[string]struct {
		loop func(context.Context, time.Duration, func())
		want int
	}{"Every": {tick.Every, 3}, "Now": {tick.Now, 4}} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second+time.Millisecond)
			defer cancel()
			calls := 0
			tt.loop(ctx, time.Second, func() { calls++ })
			if calls != tt.want {
				t.Errorf("%s: %d calls in 3 s, want %d", name, calls, tt.want)
			}
		})
	}
}

func TestTurns(t *testing.T) {
	var done []int
	rounds := 0
	turns := tick.Turns{Of: 3, Jobs: func() (jobs []func()) {
		rounds++
		for i := range 7 {
			jobs = append(jobs, func() { done = append(done, i) })
		}
		return jobs
	}}
	for _, want := range []int{3, 6, 7, 10} {
		turns.Next()
		if len(done) != want {
			t.Errorf("%d jobs are done, want %d", len(done), want)
		}
	}
	if rounds != 2 || !slices.Equal(done, []int{0, 1, 2, 3, 4, 5, 6, 0, 1, 2}) {
		t.Errorf("%d rounds: %v", rounds, done)
	}
	none := tick.Turns{Jobs: func() []func() { return nil }}
	none.Next()
}
