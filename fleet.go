package botwright

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/botwright/botwright/internal/gateway"
	"github.com/botwright/botwright/internal/group"
)

// A fleet is a set of shards with one shard count. A bot has one; while it reshards, two.
type fleet struct {
	count  int
	shards []*shard // in the order of their ids

	restored map[int]leftBehind // by shard: what an earlier process left to resume

	firstReady slog.Level // of the line that says that a shard is ready for the first time

	stop    context.CancelFunc // ends the shards
	running group.Group
	fatal   error // why a shard gave up; guarded by Bot.mu
}

// maxReadyLines is how many shards may each have a line of their own when the bot starts. With
// more, the progress of the start has to do.
const maxReadyLines = 16

// newFleet makes the shards of a fleet. The first one of a bot's first fleet has the bot's own
// session.
func (b *Bot) newFleet(count int, ids []int, restored map[int]leftBehind) *fleet {
	f := &fleet{count: count, restored: restored}
	if len(ids) > maxReadyLines {
		f.firstReady = slog.LevelDebug
	}
	for _, id := range ids {
		session := b.session
		if f.shards != nil || b.currentFleet() != nil {
			var err error
			if session, err = b.newSession(id, count); err != nil {
				b.reportAside(nil, fmt.Errorf("configure shard %d: %w", id, err))
			}
		}
		session.ShardID, session.ShardCount = id, count // the number may not have been known before
		f.shards = append(f.shards, b.newShard(f, id, session))
	}
	return f
}

// start lets the shards run until ctx is done or the fleet is stopped. Shards of one
// max_concurrency key connect one after the other, in the order of their ids: the next one when
// the one before has identified, or cannot. So the first ones are ready while the last ones have
// no connection yet, and none waits on an open connection for a turn that is minutes away.
func (f *fleet) start(ctx context.Context, maxConcurrency int, failed func(*fleet, error)) {
	ctx, f.stop = context.WithCancel(ctx)
	keys := make([][]*shard, max(maxConcurrency, 1))
	for _, s := range f.shards {
		key := s.id % len(keys)
		keys[key] = append(keys[key], s)
	}
	for _, shards := range keys {
		f.running.Go("start of shards", func() {
			for _, s := range shards {
				f.running.Go(fmt.Sprintf("shard %d", s.id), func() {
					defer s.started()
					if err := s.run(ctx); err != nil {
						failed(f, err)
					}
				})
				select {
				case <-s.passed:
				case <-ctx.Done():
					return
				}
			}
		})
	}
}

// close stops the shards and waits until they have, and until nothing is served to their sessions
// any more. Those close by themselves: discordgo sleeps for a second while it does (CloseWithCode
// in wsapi.go), which is nothing to wait for. When ctx ends first it returns what is left.
func (f *fleet) close(ctx context.Context) (left []string) {
	f.stop()
	var sessions group.Group
	for _, s := range f.shards {
		sessions.Go(fmt.Sprintf("session of shard %d", s.id), s.relay.Close)
	}
	left = f.running.Wait(ctx)
	return append(left, sessions.Wait(ctx)...)
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
	fleets := []*fleet{b.fleet, b.otherFleet}
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

// find returns the shard with the id, or nil.
func (f *fleet) find(id int) *shard {
	i, found := slices.BinarySearchFunc(f.shards, id, func(s *shard, id int) int {
		return s.id - id
	})
	if !found {
		return nil
	}
	return f.shards[i]
}

// ready counts the shards that are, and whose session can be used.
func (f *fleet) ready() int {
	n := 0
	for _, s := range f.shards {
		if s.gateway.State() == gateway.Ready && s.usable.Load() {
			n++
		}
	}
	return n
}

// waitReady waits until all shards are ready, and says in the log how far it is.
func (b *Bot) waitReady(ctx context.Context, f *fleet) error {
	progress := time.NewTicker(progressEvery)
	defer progress.Stop()
	err := b.changes.Await(ctx, progress.C, func(ticked bool) (bool, error) {
		if err := b.fate(f); err != nil {
			return false, err
		}
		ready := f.ready() == len(f.shards)
		if ticked && !ready {
			b.cfg.logger.Info("starting", "progress", b.progress(f))
		}
		return ready, nil
	})
	if ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) {
		return errors.Join(err, f.lastErrors())
	}
	return err
}

// fate returns why a fleet cannot go on: what a shard has given up for, or ErrShutdown. It is nil
// as long as it can.
func (b *Bot) fate(f *fleet) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if f.fatal == nil && b.state == botStopping {
		return ErrShutdown
	}
	return f.fatal
}

// lastErrors joins what each shard that is not ready has failed with last.
func (f *fleet) lastErrors() error {
	var errs []error
	for _, s := range f.shards {
		if st := s.status(); st.State != ShardReady && st.Err != nil {
			errs = append(errs, fmt.Errorf("shard %d is %s: %w", s.id, st.State, st.Err))
		}
	}
	return errors.Join(errs...)
}

// progressEvery is how often the log says how a start is getting on: as often as Discord lets
// another shard of a key identify.
const progressEvery = 5 * time.Second

// progress says how far a fleet is, such as "ready 23/64, about 10 s left", or what is in its way.
func (b *Bot) progress(f *fleet) string {
	text := fmt.Sprintf("ready %d/%d", f.ready(), len(f.shards))
	for _, s := range f.shards {
		if st := s.status(); st.State != ShardReady && st.Err != nil {
			return text + fmt.Sprintf(", shard %d: %v", s.id, st.Err)
		}
	}
	if left := b.timeLeft(f); left > 0 {
		text += fmt.Sprintf(", about %.0f s left", left.Seconds())
	}
	return text
}

// timeLeft guesses how long it takes until a fleet is ready; 0 if it is, or if nobody can tell
// because a shard fails. Of the shards of a key that are not, the first is about to be, and the
// others identify 5 s after each other.
func (b *Bot) timeLeft(f *fleet) time.Duration {
	keys := max(b.gate.Budget().MaxConcurrency, 1)
	waiting := make(map[int]int) // by key
	longest := 0
	for _, s := range f.shards {
		if st := s.gateway.Status(); st.State != gateway.Ready {
			if st.Err != nil {
				return 0
			}
			waiting[s.id%keys]++
			longest = max(longest, waiting[s.id%keys])
		}
	}
	if longest == 0 {
		return 0
	}
	return max(time.Duration(longest-1)*5*time.Second, time.Second)
}

// RestartShard drops the connection of a shard, connects it again, and returns when it is ready.
// Its session is resumed, so that no event is lost. The error is [ErrNotOwned] for a shard that
// this process does not have, or ctx's.
func (b *Bot) RestartShard(ctx context.Context, id int) error {
	f := b.currentFleet()
	if f == nil {
		return ErrNotOpen
	}
	s := f.find(id)
	if s == nil {
		return fmt.Errorf("%w: shard %d of %d", ErrNotOwned, id, f.count)
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
				ErrNotOwned, id, f.count)
		default:
			return state == gateway.Ready && handshakes() > before, nil
		}
	})
	if ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) {
		return fmt.Errorf("restart shard %d: %w", id, err)
	}
	return err
}

func (b *Bot) currentFleet() *fleet {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.fleet
}
