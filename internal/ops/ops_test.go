package ops_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/botwright/botwright/internal/cluster"
	"github.com/botwright/botwright/internal/ops"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is some processes with shards.
type world struct {
	t       *testing.T
	ctx     context.Context
	backend *cluster.Local
	count   int
	routers []*ops.Router

	mu     sync.Mutex // guards what follows
	owners map[int]int
}

func newWorld(t *testing.T, count int, owners ...[]int) *world {
	w := &world{t: t, backend: cluster.NewLocal(), count: count, owners: make(map[int]int)}
	var stop context.CancelFunc
	w.ctx, stop = context.WithCancel(context.Background())
	var serving sync.WaitGroup
	for p, shards := range owners {
		for _, s := range shards {
			w.owners[s] = p
		}
		r := ops.New(ops.Config{
			Backend: w.backend, Shards: func() (int, []int) { return count, w.own(p) },
			Others:  func() int { return len(owners) - 1 },
			Protect: func(f func() error) error { return f() },
			Carrier: func(context.Context) map[string]string { return map[string]string{"trace": "42"} },
			Started: func(ctx context.Context, op string, carrier map[string]string) (
				context.Context, func(error),
			) {
				if carrier["trace"] != "42" {
					t.Errorf("%s without its trace", op)
				}
				return ctx, func(error) {}
			},
		})
		w.routers = append(w.routers, r)
		serving.Go(func() { r.Serve(w.ctx) })
		for s := range count {
			if w.owners[s] == p && slices.Contains(shards, s) {
				r.ServeShard(w.ctx, s)
			}
		}
	}
	t.Cleanup(func() {
		stop()
		serving.Wait()
		for _, r := range w.routers {
			if left := r.Wait(context.Background()); left != nil {
				t.Errorf("left %q", left)
			}
		}
	})
	return w
}

func (w *world) own(process int) (shards []int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range slices.Sorted(maps.Keys(w.owners)) {
		if w.owners[s] == process {
			shards = append(shards, s)
		}
	}
	return shards
}

func (w *world) move(shard, process int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.owners[shard] = process
}

// register adds an operation in all processes.
func (w *world) register(name string, f func(ctx context.Context, process, shard int, arg string) (any, error)) {
	for p, r := range w.routers {
		r.Register(name, func(ctx context.Context, shard int, arg ops.Arg) (any, error) {
			text, _ := arg.Value.(string)
			if arg.JSON != nil {
				if err := json.Unmarshal(arg.JSON, &text); err != nil {
					w.t.Errorf("argument %s: %v", arg.JSON, err)
				}
			}
			return f(ctx, p, shard, text)
		})
	}
}

func echo(_ context.Context, process, shard int, arg string) (any, error) {
	if shard == 2 {
		return nil, errors.New("no idea")
	}
	return fmt.Sprintf("%d/%d %s", process, shard, arg), nil
}

func show(replies []ops.Reply) string {
	var texts []string
	for _, r := range replies {
		text := fmt.Sprint(r.Value)
		if r.JSON != nil {
			text = string(r.JSON)
		}
		if r.Err != nil {
			text = r.Err.Error()
		}
		texts = append(texts, fmt.Sprintf("%d: %s", r.Shard, text))
	}
	return strings.Join(texts, "; ")
}

func TestGather(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 5, []int{0, 3}, []int{1, 2}, []int{4})
		w.register("echo", echo)
		synctest.Wait()
		replies, missing, err := w.routers[0].Gather(t.Context(), "echo", "hi")
		const want = `0: 0/0 hi; 1: "1/1 hi"; 2: no idea; 3: 0/3 hi; 4: "2/4 hi"`
		if got := show(replies); got != want || missing != nil || err != nil {
			t.Errorf("got  %s\nwant %s\nmissing %v, %v", got, want, missing, err)
		}
		if _, _, err := w.routers[0].Gather(t.Context(), "other", ""); !errors.Is(err, ops.ErrUnknown) {
			t.Error(err)
		}
		if w.routers[0].Register("echo", nil) {
			t.Error("registered twice")
		}
	})
}

func TestGatherPartly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 5, []int{0, 3}, []int{1, 2}, []int{4})
		w.register("hang", func(ctx context.Context, p, shard int, _ string) (any, error) {
			if shard == 1 || shard == 3 || shard == 4 {
				<-w.ctx.Done() // not the one that it should heed
			}
			return shard, nil
		})
		w.register("large", func(_ context.Context, _, shard int, _ string) (any, error) {
			return strings.Repeat("x", shard*200_000), nil
		})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		replies, missing, err := w.routers[0].Gather(ctx, "hang", "")
		if got := show(replies); got != `0: 0; 2: 2` || !slices.Equal(missing, []int{1, 3, 4}) ||
			err != nil {
			t.Errorf("got %s, missing %v, %v", got, missing, err)
		}
		if ctx.Err() == nil {
			t.Error("not waited for")
		}
		replies, _, _ = w.routers[2].Gather(t.Context(), "large", "")
		for _, r := range replies {
			if large := r.Shard*200_000+2 > ops.MaxSize; large != (r.Err != nil) && r.Shard != 4 {
				t.Errorf("shard %d: %d bytes, %v", r.Shard, len(r.JSON), r.Err)
			}
		}
		arg := strings.Repeat("x", ops.MaxSize)
		if _, _, err := w.routers[0].Gather(t.Context(), "large", arg); !errors.Is(err, ops.ErrTooLarge) {
			t.Error(err)
		}
	})
}

func TestGatherWhileShardsMove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 3, []int{0}, []int{1})
		w.register("echo", func(_ context.Context, p, shard int, _ string) (any, error) {
			return p, nil
		})
		synctest.Wait()
		time.AfterFunc(300*time.Millisecond, func() { w.move(2, 1) })
		replies, missing, err := w.routers[0].Gather(t.Context(), "echo", "")
		if got := show(replies); got != `0: 0; 1: 1; 2: 1` || missing != nil || err != nil {
			t.Errorf("got %s, missing %v, %v", got, missing, err)
		}
	})
}

func TestAskAndBroadcast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 3, []int{0}, []int{1, 2})
		w.register("echo", echo)
		var mu sync.Mutex
		heard := make(map[int]string)
		w.register("note", func(_ context.Context, _, shard int, arg string) (any, error) {
			time.Sleep(time.Minute)
			mu.Lock()
			defer mu.Unlock()
			heard[shard] = arg
			return nil, nil
		})
		synctest.Wait()
		for shard, want := range []string{"0: 0/0 hi", `1: "1/1 hi"`, "2: no idea"} {
			reply, err := w.routers[0].Ask(t.Context(), shard, "echo", "hi")
			if got := show([]ops.Reply{reply}); got != want || err != nil {
				t.Errorf("got %s, %v, want %s", got, err, want)
			}
		}
		w.move(2, 7) // nobody
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := w.routers[0].Ask(ctx, 2, "echo", "hi"); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		begun := time.Now()
		if err := w.routers[0].Broadcast(t.Context(), "note", "all"); err != nil {
			t.Error(err)
		}
		if time.Since(begun) > 0 {
			t.Error("waited for the operation")
		}
		time.Sleep(2 * time.Minute)
		mu.Lock()
		defer mu.Unlock()
		if !maps.Equal(heard, map[int]string{0: "all", 1: "all"}) {
			t.Errorf("heard %v", heard)
		}
	})
}
