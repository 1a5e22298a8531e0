// Package fleet runs the shards that a process has of a bot: it starts them in the order that
// Discord allows, lets some join and leave while the others run, and stops them.
//
// # A shard
//
//	Add ──▶ waiting ──its turn──▶ running ──Stop, Close or the end of the fleet's context──▶ stopped
//	           └────────────────────────────────▶───────────────────────────────────────────────┘
//
// # Invariants
//
//   - Shards of one max_concurrency key begin to run one after the other, in the order in which they
//     were added: the next one when the one before says that it may, or has ended. Keys do not wait
//     for each other. So the first shards are ready while the last ones have no connection yet, and
//     none waits on an open connection for a turn that is minutes away.
//   - A list of shards that was given out never changes. A shard is in the list from Add to Remove,
//     whether it runs or not.
//   - Each goroutine of a fleet belongs to its group, for which Close waits. No lock is held while
//     code of a shard runs.
package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/botwright/botwright/internal/gateway"
	"github.com/botwright/botwright/internal/group"
)

// A Shard is what a fleet needs to know of one of its shards. Its methods may be called from any
// goroutine.
type Shard interface {
	comparable

	ID() int
	Run(ctx context.Context) error // keeps it connected until ctx is done
	Passed() <-chan struct{}       // is closed when the next shard of its key may begin
	Close()                        // ends what its program sees of it, which may take a while
	Ready() bool
	Status() gateway.Status
}

// Config configures a Fleet.
type Config struct {
	Count  int         // of the bot's shards, wherever they run
	Failed func(error) // is told why a shard gives up: Discord will not have it back
}

// A Fleet is a set of shards with one shard count. Its methods may be called from any goroutine,
// Add and Remove by one at a time.
type Fleet[S Shard] struct {
	Config

	running group.Group

	mu      sync.Mutex           // guards what follows
	ctx     context.Context      // of all shards; nil before Start
	stop    context.CancelFunc   // ends it
	keys    int                  // max_concurrency
	shards  []S                  // in the order of their ids; replaced, never changed
	members map[S]*member[S]     // of shards
	lanes   map[int][]*member[S] // who waits for its turn, by key; absent if nobody is served
}

// member is a shard of a fleet.
type member[S Shard] struct {
	shard S
	ctx   context.Context
	stop  context.CancelFunc
	ended chan struct{} // closed when it does not run, and never will

	begun bool // or will not, because it was stopped before; guarded by Fleet.mu
}

// New returns a Fleet without shards.
func New[S Shard](cfg Config) *Fleet[S] {
	return &Fleet[S]{
		Config: cfg, members: make(map[S]*member[S]), lanes: make(map[int][]*member[S])}
}

// All returns the shards in the order of their ids. Its caller must not modify the list.
func (f *Fleet[S]) All() []S {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.shards
}

// Find returns the shard with the id, if it is there.
func (f *Fleet[S]) Find(id int) (s S, ok bool) {
	shards := f.All()
	i, ok := position(shards, id)
	if ok {
		s = shards[i]
	}
	return s, ok
}

func position[S Shard](shards []S, id int) (int, bool) {
	return slices.BinarySearchFunc(shards, id, func(s S, id int) int { return s.ID() - id })
}

// Start lets the shards run, those that are there and those that come, until ctx is done or the
// fleet is closed.
func (f *Fleet[S]) Start(ctx context.Context, maxConcurrency int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keys = max(maxConcurrency, 1)
	f.ctx, f.stop = context.WithCancel(ctx)
	for _, s := range f.shards {
		f.lineUpLocked(s)
	}
}

// Add adds a shard, which runs when it is its turn if the fleet was started. There must be none with
// its id.
func (f *Fleet[S]) Add(s S) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i, found := position(f.shards, s.ID())
	if found {
		panic(fmt.Sprintf("fleet: there are two shards %d", s.ID()))
	}
	f.shards = slices.Insert(slices.Clone(f.shards), i, s)
	if f.ctx != nil {
		f.lineUpLocked(s)
	}
}

// lineUpLocked lets a shard wait for its turn.
func (f *Fleet[S]) lineUpLocked(s S) {
	m := &member[S]{shard: s, ended: make(chan struct{})}
	m.ctx, m.stop = context.WithCancel(f.ctx)
	f.members[s] = m
	key := s.ID() % f.keys
	lane, served := f.lanes[key]
	f.lanes[key] = append(lane, m)
	if !served {
		f.running.Go("start of shards", func() { f.serve(key) })
	}
}

// serve lets those run whose key it is, one after the other, until nobody waits.
func (f *Fleet[S]) serve(key int) {
	for {
		f.mu.Lock()
		lane := f.lanes[key]
		if len(lane) == 0 {
			delete(f.lanes, key)
			f.mu.Unlock()
			return
		}
		m := lane[0]
		f.lanes[key] = lane[1:]
		first := !m.begun
		m.begun = true
		f.mu.Unlock()
		if !first {
			continue
		}
		if m.ctx.Err() != nil {
			close(m.ended)
			continue
		}
		f.running.Go(fmt.Sprintf("shard %d", m.shard.ID()), func() { f.run(m) })
		select {
		case <-m.shard.Passed():
		case <-m.ended:
		case <-f.ctx.Done():
		}
	}
}

func (f *Fleet[S]) run(m *member[S]) {
	defer close(m.ended)
	if err := m.shard.Run(m.ctx); err != nil {
		f.Failed(err)
	}
}

// Stop stops a shard and waits until it does not run any more, or until ctx ends.
func (f *Fleet[S]) Stop(ctx context.Context, s S) error {
	f.mu.Lock()
	m := f.members[s]
	if m != nil && !m.begun {
		m.begun = true
		close(m.ended)
	}
	f.mu.Unlock()
	if m == nil {
		return nil
	}
	m.stop()
	select {
	case <-m.ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("shard %d does not stop: %w", s.ID(), context.Cause(ctx))
	}
}

// Remove takes a shard that was stopped out of the list. What its program sees of it ends by
// itself; Close waits for that.
func (f *Fleet[S]) Remove(s S) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.shards = slices.DeleteFunc(slices.Clone(f.shards), func(o S) bool { return o == s })
	if m := f.members[s]; m != nil {
		m.stop()
		delete(f.members, s)
		f.running.Go(fmt.Sprintf("session of shard %d", s.ID()), s.Close)
	}
}

// Close stops the shards and waits until they have, and until nothing is served to their sessions
// any more. When ctx ends first it returns what is left.
func (f *Fleet[S]) Close(ctx context.Context) (left []string) {
	f.mu.Lock()
	if f.stop != nil {
		f.stop()
	}
	shards := f.shards
	f.mu.Unlock()
	var sessions group.Group
	for _, s := range shards {
		sessions.Go(fmt.Sprintf("session of shard %d", s.ID()), s.Close)
	}
	left = f.running.Wait(ctx)
	return append(left, sessions.Wait(ctx)...)
}

// LastErrors joins what each shard that is not ready has failed with last.
func (f *Fleet[S]) LastErrors() error {
	var errs []error
	for _, s := range f.All() {
		if st := s.Status(); st.State != gateway.Ready && st.Err != nil {
			errs = append(errs, fmt.Errorf("shard %d is %s: %w", s.ID(), st.State, st.Err))
		}
	}
	return errors.Join(errs...)
}
