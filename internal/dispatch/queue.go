// Package dispatch runs events: those of one key one at a time and in order, those of different
// keys in parallel, all of them within limits.
//
// A [Queue] has no goroutine while it is idle. Work for a key waits in the key's lane; a lane
// with work stands in one line, from whose head workers take lanes and run a batch each. A worker
// is started only when none is about to look at the line, because waking a goroutine costs more
// than decoding an event; a worker that finds more lanes starts the next one before it begins,
// so that a handler that takes its time delays nobody. Work without a key gets a goroutine of
// its own at once.
//
// A task may first have to pass a second lane, in which prepare is called for it: see Task.First.
// That lane belongs to the bot's own work, which is quick, so that no handler holds it up.
//
// # Limits
//
// MaxEvents and MaxBytes bound what waits and runs. When either is reached, Put blocks: the
// reader of the gateway then stops reading. Work that may be shed is refused as soon as half of
// a limit is in use, so that it cannot crowd out the rest.
//
// # Locks
//
// Queue.mu guards everything and is never held while work runs.
package dispatch

import (
	"context"
	"sync"
)

// Config sets the limits of a Queue. All must be positive.
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
	Stopped             // the queue takes nothing more
)

// A Task is one piece of work.
type Task[T any] struct {
	Key   uint64 // 0: no order; run at once
	First uint64 // lane of preparation to pass before, 0 for none; see prepare.go

	// Prepare has prepare called in the lane First. Without it the task only keeps its place
	// behind those that were put there before.
	Prepare bool

	Size   int  // bytes it holds on to
	Shed   bool // may be refused under load
	Exempt bool // taken even if the queue is full: for upkeep, one task at a time
	Value  T
}

// A Queue hands tasks to a function. Its methods may be called from any goroutine.
type Queue[T any] struct {
	cfg     Config
	prepare func(T) (goOn bool) // must not panic; neither must run
	run     func(T)

	mu       sync.Mutex // guards what follows
	room     *sync.Cond // something was done, or the queue stopped
	lanes    map[uint64]*lane[T]
	firsts   map[uint64]*lane[T] // lanes of preparation, each with a goroutine
	first    *lane[T]            // of the line: lanes with work and no worker
	last     *lane[T]
	workers  int
	starting bool // a worker is about to look at the line
	stopped  bool
	stats    Stats
	free     *lane[T] // idle lanes, for reuse
	freeLen  int
}

// lane holds the tasks of one key that wait.
type lane[T any] struct {
	key   uint64
	tasks []Task[T]
	head  int      // index of the first task
	next  *lane[T] // in the line or the free list
}

func (l *lane[T]) empty() bool { return l.head == len(l.tasks) }

func (l *lane[T]) push(t Task[T]) {
	if l.head > batch && l.head > len(l.tasks)/2 {
		n := copy(l.tasks, l.tasks[l.head:])
		clear(l.tasks[n:])
		l.tasks, l.head = l.tasks[:n], 0
	}
	l.tasks = append(l.tasks, t)
}

func (l *lane[T]) pop() Task[T] {
	t := l.tasks[l.head]
	l.tasks[l.head] = Task[T]{}
	if l.head++; l.empty() {
		l.tasks, l.head = l.tasks[:0], 0
	}
	return t
}

// Stats describes a Queue.
type Stats struct {
	Events   int   // waiting and running
	Bytes    int64 // held by them
	Running  int   // tasks being run
	Keys     int   // lanes with work
	Shed     uint64
	Late     uint64 // Puts that had to wait
	Blocked  int    // Puts that wait now
	Finished uint64
}

// batch is how many tasks of one lane a worker runs before it looks at the next lane.
const batch = 32

// maxFree is how many idle lanes are kept.
const maxFree = 256

// New returns a Queue that calls run for each task, and prepare before it for those that ask for
// it; if prepare returns false, the task is done. prepare may be nil if no task asks for it.
func New[T any](cfg Config, prepare func(T) (goOn bool), run func(T)) *Queue[T] {
	q := &Queue[T]{cfg: cfg, prepare: prepare, run: run,
		lanes: make(map[uint64]*lane[T]), firsts: make(map[uint64]*lane[T])}
	q.room = sync.NewCond(&q.mu)
	return q
}

