package cluster

import (
	"context"
	"fmt"
	"sync"
	"time"
)

const (
	// identifyEvery is the time between two IDENTIFYs of one key: Discord's 5 s, a margin, and no
	// fraction, because a ttl has none.
	identifyEvery = 6 * time.Second

	// soon is how long after its confirmation an IDENTIFY may be sent at most. With that, two are 5 s
	// apart, however long they travel.
	soon = 500 * time.Millisecond

	// reserved is how long a turn is kept for a process that has died.
	reserved = 30 * time.Second

	// retryGate is the pause after the backend has failed.
	retryGate = 250 * time.Millisecond

	// lookAgain is how often a key is looked at whose end was not told.
	lookAgain = 2 * time.Second
)

// A Gate lets the shards of all processes identify one after the other: one per max_concurrency
// key and 6 s. Its methods may be called from any goroutine.
//
// A turn is a key of the backend, identify/<key>/turn. Who creates it has the turn for 30 s, and
// connects meanwhile. Right before the IDENTIFY it is put once more, and then it goes by itself
// when the next one may come. While the backend is away nobody identifies.
type Gate struct {
	backend Backend

	mu    sync.Mutex // guards lines
	lines map[int]chan struct{}
}

// NewGate returns a Gate.
func NewGate(b Backend) *Gate { return &Gate{backend: b, lines: make(map[int]chan struct{})} }

// line returns what one shard of the process has at a time: the others of a key wait here, not at
// the backend.
func (g *Gate) line(key int) chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.lines[key] == nil {
		g.lines[key] = make(chan struct{}, 1)
	}
	return g.lines[key]
}

// Reserve waits for a shard's turn. confirm must be called right before the IDENTIFY is sent; it
// reports false if the turn was lost because that took too long. drop must be called in the end,
// whatever happened. Only ctx makes Reserve and confirm fail.
func (g *Gate) Reserve(ctx context.Context, key, shardID int) (
	confirm func(context.Context) (bool, error), drop func(), err error,
) {
	line := g.line(key)
	select {
	case line <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	leave := sync.OnceFunc(func() { <-line })
	t := &turn{gate: g, key: fmt.Sprintf("identify/%d/turn", key)}
	for {
		// Lower shards first, and not all at the same moment.
		if !pause(ctx, time.Duration(min(shardID, 1000))*200*time.Microsecond) {
			break
		}
		var ok bool
		t.revision, ok, err = g.backend.Put(ctx, t.key, nil, 0, reserved)
		if err == nil && ok {
			return func(ctx context.Context) (bool, error) {
					ok, err := t.confirm(ctx)
					if ok {
						leave()
					}
					return ok, err
				}, func() {
					t.drop()
					leave()
				}, nil
		}
		if err != nil && !pause(ctx, retryGate) {
			break
		}
		t.awaitGone(ctx)
	}
	leave()
	return nil, nil, ctx.Err()
}

// A turn is one that was reserved. One goroutine uses it at a time.
type turn struct {
	gate      *Gate
	key       string
	revision  uint64
	confirmed bool
}

// awaitGone waits until the key has gone, or may have.
func (t *turn) awaitGone(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lookAgain)
	defer cancel()
	there := false
	_ = t.gate.backend.Watch(ctx, t.key, func(key string, _ []byte, revision uint64) {
		if key != "" {
			there = revision != 0
		}
		if !there {
			cancel()
		}
	})
	if ctx.Err() == nil {
		pause(ctx, retryGate) // the backend does not watch
	}
}

// confirm keeps the turn for as long as the next IDENTIFY has to wait.
func (t *turn) confirm(ctx context.Context) (bool, error) {
	for ctx.Err() == nil {
		sent := time.Now()
		now, ok, err := t.gate.backend.Put(ctx, t.key, nil, t.revision, identifyEvery)
		switch {
		case err != nil: // it may have been put: then the next one says that it is lost
			pause(ctx, retryGate)
			continue
		case !ok:
			return false, nil
		}
		t.revision, t.confirmed = now, true
		if time.Since(sent) < soon {
			return true, nil
		}
	}
	return false, ctx.Err()
}

// drop lets others have the turn if nobody has identified with it.
func (t *turn) drop() {
	if t.confirmed {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_, _ = t.gate.backend.Delete(ctx, t.key, t.revision) // or it goes by itself
}
