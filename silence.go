package botwright

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/botwright/botwright/internal/gateway"
	"github.com/botwright/botwright/internal/tick"
)

const (
	// sampleEvery is how often it is looked at whether shards are silent.
	sampleEvery = 5 * time.Second

	// settleIn is how long a new session may take to be sent its guilds, which say nothing about
	// how busy it is.
	settleIn = time.Minute
)

// watchShards follows the events of all shards, and reconnects those that have gone silent. A
// RESUME brings what was missed.
func (b *Bot) watchShards(ctx context.Context) {
	tick.Every(ctx, b.cfg.sampleEvery, func() {
		for _, s := range b.ownShards() {
			b.watchShard(ctx, s, time.Now())
		}
	})
}

func (b *Bot) watchShard(ctx context.Context, s *shard, now time.Time) {
	st := s.gateway.Status()
	if st.Unavailable > 0 && now.Sub(st.SessionSince) < settleIn {
		s.silence.Reset()
		return
	}
	if st.Blocked > 0 {
		s.silence.Hold(now)
		return
	}
	if !s.silence.Observe(now, st.Events) || st.State != gateway.Ready {
		return
	}
	quiet := s.silence.Quiet(now)
	s.silence.Reset()
	err := fmt.Errorf("shard %d has had no event for %s, which is unusual: reconnecting it", s.id,
		quiet.Round(time.Second))
	b.reportOrLog(err, func(log *slog.Logger) {
		log.Warn("shard has been silent for unusually long: reconnecting it", "shard", s.id,
			"silent_for", quiet.Round(time.Second).String())
	})
	s.gateway.Restart()
}