// Put adds a task, waiting for room if the queue is full. Stop ends the wait.
func (q *Queue[T]) Put(t Task[T]) Result {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.stopped {
		return Stopped
	}
	if t.Shed && q.halfFullLocked(t.Size) {
		q.stats.Shed++
		return Shed
	}
	result := Accepted
	if !t.Exempt && q.fullLocked(t.Size) {
		result = AcceptedLate
		q.stats.Late++
		q.stats.Blocked++
		for q.fullLocked(t.Size) && !q.stopped {
			q.room.Wait()
		}
		q.stats.Blocked--
		if q.stopped {
			return Stopped
		}
	}
	q.stats.Events++
	q.stats.Bytes += int64(t.Size)
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
	q.enqueueLocked(t)
}

// fullLocked reports whether a task of that size has to wait. One that is larger than the limit
// gets through when it has the queue to itself.
func (q *Queue[T]) fullLocked(size int) bool {
	if q.stats.Events == 0 {
		return false
	}
	return q.stats.Events >= q.cfg.MaxEvents || q.stats.Bytes+int64(size) > q.cfg.MaxBytes
}

func (q *Queue[T]) halfFullLocked(size int) bool {
	return q.stats.Events >= max(q.cfg.MaxEvents/2, 1) ||
		q.stats.Bytes+int64(size) > q.cfg.MaxBytes/2
}

func (q *Queue[T]) enqueueLocked(t Task[T]) {
	if l := q.lanes[t.Key]; l != nil { // it is in line or has a worker
		l.push(t)
		return
	}
	l := q.takeFreeLocked()
	l.key = t.Key
	l.push(t)
	q.lanes[t.Key] = l
	q.lineUpLocked(l)
}

func (q *Queue[T]) lineUpLocked(l *lane[T]) {
	if q.first == nil {
		q.first = l
	} else {
		q.last.next = l
	}
	q.last = l
}

// startLocked starts a worker if there is work in line, nobody is about to look, and the limit
// allows one.
func (q *Queue[T]) startLocked() {
	if q.first == nil || q.starting || q.workers >= q.cfg.MaxInFlight {
		return
	}
	q.workers++
	q.starting = true
	go q.work()
}

func (q *Queue[T]) work() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.starting = false
	q.workLocked()
}

// workLocked takes lanes until none is left. The caller has counted the worker.
func (q *Queue[T]) workLocked() {
	for q.first != nil {
		l := q.first
		q.first, l.next = l.next, nil
		q.startLocked()
		for n := 0; n < batch && !l.empty(); n++ {
			q.runLocked(l.pop())
		}
		if l.empty() {
			delete(q.lanes, l.key)
			q.putFreeLocked(l)
		} else {
			q.lineUpLocked(l)
		}
	}
	q.workers--
}

// runLocked runs a task with the lock released.
func (q *Queue[T]) runLocked(t Task[T]) {
	q.stats.Running++
	q.mu.Unlock()
	q.run(t.Value)
	q.mu.Lock()
	q.finishLocked(t)
}

func (q *Queue[T]) runAlone(t Task[T]) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.runLocked(t)
}

func (q *Queue[T]) finishLocked(t Task[T]) {
	q.stats.Running--
	q.stats.Finished++
	q.stats.Events--
	q.stats.Bytes -= int64(t.Size)
	if q.roomyLocked() {
		q.room.Broadcast()
	}
}

// roomyLocked reports whether a sixteenth of the limits is free. A Put that waits is not woken for
// less: to wake it for each task that ends would cost more than the tasks.
func (q *Queue[T]) roomyLocked() bool {
	return q.stats.Events <= q.cfg.MaxEvents-max(q.cfg.MaxEvents/16, 1) &&
		q.stats.Bytes <= q.cfg.MaxBytes-q.cfg.MaxBytes/16
}

func (q *Queue[T]) takeFreeLocked() *lane[T] {
	l := q.free
	if l == nil {
		return &lane[T]{}
	}
	q.free, l.next = l.next, nil
	q.freeLen--
	return l
}

func (q *Queue[T]) putFreeLocked(l *lane[T]) {
	if q.freeLen == maxFree || cap(l.tasks) > batch {
		return
	}
	l.next, q.free = q.free, l
	q.freeLen++
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
				q.stats.Bytes -= int64(l.pop().Size)
			}
		}
	}
	q.stats.Events -= n
	q.room.Broadcast()
	return n
}

// Stats returns a snapshot.
func (q *Queue[T]) Stats() Stats {
	q.mu.Lock()
	defer q.mu.Unlock()
	st := q.stats
	st.Keys = len(q.lanes)
	return st
}
