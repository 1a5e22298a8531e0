package dispatch

// putFirstLocked puts a task into its lane of preparation, if it has to pass it: to be prepared,
// or because others are there already. Each such lane that has work has a goroutine, beside the
// workers: preparation goes on when all of them are held up.
func (q *Queue[T]) putFirstLocked(t Task[T]) bool {
	if t.First == 0 {
		return false
	}
	l := q.firsts[t.First]
	if l == nil {
		if !t.Prepare {
			return false
		}
		l = q.free.takeLarge()
		l.key = t.First
		q.firsts[t.First] = l
		defer func() { go q.passFirst(l) }()
	}
	l.push(t)
	return true
}

// passFirst prepares the tasks of a lane and hands them on, until the lane is empty. Then it
// becomes the worker of what it has handed on last, which spares the start of another goroutine.
func (q *Queue[T]) passFirst(l *lane[T]) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for !l.empty() {
		q.passOneLocked(l)
		if !l.empty() {
			q.startLocked()
		}
	}
	delete(q.firsts, l.key)
	q.free.putLane(l)
	if !q.starting {
		q.workLocked()
	}
}

// passOneLocked prepares the next task of a lane. Should that end the goroutine, another one goes
// on with the lane.
func (q *Queue[T]) passOneLocked(l *lane[T]) {
	t := l.pop()
	ended := true
	defer func() {
		if ended {
			go q.passFirst(l)
		}
	}()
	if q.prepareLocked(&t) {
		q.putLocked(t)
	}
	ended = false
}

// prepareLocked prepares a task with the lock released, and reports whether it goes on.
func (q *Queue[T]) prepareLocked(t *Task[T]) (goOn bool) {
	if !t.Prepare {
		return true
	}
	q.stats.Running++
	q.mu.Unlock()
	defer func() {
		q.mu.Lock()
		if !goOn {
			q.finishLocked(t)
			return
		}
		q.stats.Running--
	}()
	return q.funcs.Prepare(t.Value)
}
