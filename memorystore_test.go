package botwright_test

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/botwright/botwright"
)

// A memoryStore keeps sessions for as long as it is referred to.
type memoryStore struct {
	mu    sync.Mutex
	saved map[int]botwright.SavedSession
}

func newMemoryStore() *memoryStore {
	return &memoryStore{saved: make(map[int]botwright.SavedSession)}
}

func (s *memoryStore) LoadSessions(context.Context, []int) ([]botwright.SavedSession, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.saved)), nil
}

func (s *memoryStore) SaveSessions(_ context.Context, sessions []botwright.SavedSession) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, session := range sessions {
		s.saved[session.ShardID] = session
	}
	return nil
}

func (s *memoryStore) session(shardID int) botwright.SavedSession {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.saved[shardID]
}

// clone returns what a process finds that begins now, whatever this one goes on to save.
func (s *memoryStore) clone() *memoryStore {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &memoryStore{saved: maps.Clone(s.saved)}
}
