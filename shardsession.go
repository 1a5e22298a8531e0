package botwright

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"

	"github.com/bwmarrin/discordgo"
)

// A ShardSession is the discordgo session of one shard.
type ShardSession struct {
	*discordgo.Session
	ID    int // of the shard
	Count int // of all the bot's shards, including those of other processes
}

// EachShard calls fn for every shard of this process, in parallel, and returns when all calls have
// returned. The error joins their errors, each with its shard. Use it for what goes over the
// gateway, such as a presence, which would otherwise reach one shard only. fn gets ctx and has to
// watch it. A panic in fn becomes a [*PanicError]. Before Open the error is [ErrNotOpen].
//
// discordgo methods that use the gateway return discordgo.ErrWSNotFound for a shard that has not
// been ready yet. After Open, all shards have been.
func (b *Bot) EachShard(ctx context.Context, fn func(context.Context, ShardSession) error) error {
	f := b.currentFleet()
	if f == nil {
		return ErrNotOpen
	}
	shards := f.All()
	errs := make([]error, len(shards))
	var calls sync.WaitGroup
	for i, s := range shards {
		calls.Go(func() {
			if err := s.call(ctx, fn); err != nil {
				errs[i] = fmt.Errorf("shard %d: %w", s.id, err)
			}
		})
	}
	calls.Wait()
	return errors.Join(errs...)
}

func (s *shard) call(
	ctx context.Context, fn func(context.Context, ShardSession) error,
) error {
	return protect(func() error {
		return fn(ctx, ShardSession{Session: s.session, ID: s.id, Count: s.fleet.Count})
	})
}

// Sessions returns an iterator over the discordgo sessions of this process and the ids of their
// shards, in ascending order. There are none before Open. To use all of them at the same time, see
// [Bot.EachShard].
func (b *Bot) Sessions() iter.Seq2[int, *discordgo.Session] {
	return func(yield func(int, *discordgo.Session) bool) {
		for _, s := range b.ownShards() {
			if !yield(s.id, s.session) {
				return
			}
		}
	}
}
