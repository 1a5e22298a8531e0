package clustertest

import (
	"bytes"
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/botwright/botwright/internal/cluster"
)

func put(
	t *testing.T, b cluster.Backend, key, value string, revision uint64, ttl time.Duration,
) (uint64, bool) {
	t.Helper()
	now, ok, err := b.Put(t.Context(), key, []byte(value), revision, ttl)
	if err != nil {
		t.Fatalf("Put %s at %d: %v", key, revision, err)
	}
	return now, ok
}

func mustPut(
	t *testing.T, b cluster.Backend, key, value string, revision uint64, ttl time.Duration,
) uint64 {
	t.Helper()
	now, ok := put(t, b, key, value, revision, ttl)
	if !ok || now <= revision {
		t.Fatalf("Put %s at %d: revision %d, ok %v", key, revision, now, ok)
	}
	return now
}

func mustDelete(t *testing.T, b cluster.Backend, key string, revision uint64) {
	t.Helper()
	if ok, err := b.Delete(t.Context(), key, revision); !ok || err != nil {
		t.Fatalf("Delete %s at %d: %v, %v", key, revision, ok, err)
	}
}

// await waits until a key has the value, and returns its revision. A Get may be behind.
func await(t *testing.T, b cluster.Backend, key, want string) uint64 {
	t.Helper()
	for end := time.Now().Add(patience); ; pause(t) {
		value, revision, err := b.Get(t.Context(), key)
		if err == nil && string(value) == want && (want == "") == (revision == 0) {
			return revision
		}
		if time.Now().After(end) {
			t.Fatalf("Get %s: %q, revision %d, %v; want %q", key, value, revision, err, want)
		}
	}
}

func pause(t *testing.T) {
	t.Helper()
	select {
	case <-time.After(10 * time.Millisecond):
	case <-t.Context().Done():
	}
}

func createOnce(t *testing.T, open Open) {
	b := open(t, 2)
	await(t, b[1], "a/b_c.d-0", "")
	first := mustPut(t, b[0], "a/b_c.d-0", "one", 0, 0)
	if now, ok := put(t, b[1], "a/b_c.d-0", "two", 0, 0); ok {
		t.Errorf("created twice, revision %d", now)
	}
	if got := await(t, b[1], "a/b_c.d-0", "one"); got != first {
		t.Errorf("revision %d, Put said %d", got, first)
	}
	if other := mustPut(t, b[1], "other", "", 0, 0); other <= first {
		t.Errorf("another key's revision %d, after %d", other, first)
	}
}

func changeAtRevision(t *testing.T, open Open) {
	b := open(t, 2)
	first := mustPut(t, b[0], "k", "one", 0, 0)
	second := mustPut(t, b[1], "k", "two", first, 0)
	for _, wrong := range []uint64{0, first, second + 1} {
		if _, ok := put(t, b[0], "k", "three", wrong, 0); ok {
			t.Errorf("changed at %d, was at %d", wrong, second)
		}
	}
	if got := await(t, b[0], "k", "two"); got != second {
		t.Errorf("revision %d, want %d", got, second)
	}
}

func deleteAtRevision(t *testing.T, open Open) {
	b := open(t, 2)
	first := mustPut(t, b[0], "k", "one", 0, 0)
	second := mustPut(t, b[0], "k", "two", first, 0)
	for _, wrong := range []uint64{first, second + 1} {
		if ok, err := b[1].Delete(t.Context(), "k", wrong); ok || err != nil {
			t.Errorf("Delete at %d, was at %d: %v, %v", wrong, second, ok, err)
		}
	}
	mustDelete(t, b[1], "k", second)
	await(t, b[0], "k", "")
	if ok, err := b[1].Delete(t.Context(), "k", second); ok || err != nil {
		t.Errorf("deleted twice: %v, %v", ok, err)
	}
}

func changeDeleted(t *testing.T, open Open) {
	b := open(t, 2)
	first := mustPut(t, b[0], "k", "one", 0, 0)
	mustDelete(t, b[1], "k", first)
	if _, ok := put(t, b[0], "k", "two", first, 0); ok {
		t.Error("a deleted key was changed at its last revision")
	}
	if again := mustPut(t, b[0], "k", "three", 0, 0); again <= first {
		t.Errorf("revision %d, before it was deleted %d", again, first)
	}
	await(t, b[1], "k", "three")
}

func contended(t *testing.T, open Open) {
	b := open(t, 4)
	var revision atomic.Uint64
	for round := range 20 {
		var won atomic.Int32
		var racers sync.WaitGroup
		at := revision.Load()
		for _, one := range b {
			racers.Go(func() {
				now, ok, err := one.Put(t.Context(), "k", []byte("x"), at, 0)
				if err != nil {
					t.Error(err)
				}
				if ok {
					won.Add(1)
					revision.Store(now)
				}
			})
		}
		racers.Wait()
		if won.Load() != 1 {
			t.Fatalf("round %d has %d winners", round, won.Load())
		}
	}
}

func largeValue(t *testing.T, open Open) {
	b := open(t, 2)
	value := bytes.Repeat([]byte{0, 255, '"', '\n'}, cluster.MaxValue/4)
	revision := mustPut(t, b[0], "large", string(value), 0, 0)
	value[0] = 7 // is the caller's again
	value2, _, err := b[0].Get(t.Context(), "large")
	if err != nil || len(value2) != len(value) || value2[0] != 0 {
		t.Errorf("%d bytes, %v", len(value2), err)
	}
	mustPut(t, b[1], "large", "", revision, 0)
	for end := time.Now().Add(patience); ; pause(t) {
		empty, now, err := b[0].Get(t.Context(), "large")
		if err == nil && now > revision && len(empty) == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("an empty value: %d bytes at %d, %v", len(empty), now, err)
		}
	}
}

func expires(t *testing.T, open Open) {
	b := open(t, 2)
	start := time.Now()
	mustPut(t, b[0], "brief", "x", 0, 1500*time.Millisecond)
	mustPut(t, b[0], "lasting", "x", 0, 0)
	await(t, b[1], "brief", "")
	if took := time.Since(start); took < 1500*time.Millisecond {
		t.Errorf("the key went after %v", took)
	}
	await(t, b[1], "lasting", "x")
	mustPut(t, b[1], "brief", "again", 0, 0) // as a key that does not exist
}

func renewed(t *testing.T, open Open) {
	b := open(t, 2)
	revision := mustPut(t, b[0], "k", "x", 0, 2*time.Second)
	kept := mustPut(t, b[1], "k", "y", revision, 0)
	other := mustPut(t, b[0], "witness", "x", 0, 3*time.Second)
	await(t, b[0], "witness", "")
	if got := await(t, b[0], "k", "y"); got != kept {
		t.Errorf("revision %d, want %d (%d)", got, kept, other)
	}
}

func cancelled(t *testing.T, open Open) {
	b := open(t, 1)[0]
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := b.Get(ctx, "k"); err == nil {
		t.Error("Get")
	}
	if _, ok, err := b.Put(ctx, "k", nil, 0, 0); ok || err == nil {
		t.Error("Put")
	}
	if _, err := b.Delete(ctx, "k", 1); err == nil {
		t.Error("Delete")
	}
	for _, err := range b.Request(ctx, "s", nil) {
		t.Error("Request yields", err)
	}
	if _, err := b.Load(ctx, "name"); err == nil {
		t.Error("Load")
	}
}
