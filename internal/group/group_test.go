package group_test

import (
	"context"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/botwright/botwright/internal/group"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g group.Group
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if left := g.Wait(ended); left != nil {
			t.Errorf("an empty group has %q", left)
		}
		release := make(chan struct{})
		g.Go("short", func() { time.Sleep(time.Second) })
		g.Go("gone", runtime.Goexit)
		g.Go("stuck", func() { <-release })
		g.Go("also stuck", func() { <-release })
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		if left := g.Wait(ctx); !slices.Equal(left, []string{"also stuck", "stuck"}) {
			t.Errorf("%q are left", left)
		}
		start := time.Now()
		time.AfterFunc(time.Second, func() { close(release) })
		if left := g.Wait(t.Context()); left != nil || time.Since(start) != time.Second {
			t.Errorf("after %v %q are left", time.Since(start), left)
		}
		if left := g.Wait(ended); left != nil {
			t.Errorf("%q are left", left)
		}
	})
}
