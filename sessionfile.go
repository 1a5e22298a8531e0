package botwright

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// FileSessionStore returns a [SessionStore] that is one file, readable by its owner only. It is
// replaced as a whole: a crash at any moment leaves the old contents or the new ones. Next to it,
// path with ".tmp" behind it is used. The directory must exist.
func FileSessionStore(path string) SessionStore { return &sessionFile{path: path} }

type sessionFile struct {
	path string

	mu       sync.Mutex
	sessions map[int]SavedSession // what the file holds; nil before the first use
}

// sessionFileFormat is the file's content.
type sessionFileFormat struct {
	Version  int            `json:"version"`
	Sessions []SavedSession `json:"sessions"`
}

const (
	sessionFileVersion = 1

	// maxSessionFile is far above what the sessions of one process need: 50 KB for a shard with
	// 2,500 guilds.
	maxSessionFile = 64 << 20
)

// LoadSessions implements SessionStore. A file that is not there holds nothing. What is stored of
// other shards is forgotten by the next SaveSessions.
func (f *sessionFile) LoadSessions(_ context.Context, shardIDs []int) ([]SavedSession, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sessions = make(map[int]SavedSession)
	content, err := f.read()
	if err != nil {
		return nil, fmt.Errorf("read session file: %w", err)
	}
	var found []SavedSession
	for _, s := range content.Sessions {
		if slices.Contains(shardIDs, s.ShardID) {
			f.sessions[s.ShardID] = s
			found = append(found, s)
		}
	}
	return found, nil
}

func (f *sessionFile) read() (content sessionFileFormat, err error) {
	file, err := os.Open(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return content, nil
	}
	if err != nil {
		return content, err
	}
	defer func() { _ = file.Close() }() // only read from
	b, err := io.ReadAll(io.LimitReader(file, maxSessionFile))
	if err != nil {
		return content, err
	}
	if err := json.Unmarshal(b, &content); err != nil {
		return content, fmt.Errorf("%s is damaged: %w", f.path, err)
	}
	if content.Version != sessionFileVersion {
		return content, fmt.Errorf("%s has version %d of the format, not %d",
			f.path, content.Version, sessionFileVersion)
	}
	return content, nil
}

// SaveSessions implements SessionStore.
func (f *sessionFile) SaveSessions(_ context.Context, sessions []SavedSession) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.sessions == nil {
		f.sessions = make(map[int]SavedSession)
	}
	for _, s := range sessions {
		if s.ID == "" {
			delete(f.sessions, s.ShardID)
		} else {
			f.sessions[s.ShardID] = s
		}
	}
	content := sessionFileFormat{Version: sessionFileVersion, Sessions: []SavedSession{}}
	for _, s := range f.sessions {
		content.Sessions = append(content.Sessions, s)
	}
	slices.SortFunc(content.Sessions, func(a, b SavedSession) int { return a.ShardID - b.ShardID })
	b, err := json.MarshalIndent(content, "", "\t")
	if err != nil {
		return fmt.Errorf("encode session file: %w", err)
	}
	if err := replaceFile(f.path, b); err != nil {
		return fmt.Errorf("write session file: %w", err)
	}
	return nil
}

// replaceFile makes b the contents of a file, in one step even if the machine loses power.
func replaceFile(path string, b []byte) error {
	temp := path + ".tmp"
	file, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(b)
	// One that a person has left there may have any mode.
	err = errors.Join(err, file.Chmod(0o600), file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	// The name is on the disk when its directory is. Not every system can do that.
	if dir, err := os.Open(filepath.Dir(path)); err == nil {
		_ = dir.Sync()
		_ = dir.Close()
	}
	return nil
}
