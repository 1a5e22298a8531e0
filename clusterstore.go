package botwright

import (
	"context"

	"github.com/botwright/botwright/internal/session"
)

// clusterStore keeps sessions and State where the other processes find them.
type clusterStore struct{ shared *session.Shared }

// LoadSessions implements SessionStore.
func (c clusterStore) LoadSessions(ctx context.Context, shardIDs []int) ([]SavedSession, error) {
	saved, err := c.shared.Load(ctx, shardIDs)
	return savedSessions(saved), err
}

// SaveSessions implements SessionStore.
func (c clusterStore) SaveSessions(ctx context.Context, sessions []SavedSession) error {
	return c.shared.Save(ctx, internalSessions(sessions))
}

// SaveState implements StateStore.
func (c clusterStore) SaveState(ctx context.Context, shardID int, part []byte) error {
	return c.shared.SaveState(ctx, shardID, part)
}

// AppendState implements StateStore.
func (c clusterStore) AppendState(ctx context.Context, shardID int, part []byte) error {
	return c.shared.AppendState(ctx, shardID, part)
}

// LoadState implements StateStore.
func (c clusterStore) LoadState(ctx context.Context, shardID int) ([][]byte, error) {
	return c.shared.LoadState(ctx, shardID)
}
