package dispatch

import (
	"context"
	"sync"
	"time"
)

// Config sets the limits of a Queue. They must be positive.
type Config struct {
	MaxEvents   int
	MaxBytes    int64
	MaxInFlight int // workers for keyed work
}

// A Result is what became of a Put.
type Result int

// Results.
const (
	Accepted     Result = iota
	AcceptedLate        // Put had to wait for room
	Shed                // the queue is too full for work that may be shed
	Dropped             // the guild has its share, or there is no room for interactions
	Stopped             // the queue takes nothing more
)

// A Kind decides which room a task takes; see the package documentation.
type Kind uint8

// Kinds.
const (
	Event Kind = iota
	Interaction
	Upkeep
)

// A Task is one piece of work.
type Task[T any] struct {
	Guild uint64 // whose it is
	Key   uint64 // 0: no order; run at once
	First uint64 // lane of preparation to pass before, 0 for none; see prepare.go

	// Prepare has Funcs.Prepare called in the lane First. Without it the task only keeps its place
	// behind those that were put there before.
	Prepare bool

	Admitted bool // the guild's share was looked at before: this is part of a larger piece
	Shed     bool // may be refused under load
	Kind     Kind

	Size     int       // bytes it holds on to
	Received time.Time // since when it waits
	Value    T

	guild *guild[T] // set while the queue has it
}

// Funcs are what a Queue calls. None may panic. One that ends its goroutine ends its own task and
// nothing else.
type Funcs[T any] struct {
	// Prepare is called for tasks that ask for it, before Run. When it returns false, the task
	// is done. It may be nil if no task asks for it.
	Prepare func(T) (goOn bool)

	// Run does the work. The Run is valid until it returns.
	Run func(*Run[T], T)

	// Dropped is told of each task that was accepted and then taken out to make room, by the
	// goroutine that calls Put. It may be nil.
	Dropped func(T)
}

// A Queue hands tasks to a function. Its methods may be called from any goroutine.
type Queue[T any] struct {
	cfg   Config
	funcs Funcs[T]

	mu       sync.Mutex // guards what follows
	room     *sync.Cond // something was done, or the queue stopped
	wake     *time.Timer
	draining int // calls of Drain
	guilds   map[uint64]*guild[T]
	lanes    map[uint64]*lane[T]
	firsts   map[uint64]*lane[T] // lanes of preparation, each with a goroutine
	line     line[T]
	workers  workers
	starting bool // a worker is about to look at the line
	stopped  bool
	rooms    [kinds]room // not changed after New
	held     [kinds]load
	excess   load             // of events: what guilds hold beyond their shares
	waiting  map[*Run[T]]bool // parked before they have begun
	parked   int
	stats    Stats
	free     freeLists[T]
}

// Stats describes a Queue.
type Stats struct {
	Events       int   // waiting, running and parked; interactions included
	Bytes        int64 // held by them
	Interactions int   // those of Events that are interactions
	Running      int   // tasks being run
	Parked       int   // tasks that wait for something other than a worker
	Keys         int   // lanes with work
	Shed         uint64
	Dropped      uint64 // tasks beyond a guild's share
	Blocked      uint64 // Puts that had to wait for room
	BlockedNow   int    // those of them that wait still
	Finished     uint64
}

// New returns a Queue that calls funcs.
func New[T any](cfg Config, funcs Funcs[T]) *Queue[T] {
	q := &Queue[T]{cfg: cfg, funcs: funcs,
		guilds: make(map[uint64]*guild[T]), lanes: make(map[uint64]*lane[T]),
		firsts: make(map[uint64]*lane[T]), waiting: make(map[*Run[T]]bool)}
	q.room = sync.NewCond(&q.mu)
	q.workers.limit, q.workers.share = cfg.MaxInFlight, max(1, cfg.MaxInFlight/shares)
	all := load{cfg.MaxEvents, cfg.MaxBytes}
	q.rooms[Event], q.rooms[Interaction] = newRoom(all), newRoom(all.part(interactionPart))
	return q
}

// Put adds a task. For an event it waits for room if the queue is full; Stop ends the wait.
func (q *Queue[T]) Put(t Task[T]) Result {
	q.mu.Lock()
	defer q.mu.Unlock()
	result := q.admitLocked(&t)
	switch result {
	case Shed:
		q.stats.Shed++
		return Shed
	case Dropped:
		q.stats.Dropped++
		return Dropped
	case Stopped:
		return Stopped
	}
	q.holdLocked(&t)
	if !q.putFirstLocked(t) {
		q.putLocked(t)
		q.startLocked()
	}
	return result
}

// putLocked hands a task on to be run. The caller sees to it that a worker looks at the line.
func (q *Queue[T]) putLocked(t Task[T]) {
	if t.Key == 0 {
		go q.runAlone(t)
		return
	}
	if l := q.lanes[t.Key]; l != nil { // it is in line or has a worker
		l.push(t)
		return
	}
	l := q.free.takeLane()
	l.key = t.Key
	l.push(t)
	q.lanes[t.Key] = l
	q.lineUpLocked(l)
}

// Stop makes every Put from now on, and those that wait, return Stopped. What was accepted is
// still run.
func (q *Queue[T]) Stop() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.stopped = true
	q.room.Broadcast()
}

// Drain waits until nothing waits or runs, or until ctx is done, when it returns how many tasks
// are left.
func (q *Queue[T]) Drain(ctx context.Context) (left int) {
	defer context.AfterFunc(ctx, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.room.Broadcast()
	})()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.draining++
	defer func() { q.draining-- }()
	for q.stats.Events > 0 && ctx.Err() == nil {
		q.room.Wait()
	}
	return q.stats.Events
}

// Discard forgets the tasks that have not begun and returns how many there were.
func (q *Queue[T]) Discard() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	for _, lanes := range [...]map[uint64]*lane[T]{q.lanes, q.firsts} {
		for _, l := range lanes {
			for ; !l.empty(); n++ {
				t := l.pop()
				q.letGoLocked(&t)
			}
		}
	}
	q.room.Broadcast()
	return n
}

// Stats returns a snapshot.
func (q *Queue[T]) Stats() Stats {
	q.mu.Lock()
	defer q.mu.Unlock()
	st := q.stats
	st.Interactions, st.Parked, st.Keys = q.held[Interaction].events, q.parked, len(q.lanes)
	return st
}
