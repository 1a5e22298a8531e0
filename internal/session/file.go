package session

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
)

// A File keeps sessions in files of one directory. Its methods may be called from any goroutine.
//
//	path            all sessions, written when one begins or ends
//	path.progress   what changes every few seconds, and how the guilds have changed
//	path.lock       locked by the process that uses the files, for as long as it does
//	path.state/N    what the State of shard N holds; see state.go
//	path.alerts     the open alerts
//
// path and path.progress are replaced as a whole, so that a crash at any moment leaves the old
// contents or the new ones. Each names the number of its save: of the two, the newer one counts.
// A file that cannot be read, or that somebody else may write to, is refused, and then nothing is
// written either: it may not be ours.
type File struct {
	path string

	mu       sync.Mutex // guards what follows, and the files
	lock     *os.File   // nil while the files are not in use
	refused  error      // why the files are not to be written to
	saves    int        // number of the last save
	sessions map[int]Saved
	stored   map[int]Saved // what path has
	whole    bool          // path has to be written before path.progress
}

const (
	fileVersion = 1

	// maxFile is far above what the sessions of one process need: 50 KB for a shard with 2,500
	// guilds.
	maxFile = 64 << 20

	// maxChanges is how many guilds may have come and gone before path is written again: about
	// as many bytes as path.progress has anyway with some 100 shards.
	maxChanges = 1000
)

// wholeFile is the content of path.
type wholeFile struct {
	Version  int     `json:"version"`
	Save     int     `json:"save"`
	Sessions []Saved `json:"sessions"`
}

// progressFile is the content of path.progress.
type progressFile struct {
	Version  int        `json:"version"`
	Save     int        `json:"save"`
	Progress []progress `json:"progress"`
}

// NewFile returns a File. The directory of path must exist.
func NewFile(path string) *File { return &File{path: path} }

// Check returns an error if the directory does not exist.
func (f *File) Check() error {
	dir := filepath.Dir(f.path)
	st, err := os.Stat(dir)
	if err == nil && !st.IsDir() {
		err = errors.New("it is not a directory")
	}
	if err != nil {
		return fmt.Errorf("the directory of the session file %s cannot be used, create it: %w",
			f.path, err)
	}
	return nil
}

// Load returns the sessions of some shards. What is stored of others is forgotten by the next Save.
func (f *File) Load(shardIDs []int) ([]Saved, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.useLocked(); err != nil {
		return nil, err
	}
	if err := f.readLocked(); err != nil {
		f.refused = fmt.Errorf("the session file is refused and nothing is saved, remove it or "+
			"name another one: %w", err)
		return nil, f.refused
	}
	f.refused = nil
	maps.DeleteFunc(f.sessions, func(id int, _ Saved) bool {
		if slices.Contains(shardIDs, id) {
			return false
		}
		f.whole = true
		return true
	})
	return slices.Collect(maps.Values(f.sessions)), nil
}

// useLocked locks the files for this process, and removes what a crash has left of a save.
func (f *File) useLocked() error {
	if f.lock != nil {
		return nil
	}
	lock, err := lockFile(f.path + ".lock")
	if err != nil {
		return fmt.Errorf("session file %s: %w", f.path, err)
	}
	f.lock = lock
	left, err := filepath.Glob(f.path + ".*.tmp")
	if err != nil {
		return nil //nolint:nilerr // a path with brackets: what is left stays
	}
	for _, name := range left {
		_ = os.Remove(name)
	}
	return nil
}

func (f *File) readLocked() error {
	var whole wholeFile
	var now progressFile
	if err := readFile(f.path, &whole, &whole.Version); err != nil {
		return err
	}
	if err := readFile(f.path+".progress", &now, &now.Version); err != nil {
		return err
	}
	f.sessions, f.stored = make(map[int]Saved), make(map[int]Saved)
	for _, s := range whole.Sessions {
		f.stored[s.ShardID] = s
	}
	maps.Copy(f.sessions, f.stored)
	if f.saves = whole.Save; now.Save <= whole.Save {
		return nil
	}
	f.saves = now.Save
	for _, p := range now.Progress {
		if s := f.sessions[p.ShardID]; s.ID == p.ID {
			p.apply(&s)
			f.sessions[p.ShardID] = s
		}
	}
	return nil
}

