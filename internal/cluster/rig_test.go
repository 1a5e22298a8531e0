package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/botwright/botwright/internal/cluster"
)

var errLine = errors.New("the line is dead")

// A line is one process's connection to a backend, with everything that can befall it.
type line struct {
	cluster.Backend
	mu       sync.Mutex
	rand     *rand.Rand
	latency  time.Duration // the longest
	cut      bool
	loses    bool          // some answers
	thawed   chan struct{} // not nil: the process is paused until it is closed
	messages *tally
}

// A tally counts what goes over all lines.
type tally struct {
	mu       sync.Mutex
	messages int
	bytes    int
}

func (n *tally) add(messages, bytes int) {
	if n != nil {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.messages += messages
		n.bytes += bytes
	}
}

func (n *tally) take() (messages, bytes int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	messages, bytes = n.messages, n.bytes
	n.messages, n.bytes = 0, 0
	return messages, bytes
}

func (l *line) set(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
}

// pass takes as long as a message does, and fails if it does not arrive.
func (l *line) pass(ctx context.Context) error {
	l.mu.Lock()
	thawed, cut := l.thawed, l.cut
	d := time.Duration(l.rand.Int64N(int64(l.latency) + 1))
	hangs := l.rand.IntN(2) == 0
	l.mu.Unlock()
	if thawed != nil {
		<-thawed
	}
	for cut && hangs { // what is sent now arrives when the line is whole again
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
		l.set(func() { cut = l.cut })
	}
	if d > 0 && !sleep(ctx, d) {
		return ctx.Err()
	}
	if cut {
		return errLine
	}
	return nil
}

// sleep reports whether ctx is still not done afterwards.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (l *line) lost() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.loses && l.rand.IntN(4) == 0
}

// do makes a call: one message there, one back.
func (l *line) do(ctx context.Context, f func() error) error {
	if err := l.pass(ctx); err != nil {
		return err
	}
	if err := f(); err != nil {
		return err
	}
	if l.lost() {
		return errLine
	}
	return l.pass(ctx)
}

func (l *line) Get(ctx context.Context, key string) (value []byte, revision uint64, err error) {
	err = l.do(ctx, func() (err error) {
		value, revision, err = l.Backend.Get(ctx, key)
		l.messages.add(2, 2*len(key)+len(value))
		return err
	})
	return value, revision, err
}

func (l *line) Put(
	ctx context.Context, key string, value []byte, revision uint64, ttl time.Duration,
) (now uint64, ok bool, err error) {
	err = l.do(ctx, func() (err error) {
		l.messages.add(2, 2*len(key)+len(value))
		now, ok, err = l.Backend.Put(ctx, key, value, revision, ttl)
		return err
	})
	return now, ok && err == nil, err
}

func (l *line) Delete(ctx context.Context, key string, revision uint64) (ok bool, err error) {
	err = l.do(ctx, func() (err error) {
		l.messages.add(2, 2*len(key))
		ok, err = l.Backend.Delete(ctx, key, revision)
		return err
	})
	return ok && err == nil, err
}

func (l *line) Watch(
	ctx context.Context, prefix string, f func(key string, value []byte, revision uint64),
) error {
	if err := l.pass(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	err := l.Backend.Watch(ctx, prefix, func(key string, value []byte, revision uint64) {
		for context.Cause(ctx) == nil {
			err := l.pass(ctx)
			if err == nil {
				l.messages.add(1, len(key)+len(value))
				f(key, value, revision)
				return
			}
			if l.lost() {
				cancel(errLine)
			}
		}
	})
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

func (l *line) Request(
	ctx context.Context, subject string, data []byte,
) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		if err := l.pass(ctx); err != nil {
			yield(nil, err)
			return
		}
		l.messages.add(1, len(subject)+len(data))
		for reply, err := range l.Backend.Request(ctx, subject, data) {
			l.messages.add(2, len(reply)) // to the server, and back
			if !yield(reply, err) {
				return
			}
		}
	}
}

// A process is one of a cluster under test. A shard that is told to stop takes a moment.
type process struct {
	name    string
	line    *line
	member  *cluster.Member
	referee *referee
	crashed chan struct{}
	stops   time.Duration // how long a shard takes to stop
}

