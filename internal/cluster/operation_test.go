package cluster_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botwright/botwright/internal/cluster"
)

type place struct {
	Shard int    `json:"shard"`
	Where string `json:"where"`
}

// operate makes the operations of processes with the given shards, out of 8.
func operate(t *testing.T, backend cluster.Backend, shards ...[]int) []*cluster.Operations {
	t.Helper()
	var all []*cluster.Operations
	for i, held := range shards {
		ops := cluster.NewOperations(cluster.OperationsConfig{
			Backend: backend, Count: func() int { return 8 },
			Holds: func(s int) bool { return slices.Contains(held, s) },
			Owned: func(s int) bool {
				return slices.ContainsFunc(shards, func(h []int) bool { return slices.Contains(h, s) })
			},
		})
		ops.Register("where", func(_ context.Context, s int, arg cluster.Argument) (any, error) {
			var name string
			if arg.JSON == nil {
				name, _ = arg.Value.(string)
			} else if err := json.Unmarshal(arg.JSON, &name); err != nil {
				return nil, err
			}
			if s == 5 {
				return nil, errors.New("no five")
			}
			return &place{s, fmt.Sprintf("%s at %d", name, i)}, nil
		})
		ctx, cancel := context.WithCancel(t.Context())
		var serving sync.WaitGroup
		serving.Go(func() { ops.Serve(ctx) })
		t.Cleanup(func() {
			cancel()
			serving.Wait()
		})
		all = append(all, ops)
	}
	synctest.Wait()
	return all
}

// texts returns the replies as text, by shard.
func texts(replies map[int]cluster.Reply) string {
	var all []string
	for s := range 8 {
		r, ok := replies[s]
		switch {
		case !ok:
		case r.Err != nil:
			all = append(all, fmt.Sprintf("%d: error %v", s, r.Err))
		case r.JSON != nil:
			all = append(all, fmt.Sprintf("%d: %s", s, r.JSON))
		default:
			all = append(all, fmt.Sprintf("%d: %+v", s, r.Value))
		}
	}
	return strings.Join(all, "\n")
}

func TestCallReachesEveryShard(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ops := operate(t, cluster.NewLocal(), []int{0, 3}, []int{1, 5}, []int{2})
		start := time.Now()
		replies, err := ops[0].Call(t.Context(), cluster.Request{
			Operation: "where", Shards: []int{0, 1, 2, 3, 5, 7}, Arg: "it"})
		if err != nil {
			t.Fatal(err)
		}
		want := `0: &{Shard:0 Where:it at 0}
1: {"shard":1,"where":"it at 1"}
2: {"shard":2,"where":"it at 2"}
3: &{Shard:3 Where:it at 0}
5: error no five`
		if got := texts(replies); got != want {
			t.Errorf("replies\n%s\nwant\n%s", got, want)
		}
		var remote *cluster.RemoteError
		if !errors.As(replies[5].Err, &remote) || time.Since(start) != 0 {
			t.Errorf("error %T after %v: nobody has shard 7, so nobody is waited for",
				replies[5].Err, time.Since(start))
		}
	})
}

func TestCallInOneProcessEncodesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ops := operate(t, nothing{}, []int{0, 1})[0]
		arg := make(chan int) // cannot be encoded
		ops.Register("echo", func(_ context.Context, _ int, arg cluster.Argument) (any, error) {
			return arg.Value, nil
		})
		replies, err := ops.Call(t.Context(), cluster.Request{
			Operation: "echo", Shards: []int{0, 1}, Arg: arg})
		if err != nil || replies[0].Value != arg || replies[1].Value != arg {
			t.Errorf("replies %v, %v", replies, err)
		}
	})
}

// nothing is a backend that must not be asked for anything.
type nothing struct{ cluster.Backend }

func (nothing) Serve(
	ctx context.Context, _ string, _ func(context.Context, []byte) []byte,
) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestSlowShardDoesNotKeepTheOthersReplies(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ops := operate(t, cluster.NewLocal(), []int{0}, []int{1, 2, 3})
		for _, o := range ops {
			o.Register("slow", func(ctx context.Context, s int, _ cluster.Argument) (any, error) {
				if s != 1 {
					return s, nil
				}
				<-ctx.Done()
				<-time.After(time.Hour)
				return nil, ctx.Err()
			})
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		replies, err := ops[0].Call(ctx, cluster.Request{Operation: "slow", Shards: []int{0, 1, 2, 3}})
		if want := "0: 0\n2: 2\n3: 3"; texts(replies) != want || err != nil {
			t.Errorf("replies\n%s\nwant\n%s\n%v", texts(replies), want, err)
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestCallTooLarge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ops := operate(t, cluster.NewLocal(), []int{0}, []int{1, 2, 3})
		for _, o := range ops {
			o.Register("large", func(_ context.Context, s int, _ cluster.Argument) (any, error) {
				return strings.Repeat("x", s*300_000), nil
			})
		}
		_, err := ops[0].Call(t.Context(), cluster.Request{
			Operation: "large", Shards: []int{1}, Arg: strings.Repeat("x", cluster.MaxMessage)})
		var large *cluster.TooLargeError
		if !errors.As(err, &large) || large.Size <= large.Limit {
			t.Errorf("a large request: %v", err)
		}
		replies, err := ops[0].Call(t.Context(), cluster.Request{
			Operation: "large", Shards: []int{0, 1, 2, 3}})
		if err != nil || len(replies[1].JSON) != 300_002 || len(replies[2].JSON) != 600_002 {
			t.Errorf("%d bytes of shard 1, %d of 2: %v", len(replies[1].JSON), len(replies[2].JSON), err)
		}
		if !errors.As(replies[3].Err, &large) || large.Size < 900_000 {
			t.Errorf("what does not fit: %v", replies[3].Err)
		}
	})
}

