package session

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	// SaveEvery is how often sessions are saved that have moved on. What was handled since is
	// handled twice if the process is killed.
	SaveEvery = 5 * time.Second

	// aliveEvery is how often a session is saved in which nothing happens, to keep it from
	// looking stale.
	aliveEvery = time.Minute
)

// A Shard is what a Saver knows of a shard. Its methods are quick.
type Shard interface {
	ID() int
	SessionID() string // empty if there is no session
	Earlier() Saved    // what the store had of it when it was made; the zero Saved if nothing
	Connected() bool

	// Saved returns what to store. It is false when that cannot be known just now: between two
	// sessions, or when not even READY has been handled.
	Saved() (s Saved, ok bool)

	// Journal returns what records the shard's State, nil if that is not saved.
	Journal() Journal
}

// A Journal records what becomes of a shard's State.
type Journal interface {
	// Cut returns what has to be stored after what was stored before, or in its place. It is
	// false if there is nothing new. Stored follows, before the next Cut.
	Cut(sessionID string) (part []byte, replace, ok bool)

	// Stored says whether the part was stored.
	Stored(ok bool)

	// Position returns the number of the event up to which State is stored, and of how many parts
	// that consists. It is 0 if State is not stored.
	Position(sessionID string) (sequence int64, parts int)
}

// Alerts are those that are open, as something to store beside the sessions.
type Alerts interface {
	// Version returns a number that is another one when there is something new to store.
	Version() uint64

	// Encode returns what to store. It is false if that cannot be known just now.
	Encode() (b []byte, ok bool)
}

// SaverConfig is what a Saver works with.
type SaverConfig struct {
	Every   time.Duration          // SaveEvery
	Shards  func() []Shard         // those of this process; none before there are any
	Count   func() int             // how many there are over all processes
	Changed func() <-chan struct{} // is closed when a shard has changed

	Save      func(ctx context.Context, sessions []Saved) error
	SaveState func(ctx context.Context, shardID int, part []byte, replace bool) error

	Alerts     Alerts // nil if the store keeps none
	SaveAlerts func(ctx context.Context, b []byte) error

	Failed    func(err error)       // told of the first failure in a row
	Recovered func(failure Failure) // told when one has ended
}

// A Failure is a time during which nothing can be saved.
type Failure struct {
	Err   error // nil if there is none
	Since time.Time
	Tries int
}

// A Saver keeps a store up to date. One goroutine runs it; Failure may be called from any.
type Saver struct {
	cfg    SaverConfig
	stored map[int]Saved   // what the store has
	asked  chan chan error // by Save
	alerts uint64          // the version that the store has

	mu       sync.Mutex // guards what follows
	failure  Failure
	failures uint64
}

// NewSaver returns a Saver.
func NewSaver(cfg SaverConfig) *Saver {
	return &Saver{cfg: cfg, stored: make(map[int]Saved), asked: make(chan chan error)}
}

// Run saves until ctx is done, which is when all shards have been shut down, and then once more.
func (s *Saver) Run(ctx context.Context) {
	tick := time.NewTicker(s.cfg.Every)
	defer tick.Stop()
	for ctx.Err() == nil {
		changed := s.cfg.Changed()
		if s.isNew() {
			s.save(ctx)
		}
		select {
		case <-ctx.Done():
		case <-changed: // perhaps a shard has a new session
		case done := <-s.asked:
			s.save(ctx)
			failure, _ := s.Failure()
			done <- failure.Err
		case <-tick.C:
			s.save(ctx)
		}
	}
	s.save(context.WithoutCancel(ctx))
}

