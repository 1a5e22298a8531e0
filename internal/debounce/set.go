package debounce

import (
	"context"
	"slices"
	"sync"

	"github.com/botwright/botwright/internal/group"
)

// A Set is debouncers that are stopped together. Its zero value has none. Its methods may be called
// from any goroutine.
type Set[K comparable] struct {
	mu      sync.Mutex // guards what follows
	list    []member[K]
	retired Stats // of those that are members no more
}

type member[K comparable] struct {
	*Debouncer[K]
	unused func() bool // nothing triggers it any more
}

// spent reports whether the debouncer has nothing to do and never will have.
func (m member[K]) spent() bool {
	if !m.unused() {
		return false
	}
	running, waiting := m.left()
	return running+waiting == 0
}

// Add adds a debouncer, until unused says that nothing triggers it any more and it is done.
func (s *Set[K]) Add(d *Debouncer[K], unused func() bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = slices.DeleteFunc(s.list, func(m member[K]) bool {
		if !m.spent() {
			return false
		}
		s.retired.add(m.Stats())
		return true
	})
	s.list = append(s.list, member[K]{d, unused})
}

// members returns the debouncers, and the counters of those before them.
func (s *Set[K]) members() (list []member[K], retired Stats) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.list), s.retired
}

// Len returns how many debouncers there are.
func (s *Set[K]) Len() int {
	list, _ := s.members()
	return len(list)
}

// Stats returns the sum of all counters.
func (s *Set[K]) Stats() Stats {
	list, sum := s.members()
	for _, m := range list {
		sum.add(m.Stats())
	}
	return sum
}

// Flush runs what waits and returns how many callbacks have not returned and how many have not
// begun when ctx ended. No debouncer waits for another.
func (s *Set[K]) Flush(ctx context.Context) (running, waiting int) {
	list, _ := s.members()
	var flushes sync.WaitGroup
	for _, m := range list {
		flushes.Go(func() { _ = m.Debouncer.Flush(ctx) })
	}
	flushes.Wait()
	for _, m := range list {
		r, w := m.left()
		running, waiting = running+r, waiting+w
	}
	return running, waiting
}

// Close ends the debouncers. Only one whose callback does not return outlives ctx.
func (s *Set[K]) Close(ctx context.Context) {
	list, _ := s.members()
	var closing group.Group
	for _, m := range list {
		closing.Go("", m.Debouncer.Close)
	}
	closing.Wait(ctx)
}
