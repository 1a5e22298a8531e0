package clustertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/botwright/botwright/internal/cluster"
)

func blobs(t *testing.T, open Open) {
	b := open(t, 2)
	if _, err := b[0].Load(t.Context(), "state/0"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Load of nothing: %v", err)
	}
	large := bytes.Repeat([]byte{1, 2, 3, 4, 5, 6, 7, 8}, 300_000)
	for _, data := range [][]byte{[]byte("one"), large, {}} {
		if err := b[0].Save(t.Context(), "state/0", data); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(patience); ; pause(t) {
			got, err := b[1].Load(t.Context(), "state/0")
			if err == nil && bytes.Equal(got, data) {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("Load: %d bytes, want %d, %v", len(got), len(data), err)
			}
		}
	}
}

// serve answers until the test ends, or until the returned function is called.
func serve(
	t *testing.T, b cluster.Backend, subject string,
	answer func(ctx context.Context, data []byte) []byte,
) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := b.Serve(ctx, subject, answer); ctx.Err() == nil {
			t.Errorf("Serve: %v", err)
		}
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case <-done:
		case <-time.After(patience):
			t.Error("Serve goes on")
		}
	})
	t.Cleanup(stop)
	return stop
}

// ask returns the replies, sorted, as soon as there are that many, and all that come until then.
func ask(t *testing.T, b cluster.Backend, subject, data string, want int) []string {
	t.Helper()
	var replies []string
	for end := time.Now().Add(patience); ; pause(t) {
		replies = nil
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		for reply, err := range b.Request(ctx, subject, []byte(data)) {
			if err != nil {
				t.Errorf("request: %v", err)
				break
			}
			if replies = append(replies, string(reply)); len(replies) == want {
				break
			}
		}
		cancel()
		if len(replies) == want || time.Now().After(end) { // a server may not be known everywhere yet
			break
		}
	}
	slices.Sort(replies)
	return replies
}

func requestMany(t *testing.T, open Open) {
	b := open(t, 3)
	for i, one := range b {
		serve(t, one, "op.count", func(_ context.Context, data []byte) []byte {
			if i == 1 && string(data) == "not you" {
				return nil
			}
			return fmt.Appendf(nil, "%d says %s", i, data)
		})
	}
	serve(t, b[0], "op.other", func(context.Context, []byte) []byte { return []byte("wrong") })
	want := []string{"0 says hi", "1 says hi", "2 says hi"}
	if got := ask(t, b[1], "op.count", "hi", 3); !slices.Equal(got, want) {
		t.Errorf("replies %q, want %q", got, want)
	}
	want = []string{"0 says not you", "2 says not you"}
	if got := ask(t, b[2], "op.count", "not you", 2); !slices.Equal(got, want) {
		t.Errorf("replies %q, want %q", got, want)
	}
}

func requestNobody(t *testing.T, open Open) {
	b := open(t, 1)[0]
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	for reply, err := range b.Request(ctx, "op.nobody", nil) {
		t.Errorf("reply %q, %v", reply, err)
	}
}

func requestDeadline(t *testing.T, open Open) {
	b := open(t, 2)
	never := make(chan struct{})
	serve(t, b[0], "op.slow", func(ctx context.Context, _ []byte) []byte {
		select {
		case <-never:
		case <-ctx.Done():
		}
		return []byte("late")
	})
	serve(t, b[1], "op.slow", func(context.Context, []byte) []byte { return []byte("quick") })
	if got := ask(t, b[1], "op.slow", "", 1); !slices.Equal(got, []string{"quick"}) {
		t.Fatalf("replies %q", got)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	var replies []string
	for reply, err := range b[0].Request(ctx, "op.slow", nil) {
		replies = append(replies, fmt.Sprintf("%s %v", reply, err))
	}
	if want := []string{"quick <nil>"}; !slices.Equal(replies, want) || ctx.Err() == nil {
		t.Errorf("replies %q, want %q; context: %v", replies, want, ctx.Err())
	}
}

func requestStop(t *testing.T, open Open) {
	b := open(t, 2)
	for _, one := range b {
		serve(t, one, "op.one", func(context.Context, []byte) []byte { return []byte("me") })
	}
	if got := ask(t, b[0], "op.one", "", 2); len(got) != 2 {
		t.Fatalf("replies %q", got)
	}
	for _, err := range b[0].Request(t.Context(), "op.one", nil) {
		if err != nil {
			t.Errorf("request: %v", err)
		}
		break
	}
}

func serveEnds(t *testing.T, open Open) {
	b := open(t, 2)
	answer := func(context.Context, []byte) []byte { return []byte("me") }
	stop := serve(t, b[0], "op.gone", answer)
	serve(t, b[1], "op.gone", answer)
	if got := ask(t, b[1], "op.gone", "", 2); len(got) != 2 {
		t.Fatalf("replies %q", got)
	}
	stop()
	for end := time.Now().Add(patience); ; pause(t) {
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		n := 0
		for _, err := range b[1].Request(ctx, "op.gone", nil) {
			if err == nil {
				n++
			}
		}
		cancel()
		if n == 1 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d replies", n)
		}
	}
}

func serveConcurrently(t *testing.T, open Open) {
	b := open(t, 2)
	const n = 8
	var together sync.WaitGroup
	together.Add(n)
	serve(t, b[0], "op.meet", func(_ context.Context, data []byte) []byte {
		if len(data) == 0 {
			return []byte("here")
		}
		together.Done()
		together.Wait() // ends only if all are answered at once
		return data
	})
	if got := ask(t, b[1], "op.meet", "", 1); len(got) != 1 {
		t.Fatalf("replies %q", got)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var callers sync.WaitGroup
	for i := range n {
		callers.Go(func() {
			want := fmt.Sprint(i)
			for reply, err := range b[1].Request(ctx, "op.meet", []byte(want)) {
				if string(reply) != want || err != nil {
					t.Errorf("reply %q, %v", reply, err)
				}
				return
			}
			t.Errorf("no reply to %d", i)
		})
	}
	callers.Wait()
}
