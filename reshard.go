package botwright

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"sync"
	"time"

	"github.com/botwright/botwright/internal/frame"
)

// How a bot changes its number of shards.
//
// A second fleet connects beside the first; Discord allows that. When all of it is ready, both
// receive every event, though not at the same moment. The overlap that follows has three parts of
// the same length:
//
//	          old fleet              new fleet
//	counting  handled and counted    counted
//	both      handled if it is first, whichever it is, and counted
//	closing   closed                 handled unless the old one was first, and counted
//
// An event is known by its type and id, or by its contents where it has no id of its own. It is
// counted per fleet and handled when a fleet has seen it more often than it was handled. That
// way nothing is lost or handled twice as long as the fleets are no further apart than one part.

// overlapPart is how long each part of the overlap takes. Two sessions of a bot get an event
// within some 100 ms of each other.
const overlapPart = 3 * time.Second

// An overlap decides, while there are two fleets, which one's copy of an event is handled.
type overlap struct {
	next *fleet
	seed maphash.Seed

	mu    sync.Mutex // guards what follows
	phase overlapPhase
	seen  map[uint64]*sightings
}

type overlapPhase int

const (
	overlapHeld overlapPhase = iota // the new fleet is not ready
	overlapCounting
	overlapBoth
	overlapClosing
)

// sightings counts one event.
type sightings struct{ old, next, handled uint32 }

// admit reports whether the event is to be handled.
func (o *overlap) admit(from *fleet, eventType, data []byte) bool {
	isNext := from == o.next
	if string(eventType) == "READY" || string(eventType) == "RESUMED" {
		return !isNext // they concern one connection, and the bot is up all the time
	}
	key := o.identity(eventType, data)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.phase == overlapHeld {
		return !isNext
	}
	s := o.seen[key]
	if s == nil {
		s = &sightings{}
		o.seen[key] = s
	}
	count := &s.old
	if isNext {
		count = &s.next
	}
	*count++
	if o.phase == overlapCounting && isNext || *count <= s.handled {
		return false
	}
	s.handled++
	return true
}

// identity is a hash of what makes an event the same event in both fleets.
func (o *overlap) identity(eventType, data []byte) uint64 {
	var h maphash.Hash
	h.SetSeed(o.seed)
	_, _ = h.Write(eventType)
	switch string(eventType) {
	case "MESSAGE_CREATE", "INTERACTION_CREATE": // their ids are their own
		if id, ok := frame.Lookup(data, "id"); ok {
			_, _ = h.Write(id)
			return h.Sum64()
		}
	}
	_, _ = h.Write(data)
	return h.Sum64()
}

func (o *overlap) enter(phase overlapPhase) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.phase = phase
}

// ErrResharding is returned by [Bot.Reshard] while another call of it is at work.
var ErrResharding = errors.New("botwright: the bot is resharding already")

// Reshard changes the number of shards without downtime: it connects as many new shards beside
// the old ones, and when all are ready lets them take over. No event is lost or handled twice
// meanwhile. A count of 0 takes what Discord recommends. It takes as long as a start and ten
// seconds more, and costs an IDENTIFY per new shard; it returns an error, with everything as it
// was, if the day's budget does not allow that, if ctx ends, or if a new shard cannot connect.
//
// Only a bot that has all shards in one process can reshard. [Bot.Session] and the sessions of
// events are other ones afterwards; the old ones can still be used for REST.
func (b *Bot) Reshard(ctx context.Context, count int) error {
	old, runCtx, err := b.beginReshard()
	if err != nil {
		return err
	}
	defer b.endReshard()
	if len(old.shards) != old.count {
		return fmt.Errorf("botwright: only a bot with all shards in one process can reshard: "+
			"this one has %d of %d", len(old.shards), old.count)
	}
	found, err := b.locator.fetchNow(ctx)
	if err != nil {
		return fmt.Errorf("reshard: %w", err)
	}
	if count == 0 {
		count = found.Shards
	}
	count = roundShards(count, found.Limit.MaxConcurrency)
	if left := found.Limit.Remaining - found.Limit.Total/20; count > left {
		return fmt.Errorf("reshard to %d shards: only %d IDENTIFYs can be spared until %s",
			count, max(left, 0), time.Now().Add(time.Duration(found.Limit.ResetAfter)*
				time.Millisecond).Format(time.RFC3339))
	}
	next := b.newFleet(count, allShards(count), nil)
	next.inheritPresence(old)
	return b.replaceFleet(ctx, runCtx, old, next, found.Limit.MaxConcurrency)
}

