package tick_test

import (
	"context"
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