func TestUnknownOperation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ops := operate(t, cluster.NewLocal(), []int{0}, []int{1})
		ops[1].Register("new", func(context.Context, int, cluster.Argument) (any, error) { return 1, nil })
		if ops[1].Register("new", nil) {
			t.Error("registered twice")
		}
		replies, err := ops[1].Call(t.Context(), cluster.Request{Operation: "new", Shards: []int{0, 1}})
		if !errors.Is(replies[0].Err, cluster.ErrUnknownOperation) || replies[1].Err != nil || err != nil {
			t.Errorf("replies %v, %v", replies, err)
		}
	})
}

func TestQuietCallDoesNotWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ops := operate(t, cluster.NewLocal(), []int{0}, []int{1, 2})
		ran := make(chan int, 3)
		for _, o := range ops {
			o.Register("later", func(ctx context.Context, s int, _ cluster.Argument) (any, error) {
				select {
				case <-time.After(time.Minute):
					ran <- s
				case <-ctx.Done():
				}
				return nil, nil
			})
		}
		ctx, cancel := context.WithCancel(t.Context())
		start := time.Now()
		replies, err := ops[0].Call(ctx, cluster.Request{
			Operation: "later", Shards: []int{0, 1, 2}, Quiet: true})
		cancel()
		if len(replies) != 3 || err != nil || time.Since(start) != 0 {
			t.Errorf("replies %v after %v, %v", replies, time.Since(start), err)
		}
		time.Sleep(2 * time.Minute)
		if len(ran) != 3 {
			t.Errorf("ran for %d shards", len(ran))
		}
	})
}

// A brokenServe fails some times before it serves, as a backend does that is connecting.
type brokenServe struct {
	cluster.Backend
	left atomic.Int32
}

func (b *brokenServe) Serve(
	ctx context.Context, subject string, answer func(context.Context, []byte) []byte,
) error {
	if b.left.Add(-1) >= 0 {
		return errLine
	}
	return b.Backend.Serve(ctx, subject, answer)
}

func TestOperationsSurviveTheBackend(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		broken := &brokenServe{Backend: cluster.NewLocal()}
		broken.left.Store(4)
		ops := operate(t, broken, []int{0}, []int{1})
		replies, err := ops[0].Call(t.Context(), cluster.Request{Operation: "where", Shards: []int{1}})
		if len(replies) != 0 || err != nil {
			t.Errorf("replies %v, %v", replies, err)
		}
		time.Sleep(2 * time.Second)
		replies, err = ops[0].Call(t.Context(), cluster.Request{Operation: "where", Shards: []int{1}})
		if len(replies) != 1 || err != nil {
			t.Errorf("replies %v, %v", replies, err)
		}
	})
}

func TestOperationsHaveTheCallersTrace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		type key struct{}
		backend := cluster.NewLocal()
		var ended error
		there := cluster.NewOperations(cluster.OperationsConfig{
			Backend: backend, Count: func() int { return 8 },
			Holds: func(s int) bool { return s == 1 }, Owned: func(int) bool { return true },
			Context: func(ctx context.Context, op string, trace map[string]string) (
				context.Context, func(error),
			) {
				return context.WithValue(ctx, key{}, op+" "+trace["traceparent"]),
					func(err error) { ended = err }
			},
		})
		failed := errors.New("failed")
		there.Register("trace", func(ctx context.Context, _ int, _ cluster.Argument) (any, error) {
			if ctx.Value(key{}) != "trace 00-1-2-01" {
				t.Errorf("context has %v", ctx.Value(key{}))
			}
			return nil, failed
		})
		ctx, cancel := context.WithCancel(t.Context())
		var serving sync.WaitGroup
		serving.Go(func() { there.Serve(ctx) })
		here := operate(t, backend, []int{0})[0]
		_, err := here.Call(t.Context(), cluster.Request{Operation: "trace", Shards: []int{1},
			Trace: map[string]string{"traceparent": "00-1-2-01"}})
		cancel()
		serving.Wait()
		if err != nil || !errors.Is(ended, failed) {
			t.Errorf("Call: %v, ended with %v", err, ended)
		}
	})
}

func BenchmarkCallInOneProcess(b *testing.B) {
	ops := cluster.NewOperations(cluster.OperationsConfig{
		Backend: nothing{}, Count: func() int { return 16 },
		Holds: func(int) bool { return true }, Owned: func(int) bool { return true },
	})
	ops.Register("count", func(_ context.Context, s int, _ cluster.Argument) (any, error) { return s, nil })
	shards := upTo(16)
	for b.Loop() {
		if _, err := ops.Call(b.Context(), cluster.Request{Operation: "count", Shards: shards}); err != nil {
			b.Fatal(err)
		}
	}
}