// readFile decodes a file. One that is not there, or empty, holds nothing.
func readFile(path string, content any, version *int) error {
	b, err := readOwn(path)
	if err != nil || len(b) == 0 {
		return err
	}
	if err := json.Unmarshal(b, content); err != nil {
		return fmt.Errorf("%s is damaged: %w", path, err)
	}
	if *version != fileVersion {
		return fmt.Errorf("%s has version %d of the format, not %d", path, *version, fileVersion)
	}
	return nil
}

// readOwn reads a file that nobody else may write to. One that is not there is empty.
func readOwn(path string) ([]byte, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // only read from
	st, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if st.Mode().Perm()&0o022 != 0 && runtime.GOOS != "windows" {
		return nil, fmt.Errorf("%s can be written by others (mode %v): chmod it to 600",
			path, st.Mode().Perm())
	}
	return io.ReadAll(io.LimitReader(file, maxFile))
}

// Save replaces what is stored of the shards of some sessions. One without an ID is forgotten.
func (f *File) Save(sessions []Saved) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refused != nil {
		return f.refused
	}
	if err := f.useLocked(); err != nil {
		return err
	}
	if f.sessions == nil {
		if err := f.readLocked(); err != nil {
			return err
		}
	}
	for _, s := range sessions {
		if s.ID == "" {
			delete(f.sessions, s.ShardID)
			_ = os.Remove(f.statePath(s.ShardID)) // if there is one
		} else {
			f.sessions[s.ShardID] = s
		}
	}
	now, ok := f.progressLocked()
	if f.whole || !ok {
		return f.writeWholeLocked()
	}
	if err := writeFile(f.path+".progress", now); err != nil {
		return err
	}
	f.saves = now.Save
	return nil
}

// progressLocked returns how the sessions have changed since path was written. It is false if path
// has to be written again.
func (f *File) progressLocked() (now progressFile, ok bool) {
	if len(f.sessions) != len(f.stored) {
		return now, false
	}
	now = progressFile{Version: fileVersion, Save: f.saves + 1}
	changes := 0
	for _, id := range slices.Sorted(maps.Keys(f.sessions)) {
		s, stored := f.sessions[id], f.stored[id]
		if !s.sameSession(&stored) {
			return now, false
		}
		p := progressOf(&s, &stored)
		changes += len(p.Joined) + len(p.Left)
		now.Progress = append(now.Progress, p)
	}
	return now, changes <= maxChanges
}

func (f *File) writeWholeLocked() error {
	whole := wholeFile{Version: fileVersion, Save: f.saves + 1, Sessions: []Saved{}}
	for _, id := range slices.Sorted(maps.Keys(f.sessions)) {
		whole.Sessions = append(whole.Sessions, f.sessions[id])
	}
	if err := writeFile(f.path, whole); err != nil {
		f.whole = true
		return err
	}
	f.saves, f.whole = whole.Save, false
	f.stored = maps.Clone(f.sessions)
	return nil
}

// Close lets another process use the files. The File can be used again.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.lock == nil {
		return nil
	}
	err := f.lock.Close()
	f.lock, f.sessions, f.refused = nil, nil, nil
	return err
}

// writeFile makes v the contents of a file, in one step even if the machine loses power.
func writeFile(path string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %s: %w", path, err)
	}
	return replaceFile(path, b)
}

func replaceFile(path string, b []byte) error {
	dir := filepath.Dir(path)
	file, err := os.CreateTemp(dir, filepath.Base(path)+".*.tmp") // for its owner only
	if err != nil {
		return err
	}
	_, err = file.Write(b)
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(file.Name()))
	}
	// The name is on the disk when its directory is. Not every system can do that.
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
	return nil
}
