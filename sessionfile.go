package botwright

import (
	"context"

	"github.com/botwright/botwright/internal/session"
)

// FileSessionStore returns a [StateStore] and [AlertStore] that is a file, readable by its owner
// only. Its directory must exist, or [New] fails. Next to it are used: path with ".progress" behind
// it, which is written every few seconds, ".alerts", ".lock", and a directory ".state". Each is replaced as a
// whole: a crash at any moment leaves the old contents or the new ones.
//
// A file is used by one bot at a time: another one is told so, and identifies. The lock goes with the
// process, however that ends. A file that is damaged, or that others may write to, is refused; then
// nothing is saved before it has been removed and the bot started again.
func FileSessionStore(path string) SessionStore {
	return &sessionFile{file: session.NewFile(path)}
}

type sessionFile struct{ file *session.File }

// LoadSessions implements SessionStore. A file that is not there holds nothing. What is stored of
// other shards is forgotten by the next SaveSessions.
func (f *sessionFile) LoadSessions(_ context.Context, shardIDs []int) ([]SavedSession, error) {
	saved, err := f.file.Load(shardIDs)
	if err != nil {
		return nil, err
	}
	sessions := make([]SavedSession, len(saved))
	for i, s := range saved {
		sessions[i] = SavedSession(s)
	}
	return sessions, nil
}

// SaveSessions implements SessionStore.
func (f *sessionFile) SaveSessions(_ context.Context, sessions []SavedSession) error {
	saved := make([]session.Saved, len(sessions))
	for i, s := range sessions {
		saved[i] = session.Saved(s)
	}
	return f.file.Save(saved)
}

// SaveState implements StateStore.
func (f *sessionFile) SaveState(_ context.Context, shardID int, part []byte) error {
	return f.file.SaveState(shardID, part)
}

// AppendState implements StateStore.
func (f *sessionFile) AppendState(_ context.Context, shardID int, part []byte) error {
	return f.file.AppendState(shardID, part)
}

// LoadState implements StateStore.
func (f *sessionFile) LoadState(_ context.Context, shardID int) ([][]byte, error) {
	return f.file.LoadState(shardID)
}

// SaveAlerts implements AlertStore.
func (f *sessionFile) SaveAlerts(_ context.Context, alerts []byte) error {
	return f.file.SaveAlerts(alerts)
}

// LoadAlerts implements AlertStore.
func (f *sessionFile) LoadAlerts(context.Context) ([]byte, error) { return f.file.LoadAlerts() }

// Close lets another bot use the file.
func (f *sessionFile) Close() error { return f.file.Close() }
