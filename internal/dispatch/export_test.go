package dispatch

// Guilds returns how many guilds q knows.
func Guilds[T any](q *Queue[T]) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.guilds)
}

// Workers returns how many workers q counts, and how many of them are within shares.
func Workers[T any](q *Queue[T]) (all, owed int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.workers.all, q.workers.owed
}

// Large returns the room of the lane that is kept for preparation, 0 if there is none.
func Large[T any](q *Queue[T]) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.free.large == nil {
		return 0
	}
	return cap(q.free.large.tasks)
}
