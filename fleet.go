package botwright

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/fleet"
	"github.com/botwright/botwright/internal/gateway"
	"github.com/botwright/botwright/internal/group"
)

// A shardFleet is the set of this process's shards with one shard count. A bot has one; while it
// reshards, two.
type shardFleet struct {
	*fleet.Fleet[*shard]

	firstReady slog.Level // of the line that says that a shard is ready for the first time
	fatal      error      // why a shard gave up; guarded by Bot.mu
}

// maxReadyLines is how many shards may each have a line of their own when the bot starts. With
// more, the progress of the start has to do.
const maxReadyLines = 16

// newFleet makes the shards of a fleet.
func (b *Bot) newFleet(count int, ids []int, restored map[int]leftBehind) *shardFleet {
	f := &shardFleet{}
	f.Fleet = fleet.New[*shard](fleet.Config{
		Count: count, Failed: func(err error) { b.fail(f, err) }})
	if len(ids) > maxReadyLines {
		f.firstReady = slog.LevelDebug
	}
	for _, id := range ids {
		f.Add(b.newShard(f, id, restored[id]))
	}
	return f
}

// sessionOf returns the discordgo session of a new shard: for the first one ever the bot's own.
func (b *Bot) sessionOf(id, count int) *discordgo.Session {
	session := b.session
	if b.sessionTaken.Swap(true) {
		var err error
		if session, err = b.newSession(id, count); err != nil {
			b.reportAside(nil, fmt.Errorf("configure shard %d: %w", id, err))
		}
	}
	session.ShardID, session.ShardCount = id, count // the number may not have been known before
	return session
}

// closeFleets closes the bot's shards, and those beside them if it was resharding. It returns what
// is left when its time is up.
func (b *Bot) closeFleets(ctx context.Context) (left []string) {
	stage, cancel := stageOf(ctx, 3*moment)
	defer cancel()
	var reshard group.Group
	reshard.Go("Reshard", b.reshard.Wait)
	left = reshard.Wait(stage)
	b.mu.Lock()
	fleets := []*shardFleet{b.fleet, b.otherFleet}
	b.mu.Unlock()
	stage, cancel = stageOf(ctx, 2*moment)
	defer cancel()
	closing := make([]chan []string, len(fleets))
	for i, f := range fleets {
		closing[i] = make(chan []string, 1)
		if f == nil {
			closing[i] <- nil
			continue
		}
		go func() { closing[i] <- f.Close(stage) }()
	}
	for _, closed := range closing {
		left = append(left, <-closed...)
	}
	return left
}

// waitReady waits until all shards are ready, and says in the log how far it is.
func (b *Bot) waitReady(ctx context.Context, f *shardFleet) error {
	return f.AwaitReady(ctx, &b.changes, func() error { return b.fate(f) }, func(progress string) {
		b.cfg.logger.Info("starting", "progress", progress)
	})
}

// fate returns why a fleet cannot go on: what a shard has given up for, or ErrShutdown. It is nil
// as long as it can.
func (b *Bot) fate(f *shardFleet) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if f.fatal == nil && b.state == botStopping {
		return ErrShutdown
	}
	return f.fatal
}

// RestartShard closes a shard's connection, connects it again, and returns when the shard is ready.
// The session is resumed, so no event is lost. The error is [ErrNotOwned] if this process does not
// have the shard, or the cause of ctx.
func (b *Bot) RestartShard(ctx context.Context, id int) error {
	f := b.currentFleet()
	if f == nil {
		return ErrNotOpen
	}
	s, ok := f.Find(id)
	if !ok {
		return fmt.Errorf("%w: shard %d of %d", ErrNotOwned, id, f.Count)
	}
	handshakes := func() uint64 {
		st := s.gateway.Status()
		return st.Resumes + st.Identifies
	}
	before := handshakes()
	s.gateway.Restart()
	err := b.changes.Await(ctx, nil, func(bool) (bool, error) {
		switch state := s.gateway.State(); {
		case b.stopping():
			return false, ErrShutdown
		case state == gateway.Fatal:
			return true, s.status().Err
		case state == gateway.Closed:
			return false, fmt.Errorf("%w any more: resharding has replaced shard %d of %d",
				ErrNotOwned, id, f.Count)
		default:
			return state == gateway.Ready && handshakes() > before, nil
		}
	})
	if ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) {
		return fmt.Errorf("restart shard %d: %w", id, err)
	}
	return err
}

func (b *Bot) currentFleet() *shardFleet {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.fleet
}
