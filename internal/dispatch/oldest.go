package dispatch

import "time"

// Waiting describes a task that has not begun, and what holds it up.
type Waiting[T any] struct {
	Value    T
	Received time.Time

	// Before is the task of the same key that runs or is parked; nil if it is a worker that is
	// missing, or if Parked.
	Before *T

	// Parked says that the task has a goroutine, and waits for something before it begins.
	Parked bool

	// What the task's guild has in all.
	GuildEvents, GuildWorkers int
}

// Oldest returns the task that waits longest, and false if none does. It looks at every key that
// has work.
func (q *Queue[T]) Oldest() (w Waiting[T], ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	older := func(t *Task[T]) bool { return !ok || t.Received.Before(w.Received) }
	for _, l := range q.lanes {
		if l.empty() || !older(l.first()) {
			continue
		}
		w, ok = waitingOf(l.first()), true
		if l.run != nil {
			before := l.run.task.Value
			w.Before = &before
		}
	}
	for _, l := range q.firsts {
		if !l.empty() && older(l.first()) {
			w, ok = waitingOf(l.first()), true
		}
	}
	for r := range q.waiting {
		if older(&r.task) {
			w, ok = waitingOf(&r.task), true
			w.Parked, w.Before = true, nil
		}
	}
	return w, ok
}

func waitingOf[T any](t *Task[T]) Waiting[T] {
	return Waiting[T]{Value: t.Value, Received: t.Received,
		GuildEvents: t.guild.held[Event].events, GuildWorkers: t.guild.runs}
}
