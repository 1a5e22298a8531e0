package clustertest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/botwright/botwright/internal/cluster"
)

type change struct {
	key, value string
	revision   uint64
}

func (c change) String() string {
	if c.key == "" {
		return "mark"
	}
	if c.revision == 0 {
		return c.key + " gone"
	}
	return c.key + "=" + c.value
}

// observe watches until the test ends.
func observe(t *testing.T, b cluster.Backend, prefix string) <-chan change {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	changes := make(chan change, 1000)
	done := make(chan error, 1)
	go func() {
		done <- b.Watch(ctx, prefix, func(key string, value []byte, revision uint64) {
			changes <- change{key, string(value), revision}
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; ctx.Err() == nil {
			t.Errorf("Watch: %v", err)
		}
	})
	return changes
}

func expect(t *testing.T, changes <-chan change, want ...string) {
	t.Helper()
	var got []string
	last := uint64(0)
	for len(got) < len(want) {
		select {
		case c := <-changes:
			got = append(got, c.String())
			if c.revision != 0 && c.revision <= last {
				t.Errorf("%v has revision %d, after %d", c, c.revision, last)
			}
			last = max(last, c.revision)
		case <-time.After(patience):
			t.Fatalf("no change after %v, want %v", got, want)
		}
	}
	if !slices.Equal(got, want) {
		t.Fatalf("changes\n %v, want\n %v", got, want)
	}
}

func watch(t *testing.T, open Open) {
	b := open(t, 3)
	z := mustPut(t, b[0], "w/z", "1", 0, 0)
	a := mustPut(t, b[1], "w/a", "1", 0, 0)
	mustPut(t, b[0], "elsewhere", "1", 0, 0)
	gone := mustPut(t, b[0], "w/gone", "1", 0, 0)
	mustDelete(t, b[0], "w/gone", gone)
	one, two := observe(t, b[0], "w/"), observe(t, b[2], "w/")
	expect(t, one, "w/z=1", "w/a=1", "mark")
	expect(t, two, "w/z=1", "w/a=1", "mark")
	a = mustPut(t, b[1], "w/a", "2", a, 0)
	z = mustPut(t, b[0], "w/z", "2", z, 0)
	mustPut(t, b[0], "elsewhere2", "1", 0, 0)
	mustDelete(t, b[1], "w/a", a)
	mustPut(t, b[2], "w/z", "3", z, 0)
	mustPut(t, b[2], "w/a", "3", 0, 0)
	want := []string{"w/a=2", "w/z=2", "w/a gone", "w/z=3", "w/a=3"}
	expect(t, one, want...)
	expect(t, two, want...)
	want = nil
	for i := range 100 {
		key := fmt.Sprintf("w/many-%d", i%7)
		want = append(want, fmt.Sprintf("%s=%d", key, i))
		_, revision, err := b[0].Get(t.Context(), key)
		for end := time.Now().Add(patience); ; pause(t) {
			if err != nil {
				t.Fatal(err)
			}
			if _, ok := put(t, b[0], key, fmt.Sprint(i), revision, 0); ok {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("%s is never up to date", key)
			}
			_, revision, err = b[0].Get(t.Context(), key)
		}
	}
	expect(t, one, want...)
	expect(t, two, want...)
}

func watchEmpty(t *testing.T, open Open) {
	b := open(t, 2)
	changes := observe(t, b[0], "none/")
	expect(t, changes, "mark")
	mustPut(t, b[1], "none/first", "1", 0, 0)
	expect(t, changes, "none/first=1")
}

func watchExpiry(t *testing.T, open Open) {
	b := open(t, 2)
	changes := observe(t, b[0], "e/")
	expect(t, changes, "mark")
	mustPut(t, b[1], "e/k", "1", 0, time.Second)
	expect(t, changes, "e/k=1", "e/k gone")
	mustPut(t, b[1], "e/k", "2", 0, 0)
	expect(t, changes, "e/k=2")
}

func watchEnds(t *testing.T, open Open) {
	b := open(t, 1)[0]
	ctx, cancel := context.WithCancel(t.Context())
	done, marked := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		if err := b.Watch(ctx, "w/", func(string, []byte, uint64) { close(marked) }); ctx.Err() == nil {
			t.Errorf("Watch: %v", err)
		}
	}()
	<-marked
	cancel()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal("Watch goes on")
	}
}
