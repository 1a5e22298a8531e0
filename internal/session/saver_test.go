package session_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botwright/botwright/internal/session"
)

// fakeShard is a shard with a session.
type fakeShard struct {
	id      int
	journal session.Journal

	mu   sync.Mutex // guards what follows
	now  session.Saved
	away bool
}

func newFakeShard(s session.Saved) *fakeShard { return &fakeShard{id: s.ShardID, now: s} }

func (s *fakeShard) ID() int                  { return s.id }
func (s *fakeShard) Journal() session.Journal { return s.journal }
func (s *fakeShard) Earlier() session.Saved   { return session.Saved{} }

func (s *fakeShard) SessionID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now.ID
}

func (s *fakeShard) Connected() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.away
}

func (s *fakeShard) Saved() (session.Saved, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now
	if now.ID != "" {
		now.AliveAt = time.Now()
	}
	return now, true
}

func (s *fakeShard) set(id string, sequence int64, away bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now.ID, s.now.Sequence, s.away = id, sequence, away
}

// savingRig runs a Saver that notes what it does.
type savingRig struct {
	saver *session.Saver
	stop  func()

	mu      sync.Mutex // guards what follows
	alerts  *fakeAlerts
	shards  []session.Shard
	count   int // of shards over all processes
	changed chan struct{}
	broken  error
	notes   []string
}

// fakeAlerts are alerts of a version.
type fakeAlerts struct{ version atomic.Uint64 }

func (a *fakeAlerts) Version() uint64 { return a.version.Load() }
func (a *fakeAlerts) Encode() (b []byte, ok bool) {
	return []byte("alerts"), a.Version()%2 == 0
}

func newSavingRig(shards ...session.Shard) *savingRig {
	r := &savingRig{shards: shards, count: 3, alerts: new(fakeAlerts), changed: make(chan struct{})}
	r.saver = session.NewSaver(session.SaverConfig{
		Every: session.SaveEvery,
		Shards: func() []session.Shard {
			r.mu.Lock()
			defer r.mu.Unlock()
			return r.shards
		},
		Count: func() int {
			r.mu.Lock()
			defer r.mu.Unlock()
			return r.count
		},
		Changed: func() <-chan struct{} {
			r.mu.Lock()
			defer r.mu.Unlock()
			return r.changed
		},
		Save: func(_ context.Context, sessions []session.Saved) error {
			for _, s := range sessions {
				_ = r.note("save %d %q %d", s.ShardID, s.ID, s.Sequence)
			}
			return r.note("")
		},
		SaveState: func(_ context.Context, id int, part []byte, replace bool) error {
			return r.note("state %d %s %t", id, part, replace)
		},
		Alerts:     r.alerts,
		SaveAlerts: func(_ context.Context, b []byte) error { return r.note("save %s", b) },
		Failed:     func(err error) { _ = r.note("failed: %v", err) },
		Recovered: func(f session.Failure) {
			_ = r.note("recovered from %v after %d tries", f.Err, f.Tries)
		},
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan bool)
	go func() { r.saver.Run(ctx); close(done) }()
	r.stop = func() { cancel(); <-done }
	return r
}

// note notes something, and returns what the store does.
func (r *savingRig) note(format string, args ...any) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if format != "" {
		r.notes = append(r.notes, fmt.Sprintf(format, args...))
	}
	return r.broken
}

// expect checks what was noted since the last call.
func (r *savingRig) expect(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !reflect.DeepEqual(r.notes, want) {
		t.Errorf("noted %q, want %q", r.notes, want)
	}
	r.notes = nil
}

// set sets the shards that there are, and what the store does.
func (r *savingRig) set(broken error, shards ...session.Shard) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.broken, r.shards = broken, shards
}

// reduce sets the number of shards.
func (r *savingRig) reduce(count int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count = count
}

func (r *savingRig) change() {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.changed)
	r.changed = make(chan struct{})
}

func TestSaver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		one := newFakeShard(session.Saved{ShardID: 1, ID: "a", Sequence: 5})
		two := newFakeShard(session.Saved{ShardID: 2})
		r := newSavingRig(one, two)
		r.expect(t, `save 1 "a" 5`)
		two.set("b", 1, false)
		r.change()
		r.expect(t, `save 2 "b" 1`) // at once
		one.set("a", 6, false)
		r.change()
		r.expect(t) // not at once
		time.Sleep(5 * time.Second)
		r.expect(t, `save 1 "a" 6`)
		two.set("b", 1, true)
		time.Sleep(time.Minute)
		r.expect(t, `save 1 "a" 6`) // alive; two is away
		r.reduce(2)
		r.set(nil, one)
		time.Sleep(5 * time.Second)
		r.expect(t, `save 2 "" 0`) // forget it
		one.set("a", 7, false)
		r.stop()
		r.expect(t, `save 1 "a" 7`)
	})
}

