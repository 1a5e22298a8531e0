package botwright

import (
	"context"
	"fmt"
	"time"
)

// reshardEvery is how often WithAutoReshard looks: a bot does not gain so many guilds in a few
// hours that the fifth it still has room for is filled.
const reshardEvery = 8 * time.Hour

// WithAutoReshard checks every 8 hours whether the shards are full, and reshards when they hold 80
// % of the 2,500 guilds that Discord allows on one. The new number is Discord's recommendation, or
// the number that leaves shards half full if that is more. A bot that has only some of its shards
// in this process cannot reshard and reports an error.
func WithAutoReshard() Option {
	return func(c *config) { c.autoReshard = true }
}

func autoReshard(ctx context.Context, b *Bot) {
	for pause(ctx, reshardEvery) == nil {
		if err := b.reshardIfFull(ctx); err != nil && ctx.Err() == nil {
			b.reportAside(nil, fmt.Errorf("reshard automatically: %w", err))
		}
	}
}

func (b *Bot) reshardIfFull(ctx context.Context) error {
	guilds, shards := 0, b.Shards()
	for _, s := range shards {
		guilds += s.Guilds + s.UnavailableGuilds
	}
	f := b.currentFleet()
	if f == nil || guilds*10 < len(shards)*maxGuildsPerShard*8 {
		return nil
	}
	found, err := b.locator.Fetch(ctx)
	if err != nil {
		return err
	}
	count := max(found.Shards, guilds*2/maxGuildsPerShard, f.Count+1)
	b.cfg.logger.Info("shards are full: resharding", "guilds", guilds,
		"shards", f.Count, "new_shards", count)
	return b.Reshard(ctx, count)
}
