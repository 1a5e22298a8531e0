package botwright

import (
	"context"
	"crypto/rand"
	"testing"

	"github.com/botwright/botwright/internal/cluster"
	"github.com/botwright/botwright/internal/health"
)

// DeliveryTogether returns what tells an alerter, in one of several processes, that shards are
// down and perhaps that memory is short.
func DeliveryTogether(t *testing.T, c Cluster, shards int, a Alerter) func(
	ctx context.Context, down []int, memory bool) error {
	t.Helper()
	h := &Health{together: &together{cluster.NewBoard(c, rand.Text()), func() int { return shards }}}
	deliver := h.delivery(a)
	return func(ctx context.Context, down []int, memory bool) error {
		n := health.Notice{Kind: health.Firing, Problems: []health.Problem{{Check: "gateway", Shards: down,
			TotalShards: len(down), Status: health.Unhealthy, Worst: health.Unhealthy, Message: "backoff"}}}
		if memory {
			n.Problems = append(n.Problems, health.Problem{Check: "memory", Status: health.Degraded,
				Worst: health.Degraded, Message: "90 %"})
		}
		return deliver(ctx, n)
	}
}