// TestSaverOfShardsThatMove wants what is saved of a shard to stay when another process has it.
func TestSaverOfShardsThatMove(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		one := newFakeShard(session.Saved{ShardID: 1, ID: "a", Sequence: 5})
		two := newFakeShard(session.Saved{ShardID: 2, ID: "b", Sequence: 1})
		r := newSavingRig(one)
		r.expect(t, `save 1 "a" 5`)
		r.set(nil, one, two) // it comes
		r.change()
		r.expect(t, `save 2 "b" 1`)
		two.set("b", 9, true)
		if err := r.saver.Save(t.Context()); err != nil {
			t.Error(err)
		}
		r.expect(t, `save 2 "b" 9`)
		r.set(nil, one) // it goes
		time.Sleep(10 * time.Second)
		r.expect(t)
		r.set(errors.New("disk full"), one)
		one.set("a", 7, false)
		if err := r.saver.Save(t.Context()); err == nil {
			t.Error("no error")
		}
		r.stop()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.saver.Save(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

func TestSaverRecovers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		one := newFakeShard(session.Saved{ShardID: 1, ID: "a", Sequence: 5})
		r := newSavingRig()
		r.expect(t)
		r.set(errors.New("disk full"), one)
		r.change()
		r.expect(t, `save 1 "a" 5`, "failed: disk full")
		if now, n := r.saver.Failure(); now.Err == nil || n != 1 {
			t.Errorf("failure %+v, %d so far", now, n)
		}
		one.set("b", 5, false)
		r.change()
		r.expect(t) // not for each change
		time.Sleep(5 * time.Second)
		r.expect(t, `save 1 "b" 5`) // and not told again
		r.set(nil, one)
		time.Sleep(5 * time.Second)
		r.expect(t, `save 1 "b" 5`, "recovered from disk full after 2 tries")
		if now, n := r.saver.Failure(); now.Err != nil || n != 2 {
			t.Errorf("failure %+v, %d so far", now, n)
		}
		r.stop()
		r.expect(t)
	})
}

// fakeJournal has one part to store.
type fakeJournal struct {
	part   string
	stored []bool
}

func (j *fakeJournal) Cut(string) (part []byte, replace, ok bool) {
	return []byte(j.part), true, j.part != ""
}
func (j *fakeJournal) Stored(ok bool)               { j.stored = append(j.stored, ok) }
func (j *fakeJournal) Position(string) (int64, int) { return 4, len(j.stored) }

func TestSaverStoresState(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		broken, spared := &fakeJournal{part: "x"}, &fakeJournal{part: "y"}
		one := newFakeShard(session.Saved{ShardID: 1, ID: "a", Sequence: 5})
		two := newFakeShard(session.Saved{ShardID: 2, ID: "b", Sequence: 5})
		one.journal, two.journal = broken, spared
		r := newSavingRig()
		r.set(errors.New("disk full"), one, two)
		r.change()
		synctest.Wait()
		r.set(nil, one, two)
		time.Sleep(5 * time.Second)
		r.stop()
		if want := []bool{false, true, true}; !reflect.DeepEqual(broken.stored, want) {
			t.Errorf("stored %v, want %v", broken.stored, want)
		}
		if want := []bool{true, true}; !reflect.DeepEqual(spared.stored, want) {
			t.Errorf("a store that failed was tried again at once: stored %v, want %v", spared.stored, want)
		}
	})
}

// TestChangeIsCheap bounds what each change of any of 200 shards costs.
//
//nolint:paralleltest // it counts allocations
func TestChangeIsCheap(t *testing.T) {
	var shards []session.Shard
	for _, s := range fleet(200, 1) {
		shards = append(shards, newFakeShard(s))
	}
	r := newSavingRig(shards...)
	r.stop()
	if n := testing.AllocsPerRun(100, func() { session.IsNew(r.saver) }); n > 0 {
		t.Errorf("a change costs %v allocations", n)
	}
}

func BenchmarkChange(b *testing.B) {
	var shards []session.Shard
	for _, s := range fleet(200, 1000) {
		shards = append(shards, newFakeShard(s))
	}
	r := newSavingRig(shards...)
	r.stop()
	for b.Loop() {
		session.IsNew(r.saver)
	}
}

// Alerts are saved at once when they change, even before there are shards, and tried again with the
// sessions.
func TestSaverSavesAlerts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newSavingRig()
		r.change()
		r.expect(t)
		r.alerts.version.Store(1) // a notice goes out
		r.change()
		r.expect(t)
		r.alerts.version.Store(2)
		r.change()
		r.expect(t, "save alerts")
		time.Sleep(time.Hour)
		r.expect(t)
		full := errors.New("no space left")
		r.set(full)
		r.alerts.version.Store(4)
		r.change()
		r.expect(t, "save alerts", "failed: no space left")
		r.change() // waits for the tick
		r.expect(t)
		r.set(nil)
		time.Sleep(session.SaveEvery)
		r.expect(t, "save alerts", "recovered from no space left after 1 tries")
		r.alerts.version.Store(6)
		r.stop()
		r.expect(t, "save alerts")
		r.saver.SaveAlerts(t.Context())
		r.expect(t)
		r.alerts.version.Store(8)
		r.saver.SaveAlerts(t.Context())
		r.expect(t, "save alerts")
	})
}
