package ops

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

const allSubject = "ops"

func shardSubject(shard int) string { return "ops/" + strconv.Itoa(shard) }

// A request asks a process to run an operation on those of some shards that it has.
type request struct {
	Op      string            `json:"op"`
	Arg     json.RawMessage   `json:"arg,omitempty"`
	Shards  []int             `json:"shards,omitempty"` // nil: on all
	From    string            `json:"from"`
	Timeout time.Duration     `json:"timeout,omitempty"` // 0: none
	Silent  bool              `json:"silent,omitempty"`  // nobody waits for the replies
	Carrier map[string]string `json:"carrier,omitempty"`

	own []int // shards of the process that asks
}

// encode returns the request, with the time that ctx has left.
func (q request) encode(ctx context.Context) []byte {
	if deadline, ok := ctx.Deadline(); ok {
		q.Timeout = max(time.Until(deadline), time.Millisecond)
	}
	data, _ := json.Marshal(q) // what may fail was encoded before
	return data
}

// An answer has the replies of one process.
type answer struct {
	From    string  `json:"from"`
	Replies []reply `json:"replies,omitempty"`
}

type reply struct {
	Shard int             `json:"shard"`
	Value json.RawMessage `json:"value,omitempty"`
	Err   string          `json:"err,omitempty"`
}

// external returns the reply as its receiver gets it.
func (p reply) external() Reply {
	r := Reply{Shard: p.Shard, JSON: p.Value}
	if p.Err != "" {
		r.Err = errors.New(p.Err)
	}
	return r
}

// gatherRest asks the other processes until all shards have answered, or ctx ends.
func (r *Router) gatherRest(ctx context.Context, g *gathering, q request) {
	q.Carrier = r.cfg.Carrier(ctx)
	for {
		if q.Shards = g.missing(q.own); len(q.Shards) == 0 || ctx.Err() != nil {
			return
		}
		r.round(ctx, g, q)
		if len(g.missing(q.own)) > 0 && pause(ctx, roundPause) != nil {
			return
		}
	}
}

// round asks the other processes once.
func (r *Router) round(ctx context.Context, g *gathering, q request) {
	waiting := r.cfg.Others()
	for data, err := range r.cfg.Backend.Request(ctx, allSubject, q.encode(ctx)) {
		var a answer
		if err != nil || json.Unmarshal(data, &a) != nil {
			continue
		}
		for _, p := range a.Replies {
			g.add(p.external())
		}
		if waiting--; waiting <= 0 || len(g.missing(q.own)) == 0 {
			return
		}
	}
}

// askOther asks the process that has a shard. It reports whether there was a reply.
func (r *Router) askOther(ctx context.Context, shard int, name string, arg json.RawMessage) (
	Reply, bool,
) {
	q := request{Op: name, Arg: arg, Shards: []int{shard}, From: r.id, Carrier: r.cfg.Carrier(ctx)}
	for data, err := range r.cfg.Backend.Request(ctx, shardSubject(shard), q.encode(ctx)) {
		var a answer
		if err == nil && json.Unmarshal(data, &a) == nil && len(a.Replies) > 0 {
			return a.Replies[0].external(), true
		}
	}
	return Reply{}, false
}

// Serve answers the requests of other processes for all shards until ctx ends.
func (r *Router) Serve(ctx context.Context) { r.serve(ctx, allSubject) }

// ServeShard answers those for one shard, which is this process's, until ctx ends.
func (r *Router) ServeShard(ctx context.Context, shard int) {
	if r.cfg.Backend != nil {
		r.running.Go(fmt.Sprintf("answers of shard %d", shard), func() {
			r.serve(ctx, shardSubject(shard))
		})
	}
}

// serve serves a subject, again if the connection was lost for long.
func (r *Router) serve(ctx context.Context, subject string) {
	for ctx.Err() == nil {
		_ = r.cfg.Backend.Serve(ctx, subject, r.answer)
		_ = pause(ctx, roundPause)
	}
}

// answer runs what another process asks for.
func (r *Router) answer(ctx context.Context, data []byte) []byte {
	var q request
	if json.Unmarshal(data, &q) != nil || q.From == r.id {
		return nil
	}
	_, own := r.cfg.Shards()
	if q.Shards != nil {
		own = slices.DeleteFunc(slices.Clone(own), func(id int) bool {
			return !slices.Contains(q.Shards, id)
		})
	}
	a := answer{From: r.id}
	f, err := r.find(q.Op)
	if err != nil { // this process runs an older version of the program
		for _, shard := range own {
			a.Replies = append(a.Replies, reply{Shard: shard, Err: err.Error()})
		}
		own = nil
	}
	if q.Silent {
		ctx, ended := r.cfg.Started(ctx, q.Op, q.Carrier)
		r.run(ctx, q.Op, f, own, Arg{JSON: orNull(q.Arg)})
		ended(nil) // nobody waits for what it comes to
		return []byte("{}")
	}
	cancel := context.CancelFunc(func() {})
	if q.Timeout > 0 { // the answer takes its time as well
		ctx, cancel = context.WithTimeout(ctx, q.Timeout-min(q.Timeout/10, 100*time.Millisecond))
	}
	defer cancel()
	ctx, ended := r.cfg.Started(ctx, q.Op, q.Carrier)
	defer ended(nil)
	r.collect(ctx, &a, r.run(ctx, q.Op, f, own, Arg{JSON: orNull(q.Arg)}), len(own))
	data, _ = json.Marshal(a) // what may fail was encoded before
	return data
}

func orNull(arg json.RawMessage) json.RawMessage {
	if arg == nil {
		return json.RawMessage("null")
	}
	return arg
}

var errMuch = fmt.Errorf("the replies of the process have more than %d KiB of JSON", MaxReplies>>10)

// collect takes the replies of n shards until ctx ends.
func (r *Router) collect(ctx context.Context, a *answer, replies <-chan Reply, n int) {
	size := 0
	for range n {
		var own Reply
		select {
		case own = <-replies:
		case <-ctx.Done():
			return
		}
		p := reply{Shard: own.Shard}
		var err error
		if own.Err == nil {
			p.Value, err = encode(own.Value)
		}
		if size += len(p.Value); size > MaxReplies {
			p.Value, err = nil, errMuch
		}
		if err = errors.Join(own.Err, err); err != nil {
			p.Err = err.Error()
		}
		a.Replies = append(a.Replies, p)
	}
}
