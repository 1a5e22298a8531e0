package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

const (
	// MaxMessage is how large a request or a reply may be, in bytes: what NATS allows by default,
	// less some for its headers.
	MaxMessage = 1<<20 - 4<<10

	// opSubject is where operations are asked for.
	opSubject = "operation"

	// retryServe is the pause after a backend failed to serve.
	retryServe = 250 * time.Millisecond
)

// ErrUnknownOperation says that the process that has the shard does not know the operation: it may
// be of another version.
var ErrUnknownOperation = errors.New("the operation is not registered")

// A TooLargeError says that a request or a reply is larger than MaxMessage.
type TooLargeError struct{ Size, Limit int }

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("%d bytes are more than the %d that a message between processes may have",
		e.Size, e.Limit)
}

// A RemoteError is an error of another process. Only its text is known.
type RemoteError struct{ Text string }

func (e *RemoteError) Error() string { return e.Text }

// An Argument is what an operation is called with: a value if the caller is in this process, else
// what it was encoded to.
type Argument struct {
	Value any
	JSON  []byte // nil: Value counts
}

// An Operation does something with one shard. Its result is encoded as JSON if the caller is in
// another process. It must return soon after ctx is done.
type Operation func(ctx context.Context, shard int, arg Argument) (any, error)

// A Request asks for an operation.
type Request struct {
	Operation string
	Shards    []int
	Arg       any               // encoded as JSON for other processes
	Trace     map[string]string // is there for the operation in its context; see OperationsConfig
	Quiet     bool              // the replies come before the operation has run, and say only that it will
}

// A Reply is what an operation returned for one shard: Value in this process, JSON from another.
type Reply struct {
	Value any
	JSON  []byte // nil: Value counts
	Err   error
}

// OperationsConfig configures Operations. All but Context are required.
type OperationsConfig struct {
	Backend Backend
	Count   func() int           // of the bot's shards
	Holds   func(shard int) bool // whether this process runs the shard
	Owned   func(shard int) bool // whether some process has it

	// Context returns the context of an operation that another process has asked for, with what
	// that has sent along. Default: the one it is given.
	Context func(ctx context.Context, operation string, trace map[string]string) (
		context.Context, func(error))
}

// Operations calls operations for shards, wherever they are. Its methods may be called from any
// goroutine.
type Operations struct {
	cfg     OperationsConfig
	running sync.WaitGroup

	mu     sync.RWMutex // guards what follows
	known  map[string]Operation
	closed bool
	ended  context.Context // ends with Serve; nil before
}

// NewOperations returns Operations without any. Serve must run for other processes to reach it.
func NewOperations(cfg OperationsConfig) *Operations {
	if cfg.Context == nil {
		cfg.Context = func(ctx context.Context, _ string, _ map[string]string) (
			context.Context, func(error),
		) {
			return ctx, func(error) {}
		}
	}
	return &Operations{cfg: cfg, known: make(map[string]Operation)}
}

// Register makes an operation known under a name, and reports whether it is the first one.
func (o *Operations) Register(name string, op Operation) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, twice := o.known[name]
	if !twice {
		o.known[name] = op
	}
	return !twice
}

// Serve answers other processes until ctx is done, and then waits for what runs.
func (o *Operations) Serve(ctx context.Context) {
	o.mu.Lock()
	o.ended = ctx
	o.mu.Unlock()
	for ctx.Err() == nil {
		_ = o.cfg.Backend.Serve(ctx, opSubject, o.answer) // tried again
		pause(ctx, retryServe)
	}
	o.mu.Lock()
	o.closed = true
	o.mu.Unlock()
	o.running.Wait()
}

// Call runs an operation for each shard of the request and returns one reply per shard. It returns
// when all that some process has were answered, or ctx is done, or the backend fails: shards
// without a reply are missing then. The error says what kept others from being asked; replies may
// be there all the same. If all shards are in this process, nothing is encoded or sent.
func (o *Operations) Call(ctx context.Context, r Request) (map[int]Reply, error) {
	var here, there []int
	for _, s := range r.Shards {
		if o.cfg.Holds(s) {
			here = append(here, s)
		} else {
			there = append(there, s)
		}
	}
	local := o.start(ctx, r.Operation, here, Argument{Value: r.Arg}, r.Quiet)
	replies := make(map[int]Reply, len(r.Shards))
	var err error
	if len(there) > 0 {
		err = o.ask(ctx, r, there, replies)
	}
	for range here {
		select {
		case one := <-local:
			replies[one.shard] = one.Reply
		case <-ctx.Done():
			return replies, err
		}
	}
	return replies, err
}

// detach returns a context for what nobody waits for: it ends when ended does, which may be nil.
func detach(ctx, ended context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	if ended == nil {
		return ctx, cancel
	}
	stop := context.AfterFunc(ended, cancel)
	return ctx, func() { stop(); cancel() }
}

type shardReply struct {
	shard int
	Reply
}

// start runs an operation for shards of this process. Each sends a reply, at once if quiet.
func (o *Operations) start(
	ctx context.Context, name string, shards []int, arg Argument, quiet bool,
) <-chan shardReply {
	replies := make(chan shardReply, len(shards))
	o.mu.RLock()
	op, closed, ended := o.known[name], o.closed, o.ended
	if op != nil && !closed {
		o.running.Add(len(shards)) // under mu: Serve waits only when it is closed
	}
	o.mu.RUnlock()
	for _, s := range shards {
		if op == nil || closed {
			replies <- shardReply{s, Reply{Err: fmt.Errorf("%w: %q", ErrUnknownOperation, name)}}
			continue
		}
		if quiet {
			replies <- shardReply{shard: s}
		}
		go func() {
			defer o.running.Done()
			ctx, done := ctx, func() {}
			if quiet {
				ctx, done = detach(ctx, ended)
			}
			defer done()
			value, err := op(ctx, s, arg)
			if !quiet {
				replies <- shardReply{s, Reply{Value: value, Err: err}}
			}
		}()
	}
	return replies
}

