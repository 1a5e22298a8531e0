package botwright

import (
	"context"
	"time"

	"github.com/botwright/botwright/internal/cluster"
)

// RoundShards is how a number of shards is rounded.
func RoundShards(count, maxConcurrency int) int { return roundShards(count, maxConcurrency) }

// WithOverlapPart sets how long each part of an overlap takes.
func WithOverlapPart(d time.Duration) Option { return func(c *config) { c.overlapPart = d } }

// ConfiguredShards returns what the options of a bot say about shards.
func ConfiguredShards(b *Bot) (count int, ids []int) { return b.cfg.shardCount, b.cfg.shardIDs }

// WithSampleEvery sets how often it is looked at whether shards are silent.
func WithSampleEvery(d time.Duration) Option { return func(c *config) { c.sampleEvery = d } }

// NewWatch returns a function that looks at a given time whether a shard is silent. The shard was
// always busy until now.
func NewWatch(b *Bot, id int, now time.Time) (look func(time.Time)) {
	s, _ := b.currentFleet().Find(id)
	events := s.gateway.Status().Events
	const looks = 20_000 // a day
	for i := range uint64(looks) {
		s.silence.Observe(now.Add(time.Duration(i)*sampleEvery-looks*sampleEvery), i+1)
	}
	s.silence.Observe(now, events)
	return func(now time.Time) { b.watchShard(context.Background(), s, now) }
}

// OverlapPhase returns how far Reshard is.
func OverlapPhase(b *Bot) string {
	if o := b.resharded.Load(); o != nil {
		return o.Phase().String()
	}
	return ""
}

// WithMember sets how long a process of a cluster may be silent, and who is told when it has a shard
// (1) and when it has it no more (-1).
func WithMember(ttl time.Duration, owns func(shard, change int)) Option {
	return func(c *config) {
		c.tuneMember = func(cfg *cluster.Config) {
			cfg.TTL, cfg.Settle = ttl, 0
			run := cfg.Run
			cfg.Run = func(ctx context.Context, shard int, token uint64) {
				owns(shard, 1)
				defer owns(shard, -1)
				run(ctx, shard, token)
			}
		}
	}
}
