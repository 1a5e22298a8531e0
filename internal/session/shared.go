package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Keys are what the processes of a bot share: small values by key, which change by compare-and-set,
// and large ones by name.
type Keys interface {
	Get(ctx context.Context, key string) (value []byte, revision uint64, err error)
	Put(ctx context.Context, key string, value []byte, revision uint64, ttl time.Duration) (
		newRevision uint64, ok bool, err error)
	Delete(ctx context.Context, key string, revision uint64) (ok bool, err error)
	Save(ctx context.Context, name string, data []byte) error
	Load(ctx context.Context, name string) ([]byte, error)
}

// A Shared keeps sessions where the other processes of a bot find them. Its methods may be called
// from any goroutine, those that concern one shard by one at a time.
//
//	session/N    a large value: the session of shard N when it was begun, with its guilds
//	position/N   a key: what has changed since, every few seconds, and who writes it
//	state/N/I    large values: what the State of shard N holds; see sharedstate.go
//
// Who loads a session makes its key its own, by compare-and-set: what an earlier owner of the shard
// still tries to save is refused from then on.
type Shared struct {
	keys   Keys
	writer uint64 // tells its keys from those of other processes

	mu     sync.Mutex // guards what follows, but not the shards
	shards map[int]*sharedShard
}

// sharedShard is what this process knows of one shard.
type sharedShard struct {
	revision uint64 // of its key; 0: there is none
	whole    Saved  // as the large value has it
	state    sharedState
}

// position is the value of a shard's key.
type position struct {
	Version int    `json:"version"`
	Writer  uint64 `json:"writer"`
	progress
}

const (
	// sharedVersion is that of the formats.
	sharedVersion = 1

	// claimAgain is how long a reader waits that was given what is not the latest.
	claimAgain = 50 * time.Millisecond

	// atOnce is how many calls are under way at a time.
	atOnce = 16
)

// ErrTaken says that another process has taken a shard, and that nothing of it was saved.
var ErrTaken = errors.New("another process has taken the shard")

// NewShared returns a Shared.
func NewShared(keys Keys) *Shared {
	return &Shared{keys: keys, writer: rand.Uint64(), shards: make(map[int]*sharedShard)}
}

func positionKey(shardID int) string { return "position/" + strconv.Itoa(shardID) }
func sessionName(shardID int) string { return "session/" + strconv.Itoa(shardID) }

// shard returns what is known of a shard, which nobody else uses until its call returns.
func (s *Shared) shard(id int) *sharedShard {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shards[id] == nil {
		s.shards[id] = &sharedShard{}
	}
	return s.shards[id]
}

// Load returns the sessions of some shards, which this process has from now on.
func (s *Shared) Load(ctx context.Context, shardIDs []int) ([]Saved, error) {
	found := make([]Saved, len(shardIDs))
	err := each(shardIDs, func(i int) (err error) {
		found[i], err = s.load(ctx, shardIDs[i])
		return err
	})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(found, func(s Saved) bool { return s.ID == "" }), nil
}

// load returns what is stored of a shard; the zero Saved if that is nothing, or not a whole.
func (s *Shared) load(ctx context.Context, id int) (saved Saved, err error) {
	shard := s.shard(id)
	*shard = sharedShard{}
	p, err := s.claim(ctx, shard, id)
	if err != nil || p.ID == "" {
		return saved, err
	}
	b, err := s.keys.Load(ctx, sessionName(id))
	if errors.Is(err, fs.ErrNotExist) {
		return saved, nil
	}
	if err != nil {
		return saved, err
	}
	// A process that was killed between the two may have left what does not belong together.
	if err := json.Unmarshal(b, &saved); err != nil || saved.ID != p.ID || saved.ShardID != id {
		return Saved{}, nil //nolint:nilerr // as if there were nothing
	}
	shard.whole = saved
	p.apply(&saved)
	return saved, nil
}

