package botwright

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"

	"github.com/botwright/botwright/internal/alert"
	"github.com/botwright/botwright/internal/checks"
	"github.com/botwright/botwright/internal/cluster"
	"github.com/botwright/botwright/internal/health"
)

// together lets the processes of a cluster send one alert about what has happened to the shards of
// all of them.
type together struct {
	board *cluster.Board
	count func() int // of the bot's shards
}

// newTogether returns nil for a bot that is a single process.
func (b *Bot) newTogether() *together {
	if b.cfg.cluster == nil {
		return nil
	}
	return &together{cluster.NewBoard(b.cfg.cluster, rand.Text()), func() int {
		if f := b.currentFleet(); f != nil {
			return f.Count
		}
		return 0
	}}
}

// delivery returns how an alerter is told. What is about shards, or about what the processes share,
// one process tells for all. A log is told what its own process has.
func (h *Health) delivery(a Alerter) func(context.Context, health.Notice) error {
	topic := fmt.Sprintf("alerts of alerter %d: ", len(h.receivers))
	alone := func(ctx context.Context, n health.Notice) error {
		return a.Alert(ctx, newAlert(n, h.cfg.Name))
	}
	switch a.(type) {
	case SlogAlerter, *SlogAlerter:
		return alone
	}
	return func(ctx context.Context, n health.Notice) error {
		if h.together == nil {
			return alone(ctx, n)
		}
		common, own := alert.Split(n, checks.Identify)
		if len(common.Problems) > 0 {
			if err := h.together.tell(ctx, topic+string(n.Kind), common, alone); err != nil {
				return err
			}
		}
		if len(own.Problems) > 0 {
			return alone(ctx, own)
		}
		return nil
	}
}

// tell has a notice told together with those of the other processes.
func (t *together) tell(
	ctx context.Context, topic string, n health.Notice,
	deliver func(context.Context, health.Notice) error,
) error {
	message, err := json.Marshal(n)
	if err != nil || len(message) > cluster.MaxValue {
		return deliver(ctx, n)
	}
	return t.board.Tell(ctx, topic, message, func(ctx context.Context, messages [][]byte) error {
		var all []health.Notice
		for _, m := range messages {
			var one health.Notice
			if json.Unmarshal(m, &one) == nil {
				all = append(all, one)
			}
		}
		return deliver(ctx, alert.Combine(all, t.count()))
	})
}
