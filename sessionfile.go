package botwright

import (
	"context"

	"github.com/botwright/botwright/internal/session"
)

// FileSessionStore returns a [StateStore] and [AlertStore] that uses a file, readable only by its
// owner. The file's directory must exist, or [New] returns an error. It also uses path +
// ".progress", which is written every few seconds, path + ".alerts", path + ".lock", and the
// directory path + ".state". Each file is replaced as a whole, so a crash at any moment leaves the
// old contents or the new ones.
//
// One bot uses a file at a time. A second bot gets an error and identifies. The lock ends with the
// process, however it ends. A file that is damaged, or that other users may write to, is refused.
// Nothing is saved then until you remove it and start the bot again.
func FileSessionStore(path string) SessionStore {
	return &sessionFile{file: session.NewFile(path)}
}

type sessionFile struct{ file *session.File }

// LoadSessions implements SessionStore. A file that is not there holds nothing. What is stored of
// other shards is forgotten by the next SaveSessions.
func (f *sessionFile) LoadSessions(_ context.Context, shardIDs []int) ([]SavedSession, error) {
	saved, err := f.file.Load(shardIDs)
	return savedSessions(saved), err
}

// SaveSessions implements SessionStore.
func (f *sessionFile) SaveSessions(_ context.Context, sessions []SavedSession) error {
	return f.file.Save(internalSessions(sessions))
}

func savedSessions(saved []session.Saved) []SavedSession {
	sessions := make([]SavedSession, len(saved))
	for i, s := range saved {
		sessions[i] = SavedSession(s)
	}
	return sessions
}

func internalSessions(sessions []SavedSession) []session.Saved {
	saved := make([]session.Saved, len(sessions))
	for i, s := range sessions {
		saved[i] = session.Saved(s)
	}
	return saved
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
