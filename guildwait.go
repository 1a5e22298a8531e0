package botwright

import (
	"context"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/gateway"
)

// defaultGuildWait is how long Open waits for another guild. Discord sends them one after the
// other, some tens a second at the least; those in an outage it may not send for hours.
const defaultGuildWait = 5 * time.Second

// awaitGuilds waits until State has the guilds that the READYs of a fleet list, or until none has
// come for a while.
func (b *Bot) awaitGuilds(ctx context.Context, f *shardFleet) error {
	if !b.cfg.state.Guilds || b.intents&discordgo.IntentGuilds == 0 {
		return nil // Discord does not send them, or nobody keeps them
	}
	last := -1
	timer := time.NewTimer(b.cfg.guildWait)
	defer timer.Stop()
	return b.changes.Await(ctx, timer.C, func(ticked bool) (bool, error) {
		missing := f.arriving()
		if err := b.fate(f); err != nil || missing == 0 {
			return true, err
		}
		if missing != last {
			last = missing
			timer.Reset(b.cfg.guildWait)
		} else if ticked {
			b.cfg.logger.Warn("State lacks guilds: Discord has not sent them, perhaps because "+
				"of an outage; handlers are called when they arrive", "guilds", missing)
			return true, nil
		}
		return false, nil
	})
}

// arriving counts the guilds that State waits for, and the shards whose READY it has not seen yet.
func (f *shardFleet) arriving() int {
	n := 0
	for _, s := range f.All() {
		if s.state == nil || s.resumed() {
			continue
		}
		missing, ready := s.state.Arriving()
		if n += missing; !ready {
			n++
		}
	}
	return n
}

// resumed reports whether the shard goes on with the session of an earlier process: there is no
// READY then, and Discord does not send the guilds again.
func (s *shard) resumed() bool {
	st := s.gateway.Status()
	return st.State == gateway.Ready && st.Identifies == 0
}
