package gateway

import "context"

// A Reserve waits for a turn that processes share, so that only one of them identifies per key and
// 5 s. The turn is kept while the shard connects. confirm is called right before the IDENTIFY; it
// reports false if the turn was lost meanwhile. drop is called in the end, whatever happened. Only
// ctx makes them fail.
type Reserve func(ctx context.Context, key, shardID int) (
	confirm func(context.Context) (bool, error), drop func(), err error)

// A reservation is a shard's turn among all processes.
type reservation struct {
	confirm func(context.Context) (bool, error)
	drop    func()
}

// reserve waits for a turn among all processes, if there are several.
func (q *Queue) reserve(ctx context.Context, key, shardID int) error {
	if q.cfg.Reserve == nil {
		return nil
	}
	confirm, drop, err := q.cfg.Reserve(ctx, key, shardID)
	if err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.reserved[shardID] = reservation{confirm, drop}
	return nil
}

// confirm makes use of the reservation. It reports false if another one had to be made.
func (q *Queue) confirm(ctx context.Context, key, shardID int) (bool, error) {
	if q.cfg.Reserve == nil {
		return true, nil
	}
	q.mu.Lock()
	r := q.reserved[shardID]
	q.mu.Unlock()
	if r.confirm != nil {
		ok, err := r.confirm(ctx)
		if ok || err != nil {
			return ok, err
		}
		q.dropReservation(shardID)
	}
	return false, q.reserve(ctx, key, shardID)
}

// dropReservation gives back what the shard has reserved.
func (q *Queue) dropReservation(shardID int) {
	q.mu.Lock()
	r := q.reserved[shardID]
	delete(q.reserved, shardID)
	q.mu.Unlock()
	if r.drop != nil {
		r.drop()
	}
}
