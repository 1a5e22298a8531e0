package botwright

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/botwright/botwright/internal/overlap"
)

// ErrResharding is returned by [Bot.Reshard] while another call is in progress.
var ErrResharding = errors.New("botwright: the bot is resharding already")

// Reshard changes the number of shards without downtime. It connects count new shards beside the
// old ones and lets them take over when all are ready. A count of 0 means the number that Discord
// recommends. If the bot already has that number, Reshard does nothing.
//
// No event is lost or handled twice. Events of one channel or guild keep their order, except for
// two that arrive within the same tenths of a second as the new shards begin. Events without an id
// are recognized by their contents: of two with the same type and contents within 10 milliseconds
// of each other, such as a reaction that is added, removed and added again, one may be handled
// twice or not at all if the new shards begin or the old ones end in between.
//
// It takes as long as a start plus ten seconds, longer while shards reconnect or the queue is full,
// and costs an IDENTIFY per new shard. If the day's budget does not allow that, if ctx ends, or if
// Discord refuses a new shard, it returns an error and leaves everything as it was. If the new
// shards had begun to handle events by then, they continue until the old ones have caught up, for
// up to 5 minutes; until then another Reshard returns [ErrResharding]. Once the new shards have
// taken over, the end of ctx no longer matters.
//
// Only a bot that has all shards in one process, without [WithCluster], can reshard. Afterwards
// [Bot.Session] and events have new sessions, with the presence of the old ones. Handlers that you
// added to a session itself stay behind, unless a function of [WithSessionConfig] adds them. You
// can still use the old sessions for REST. Answers to a request for members that is in progress may
// be lost.
func (b *Bot) Reshard(ctx context.Context, count int) error {
	if count < 0 {
		return fmt.Errorf("botwright: there cannot be %d shards", count)
	}
	old, runCtx, err := b.beginReshard()
	if err != nil {
		return err
	}
	end := b.endReshard
	defer func() { end() }()
	if b.cfg.cluster != nil {
		return errors.New("botwright: a bot with WithCluster cannot reshard: stop all processes, and " +
			"start them with another number in WithShards")
	}
	if len(old.All()) != old.Count {
		return fmt.Errorf("botwright: only a bot with all shards in one process can reshard: "+
			"this one has %d of %d", len(old.All()), old.Count)
	}
	found, err := b.locator.Fetch(ctx)
	if err != nil {
		return fmt.Errorf("reshard: %w", err)
	}
	if count == 0 {
		count = found.Shards
	}
	count = roundShards(count, found.Limit.MaxConcurrency)
	if count == old.Count {
		return nil
	}
	// The queue keeps the same reserve; see gateway.Queue.
	if left := found.Limit.Remaining - found.Limit.Total/20; count > left {
		return fmt.Errorf("reshard to %d shards: only %d IDENTIFYs can be spared until %s",
			count, max(left, 0), time.Now().Add(time.Duration(found.Limit.ResetAfter)*
				time.Millisecond).Format(time.RFC3339))
	}
	next, err := b.newFleet(ctx, count, allShards(count))
	if err != nil {
		return fmt.Errorf("reshard: %w", err)
	}
	next.inheritPresence(old)
	undo, err := b.replaceFleet(ctx, runCtx, old, next, found.Limit.MaxConcurrency)
	if undo != nil {
		end = func() {}
		go func() { // Shutdown waits for it
			defer b.endReshard()
			undo()
		}()
	}
	return err
}

// beginReshard notes that Reshard is at work. The context ends with Shutdown.
func (b *Bot) beginReshard() (*shardFleet, context.Context, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.state != botOpen || b.fleet == nil:
		return nil, nil, ErrNotOpen
	case b.resharding:
		return nil, nil, ErrResharding
	}
	b.resharding = true
	b.reshard.Add(1)
	return b.fleet, b.runCtx, nil
}

func (b *Bot) endReshard() {
	b.mu.Lock()
	b.resharding = false
	b.mu.Unlock()
	b.reshard.Done()
}

// resharded is what a fleet that comes in is to the one before it.
type resharded struct {
	*overlap.Overlap
	next *shardFleet
}

// overlapPart is how long each part of the overlap takes. Two sessions of a bot get an event
// within some 100 ms of each other.
const overlapPart = 3 * time.Second

// replaceFleet connects next and lets it take over from old. If that fails when both have handled
// events, undo is what is left to do.
func (b *Bot) replaceFleet(
	ctx, runCtx context.Context, old, next *shardFleet, maxConcurrency int,
) (undo func(), err error) {
	o := &resharded{Overlap: overlap.New(), next: next}
	b.resharded.Store(o)
	next.Start(maxConcurrency)
	b.setFleets(old, next)
	if err := b.takeOver(ctx, runCtx, old, o); err != nil {
		err = fmt.Errorf("reshard to %d shards: %w", next.Count, err)
		if o.Leave() == overlap.Both {
			return func() { b.fallBack(runCtx, old, o) }, err
		}
		b.closeFleet(runCtx, next)
		b.resharded.Store(nil)
		return nil, err
	}
	defer b.resharded.Store(nil)
	b.setFleets(next, old)
	b.changes.Notify() // one who waits for the fate of the bot's shards is to look at the new ones
	o.Enter(overlap.Closing)
	next.followPresence(old)
	b.closeFleet(runCtx, old)
	settleCtx, cancel := context.WithTimeout(runCtx, settleTimeout)
	defer cancel()
	_ = b.calmPart(settleCtx, next)
	return nil, nil
}

