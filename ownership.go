package botwright

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/botwright/botwright/internal/build"
	"github.com/botwright/botwright/internal/cluster"
	"github.com/botwright/botwright/internal/fleet"
	"github.com/botwright/botwright/internal/gateway"
)

// # Who has which shard
//
// A fleet is the part that this process has of the shards that all processes share. Which those are
// is decided by a cluster.Member: it calls runShard for each of them, from when the shard is this
// process's until it is not. A bot without WithCluster is the only member of a cluster in memory.
//
//	Member calls runShard ──▶ made from what the owner before it has stored ──▶ in the fleet
//	                                                                               │ ctx is done
//	Member lets others have it ◀── taken out of the fleet ◀── saved ◀── stopped ◀──┘
//
// Invariants:
//
//   - Between the call of runShard and its return the shard is this process's, and only then is it in
//     the fleet. It does not return before the connection has ended.
//   - An event of a shard is handled, and counts as handled, only while the shard is this process's:
//     see shard.owns. What waits in the queue when it moves comes again to the next owner.
//   - When the lease has run out, nothing is saved: the next owner may have begun. When it is renewed
//     the process goes on from memory, if nobody else had the shard.

// handoverTime is how long a shard that moves has for the events that it has received, and for
// saving what has been handled. Meanwhile nobody receives its events; Discord sends them later.
const handoverTime = 2 * time.Second

// settleTime is how long a process waits before it takes shards that nobody has: when all start at
// once, the first one does not take them all and give them back.
const settleTime = 2 * time.Second

// newFleet makes a fleet of a bot's shards, of which those with the ids are shared by its
// processes, and lets the process have its part of them.
func (b *Bot) newFleet(ctx context.Context, count int, ids []int) (*shardFleet, error) {
	f := &shardFleet{ids: ids, joined: make(chan struct{}), turn: make(chan struct{}, 1),
		made: make(map[int]*shard), paused: make(map[int]leftBehind)}
	f.Fleet = fleet.New[*shard](fleet.Config{
		Count: count, Added: b.changes.Notify, Failed: func(err error) { b.fail(f, err) }})
	f.setReadyLines()
	if b.cfg.cluster == nil { // all of them are to be this process's
		restored, err := b.restoreSessions(ctx, count, ids)
		if err != nil {
			b.identifies(err)
		}
		for _, id := range ids {
			f.made[id] = b.newShard(f, id, restored[id])
		}
	}
	member, err := cluster.Join(ctx, b.memberConfig(f))
	if err != nil {
		return nil, err
	}
	f.member = member
	close(f.joined)
	if b.cfg.cluster != nil {
		b.startTask("shares of REST's limits", func(ctx context.Context) { b.shareLimits(ctx, f) })
		return f, nil // its shards come one by one
	}
	if err := b.awaitShare(ctx, f); err != nil {
		f.close(context.WithoutCancel(ctx))
		return nil, err
	}
	return f, nil
}

func (b *Bot) memberConfig(f *shardFleet) cluster.Config {
	cfg := cluster.Config{
		Backend: b.cfg.cluster,
		Count:   f.Count,
		IDs:     f.ids,
		Run: func(ctx context.Context, id int, _ uint64) {
			<-f.joined
			b.runShard(ctx, f, id)
		},
		Version: build.Read().Program,
		Changed: b.changes.Notify,
		Logger:  b.cfg.logger,
	}
	cfg.Name, _ = os.Hostname()
	if b.cfg.cluster == nil {
		cfg.Backend, cfg.TTL = cluster.NewLocal(), -1
	} else {
		cfg.Settle = settleTime
	}
	if b.cfg.tuneMember != nil {
		b.cfg.tuneMember(&cfg)
	}
	return cfg
}

// awaitShare waits until the process has its share of the shards.
func (b *Bot) awaitShare(ctx context.Context, f *shardFleet) error {
	return b.changes.Await(ctx, nil, func(bool) (bool, error) { return f.settled(), b.fate(f) })
}

