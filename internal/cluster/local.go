package cluster

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Local is the Backend of processes that are one: what a bot has that runs in a single process.
// It keeps all in memory and has no goroutine of its own.
type Local struct {
	mu       sync.Mutex // guards what follows
	revision uint64
	keys     map[string]*localKey
	watches  []*localWatch
	blobs    map[string][]byte
	servers  map[string][]*localServer // by subject; a list is replaced, never changed
}

type localKey struct {
	value    []byte
	revision uint64
	expiry   *time.Timer // nil: never
}

type localWatch struct {
	prefix string
	news   chan struct{} // 1 slot: changes is not empty

	changes []localChange // guarded by Local.mu
}

type localChange struct {
	key      string
	value    []byte
	revision uint64
}

// NewLocal returns a Local without keys.
func NewLocal() *Local {
	return &Local{keys: make(map[string]*localKey), blobs: make(map[string][]byte),
		servers: make(map[string][]*localServer)}
}

// Get implements Backend.
func (l *Local) Get(ctx context.Context, key string) ([]byte, uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.keys[key]
	if k == nil {
		return nil, 0, ctx.Err()
	}
	return bytes.Clone(k.value), k.revision, ctx.Err()
}

// Put implements Backend.
func (l *Local) Put(
	ctx context.Context, key string, value []byte, revision uint64, ttl time.Duration,
) (uint64, bool, error) {
	if err := ctx.Err(); err != nil {
		return 0, false, err
	}
	if len(key) > MaxKey || len(value) > MaxValue {
		return 0, false, fmt.Errorf("put %.128q: a key has at most %d bytes, a value %d",
			key, MaxKey, MaxValue)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.revisionLocked(key) != revision {
		return 0, false, nil
	}
	l.removeLocked(key)
	l.revision++
	k := &localKey{value: append([]byte{}, value...), revision: l.revision}
	l.keys[key] = k
	if ttl > 0 {
		ttl = (ttl + time.Second - 1).Truncate(time.Second)
		k.expiry = time.AfterFunc(ttl, func() { l.expire(key, k.revision) })
	}
	l.tellLocked(key, k.value, k.revision)
	return k.revision, true, nil
}

// Delete implements Backend.
func (l *Local) Delete(ctx context.Context, key string, revision uint64) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	return l.expire(key, revision), nil
}

// expire removes a key whose revision still is the given one.
func (l *Local) expire(key string, revision uint64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if revision == 0 || l.revisionLocked(key) != revision {
		return false
	}
	l.removeLocked(key)
	l.revision++
	l.tellLocked(key, nil, 0)
	return true
}

func (l *Local) revisionLocked(key string) uint64 {
	if k := l.keys[key]; k != nil {
		return k.revision
	}
	return 0
}

func (l *Local) removeLocked(key string) {
	if k := l.keys[key]; k != nil && k.expiry != nil {
		k.expiry.Stop()
	}
	delete(l.keys, key)
}

func (l *Local) tellLocked(key string, value []byte, revision uint64) {
	for _, w := range l.watches {
		if strings.HasPrefix(key, w.prefix) {
			w.addLocked(localChange{key, value, revision})
		}
	}
}

func (w *localWatch) addLocked(changes ...localChange) {
	w.changes = append(w.changes, changes...)
	select {
	case w.news <- struct{}{}:
	default:
	}
}

// Watch implements Backend. It has no bound on the changes that f is behind.
func (l *Local) Watch(
	ctx context.Context, prefix string, f func(key string, value []byte, revision uint64),
) error {
	w := l.watch(prefix)
	defer l.unwatch(w)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-w.news:
		}
		l.mu.Lock()
		changes := w.changes
		w.changes = nil
		l.mu.Unlock()
		for _, c := range changes {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			f(c.key, c.value, c.revision)
		}
	}
}

// watch begins a watch with what there is, and the mark that this was all.
func (l *Local) watch(prefix string) *localWatch {
	w := &localWatch{prefix: prefix, news: make(chan struct{}, 1)}
	l.mu.Lock()
	defer l.mu.Unlock()
	var present []localChange
	for key, k := range l.keys {
		if strings.HasPrefix(key, prefix) {
			present = append(present, localChange{key, k.value, k.revision})
		}
	}
	slices.SortFunc(present, func(a, b localChange) int { return cmp.Compare(a.revision, b.revision) })
	w.addLocked(append(present, localChange{})...)
	l.watches = append(l.watches, w)
	return w
}

func (l *Local) unwatch(w *localWatch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.watches = slices.DeleteFunc(l.watches, func(o *localWatch) bool { return o == w })
}

// Save implements Backend.
func (l *Local) Save(ctx context.Context, name string, data []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.blobs[name] = bytes.Clone(data)
	return ctx.Err()
}

// Load implements Backend.
func (l *Local) Load(ctx context.Context, name string) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	data, ok := l.blobs[name]
	if !ok {
		return nil, fmt.Errorf("load %s: %w", name, fs.ErrNotExist)
	}
	return bytes.Clone(data), ctx.Err()
}