// catchUpTimeout bounds the wait for old shards that are away: Discord keeps their sessions no
// longer, and without them does not send again what the new shards have handled.
const catchUpTimeout = 5 * time.Minute

// fallBack lets the old fleet go on alone. What the new one was first with has yet to come in on
// it, at the latest when its shards are connected; until then both handle.
func (b *Bot) fallBack(runCtx context.Context, old *shardFleet, o *resharded) {
	defer b.resharded.Store(nil)
	ctx, cancel := context.WithTimeout(runCtx, catchUpTimeout)
	defer cancel()
	_ = b.calmPart(ctx, old)
	o.Enter(overlap.Aborted)
	_ = b.calmPart(ctx, old)
	b.closeFleet(runCtx, o.next)
}

// takeOver waits until the new fleet is ready and has seen as much as the old one.
func (b *Bot) takeOver(ctx, runCtx context.Context, old *shardFleet, o *resharded) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(runCtx, func() { cancel(ErrShutdown) })()
	if err := b.waitReady(ctx, o.next); err != nil {
		return err
	}
	if err := waitGuilds(ctx, old, o.next); err != nil {
		return err
	}
	for _, phase := range []overlap.Phase{overlap.Counting, overlap.Both} {
		o.Enter(phase)
		if err := b.calmPart(ctx, old, o.next); err != nil {
			return err
		}
	}
	return nil
}

// settleTimeout bounds the wait for a shard that reconnects when all is done: nothing but an event
// that is handled twice depends on it.
const settleTimeout = time.Minute

// calmPart waits for a part of the overlap during which all shards stay connected and the queue
// takes what they read. Then what one fleet has seen at the beginning, the others have at the end.
func (b *Bot) calmPart(ctx context.Context, fleets ...*shardFleet) error {
	for {
		for _, f := range fleets {
			if err := b.waitReady(ctx, f); err != nil {
				return err
			}
		}
		before := b.unrest(fleets)
		if err := pause(ctx, b.cfg.overlapPart); err != nil {
			return err
		}
		if b.unrest(fleets) == before && b.runner.Stats().BlockedNow == 0 {
			return nil
		}
	}
}

// unrest grows with each lost connection, and with each event that the queue had no room for.
func (b *Bot) unrest(fleets []*shardFleet) uint64 {
	n := b.runner.Stats().Blocked
	for _, f := range fleets {
		for _, s := range f.All() {
			st := s.gateway.Status()
			n += st.FailedDials
			for _, disconnects := range st.Disconnects {
				n += disconnects
			}
		}
	}
	return n
}

// guildsTimeout bounds the wait for the guilds that follow READY. Those in an outage do not come.
const guildsTimeout = time.Minute

// waitGuilds waits until the new fleet has been sent the guilds that the old one has, so that
// handlers do not take them for guilds that the bot has joined.
func waitGuilds(ctx context.Context, old, next *shardFleet) error {
	deadline := time.Now().Add(guildsTimeout)
	for next.unavailable() > old.unavailable() && time.Now().Before(deadline) {
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// unavailable counts the guilds that have not been sent.
func (f *shardFleet) unavailable() int {
	n := 0
	for _, s := range f.All() {
		n += s.gateway.Status().Unavailable
	}
	return n
}

// setFleets sets the fleet that the bot works with, and the one beside it.
func (b *Bot) setFleets(current, other *shardFleet) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fleet, b.otherFleet = current, other
}

// closeFleet closes the fleet beside the bot's own. If the bot is shut down meanwhile, Shutdown does
// the rest.
func (b *Bot) closeFleet(runCtx context.Context, f *shardFleet) {
	f.close(context.Background())
	if runCtx.Err() == nil {
		b.setFleets(b.currentFleet(), nil)
	}
}

// inheritPresence lets new shards identify with the presence that was set on the old ones.
func (f *shardFleet) inheritPresence(old *shardFleet) {
	for i, s := range f.All() {
		if p := old.presence(i); p != nil {
			s.gateway.SetPresence(p)
		}
	}
}

// followPresence sends the presences that were set on the old shards after inheritPresence.
func (f *shardFleet) followPresence(old *shardFleet) {
	for i, s := range f.All() {
		if p := old.presence(i); !bytes.Equal(p, s.gateway.Presence()) {
			_ = s.gateway.Send(opPresence, p) // it was sent before: it is not too large
		}
	}
}

// presence returns what the shard shows that comes before shard i of another fleet.
func (f *shardFleet) presence(i int) json.RawMessage {
	shards := f.All()
	return shards[i%len(shards)].gateway.Presence()
}

// pause waits for d, or returns ctx's cause.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Numbers of shards.
const (
	// maxGuildsPerShard is Discord's limit.
	maxGuildsPerShard = 2500

	// largeConcurrency is the smallest max_concurrency of bots in more than 150,000 guilds. The
	// number of their shards must be a multiple of a number that Discord assigns, which
	// max_concurrency is a multiple of.
	largeConcurrency = 16
)

// roundShards returns the number of shards to use in place of count: at least one, and for very
// large bots a multiple of max_concurrency.
func roundShards(count, maxConcurrency int) int {
	count = max(count, 1)
	if maxConcurrency < largeConcurrency {
		return count
	}
	return (count + maxConcurrency - 1) / maxConcurrency * maxConcurrency
}

// allShards returns the ids of count shards.
func allShards(count int) []int {
	ids := make([]int, count)
	for i := range ids {
		ids[i] = i
	}
	return ids
}
