// Package group runs named goroutines and says which of them do not end.
//
// It is a sync.WaitGroup for work that may call code which never returns: who waits has a
// deadline, and learns what is left.
package group

import (
	"context"
	"slices"
	"sync"
)

// A Group is a set of goroutines. The zero Group has none. Its methods may be called from any
// goroutine.
type Group struct {
	mu      sync.Mutex // guards what follows
	names   []string   // of those that run
	waiting []chan struct{}
}

// Go calls f on a goroutine of its own, which belongs to the group until f returns or ends it.
func (g *Group) Go(name string, f func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.names = append(g.names, name)
	go func() {
		defer g.end(name)
		f()
	}()
}

func (g *Group) end(name string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.Index(g.names, name)
	g.names = slices.Delete(g.names, i, i+1)
	if len(g.names) > 0 {
		return
	}
	for _, c := range g.waiting {
		close(c)
	}
	g.waiting = nil
}

// Wait waits until no goroutine of the group runs, or until ctx is done, and returns the sorted
// names of those that do. A group whose goroutines have ended counts as such even if ctx is done.
func (g *Group) Wait(ctx context.Context) (left []string) {
	g.mu.Lock()
	if len(g.names) == 0 {
		g.mu.Unlock()
		return nil
	}
	idle := make(chan struct{})
	g.waiting = append(g.waiting, idle)
	g.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting = slices.DeleteFunc(g.waiting, func(c chan struct{}) bool { return c == idle })
	left = slices.Clone(g.names)
	slices.Sort(left)
	return left
}
