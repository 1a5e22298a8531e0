package ops

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/botwright/botwright/internal/group"
)

const (
	// MaxSize is how large an argument or a reply may be, in bytes of JSON.
	MaxSize = 256 << 10

	// MaxReplies is how large the replies of one process to one request may be together.
	MaxReplies = 768 << 10

	// roundPause is the time between two rounds.
	roundPause = 50 * time.Millisecond
)

// Errors of operations.
var (
	ErrUnknown  = errors.New("the operation is not registered")
	ErrTooLarge = fmt.Errorf("it has more than %d KiB of JSON", MaxSize>>10)
)

// Backend is what connects the processes. See cluster.Backend.
type Backend interface {
	Request(ctx context.Context, subject string, data []byte) iter.Seq2[[]byte, error]
	Serve(ctx context.Context, subject string,
		answer func(ctx context.Context, data []byte) []byte) error
}

// An Arg is the argument of an operation: as it was given, if it is from this process, else as JSON.
type Arg struct {
	Value any
	JSON  json.RawMessage // nil: see Value
}

// A Func is an operation on a shard of this process.
type Func func(ctx context.Context, shard int, arg Arg) (any, error)

// A Reply is that of one shard.
type Reply struct {
	Shard int
	Value any
	JSON  json.RawMessage // of another process; nil: see Value
	Err   error           // of the operation
}

// Config configures a Router. All but Backend is required.
type Config struct {
	Backend Backend // nil: there is no other process

	// Shards returns the shards that there are and those of this process.
	Shards func() (count int, own []int)

	// Others returns how many other processes there are.
	Others func() int

	// Protect calls an operation and makes an error of its panic.
	Protect func(func() error) error

	// Started is called in the process that runs an operation for another one, with the values that
	// Carrier has put there. It returns the operation's context, and what is to be called at the end.
	Carrier func(ctx context.Context) map[string]string
	Started func(ctx context.Context, op string, carrier map[string]string) (
		context.Context, func(error))
}

// A Router knows the operations of a process. Its methods may be called from any goroutine.
type Router struct {
	cfg     Config
	id      string // tells its requests from those of other processes
	running group.Group

	mu  sync.Mutex // guards what follows
	ops map[string]Func
}

// New returns a Router.
func New(cfg Config) *Router {
	return &Router{cfg: cfg, id: rand.Text(), ops: make(map[string]Func)}
}

// Register adds an operation. It is false if there is one of the name.
func (r *Router) Register(name string, f Func) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ops[name] != nil {
		return false
	}
	r.ops[name] = f
	return true
}

func (r *Router) find(name string) (Func, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f := r.ops[name]; f != nil {
		return f, nil
	}
	return nil, fmt.Errorf("operation %q: %w", name, ErrUnknown)
}

// Wait waits until no operation runs any more, and returns what is left when ctx ends.
func (r *Router) Wait(ctx context.Context) (left []string) { return r.running.Wait(ctx) }

// run runs an operation on shards of this process, and returns where the replies come, as many as
// there are shards.
func (r *Router) run(ctx context.Context, name string, f Func, shards []int, arg Arg) <-chan Reply {
	replies := make(chan Reply, len(shards))
	for _, shard := range shards {
		r.running.Go("operation "+name, func() {
			reply := Reply{Shard: shard, Err: errGoexit}
			defer func() { replies <- reply }()
			reply.Err = r.cfg.Protect(func() (err error) {
				reply.Value, err = f(ctx, shard, arg)
				return err
			})
		})
	}
	return replies
}

var errGoexit = errors.New("the operation has ended its goroutine")

// Gather runs an operation on all shards and returns their replies in the order of their ids, and
// those shards of which there was none when ctx ended. The error says that nothing was done.
func (r *Router) Gather(ctx context.Context, name string, arg any) (
	replies []Reply, missing []int, err error,
) {
	f, err := r.find(name)
	if err != nil {
		return nil, nil, err
	}
	count, own := r.cfg.Shards()
	g := &gathering{replies: make([]Reply, 0, count), done: make([]bool, count)}
	local := r.run(ctx, name, f, own, Arg{Value: arg})
	if r.cfg.Backend != nil && len(own) < count {
		data, err := encode(arg)
		if err != nil {
			return nil, nil, fmt.Errorf("argument of operation %q: %w", name, err)
		}
		r.gatherRest(ctx, g, request{Op: name, Arg: data, From: r.id, own: own})
	}
	for range own {
		select {
		case reply := <-local:
			g.add(reply)
			continue
		case <-ctx.Done():
		}
		select { // those that have ended with it
		case reply := <-local:
			g.add(reply)
		default:
		}
	}
	slices.SortFunc(g.replies, func(a, b Reply) int { return a.Shard - b.Shard })
	return g.replies, g.missing(nil), nil
}

// gathering is what a Gather has so far.
type gathering struct {
	replies []Reply
	done    []bool // by shard
}

func (g *gathering) add(reply Reply) {
	if reply.Shard >= 0 && reply.Shard < len(g.done) && !g.done[reply.Shard] {
		g.done[reply.Shard] = true
		g.replies = append(g.replies, reply)
	}
}

// missing returns the shards without a reply, except for some.
func (g *gathering) missing(but []int) (shards []int) {
	for shard, done := range g.done {
		if !done && !slices.Contains(but, shard) {
			shards = append(shards, shard)
		}
	}
	return shards
}

// Broadcast runs an operation on all shards and does not wait for it. ctx is for sending.
func (r *Router) Broadcast(ctx context.Context, name string, arg any) error {
	f, err := r.find(name)
	if err != nil {
		return err
	}
	_, own := r.cfg.Shards()
	r.run(context.WithoutCancel(ctx), name, f, own, Arg{Value: arg})
	if r.cfg.Backend == nil || r.cfg.Others() == 0 {
		return nil
	}
	data, err := encode(arg)
	if err != nil {
		return fmt.Errorf("argument of operation %q: %w", name, err)
	}
	req := request{Op: name, Arg: data, From: r.id, Silent: true, Carrier: r.cfg.Carrier(ctx)}
	for _, err := range r.cfg.Backend.Request(ctx, allSubject, req.encode(ctx)) {
		return err // that of the first one, which says that the message was sent
	}
	return context.Cause(ctx)
}

// Ask runs an operation on one shard. A shard that is between two processes it waits for.
func (r *Router) Ask(ctx context.Context, shard int, name string, arg any) (Reply, error) {
	f, err := r.find(name)
	if err != nil {
		return Reply{}, err
	}
	var data json.RawMessage
	for {
		if _, own := r.cfg.Shards(); slices.Contains(own, shard) {
			select {
			case reply := <-r.run(ctx, name, f, []int{shard}, Arg{Value: arg}):
				return reply, nil
			case <-ctx.Done():
				return Reply{}, context.Cause(ctx)
			}
		}
		if r.cfg.Backend != nil {
			if data == nil {
				if data, err = encode(arg); err != nil {
					return Reply{}, fmt.Errorf("argument of operation %q: %w", name, err)
				}
			}
			if reply, ok := r.askOther(ctx, shard, name, data); ok {
				return reply, nil
			}
		}
		if err := pause(ctx, roundPause); err != nil {
			return Reply{}, err
		}
	}
}

func encode(v any) (json.RawMessage, error) {
	data, err := json.Marshal(v)
	if err == nil && len(data) > MaxSize {
		return nil, ErrTooLarge
	}
	return data, err
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
