// Package tick calls functions again and again.
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

// Turns does jobs that need not be done at once a few at a time, so that all of them have been done
// after Of turns. Then it asks for new ones. It is for one goroutine.
type Turns struct {
	Jobs func() []func()
	Of   int

	todo []func()
	each int
}

// Next does as many jobs as are due.
func (t *Turns) Next() {
	if len(t.todo) == 0 {
		t.todo = t.Jobs()
		of := max(1, t.Of)
		t.each = (len(t.todo) + of - 1) / of
	}
	n := min(t.each, len(t.todo))
	for _, job := range t.todo[:n] {
		job()
	}
	t.todo = t.todo[n:]
}
