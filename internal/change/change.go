// Package change wakes those who wait for something to change.
package change

import (
	"context"
	"sync"
	"time"
)

// A Signal tells of changes. The zero value is ready. Its methods may be called from any goroutine.
type Signal struct {
	mu   sync.Mutex
	next chan struct{} // closed with the next change; nil until somebody waits for it
}

// Notify tells of a change that has happened. It never blocks.
func (s *Signal) Notify() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next != nil {
		close(s.next)
		s.next = nil
	}
}

// Next returns a channel that is closed with the next change. Ask for it before you look at what
// may change.
func (s *Signal) Next() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next == nil {
		s.next = make(chan struct{})
	}
	return s.next
}

// Await calls look at once, and again after each change and each tick, until it says that it is done
// or returns an error, or until ctx ends. The error is look's, or ctx's cause. tick may be nil.
func (s *Signal) Await(
	ctx context.Context, tick <-chan time.Time, look func(ticked bool) (done bool, err error),
) error {
	for ticked := false; ; {
		next := s.Next()
		if done, err := look(ticked); done || err != nil {
			return err
		}
		ticked = false
		select {
		case <-next:
		case <-tick:
			ticked = true
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
