package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botwright/botwright/internal/cluster"
)

// told collects what is delivered.
type told struct {
	mu    sync.Mutex
	calls [][]string
	fail  int // so many calls fail first
}

func (d *told) deliver(_ context.Context, messages [][]byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fail > 0 {
		d.fail--
		return errors.New("not now")
	}
	var call []string
	for _, m := range messages {
		call = append(call, string(m))
	}
	slices.Sort(call)
	d.calls = append(d.calls, call)
	return nil
}

func TestBoardTellsOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		backend := cluster.NewLocal()
		d := &told{}
		var telling sync.WaitGroup
		for i := range 10 {
			board := cluster.NewBoard(&line{Backend: backend, rand: rand.New(rand.NewPCG(1, uint64(i))),
				latency: 20 * time.Millisecond}, fmt.Sprint("process ", i))
			telling.Go(func() {
				time.Sleep(time.Duration(i) * 100 * time.Millisecond)
				if err := board.Tell(t.Context(), "firing", fmt.Append(nil, i), d.deliver); err != nil {
					t.Error(err)
				}
			})
		}
		telling.Wait()
		want := [][]string{{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}}
		if fmt.Sprint(d.calls) != fmt.Sprint(want) {
			t.Errorf("told %v, want %v", d.calls, want)
		}
		board := cluster.NewBoard(backend, "process 1")
		if err := board.Tell(t.Context(), "firing", []byte("later"), d.deliver); err != nil {
			t.Error(err)
		}
		if len(d.calls) != 2 || len(d.calls[1]) != 1 {
			t.Errorf("then told %v", d.calls)
		}
	})
}

func TestBoardOfAReceiverThatFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &told{fail: 1}
		board := cluster.NewBoard(cluster.NewLocal(), "a")
		if err := board.Tell(t.Context(), "firing", []byte("1"), d.deliver); err == nil {
			t.Error("the error of the receiver is lost")
		}
		if err := board.Tell(t.Context(), "firing", []byte("2"), d.deliver); err != nil {
			t.Error(err)
		}
		if want := "[[2]]"; fmt.Sprint(d.calls) != want {
			t.Errorf("told %v, want %v", d.calls, want)
		}
	})
}

func TestBoardWhileTheBackendIsAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &told{}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		board := cluster.NewBoard(broken{}, "a")
		if err := board.Tell(ctx, "firing", []byte("1"), d.deliver); err != nil || len(d.calls) != 1 {
			t.Errorf("told %v, %v", d.calls, err)
		}
	})
}

// A broken backend fails at once.
type broken struct{ cluster.Backend }

func (broken) Get(context.Context, string) ([]byte, uint64, error) { return nil, 0, errLine }

// TestBoardOfAProcessThatDied has a process die while it delivers: another one does, later.
func TestBoardOfAProcessThatDied(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		backend := cluster.NewLocal()
		if mine, err := cluster.Claim(t.Context(), backend, cluster.TopicKey("firing"), "dead",
			time.Minute); !mine || err != nil {
			t.Fatal(mine, err)
		}
		d := &told{}
		start := time.Now()
		if err := cluster.NewBoard(backend, "a").Tell(t.Context(), "firing", []byte("1"),
			d.deliver); err != nil || len(d.calls) != 1 {
			t.Errorf("told %v, %v", d.calls, err)
		}
		if took := time.Since(start); took > 95*time.Second {
			t.Errorf("after %v", took)
		}
	})
}