// settled reports whether the process has its share of the shards, and they are in the fleet.
func (f *shardFleet) settled() bool {
	v := f.member.View()
	mine, staying := 0, 0
	for _, id := range f.ids {
		switch v.Owners[id] {
		case "":
			return false
		case v.Self:
			mine++
		}
	}
	for _, p := range v.Processes {
		if !p.Leaving {
			staying++
		}
	}
	return mine == len(f.All()) && mine >= len(f.ids)/max(staying, 1)
}

// runShard runs a shard for as long as it is this process's.
func (b *Bot) runShard(ctx context.Context, f *shardFleet, id int) {
	s := b.takeShard(ctx, f, id)
	if s == nil {
		return
	}
	b.router.ServeShard(ctx, id)
	f.Run(ctx, s)
	if b.cfg.cluster == nil { // the process ends: Shutdown waits for handlers and saves
		return
	}
	cause := context.Cause(ctx)
	if errors.Is(cause, cluster.ErrLapsed) || errors.Is(cause, cluster.ErrFenced) {
		b.pauseShard(f, s)
	} else {
		b.finishShard(f, s)
	}
	f.Remove(s)
	b.cfg.logger.Info("a shard has left this process", "shard", id, "reason", cause)
	b.changes.Notify()
}

// takeShard returns the shard, which goes on where the owner before has ended; nil if it has moved
// on meanwhile. Shards are made one at a time, for the sake of the function of WithSessionConfig.
func (b *Bot) takeShard(ctx context.Context, f *shardFleet, id int) *shard {
	select {
	case f.turn <- struct{}{}:
		defer func() { <-f.turn }()
	case <-ctx.Done():
		return nil
	}
	if s := f.made[id]; s != nil {
		delete(f.made, id)
		return s
	}
	left, ok := b.awaitSession(ctx, f, id)
	if !ok {
		return nil
	}
	paused := f.paused[id]
	delete(f.paused, id)
	if paused.ID != "" && b.refusal(paused.SavedSession, f.Count) == "" &&
		(left.ID == "" || left.ID == paused.ID && left.Sequence < paused.Sequence) {
		left.SavedSession = paused.SavedSession
	}
	return b.newShard(f, id, left)
}

// storeAgain is how long a process waits before it asks the store again.
const storeAgain = 250 * time.Millisecond

// awaitSession loads what the owner before has left of a shard. While the store fails it asks again:
// with a new session, the events in between would be lost. It gives up when Discord has given up
// on the session, and is false if the shard has moved on meanwhile.
func (b *Bot) awaitSession(ctx context.Context, f *shardFleet, id int) (leftBehind, bool) {
	told := false
	for begun := time.Now(); ; {
		restored, err := b.restoreSessions(ctx, f.Count, []int{id})
		if err == nil {
			return restored[id], true
		}
		if time.Since(begun) > sessionTTL && ctx.Err() == nil {
			b.identifies(err)
			return leftBehind{}, true
		}
		if !told && ctx.Err() == nil {
			told = true
			b.reportAside(nil, fmt.Errorf("shard %d waits for its session: %w", id, err))
		}
		if pause(ctx, storeAgain) != nil {
			return leftBehind{}, false
		}
	}
}

// finishShard waits for the handlers of a shard that has stopped and saves what they have handled.
func (b *Bot) finishShard(f *shardFleet, s *shard) {
	ctx, cancel := context.WithTimeout(context.Background(), handoverTime)
	defer cancel()
	b.home.debouncers.Flush(ctx)
	select {
	case <-s.tracker.Load().Idle():
	case <-ctx.Done():
	}
	s.gone.Store(true)
	saving, cancel := context.WithTimeout(context.Background(), 2*storeTimeout)
	defer cancel()
	err := b.saver.Save(saving)
	for err != nil && f.member.Valid() && pause(saving, storeAgain) == nil {
		err = b.saver.Save(saving) // without it the next owner would begin another session
	}
	if err != nil {
		b.pauseShard(f, s) // perhaps it comes back
		b.reportAside(nil, fmt.Errorf("save the session of shard %d for the next process: %w",
			s.id, err))
	}
}

