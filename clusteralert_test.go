package botwright_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/internal/cluster"
)

// alertBox keeps the alerts that it is told.
type alertBox struct {
	mu     sync.Mutex
	alerts []botwright.Alert
}

func (a *alertBox) Alert(_ context.Context, got botwright.Alert) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.alerts = append(a.alerts, got)
	return nil
}

// TestProcessesAlertTogether has three processes find that all of their shards are down, and one
// that its memory is.
func TestProcessesAlertTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		backend, box := cluster.NewLocal(), &alertBox{}
		var running sync.WaitGroup
		ctx, cancel := context.WithCancel(t.Context())
		for i := range 3 {
			tell := botwright.DeliveryTogether(t, backend, 6, box)
			running.Go(func() {
				time.Sleep(time.Duration(i) * 300 * time.Millisecond)
				if err := tell(ctx, []int{i, 3 + i}, i == 2); err != nil {
					t.Error(err)
				}
			})
		}
		running.Wait()
		cancel()
		var texts []string
		for _, a := range box.alerts {
			texts = append(texts, a.String())
		}
		if len(texts) != 2 || texts[0] != "gateway (6 of 6 shards: 0–5) unhealthy: backoff" ||
			texts[1] != "memory degraded: 90 %" {
			t.Errorf("alerts %q", texts)
		}
	})
}
