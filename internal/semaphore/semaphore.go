// Package semaphore limits how often something is done at once for each of many keys.
package semaphore

import (
	"context"
	"sync"
)

// A Keyed is one semaphore for each key that is in use. Its methods may be called from any goroutine.
type Keyed struct {
	limit int

	mu    sync.Mutex // guards what follows; not held while somebody waits
	byKey map[string]*semaphore
}

type semaphore struct {
	slots chan struct{}
	users int // with a slot, and waiting for one
}

// New returns a Keyed that has so many slots for each key.
func New(limit int) *Keyed {
	return &Keyed{limit: limit, byKey: make(map[string]*semaphore)}
}

// TryAcquire takes a slot of a key if one is free.
func (k *Keyed) TryAcquire(key string) bool {
	sem := k.use(key)
	select {
	case sem.slots <- struct{}{}:
		return true
	default:
		k.forget(key, sem)
		return false
	}
}

// Acquire waits for a slot of a key. The error is ctx's cause.
func (k *Keyed) Acquire(ctx context.Context, key string) error {
	sem := k.use(key)
	select {
	case sem.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		k.forget(key, sem)
		return context.Cause(ctx)
	}
}

// Release gives a slot back.
func (k *Keyed) Release(key string) {
	k.mu.Lock()
	sem := k.byKey[key]
	k.mu.Unlock()
	<-sem.slots
	k.forget(key, sem)
}

// Len returns how many keys are in use.
func (k *Keyed) Len() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.byKey)
}

func (k *Keyed) use(key string) *semaphore {
	k.mu.Lock()
	defer k.mu.Unlock()
	sem := k.byKey[key]
	if sem == nil {
		sem = &semaphore{slots: make(chan struct{}, k.limit)}
		k.byKey[key] = sem
	}
	sem.users++
	return sem
}

// forget drops the semaphore with its last user.
func (k *Keyed) forget(key string, sem *semaphore) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if sem.users--; sem.users == 0 {
		delete(k.byKey, key)
	}
}
