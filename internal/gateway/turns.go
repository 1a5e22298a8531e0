package gateway

import (
	"context"
	"slices"
	"time"
)

// nearby is how many shards of a key may be on their way to a turn at once: one that is dialling
// while another waits for its turn, so that none is lost.
const nearby = 2

// turns hands out the turns of one key.
type turns struct {
	taken   bool
	last    time.Time // when the last IDENTIFY was admitted, then written
	waiting []*turn   // by shard id

	near  map[int]bool // shards that dial or have a connection, and no turn yet
	lobby []*turn      // those that wait before they dial, by shard id
}

type turn struct {
	shard int
	ready chan struct{}
}

// insert puts a shard in line.
func insert(line []*turn, t *turn) []*turn {
	i, _ := slices.BinarySearchFunc(line, t.shard, func(t *turn, id int) int {
		return t.shard - id
	})
	return slices.Insert(line, i, t)
}

// ofKey returns the turns of a key. The caller holds q.mu.
func (q *Queue) ofKey(key int) *turns {
	k := q.keys[key]
	if k == nil {
		k = &turns{near: make(map[int]bool)}
		q.keys[key] = k
	}
	return k
}

// approach waits until the shard may dial.
func (q *Queue) approach(ctx context.Context, key, shardID int, waits func()) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	q.mu.Lock()
	k := q.ofKey(key)
	if len(k.near) < nearby {
		k.near[shardID] = true
		q.mu.Unlock()
		return nil
	}
	t := &turn{shard: shardID, ready: make(chan struct{})}
	k.lobby = insert(k.lobby, t)
	q.mu.Unlock()
	waits()
	select {
	case <-t.ready:
		return nil
	case <-ctx.Done():
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	k.lobby = slices.DeleteFunc(k.lobby, func(w *turn) bool { return w == t })
	k.depart(shardID) // it may have been let in at the same moment
	return ctx.Err()
}

// depart lets the next shard dial in place of one that has had its turn, or has given up. The
// caller holds Queue.mu.
func (k *turns) depart(shardID int) {
	delete(k.near, shardID)
	for len(k.near) < nearby && len(k.lobby) > 0 {
		next := k.lobby[0]
		k.lobby = slices.Delete(k.lobby, 0, 1)
		k.near[next.shard] = true
		close(next.ready)
	}
}

// enter waits until no other shard of the key is being admitted.
func (q *Queue) enter(ctx context.Context, key, shardID int) error {
	q.mu.Lock()
	k := q.ofKey(key)
	if !k.taken {
		k.taken = true
		q.mu.Unlock()
		return nil
	}
	t := &turn{shard: shardID, ready: make(chan struct{})}
	k.waiting = insert(k.waiting, t)
	q.mu.Unlock()
	select {
	case <-t.ready:
		return nil
	case <-ctx.Done():
	}
	q.mu.Lock()
	i := slices.Index(k.waiting, t)
	if i >= 0 {
		k.waiting = slices.Delete(k.waiting, i, i+1)
	}
	q.mu.Unlock()
	if i < 0 { // the turn came at the same moment
		q.leave(key)
	}
	return ctx.Err()
}

func (q *Queue) leave(key int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	k := q.keys[key]
	if len(k.waiting) == 0 {
		k.taken = false
		return
	}
	close(k.waiting[0].ready)
	k.waiting = slices.Delete(k.waiting, 0, 1)
}
