package botwright

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/cluster"
	"github.com/botwright/botwright/internal/fleet"
	"github.com/botwright/botwright/internal/gateway"
	"github.com/botwright/botwright/internal/group"
)

// A shardFleet is the set of this process's shards with one shard count. A bot has one; while it
// reshards, two.
type shardFleet struct {
	*fleet.Fleet[*shard]

	ids     []int           // of the shards that the bot's processes share
	member  *cluster.Member // which decides which of them are this process's
	joined  chan struct{}   // closed when member is set
	leaving sync.Once
	left    error // what leaving has come to

	turn   chan struct{}      // holds the turn of who makes a shard, and guards the next two
	made   map[int]*shard     // those that are not in the fleet yet
	paused map[int]leftBehind // what was left of a shard when the lease had run out

	firstReady slog.Level // of the line that says that a shard is ready for the first time
	fatal      error      // why a shard gave up; guarded by Bot.mu
}

// maxReadyLines is how many shards may each have a line of their own when the bot starts. With
// more, the progress of the start has to do.
const maxReadyLines = 16

// setReadyLines sets how loud the shards of a fleet are about being ready for the first time.
func (f *shardFleet) setReadyLines() {
	if len(f.ids) > maxReadyLines {
		f.firstReady = slog.LevelDebug
	}
}

// sessionOf returns the discordgo session of a new shard. The bot's own is that of the shard that it
// was made for, the first time that this is made.
func (b *Bot) sessionOf(id, count int) *discordgo.Session {
	session := b.session
	if id != session.ShardID || b.sessionTaken.Swap(true) {
		var err error
		if session, err = b.newSession(id, count); err != nil {
			b.reportAside(nil, fmt.Errorf("configure shard %d: %w", id, err))
		}
	}
	session.ShardCount = count // it may not have been known before
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
		go func() { closing[i] <- f.close(stage) }()
	}
	for _, closed := range closing {
		left = append(left, <-closed...)
	}
	return left
}

// close leaves the cluster, stops the shards and waits until they have, and until nothing is served
// to their sessions any more. It returns what is left when ctx ends.
func (f *shardFleet) close(ctx context.Context) (left []string) {
	if err := f.leave(ctx); err != nil {
		left = append(left, err.Error())
	}
	return append(left, f.Close(ctx)...)
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
		return fmt.Errorf("%w: shard %d of %d%s", ErrNotOwned, id, f.Count, f.whose(id))
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
