package session_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/botwright/botwright/internal/cluster"
	"github.com/botwright/botwright/internal/session"
)

// keys are those of a cluster, with faults.
type keys struct {
	*cluster.Local

	mu     sync.Mutex // guards what follows
	lost   int        // so many of the next answers of Put get lost
	stale  []byte
	staleN int // so many of the next answers of Get are stale
	puts   int
	bytes  int // of values put
	saves  int
}

func (k *keys) Put(
	ctx context.Context, key string, value []byte, revision uint64, ttl time.Duration,
) (uint64, bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.puts++
	k.bytes += len(value)
	now, ok, err := k.Local.Put(ctx, key, value, revision, ttl)
	if k.lost > 0 {
		k.lost--
		return 0, false, errors.New("no answer")
	}
	return now, ok, err
}

func (k *keys) Get(ctx context.Context, key string) ([]byte, uint64, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	b, revision, err := k.Local.Get(ctx, key)
	if k.staleN > 0 {
		k.staleN--
		return k.stale, revision - 1, err
	}
	return b, revision, err
}

func (k *keys) Save(ctx context.Context, name string, data []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.saves++
	return k.Local.Save(ctx, name, data)
}

func wantSessions(t *testing.T, s *session.Shared, ids []int, want ...session.Saved) {
	t.Helper()
	got, err := s.Load(t.Context(), ids)
	if err != nil {
		t.Fatal(err)
	}
	a, _ := json.Marshal(got)
	b, _ := json.Marshal(want)
	if !bytes.Equal(a, b) && len(got)+len(want) > 0 {
		t.Errorf("got  %.300s\nwant %.300s", a, b)
	}
}

func saveShared(t *testing.T, s *session.Shared, sessions ...session.Saved) {
	t.Helper()
	if err := s.Save(t.Context(), sessions); err != nil {
		t.Fatal(err)
	}
}

// TestSharedMoves lets one process go on where another one has ended.
func TestSharedMoves(t *testing.T) {
	t.Parallel()
	k := &keys{Local: cluster.NewLocal()}
	one, two := session.NewShared(k), session.NewShared(k)
	all := fleet(40, 3)
	wantSessions(t, one, ids(40))
	saveShared(t, one, all...)
	k.bytes, k.puts, k.saves = 0, 0, 0
	for i := range all {
		all[i].Sequence += 1000
		all[i].AliveAt = all[i].AliveAt.Add(5 * time.Second)
		all[i].Handled = []session.Range{{all[i].Sequence + 2, all[i].Sequence + 3}}
	}
	all[7].Guilds = append(slices.Clone(all[7].Guilds[1:]), "5")
	saveShared(t, one, all...)
	if perSecond := k.bytes / len(all) / 5; k.puts != len(all) || k.saves != 0 || perSecond > 100 {
		t.Errorf("%d puts and %d saves for %d shards, %d bytes/s for each", k.puts, k.saves, len(all),
			perSecond)
	}
	wantSessions(t, two, ids(20), all[:20]...)
	// What the first process saves from now on of those shards counts for nothing.
	late := all[3]
	late.Sequence = 5
	fresh := all[4]
	fresh.ID = "new"
	for _, s := range []session.Saved{late, fresh, {ShardID: 3}} {
		if err := one.Save(t.Context(), []session.Saved{s}); !errors.Is(err, session.ErrTaken) {
			t.Errorf("shard %d: %v", s.ShardID, err)
		}
	}
	all[3].Sequence++
	all[30].Sequence++
	saveShared(t, two, all[3])
	saveShared(t, one, all[30])
	wantSessions(t, session.NewShared(k), ids(40), all...)
}

func TestSharedForgets(t *testing.T) {
	t.Parallel()
	k := &keys{Local: cluster.NewLocal()}
	one := session.NewShared(k)
	all := fleet(2, 1)
	saveShared(t, one, all...)
	saveShared(t, one, session.Saved{ShardID: 1})
	wantSessions(t, session.NewShared(k), ids(2), all[0])
	one = session.NewShared(k)
	wantSessions(t, one, ids(2), all[0])
	saveShared(t, one, all[1])
	wantSessions(t, session.NewShared(k), ids(2), all...)
}

func TestSharedFaults(t *testing.T) {
	t.Parallel()
	k := &keys{Local: cluster.NewLocal()}
	one := session.NewShared(k)
	s := fleet(1, 1)[0]
	saveShared(t, one, s)
	before, _, _ := k.Local.Get(t.Context(), "position/0")
	// The answer gets lost; what was set is noticed.
	s.Sequence++
	k.lost = 1
	if err := one.Save(t.Context(), []session.Saved{s}); err == nil {
		t.Error("no error")
	}
	s.Sequence++
	saveShared(t, one, s)
	// A reader is given what is not the latest.
	k.stale, k.staleN = before, 2
	wantSessions(t, session.NewShared(k), ids(1), s)
	// The process is killed between the large value and the key.
	whole, _ := json.Marshal(session.Saved{ShardID: 0, ID: "another"})
	if err := k.Save(t.Context(), "session/0", whole); err != nil {
		t.Fatal(err)
	}
	two := session.NewShared(k)
	wantSessions(t, two, ids(1))
	saveShared(t, two, s)
	wantSessions(t, session.NewShared(k), ids(1), s)
}

func wantState(t *testing.T, s *session.Shared, want [][]byte) {
	t.Helper()
	got, err := s.LoadState(t.Context(), 5)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.EqualFunc(got, want, bytes.Equal) {
		t.Fatalf("%d parts, want %d", len(got), len(want))
	}
}

func TestSharedState(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	k := &keys{Local: cluster.NewLocal()}
	one := session.NewShared(k)
	wantState(t, one, nil)
	if err := one.AppendState(ctx, 5, []byte("x")); err == nil {
		t.Error("nothing was added to")
	}
	var parts [][]byte
	for i := range 400 {
		part := bytes.Repeat([]byte(fmt.Sprint(i)), 200+i%7*100)
		add := one.AppendState
		if i == 0 {
			add = one.SaveState
		}
		if i == 200 { // a takeover
			one = session.NewShared(k)
			wantState(t, one, parts)
			add = one.AppendState
		}
		if err := add(ctx, 5, part); err != nil {
			t.Fatal(err)
		}
		parts = append(parts, part)
	}
	wantState(t, session.NewShared(k), parts)
	large := bytes.Repeat([]byte("large"), 50_000)
	if err := one.AppendState(ctx, 5, large); err != nil {
		t.Fatal(err)
	}
	wantState(t, session.NewShared(k), append(parts, large))
	for _, part := range []string{"all", "anew"} { // of the list before, the tail is still there
		if err := one.SaveState(ctx, 5, []byte(part)); err != nil {
			t.Fatal(err)
		}
		wantState(t, session.NewShared(k), [][]byte{[]byte(part)})
	}
}