// pauseShard keeps what it takes to go on with a shard if nobody else has had it meanwhile.
func (b *Bot) pauseShard(f *shardFleet, s *shard) {
	s.gone.Store(true)
	saved, ok := savedShard{s}.Saved()
	if !ok || saved.ID == "" {
		return
	}
	if j := (savedShard{s}).Journal(); j != nil {
		saved.StateSequence, saved.StateParts = j.Position(saved.ID)
	}
	f.turn <- struct{}{}
	defer func() { <-f.turn }()
	f.paused[s.id] = leftBehind{SavedSession: SavedSession(saved)}
}

// owns reports whether events of the shard are for this process to handle.
func (s *shard) owns() bool { return !s.gone.Load() && s.fleet.member.Valid() }

// leave gives the fleet's shards to the other processes, once.
func (f *shardFleet) leave(ctx context.Context) error {
	f.leaving.Do(func() { f.left = f.member.Leave(ctx) })
	return f.left
}

// others reports whether there are other processes that can have the fleet's shards.
func (f *shardFleet) others() bool {
	v := f.member.View()
	for _, p := range v.Processes {
		if p.ID != v.Self && !p.Leaving {
			return true
		}
	}
	return false
}

// gateConfig configures what lets shards identify one after the other, those of other processes
// included.
func (c *config) gateConfig(b *Bot) gateway.QueueConfig {
	cfg := gateway.QueueConfig{
		Limit:     b.locator.Limit,
		Exhausted: b.budgetExhausted,
		Logger:    c.logger,
	}
	if c.cluster != nil {
		cfg.Reserve = cluster.NewGate(c.cluster).Reserve
	}
	return cfg
}

// globalLimit is how many requests Discord allows a bot in a second.
const globalLimit = 50

// shareLimits lets the processes share REST's global limit, and what they may do wrong.
func (b *Bot) shareLimits(ctx context.Context, f *shardFleet) {
	if b.cfg.rest.ProxyLimits || b.cfg.rest.GlobalLimit < 0 {
		return
	}
	cluster.NewShares(cluster.SharesConfig{
		Backend: b.cfg.cluster,
		Limit:   cmp.Or(b.cfg.rest.GlobalLimit, globalLimit),
		View:    f.member.View,
		Demand:  func() cluster.Demand { return cluster.Demand(b.rest.Demand()) },
		Share:   b.rest.Share,
	}).Run(ctx)
}

// fleetKey is the key of the number of shards that the processes share.
const fleetKey = "fleet"

// clusterCount returns the number of shards that the processes share. The first process sets it.
func (b *Bot) clusterCount(ctx context.Context, count int) (int, error) {
	for {
		value, revision, err := b.cfg.cluster.Get(ctx, fleetKey)
		if err != nil {
			return 0, fmt.Errorf("ask the cluster for the number of shards: %w", err)
		}
		agreed, _ := strconv.Atoi(string(value))
		if agreed == count || agreed > 0 && b.cfg.shardCount == 0 {
			return agreed, nil
		}
		if agreed > 0 {
			used, err := cluster.Used(ctx, b.cfg.cluster, agreed)
			if err != nil {
				return 0, fmt.Errorf("look for other processes: %w", err)
			}
			if used {
				return 0, fmt.Errorf("the other processes share %d shards, not %d: use WithShards(0), "+
					"or stop them all first", agreed, count)
			}
		}
		_, ok, err := b.cfg.cluster.Put(ctx, fleetKey, []byte(strconv.Itoa(count)), revision, 0)
		if err != nil {
			return 0, fmt.Errorf("tell the cluster the number of shards: %w", err)
		}
		if ok {
			return count, nil
		}
	}
}