// beginReshard notes that Reshard is at work. The context ends with Shutdown.
func (b *Bot) beginReshard() (*fleet, context.Context, error) {
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

// replaceFleet connects next and lets it take over from old.
func (b *Bot) replaceFleet(
	ctx, runCtx context.Context, old, next *fleet, maxConcurrency int,
) error {
	o := &overlap{next: next, seed: maphash.MakeSeed(), seen: make(map[uint64]*sightings)}
	b.overlap.Store(o)
	defer b.overlap.Store(nil)
	next.start(runCtx, maxConcurrency, b.fail)
	if err := b.takeOver(ctx, runCtx, old, o); err != nil {
		b.closeFleet(next) // its events do not count
		return fmt.Errorf("reshard to %d shards: %w", next.count, err)
	}
	b.mu.Lock()
	b.fleet = next
	b.mu.Unlock()
	o.enter(overlapClosing)
	b.closeFleet(old)
	return pause(runCtx, overlapPart)
}

// takeOver waits until the new fleet is ready and has seen as much as the old one.
func (b *Bot) takeOver(ctx, runCtx context.Context, old *fleet, o *overlap) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(runCtx, func() { cancel(ErrShutdown) })()
	if err := b.waitReady(ctx, o.next); err != nil {
		return err
	}
	if err := waitGuilds(ctx, old, o.next); err != nil {
		return err
	}
	for _, phase := range []overlapPhase{overlapCounting, overlapBoth} {
		o.enter(phase)
		if err := pause(ctx, overlapPart); err != nil {
			return err
		}
	}
	return nil
}

// guildsTimeout bounds the wait for the guilds that follow READY. Those in an outage do not come.
const guildsTimeout = time.Minute

// waitGuilds waits until the new fleet has been sent the guilds that the old one has, so that
// handlers do not take them for guilds that the bot has joined.
func waitGuilds(ctx context.Context, old, next *fleet) error {
	deadline := time.Now().Add(guildsTimeout)
	for next.unavailable() > old.unavailable() && time.Now().Before(deadline) {
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// unavailable counts the guilds that have not been sent.
func (f *fleet) unavailable() int {
	n := 0
	for _, s := range f.shards {
		n += s.gateway.Status().Unavailable
	}
	return n
}

// closeFleet closes a fleet within the time that Shutdown would take for it.
func (b *Bot) closeFleet(f *fleet) {
	ctx, cancel := context.WithTimeout(context.Background(), b.cfg.shutdownTimeout)
	defer cancel()
	f.close(ctx)
}

// inheritPresence lets new shards show the presence that was set on the old ones.
func (f *fleet) inheritPresence(old *fleet) {
	for i, s := range f.shards {
		if p := old.shards[i%len(old.shards)].gateway.Presence(); p != nil {
			s.gateway.SetPresence(p)
		}
	}
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

// reshardEvery is how often WithAutoReshard looks: a bot does not gain so many guilds in a few
// hours that the fifth it still has room for is filled.
const reshardEvery = 8 * time.Hour

// WithAutoReshard lets the bot look every 8 hours whether its shards are full, and reshard when
// they hold 80 % of the 2,500 guilds that Discord allows on one. The new number is Discord's
// recommendation, or as many as leave the shards half full if that is more. A bot that has only
// some of its shards in this process cannot do that and reports an error.
func WithAutoReshard() Option {
	return func(c *config) {
		c.tasks = append(c.tasks, func(ctx context.Context, b *Bot) {
			for pause(ctx, reshardEvery) == nil {
				if err := b.reshardIfFull(ctx); err != nil && ctx.Err() == nil {
					b.report(ctx, nil, fmt.Errorf("reshard automatically: %w", err))
				}
			}
		})
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
	found, err := b.locator.fetchNow(ctx)
	if err != nil {
		return err
	}
	count := max(found.Shards, guilds*2/maxGuildsPerShard, f.count+1)
	b.cfg.logger.Info("shards are full: resharding", "guilds", guilds,
		"shards", f.count, "new_shards", count)
	return b.Reshard(ctx, count)
}
