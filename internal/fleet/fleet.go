// Package fleet runs the shards that a process has of a bot: it starts them in the order that
// Discord allows, and lets some join and leave while the others run.
//
// # A shard
//
//	Run ──▶ waiting ──its turn──▶ running ──its context ends──▶ stopped ──Remove──▶ not in the list
//	           └───────────────────────────▶───────────────────────┘
//
// # Invariants
//
//   - Shards of one max_concurrency key begin to run one after the other, in the order in which they
//     were added, the first ones in that of their ids: the next one when the one before says that it
//     may, or has stopped. Keys do not wait for each other. So the first shards are ready while the
//     last ones have no connection yet, and none waits on an open connection for a turn that is
//     minutes away.
//   - A list of shards that was given out never changes.
//   - A shard runs on the goroutine that calls Run, which is its caller's. What is the fleet's is the
//     goroutine that gives the turns of a key while somebody waits, and those that close what the
//     program sees of shards that were removed: Close waits for all of them.
//   - No lock is held while code of a shard runs.
package fleet

import (
	"context"
	"errors"
	"fmt"
	"maps"
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
	Passed() <-chan struct{}       // is closed when the next shard of its key may begin, or after Run
	Close()                        // ends what its program sees of it, which may take a while
	Ready() bool
	Status() gateway.Status
}

// Config configures a Fleet.
type Config struct {
	Count  int         // of the bot's shards, wherever they run
	Added  func()      // is called when a shard has come into the list
	Failed func(error) // is told why a shard gives up: Discord will not have it back
}

// A Fleet is a set of shards with one shard count. Its methods may be called from any goroutine.
type Fleet[S Shard] struct {
	Config

	closing group.Group // see Remove
	giving  group.Group // of turns
	closed  chan struct{}

	mu      sync.Mutex        // guards what follows
	keys    int               // max_concurrency; 0 before Start
	isOver  bool              // closed is closed
	shards  []S               // in the order of their ids; replaced, never changed
	members map[S]*member     // of shards
	gone    gateway.Status    // counters of those that were removed
	lanes   map[int][]*member // who waits for its turn, by key; absent if no turns are given
}

// member is a shard of a fleet.
type member struct {
	passed <-chan struct{} // closed when the next one may run
	turn   chan struct{}   // closed when it may run
	ended  chan struct{}   // closed when it does not run, and never will
}

// New returns a Fleet without shards.
func New[S Shard](cfg Config) *Fleet[S] {
	return &Fleet[S]{Config: cfg, closed: make(chan struct{}),
		members: make(map[S]*member), lanes: make(map[int][]*member)}
}

// All returns the shards in the order of their ids. Its caller must not modify the list.
func (f *Fleet[S]) All() []S {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.shards
}

// Statuses returns the status of each shard, in the order of their ids, and the counters of those
// that were removed, added up: together they never become less.
func (f *Fleet[S]) Statuses() (now []gateway.Status, gone gateway.Status) {
	f.mu.Lock()
	shards, gone := f.shards, f.gone
	f.mu.Unlock()
	now = make([]gateway.Status, len(shards))
	for i, s := range shards {
		now[i] = s.Status()
	}
	return now, gone
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

// Start lets the shards run, those that are there and those that come.
func (f *Fleet[S]) Start(maxConcurrency int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keys = max(maxConcurrency, 1)
	for _, s := range f.shards {
		f.lineUpLocked(s, f.members[s])
	}
}

// Run adds a shard and runs it, when the fleet was started and it is its turn, until ctx is done. It
// stays in the list. There must be none with its id.
func (f *Fleet[S]) Run(ctx context.Context, s S) {
	m := f.add(s)
	f.Added()
	defer close(m.ended)
	select {
	case <-m.turn:
	case <-ctx.Done():
		return
	}
	if err := s.Run(ctx); err != nil {
		f.Failed(err)
		<-ctx.Done()
	}
}

func (f *Fleet[S]) add(s S) *member {
	m := &member{passed: s.Passed(), turn: make(chan struct{}), ended: make(chan struct{})}
	f.mu.Lock()
	defer f.mu.Unlock()
	i, found := position(f.shards, s.ID())
	if found {
		panic(fmt.Sprintf("fleet: there are two shards %d", s.ID()))
	}
	f.shards = slices.Insert(slices.Clone(f.shards), i, s)
	f.members[s] = m
	if f.keys > 0 {
		f.lineUpLocked(s, m)
	}
	return m
}

// lineUpLocked lets a shard wait for its turn.
func (f *Fleet[S]) lineUpLocked(s S, m *member) {
	key := s.ID() % f.keys
	lane, served := f.lanes[key]
	f.lanes[key] = append(lane, m)
	if !served && !f.isOver {
		f.giving.Go("start of shards", func() { f.give(key) })
	}
}

// give gives those their turn whose key it is, one after the other, until nobody waits.
func (f *Fleet[S]) give(key int) {
	for {
		f.mu.Lock()
		lane := f.lanes[key]
		if len(lane) == 0 || f.isOver {
			delete(f.lanes, key)
			f.mu.Unlock()
			return
		}
		m := lane[0]
		f.lanes[key] = lane[1:]
		f.mu.Unlock()
		close(m.turn)
		select {
		case <-m.passed:
		case <-m.ended:
		case <-f.closed:
		}
	}
}

// Remove takes a shard that has stopped out of the list. What its program sees of it ends by itself;
// Close waits for that.
func (f *Fleet[S]) Remove(s S) {
	st := s.Status() // which does not change any more
	f.mu.Lock()
	defer f.mu.Unlock()
	f.gone.Add(st)
	f.shards = slices.DeleteFunc(slices.Clone(f.shards), func(o S) bool { return o == s })
	delete(f.members, s)
	f.closing.Go(sessionOf(s), s.Close)
}

func sessionOf[S Shard](s S) string { return fmt.Sprintf("session of shard %d", s.ID()) }

// Close waits until no shard runs any more, and until nothing is served to their sessions. Whoever
// runs them has to end their contexts. When ctx ends first it returns what is left.
func (f *Fleet[S]) Close(ctx context.Context) (left []string) {
	f.mu.Lock()
	if !f.isOver {
		f.isOver = true
		close(f.closed)
	}
	shards, members := f.shards, maps.Clone(f.members)
	f.mu.Unlock()
	for _, s := range shards {
		f.closing.Go(sessionOf(s), s.Close)
	}
	for _, s := range shards {
		select {
		case <-members[s].ended:
			continue
		default:
		}
		select {
		case <-members[s].ended:
		case <-ctx.Done():
			left = append(left, fmt.Sprintf("shard %d", s.ID()))
		}
	}
	left = append(left, f.giving.Wait(ctx)...)
	return append(left, f.closing.Wait(ctx)...)
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