// A question is a Request on its way.
type question struct {
	Operation string            `json:"op"`
	Count     int               `json:"count"` // of the bot's shards
	Shards    []int             `json:"shards"`
	Arg       json.RawMessage   `json:"arg"`
	Trace     map[string]string `json:"trace,omitempty"`
	Left      time.Duration     `json:"left,omitempty"` // until the caller gives up; 0: it does not
	Quiet     bool              `json:"quiet,omitempty"`
}

// An answer is what one process replies. Shards that it does not have are not in it.
type answer struct {
	Shard   int             `json:"shard"`
	Value   json.RawMessage `json:"value,omitempty"`
	Error   string          `json:"error,omitempty"`
	Unknown bool            `json:"unknown,omitempty"` // the operation
	Size    int             `json:"size,omitempty"`    // of a value that is too large
}

// ask has other processes run an operation.
func (o *Operations) ask(
	ctx context.Context, r Request, shards []int, replies map[int]Reply,
) error {
	arg, err := json.Marshal(r.Arg)
	if err != nil {
		return fmt.Errorf("encode the argument of %q: %w", r.Operation, err)
	}
	q := question{Operation: r.Operation, Count: o.cfg.Count(), Shards: shards, Arg: arg,
		Trace: r.Trace, Quiet: r.Quiet}
	if deadline, ok := ctx.Deadline(); ok {
		q.Left = max(time.Until(deadline), time.Nanosecond)
	}
	data, err := json.Marshal(q)
	if err != nil {
		return fmt.Errorf("encode the request for %q: %w", r.Operation, err)
	}
	if len(data) > MaxMessage {
		return fmt.Errorf("ask for %q: %w", r.Operation, &TooLargeError{len(data), MaxMessage})
	}
	for data, err := range o.cfg.Backend.Request(ctx, opSubject, data) {
		if err != nil {
			return fmt.Errorf("ask for %q: %w", r.Operation, err)
		}
		var answers []answer
		if err := json.Unmarshal(data, &answers); err != nil {
			return fmt.Errorf("decode a reply to %q: %w", r.Operation, err)
		}
		for _, a := range answers {
			if _, twice := replies[a.Shard]; !twice && slices.Contains(shards, a.Shard) {
				replies[a.Shard] = a.reply(r.Operation)
			}
		}
		if !slices.ContainsFunc(shards, func(s int) bool {
			_, answered := replies[s]
			return !answered && o.cfg.Owned(s)
		}) {
			return nil
		}
	}
	return nil
}

func (a answer) reply(operation string) Reply {
	switch {
	case a.Size > 0:
		return Reply{Err: &TooLargeError{a.Size, MaxMessage}}
	case a.Unknown:
		return Reply{Err: fmt.Errorf("%w: %q", ErrUnknownOperation, operation)}
	case a.Error != "":
		return Reply{Err: &RemoteError{a.Error}}
	default:
		return Reply{JSON: append(json.RawMessage{}, a.Value...)}
	}
}

// answer runs an operation for another process. It answers before that gives up, with what there
// is by then: one slow shard is not to keep the others' replies.
func (o *Operations) answer(ctx context.Context, data []byte) []byte {
	var q question
	if json.Unmarshal(data, &q) != nil || q.Count != o.cfg.Count() {
		return nil
	}
	shards := slices.DeleteFunc(q.Shards, func(s int) bool { return !o.cfg.Holds(s) })
	if len(shards) == 0 {
		return nil
	}
	ctx, end := o.cfg.Context(ctx, q.Operation, q.Trace)
	stop := context.CancelFunc(func() {})
	if q.Left > 0 && !q.Quiet {
		ctx, stop = context.WithTimeout(ctx, q.Left-q.Left/10)
	}
	defer stop()
	running := o.start(ctx, q.Operation, shards, Argument{JSON: q.Arg}, q.Quiet)
	var answers []answer
	var failed error
	for range shards {
		select {
		case one := <-running:
			a := one.encode()
			answers = append(answers, a)
			if one.Err != nil {
				failed = one.Err
			}
			continue
		case <-ctx.Done():
			failed = ctx.Err()
		}
		break
	}
	end(failed)
	return pack(answers)
}

func (r shardReply) encode() answer {
	a := answer{Shard: r.shard}
	switch {
	case errors.Is(r.Err, ErrUnknownOperation):
		a.Unknown = true
	case r.Err != nil:
		a.Error = r.Err.Error()
		if a.Error == "" {
			a.Error = "an error without a text"
		}
	default:
		var err error
		if a.Value, err = json.Marshal(r.Value); err != nil {
			a.Error = fmt.Sprintf("encode the result: %v", err)
		}
	}
	return a
}

// pack encodes answers. If they do not fit into a message, the largest say so instead.
func pack(answers []answer) []byte {
	encoded := make([][]byte, len(answers))
	size := 2
	for i, a := range answers {
		encoded[i], _ = json.Marshal(a) // cannot fail: the value is JSON
		size += len(encoded[i]) + 1
	}
	for size > MaxMessage {
		largest := 0
		for i := range encoded {
			if len(encoded[i]) > len(encoded[largest]) {
				largest = i
			}
		}
		size -= len(encoded[largest])
		encoded[largest], _ = json.Marshal(answer{Shard: answers[largest].Shard,
			Size: len(encoded[largest])})
		size += len(encoded[largest])
	}
	return slices.Concat([]byte("["), bytes.Join(encoded, []byte(",")), []byte("]"))
}
