// Package tick calls a function again and again.
package tick

import (
	"context"
	"time"
)

// Every calls f each time d has passed, on the caller's goroutine, until ctx is done. While f takes
// longer than d, calls are left out.
func Every(ctx context.Context, d time.Duration, f func()) {
	t := time.NewTicker(d)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			f()
		case <-ctx.Done():
			return
		}
	}
}

// Now calls f at once, and then like Every.
func Now(ctx context.Context, d time.Duration, f func()) {
	f()
	Every(ctx, d, f)
}