// claim makes the key of a shard this process's and returns what it holds; nothing if there is none.
func (s *Shared) claim(ctx context.Context, shard *sharedShard, id int) (p position, err error) {
	for {
		b, revision, err := s.keys.Get(ctx, positionKey(id))
		if err != nil || revision == 0 {
			return position{}, err
		}
		p = position{}
		if err := json.Unmarshal(b, &p); err != nil || p.Version != sharedVersion {
			shard.revision = revision
			return position{}, nil //nolint:nilerr // of another version: it is replaced
		}
		p.Writer = s.writer
		if err = s.put(ctx, shard, revision, &p); !errors.Is(err, ErrTaken) {
			return p, err
		}
		// What was read was not the latest.
		select {
		case <-time.After(claimAgain):
		case <-ctx.Done():
			return p, err
		}
	}
}

// put sets the key of a shard if it is at the revision.
func (s *Shared) put(ctx context.Context, shard *sharedShard, revision uint64, p *position) error {
	b, err := json.Marshal(p)
	if err != nil {
		return err
	}
	now, ok, err := s.keys.Put(ctx, positionKey(p.ShardID), b, revision, 0)
	if err != nil {
		return err
	}
	if !ok {
		return ErrTaken
	}
	shard.revision = now
	return nil
}

// Save replaces what is stored of the shards of some sessions. One without an ID is forgotten. The
// error says which could not be saved.
func (s *Shared) Save(ctx context.Context, sessions []Saved) error {
	ids := make([]int, len(sessions))
	for i := range sessions {
		ids[i] = sessions[i].ShardID
	}
	return each(ids, func(i int) error { return s.save(ctx, &sessions[i]) })
}

// each calls do for each of some shards, a few at a time, and joins the errors.
func each(ids []int, do func(i int) error) error {
	errs := make([]error, len(ids))
	turns := make(chan struct{}, atOnce)
	var calls sync.WaitGroup
	for i, id := range ids {
		turns <- struct{}{}
		calls.Go(func() {
			defer func() { <-turns }()
			if err := do(i); err != nil {
				errs[i] = fmt.Errorf("session of shard %d: %w", id, err)
			}
		})
	}
	calls.Wait()
	return errors.Join(errs...)
}

func (s *Shared) save(ctx context.Context, saved *Saved) error {
	shard := s.shard(saved.ShardID)
	if saved.ID == "" {
		return s.forget(ctx, shard, saved.ShardID)
	}
	p := position{sharedVersion, s.writer, progressOf(saved, &shard.whole)}
	if !saved.sameSession(&shard.whole) || len(p.Joined)+len(p.Left) > maxChanges {
		if _, mine, err := s.mine(ctx, saved.ShardID); err != nil || !mine {
			return errors.Join(ErrTaken, err)
		}
		b, err := json.Marshal(saved)
		if err != nil {
			return err
		}
		if err := s.keys.Save(ctx, sessionName(saved.ShardID), b); err != nil {
			return err
		}
		shard.whole = *saved
		p.progress = progressOf(saved, saved)
	}
	err := s.put(ctx, shard, shard.revision, &p)
	if !errors.Is(err, ErrTaken) {
		return err
	}
	// Perhaps it was set by a call of this process whose answer got lost.
	if revision, mine, e := s.mine(ctx, saved.ShardID); e != nil || !mine {
		return errors.Join(err, e)
	} else if err := s.put(ctx, shard, revision, &p); err != nil {
		return err
	}
	return nil
}

// mine returns the revision of a shard's key, and whether this process has set it.
func (s *Shared) mine(ctx context.Context, id int) (revision uint64, mine bool, err error) {
	b, revision, err := s.keys.Get(ctx, positionKey(id))
	if err != nil {
		return 0, false, err
	}
	var p position
	return revision, revision == 0 || json.Unmarshal(b, &p) == nil && p.Writer == s.writer, nil
}

// forget removes the key of a shard. What is stored without one counts for nothing.
func (s *Shared) forget(ctx context.Context, shard *sharedShard, id int) error {
	revision, mine, err := s.mine(ctx, id)
	if err == nil && revision != 0 {
		if !mine {
			return ErrTaken
		}
		_, err = s.keys.Delete(ctx, positionKey(id), revision)
	}
	if err == nil {
		*shard = sharedShard{}
	}
	return err
}
