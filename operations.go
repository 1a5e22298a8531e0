package botwright

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/botwright/botwright/internal/ops"
)

// operationTime is how long an operation may take if the context of its caller has no deadline.
const operationTime = 10 * time.Second

// ErrUnknownOp is returned for an operation that [RegisterOp] was not called for.
var ErrUnknownOp = errors.New("botwright: there is no such operation: call RegisterOp in every process")

// A Reply is what an operation has come to on one shard.
type Reply[T any] struct {
	ShardID int
	Value   T
	Err     error // of the operation; from another process its text only
}

// A MissingShardsError says of which shards there was no reply in time: their operation takes too
// long, or no process has them just now.
type MissingShardsError struct {
	Op     string
	Shards []int
	Err    error // the cause of the context's end
}

func (e *MissingShardsError) Error() string {
	return fmt.Sprintf("operation %q: no reply of shards %v: %v", e.Op, e.Shards, e.Err)
}

// Unwrap returns the cause of the context's end.
func (e *MissingShardsError) Unwrap() error { return e.Err }

// RegisterOp adds an operation on one shard, for [Gather], [ForGuild] and [Broadcast] of this
// process and all others of a [Cluster]. f is called on a goroutine of its own with the shard, one
// call at a time for each request and shard. Its context ends when no caller waits for the reply
// any more. A panic becomes a [*PanicError].
//
// Within a process the argument and the value are passed as they are: neither side may modify
// them afterwards. Between processes they are JSON, and neither may have more than 256 KiB; the
// values of all shards of one process together may have 768 KiB.
//
// Register all operations before Open, in every process. RegisterOp panics if f is nil, if the name
// has other characters than a-z, 0-9, "_", "." and "-", and if there is an operation of that name.
func RegisterOp[A, T any](
	b *Bot, name string, f func(ctx context.Context, s ShardSession, arg A) (T, error),
) {
	switch {
	case f == nil:
		panic("botwright: RegisterOp was given a nil function")
	case name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_.-") != "":
		panic(fmt.Sprintf("botwright: RegisterOp: %q is no name: use a-z, 0-9, _, . and -", name))
	}
	run := func(ctx context.Context, id int, in ops.Arg) (any, error) {
		arg, err := convert[A](in.Value, in.JSON)
		if err != nil {
			return nil, fmt.Errorf("argument of operation %q: %w", name, err)
		}
		f0 := b.currentFleet()
		s, ok := f0.Find(id)
		if !ok {
			return nil, fmt.Errorf("%w: shard %d has moved", ErrNotOwned, id)
		}
		return f(ctx, ShardSession{Session: s.session, ID: id, Count: f0.Count}, arg)
	}
	if !b.router.Register(name, run) {
		panic(fmt.Sprintf("botwright: RegisterOp: there is an operation %q already", name))
	}
}

// Gather runs an operation on all shards of the bot, in all processes, and returns their replies in
// the order of the shards. An operation that fails gives a reply with an Err. A ctx without a
// deadline gets one of 10s. If shards have not replied when ctx ends, Gather returns the replies
// that have arrived and a [*MissingShardsError]. The error is [ErrNotOpen] before Open, and wraps
// [ErrUnknownOp] if there is no such operation.
//
// A shard that moves to another process meanwhile may run the operation in both; one reply counts.
// Without other processes a call costs microseconds.
func Gather[T any](ctx context.Context, b *Bot, op string, arg any) (_ []Reply[T], err error) {
	if b.currentFleet() == nil {
		return nil, ErrNotOpen
	}
	ctx, cancel := operationContext(ctx)
	defer cancel()
	ctx, end := b.cfg.traceGather(ctx, op)
	defer func() { end(SpanEnd{Err: err}) }()
	found, missing, err := b.router.Gather(ctx, op, arg)
	if err != nil {
		return nil, operationError(err)
	}
	replies := make([]Reply[T], len(found))
	for i, r := range found {
		replies[i] = replyOf[T](op, r)
	}
	if len(missing) > 0 {
		return replies, &MissingShardsError{Op: op, Shards: missing, Err: context.Cause(ctx)}
	}
	return replies, nil
}

// ForGuild runs an operation on the shard that a guild is on, in the process that has it, and
// returns what it returns; shard 0 for "". The error is the operation's, or one of [Gather]'s. If
// no process has the shard at the moment, ForGuild waits until one does or ctx ends.
func ForGuild[T any](ctx context.Context, b *Bot, guildID, op string, arg any) (_ T, err error) {
	var none T
	f := b.currentFleet()
	if f == nil {
		return none, ErrNotOpen
	}
	id, err := f.shardID(guildID)
	if err != nil {
		return none, err
	}
	ctx, cancel := operationContext(ctx)
	defer cancel()
	ctx, end := b.cfg.traceGather(ctx, op)
	defer func() { end(SpanEnd{Err: err}) }()
	found, err := b.router.Ask(ctx, id, op, arg)
	if err != nil && ctx.Err() != nil {
		return none, &MissingShardsError{Op: op, Shards: []int{id}, Err: err}
	}
	if err != nil {
		return none, operationError(err)
	}
	r := replyOf[T](op, found)
	return r.Value, r.Err
}

// Broadcast runs an operation on all shards, and waits for none of them. ctx is for sending. The
// error is [ErrNotOpen], wraps [ErrUnknownOp], or says why other processes could not be told.
func Broadcast(ctx context.Context, b *Bot, op string, arg any) (err error) {
	if b.currentFleet() == nil {
		return ErrNotOpen
	}
	ctx, cancel := operationContext(ctx)
	defer cancel()
	ctx, end := b.cfg.traceGather(ctx, op)
	defer func() { end(SpanEnd{Err: err}) }()
	return operationError(b.router.Broadcast(ctx, op, arg))
}

func operationContext(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, operationTime)
}

func operationError(err error) error {
	if errors.Is(err, ops.ErrUnknown) {
		return fmt.Errorf("%w: %w", ErrUnknownOp, err)
	}
	return err
}

// replyOf gives a reply its type.
func replyOf[T any](op string, r ops.Reply) Reply[T] {
	reply := Reply[T]{ShardID: r.Shard, Err: r.Err}
	if r.Err != nil {
		return reply
	}
	var err error
	if reply.Value, err = convert[T](r.Value, r.JSON); err != nil {
		reply.Err = fmt.Errorf("reply of operation %q: %w", op, err)
	}
	return reply
}

// convert returns a value, or what JSON there is instead of it, as a T. Another type in the same
// process goes through JSON, too: it is the same as between processes.
func convert[T any](v any, data json.RawMessage) (t T, err error) {
	if data == nil {
		if same, ok := v.(T); ok || v == nil {
			return same, nil
		}
		if data, err = json.Marshal(v); err != nil {
			return t, err
		}
	}
	return t, json.Unmarshal(data, &t)
}

// newRouter returns what runs operations.
func (b *Bot) newRouter() *ops.Router {
	cfg := ops.Config{
		Shards: func() (count int, own []int) {
			f := b.currentFleet()
			if f == nil {
				return 0, nil
			}
			for _, s := range f.All() {
				own = append(own, s.id)
			}
			return f.Count, own
		},
		Others: func() int {
			f := b.currentFleet()
			if f == nil {
				return 0
			}
			return len(f.member.View().Processes) - 1
		},
		Protect: protect,
		Carrier: b.cfg.carrier,
		Started: b.cfg.traceOperation,
	}
	if b.cfg.cluster != nil {
		cfg.Backend = b.cfg.cluster
	}
	return ops.New(cfg)
}
