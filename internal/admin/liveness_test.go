package admin_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botwright/botwright/internal/admin"
)

// A lock that is never free is found, by one goroutine however often a probe asks.
func TestLiveness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var calls atomic.Int64
		cfg := (&bot{}).config()
		cfg.Touch = func() { calls.Add(1); <-release }
		s := admin.New(cfg)
		start := time.Now()
		for range 3 {
			if code, body := ask(s, "GET", "/livez"); code != 503 {
				t.Errorf("a process that is wedged counts as alive: %d %s", code, body)
			}
		}
		if took := time.Since(start); took != 15*time.Second || calls.Load() != 1 {
			t.Errorf("%d calls in %v", calls.Load(), took)
		}
		close(release)
		synctest.Wait()
		if code, _ := ask(s, "GET", "/livez"); code != 200 || calls.Load() != 2 {
			t.Errorf("not alive after %d calls: %d", calls.Load(), code)
		}
	})
}
