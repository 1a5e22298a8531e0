package expect

import (
	"context"
	"errors"
	"sync"
)

// An Inbox holds what a watcher was shown and has not taken. Its methods may be called from any
// goroutine.
type Inbox[E any] struct {
	mu    sync.Mutex // guards what follows
	items []E
	err   error // nothing more comes

	ready chan struct{} // 1 slot: there is something to take
}

// MaxItems is how many an Inbox holds.
const MaxItems = 1024

var (
	// ErrFull says that more came than an Inbox holds.
	ErrFull = errors.New("too many events arrived and were not taken")

	// ErrStopped says that nothing more will come.
	ErrStopped = errors.New("stopped")
)

// NewInbox returns an empty Inbox.
func NewInbox[E any]() *Inbox[E] { return &Inbox[E]{ready: make(chan struct{}, 1)} }

// Add adds an item, unless the inbox has ended. It is false when it has, or is full now.
func (i *Inbox[E]) Add(item E) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case i.err != nil:
		return false
	case len(i.items) == MaxItems:
		i.endLocked(ErrFull)
		return false
	}
	i.items = append(i.items, item)
	i.signal()
	return true
}

// End has Take return err once it has returned what is there. The first End counts.
func (i *Inbox[E]) End(err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.endLocked(err)
}

func (i *Inbox[E]) endLocked(err error) {
	if i.err == nil {
		i.err = err
		i.signal()
	}
}

// signal wakes one who waits. Whoever takes something wakes the next.
func (i *Inbox[E]) signal() {
	select {
	case i.ready <- struct{}{}:
	default:
	}
}

// Poll takes the next item. It is false if there is none yet; the error is that of End.
func (i *Inbox[E]) Poll() (item E, ok bool, err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.items) > 0 {
		item, i.items = i.items[0], i.items[1:]
		ok = true
	} else {
		err = i.err
	}
	if len(i.items) > 0 || i.err != nil {
		i.signal()
	}
	return item, ok, err
}

// Take waits for the next item. The error is that of End, ctx's cause, or ErrStopped when stop is
// closed.
func (i *Inbox[E]) Take(ctx context.Context, stop <-chan struct{}) (item E, err error) {
	for {
		item, ok, err := i.Poll()
		if ok || err != nil {
			return item, err
		}
		select {
		case <-i.ready:
		case <-ctx.Done():
			return item, context.Cause(ctx)
		case <-stop:
			return item, ErrStopped
		}
	}
}
