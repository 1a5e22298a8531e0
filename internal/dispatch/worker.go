package dispatch

// batch is how many tasks of one lane a worker runs before it looks at the next lane.
const batch = 32

// A Run is one call of Funcs.Run, by which it can be parked. It is used again for later calls.
type Run[T any] struct {
	q      *Queue[T]
	task   Task[T]
	worker bool   // it counts as a worker of its guild
	number uint64 // of the call
	parks  int    // calls of Park without their resume
	parked bool   // so it is not counted as a worker now, nor as running
}

// startLocked starts a worker if there is work in line that it may do, and nobody is about to
// look.
func (q *Queue[T]) startLocked() {
	if q.starting || q.nextLocked() == nil {
		return
	}
	q.starting = true
	go q.work()
}

func (q *Queue[T]) work() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.starting = false
	q.workLocked()
}

// workLocked takes lanes until there is none left that it may take.
func (q *Queue[T]) workLocked() {
	r := &Run[T]{q: q, worker: true}
	for g := q.nextLocked(); g != nil; g = q.nextLocked() {
		q.workLaneLocked(r, g)
	}
}

// workLaneLocked runs a batch of the next lane of a guild. Should a task end the goroutine, what
// is deferred leaves everything in order, and another worker goes on.
func (q *Queue[T]) workLaneLocked(r *Run[T], g *guild[T]) {
	l := q.takeLaneLocked(g)
	l.run = r
	q.startLocked()
	ended := true
	defer func() {
		l.run = nil
		q.releaseLocked(g)
		if l.empty() {
			delete(q.lanes, l.key)
			q.free.putLane(l)
		} else {
			q.lineUpLocked(l)
		}
		q.forgetLocked(g)
		if ended {
			q.startLocked()
		}
	}()
	for n := 0; n < batch && !l.empty() && l.first().guild == g; n++ {
		r.task = l.pop()
		r.doLocked()
	}
	ended = false
}

func (q *Queue[T]) runAlone(t Task[T]) {
	q.mu.Lock()
	defer q.mu.Unlock()
	r := &Run[T]{q: q, task: t}
	r.doLocked()
}

// doLocked runs the task with the lock released.
func (r *Run[T]) doLocked() {
	q := r.q
	q.stats.Running++
	r.number++
	q.mu.Unlock()
	defer func() {
		q.mu.Lock()
		r.parks = 0
		r.unparkLocked()
		q.finishLocked(&r.task)
		r.task = Task[T]{}
	}()
	q.funcs.Run(r, r.task.Value)
}

func (q *Queue[T]) finishLocked(t *Task[T]) {
	q.stats.Running--
	q.stats.Finished++
	q.letGoLocked(t)
	q.roomLocked()
}

// Park says that the task now waits for something other than the machine: its worker is free for
// others until resume is called, which does not wait. With begun it counts as handled meanwhile,
// otherwise as waiting. Park may be called several times, also at once, by what the task calls;
// resume may be called late.
func (r *Run[T]) Park(begun bool) (resume func()) {
	q := r.q
	q.mu.Lock()
	defer q.mu.Unlock()
	number := r.number
	if r.parks++; r.parks == 1 && q.parked < q.rooms[Interaction].all.events {
		r.parked = true
		q.parked++
		q.stats.Running--
		if !begun {
			q.waiting[r] = true
		}
		if r.worker {
			q.releaseLocked(r.task.guild)
			q.startLocked()
		}
	}
	return func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		if r.number != number || r.parks == 0 { // its task is done
			return
		}
		if r.parks--; r.parks == 0 {
			r.unparkLocked()
		}
	}
}

func (r *Run[T]) unparkLocked() {
	if !r.parked {
		return
	}
	q := r.q
	r.parked = false
	delete(q.waiting, r)
	q.parked--
	q.stats.Running++
	if r.worker {
		q.employLocked(r.task.guild)
	}
}
