package expect_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/botwright/botwright/internal/expect"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestBoard(t *testing.T) {
	var b expect.Board[string]
	early := b.Arrive()
	var got []string
	stop := b.Watch("A", func(e string) { got = append(got, e) })
	other := b.Watch("A", func(string) {})
	b.Show("A", early, "received before")
	b.Show("A", b.Arrive(), "in time")
	b.Show("B", b.Arrive(), "another type")
	if !b.Wants([]byte("A")) || b.Wants([]byte("B")) || b.Watching("A") != 2 {
		t.Error("the wrong types are watched for")
	}
	stop()
	stop()
	b.Show("A", b.Arrive(), "too late")
	other()
	if b.Wants([]byte("A")) || len(b.Types()) != 0 || b.Watching("A") != 0 {
		t.Error("nobody watches any more")
	}
	if want := []string{"in time"}; !slices.Equal(got, want) {
		t.Errorf("shown %q, want %q", got, want)
	}
}

// TestBoardMissesNothing has a reader and watchers that come and go: each must see exactly what
// arrives after it has begun to watch.
func TestBoardMissesNothing(t *testing.T) {
	var b expect.Board[uint64]
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 20_000 {
			if n := b.Arrive(); b.Wants([]byte("A")) {
				b.Show("A", n, n)
			}
		}
	}()
	var watching sync.WaitGroup
	for range 4 {
		watching.Go(func() {
			for range 500 {
				var mu sync.Mutex
				var got []uint64
				before := b.Arrive()
				stop := b.Watch("A", func(n uint64) {
					mu.Lock()
					defer mu.Unlock()
					got = append(got, n)
				})
				stop()
				mu.Lock()
				if len(got) > 0 && (got[0] <= before || !slices.IsSorted(got)) {
					t.Errorf("watching since %d, shown %v", before, got)
				}
				mu.Unlock()
			}
		})
	}
	watching.Wait()
	<-done
}

func TestInbox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := expect.NewInbox[int]()
		end := errors.New("the end")
		results := make(chan int, 10)
		for range 2 {
			go func() {
				for {
					n, err := in.Take(t.Context(), nil)
					if err != nil {
						results <- -1
						return
					}
					results <- n
				}
			}()
		}
		synctest.Wait()
		for n := range 4 {
			in.Add(n)
		}
		in.End(end)
		in.End(errors.New("another"))
		synctest.Wait()
		close(results)
		got := slices.Sorted(func(yield func(int) bool) {
			for n := range results {
				yield(n)
			}
		})
		if want := []int{-1, -1, 0, 1, 2, 3}; !slices.Equal(got, want) {
			t.Errorf("taken %v, want %v", got, want)
		}
		if _, err := in.Take(t.Context(), nil); !errors.Is(err, end) || in.Add(9) {
			t.Errorf("after the end: %v", err)
		}
	})
}

func TestInboxIsBounded(t *testing.T) {
	in := expect.NewInbox[int]()
	for n := range expect.MaxItems {
		if !in.Add(n) {
			t.Fatal("full too early")
		}
	}
	if in.Add(0) {
		t.Error("never full")
	}
	for n := range expect.MaxItems {
		if got, err := in.Take(t.Context(), nil); got != n || err != nil {
			t.Fatalf("took %d, %v", got, err)
		}
	}
	if _, err := in.Take(t.Context(), nil); !errors.Is(err, expect.ErrFull) {
		t.Errorf("in the end: %v", err)
	}
}

func TestTakeEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := expect.NewInbox[int]().Take(ctx, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Take: %v", err)
	}
}

func TestTakeStops(t *testing.T) {
	stop := make(chan struct{})
	close(stop)
	if _, err := expect.NewInbox[int]().Take(t.Context(), stop); !errors.Is(err, expect.ErrStopped) {
		t.Errorf("Take: %v", err)
	}
}