// A referee knows which process believes to have which shard.
type referee struct {
	t  *testing.T
	mu sync.Mutex

	running map[int]map[*process]bool // whether the process has been paused since
	tokens  map[int]uint64
	starts  int
	stopped map[int]time.Time // when each shard was stopped last
	longest time.Duration     // that a shard was nowhere
	causes  map[string]int    // why runs ended
}

func newReferee(t *testing.T) *referee {
	return &referee{t: t, running: make(map[int]map[*process]bool), tokens: make(map[int]uint64),
		stopped: make(map[int]time.Time),
		causes:  make(map[string]int)}
}

// believes reports whether the process takes a shard that runs for its own, even if it is about to
// stop it. One that was paused meanwhile looks at its lease before it does anything with the shard.
func (p *process) believes(slept bool) bool {
	select {
	case <-p.crashed:
		return false
	default:
		return !slept || p.member.Valid()
	}
}

// pause stops the process, until it is told to go on.
func (p *process) pause() {
	p.line.set(func() {
		if p.line.thawed == nil {
			p.line.thawed = make(chan struct{})
		}
	})
	p.referee.mu.Lock()
	defer p.referee.mu.Unlock()
	for _, running := range p.referee.running {
		if _, ok := running[p]; ok {
			running[p] = true
		}
	}
}

func (p *process) goOn() {
	p.line.set(func() {
		if p.line.thawed != nil {
			close(p.line.thawed)
			p.line.thawed = nil
		}
	})
}

func (r *referee) enter(p *process, shard int, token uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running[shard] == nil {
		r.running[shard] = make(map[*process]bool)
	}
	for other, slept := range r.running[shard] {
		if other.believes(slept) {
			r.t.Errorf("shard %d runs in %s and %s", shard, other.name, p.name)
		}
	}
	if token < r.tokens[shard] {
		r.t.Errorf("shard %d runs with token %d, after %d", shard, token, r.tokens[shard])
	}
	r.tokens[shard] = token
	p.line.set(func() { r.running[shard][p] = p.line.thawed != nil }) // it may be paused in here
	r.starts++
	if at, ok := r.stopped[shard]; ok {
		r.longest = max(r.longest, time.Since(at))
	}
}

func (r *referee) exit(p *process, shard int, cause error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.running[shard], p)
	r.stopped[shard] = time.Now()
	r.causes[fmt.Sprint(cause)]++
}

// owners returns who runs each shard, and complains if two do.
func (r *referee) owners() map[int]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	owners := make(map[int]string)
	for shard, running := range r.running {
		for p, slept := range running {
			if !p.believes(slept) {
				continue
			}
			if owners[shard] != "" {
				r.t.Errorf("shard %d runs in %s and %s", shard, owners[shard], p.name)
			}
			owners[shard] = p.name
		}
	}
	return owners
}

func (r *referee) started() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.starts
}

// ended returns how many runs have ended for a reason.
func (r *referee) ended(cause error) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.causes[cause.Error()]
}

func (p *process) run(ctx context.Context, shard int, token uint64) {
	p.referee.enter(p, shard, token)
	select {
	case <-ctx.Done():
		p.line.mu.Lock()
		thawed, stops := p.line.thawed, p.stops
		p.line.mu.Unlock()
		if thawed != nil {
			<-thawed
		}
		select {
		case <-time.After(stops):
		case <-p.crashed:
		}
	case <-p.crashed:
	}
	p.referee.exit(p, shard, context.Cause(ctx))
}

// join starts a process.
func (r *referee) join(
	name string, backend cluster.Backend, random *rand.Rand, cfg cluster.Config,
) *process {
	r.t.Helper()
	p := &process{name: name, referee: r, crashed: make(chan struct{}),
		line: &line{Backend: backend, rand: random, latency: 20 * time.Millisecond}}
	if p.join(cfg) != nil {
		r.t.Fatalf("%s cannot join", name)
	}
	return p
}

func (p *process) join(cfg cluster.Config) error {
	cfg.Backend, cfg.Name, cfg.Run = p.line, p.name, p.run
	var err error
	p.member, err = cluster.Join(context.Background(), cfg)
	return err
}

// crash ends a process like kill -9 does.
func (p *process) crash() {
	close(p.crashed)
	p.line.set(func() { p.line.cut = true })
	p.member.Crash()
}

func (p *process) leave(t *testing.T) {
	t.Helper()
	if err := p.member.Leave(context.Background()); err != nil {
		t.Errorf("%s leaves: %v", p.name, err)
	}
}