// Save saves now, as a shard is about to be another process's, and returns why that is not possible.
// Run must be running.
func (s *Saver) Save(ctx context.Context) error {
	done := make(chan error, 1)
	select {
	case s.asked <- done:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// SaveAlerts stores the alerts if they have changed since Run ended.
func (s *Saver) SaveAlerts(ctx context.Context) {
	if tried, err := s.saveAlerts(ctx); tried {
		s.noteResult(err)
	}
}

// isNew reports whether a shard has got or lost its session since it was saved, or alerts have
// changed. It runs at each change of any of them.
func (s *Saver) isNew() bool {
	if failure, _ := s.Failure(); failure.Err != nil {
		return false // tried again with the next tick
	}
	if s.cfg.Alerts != nil && s.cfg.Alerts.Version() != s.alerts {
		return true
	}
	for _, shard := range s.shards() {
		if shard.SessionID() != s.stored[shard.ID()].ID {
			return true
		}
	}
	return false
}

// shards returns the shards that there are.
func (s *Saver) shards() []Shard {
	shards := s.cfg.Shards()
	for _, shard := range shards {
		if _, known := s.stored[shard.ID()]; !known {
			s.stored[shard.ID()] = shard.Earlier()
		}
	}
	return shards
}

// save stores what has changed.
func (s *Saver) save(ctx context.Context) {
	shards := s.shards()
	changed := make(map[int]Saved)
	for id := range s.stored {
		switch {
		case slices.ContainsFunc(shards, func(o Shard) bool { return o.ID() == id }):
		case id < s.cfg.Count(): // another process has it now
			delete(s.stored, id)
		default: // there is no such shard any more
			changed[id] = Saved{ShardID: id}
		}
	}
	var failed error
	for _, shard := range shards {
		now, ok := shard.Saved()
		if !ok {
			continue
		}
		before := s.stored[now.ShardID]
		if now.ID == before.ID && !shard.Connected() {
			now.AliveAt = before.AliveAt
		}
		if err := s.saveState(ctx, shard, &now, failed == nil); err != nil {
			failed = err
		}
		if isNews(&now, &before) {
			changed[now.ShardID] = now
		}
	}
	if len(changed) > 0 {
		if err := s.cfg.Save(ctx, slices.Collect(maps.Values(changed))); err != nil {
			failed = err
		} else {
			s.note(changed)
		}
	}
	tried := len(changed) > 0 || failed != nil
	if failed == nil {
		var alerts bool
		alerts, failed = s.saveAlerts(ctx)
		tried = tried || alerts
	}
	if tried { // else that says nothing
		s.noteResult(failed)
	}
}

// saveAlerts stores the alerts, if they have changed.
func (s *Saver) saveAlerts(ctx context.Context) (tried bool, err error) {
	if s.cfg.Alerts == nil {
		return false, nil
	}
	version := s.cfg.Alerts.Version()
	if version == s.alerts {
		return false, nil
	}
	b, ok := s.cfg.Alerts.Encode()
	if !ok {
		return false, nil
	}
	if err := s.cfg.SaveAlerts(ctx, b); err != nil {
		return true, err
	}
	s.alerts = version
	return true, nil
}

// saveState stores what has become of a shard's State, unless the store fails anyway.
func (s *Saver) saveState(ctx context.Context, shard Shard, now *Saved, try bool) (err error) {
	j := shard.Journal()
	if j == nil || now.ID == "" {
		return nil
	}
	if try {
		if part, replace, ok := j.Cut(now.ID); ok {
			err = s.cfg.SaveState(ctx, now.ShardID, part, replace)
			j.Stored(err == nil)
		}
	}
	now.StateSequence, now.StateParts = j.Position(now.ID)
	return err
}

// isNews reports whether a shard has to be saved.
func isNews(now, before *Saved) bool {
	return now.ID != before.ID || now.Sequence != before.Sequence ||
		now.StateParts != before.StateParts || !slices.Equal(now.Handled, before.Handled) ||
		now.AliveAt.Sub(before.AliveAt) >= aliveEvery
}

func (s *Saver) note(changed map[int]Saved) {
	for id, now := range changed {
		if now.ID == "" && now.ShardCount == 0 {
			delete(s.stored, id)
		} else {
			s.stored[id] = now
		}
	}
}

// noteResult notes how an attempt to save has ended.
func (s *Saver) noteResult(err error) {
	s.mu.Lock()
	before := s.failure
	if err == nil {
		s.failure = Failure{}
	} else {
		if before.Err == nil {
			s.failure.Since = time.Now()
		}
		s.failure.Err = err
		s.failure.Tries++
		s.failures++
	}
	s.mu.Unlock()
	switch {
	case err != nil && before.Err == nil:
		s.cfg.Failed(err)
	case err == nil && before.Err != nil:
		s.cfg.Recovered(before)
	}
}

// Failure returns why nothing can be saved at present, and how many attempts have failed so far.
func (s *Saver) Failure() (now Failure, failures uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failure, s.failures
}
