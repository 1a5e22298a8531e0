package botwright_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
	"github.com/botwright/botwright/internal/cluster"
)

// clusterTTL is how long a process of these tests may be silent: a process that gets no time from a
// busy machine must not look dead.
const clusterTTL = 3 * time.Second

// A clusterWorld is a bot's server and the processes that run it, all of them in this one.
type clusterWorld struct {
	t       *testing.T
	srv     *discordtest.Server
	backend *cluster.Local
	deaf    atomic.Bool

	mu      sync.Mutex // guards what follows
	owners  map[int]int
	twice   []int          // shards that had two owners
	handled map[string]int // by message, how often
	news    chan struct{}  // closed and replaced when a message was handled
}

// A process is a bot with its connection to the cluster.
type process struct {
	*botwright.Bot
	link *link
}

// A link connects a process with the cluster, unless it is cut.
type link struct {
	botwright.Cluster
	cut   atomic.Bool
	deaf  *atomic.Bool // it cannot load what is saved
	kinds sync.Map     // of keys that were put: what is before the first slash
	mu    sync.Mutex
	ended context.CancelFunc // of the watches at present
	watch context.Context
}

var errCut = errors.New("the link is cut")

func newLink(to botwright.Cluster, deaf *atomic.Bool) *link {
	l := &link{Cluster: to, deaf: deaf}
	l.set(false)
	return l
}

// set cuts the link, or mends it.
func (l *link) set(cut bool) {
	l.cut.Store(cut)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended != nil {
		l.ended()
	}
	if !cut {
		l.watch, l.ended = context.WithCancel(context.Background())
	}
}

func (l *link) err() error {
	if l.cut.Load() {
		return errCut
	}
	return nil
}

func (l *link) Get(ctx context.Context, key string) ([]byte, uint64, error) {
	if err := l.err(); err != nil {
		return nil, 0, err
	}
	if l.deaf.Load() && strings.HasPrefix(key, "position/") {
		return nil, 0, errCut
	}
	return l.Cluster.Get(ctx, key)
}

func (l *link) Put(
	ctx context.Context, key string, value []byte, revision uint64, ttl time.Duration,
) (uint64, bool, error) {
	if err := l.err(); err != nil {
		return 0, false, err
	}
	kind, _, _ := strings.Cut(key, "/")
	l.kinds.Store(kind, true)
	return l.Cluster.Put(ctx, key, value, revision, ttl)
}

func (l *link) Delete(ctx context.Context, key string, revision uint64) (bool, error) {
	if err := l.err(); err != nil {
		return false, err
	}
	return l.Cluster.Delete(ctx, key, revision)
}

func (l *link) Watch(
	ctx context.Context, prefix string, f func(key string, value []byte, revision uint64),
) error {
	l.mu.Lock()
	watch := l.watch
	l.mu.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(watch, cancel)()
	return errors.Join(l.Cluster.Watch(ctx, prefix, f), l.err())
}

func (l *link) Save(ctx context.Context, name string, data []byte) error {
	if err := l.err(); err != nil {
		return err
	}
	return l.Cluster.Save(ctx, name, data)
}

func (l *link) Load(ctx context.Context, name string) ([]byte, error) {
	if err := l.err(); err != nil {
		return nil, err
	}
	return l.Cluster.Load(ctx, name)
}

func (l *link) Request(ctx context.Context, subject string, data []byte) iter.Seq2[[]byte, error] {
	if err := l.err(); err != nil {
		return func(yield func([]byte, error) bool) { yield(nil, err) }
	}
	return l.Cluster.Request(ctx, subject, data)
}

const clusterShards = 6

func newClusterWorld(t *testing.T) *clusterWorld {
	return &clusterWorld{
		t: t, srv: newServer(t, discordtest.Config{
			Guilds: 2 * clusterShards, Shards: clusterShards, MaxConcurrency: clusterShards}),
		backend: cluster.NewLocal(), owners: make(map[int]int), handled: make(map[string]int),
		news: make(chan struct{}),
	}
}

// start opens a process, which handles messages.
func (w *clusterWorld) start() *process {
	w.t.Helper()
	return w.startWith(func(*botwright.Bot) {})
}

// startWith opens a process of a bot that was prepared.
func (w *clusterWorld) startWith(prepare func(*botwright.Bot), opts ...botwright.Option) *process {
	w.t.Helper()
	p := &process{link: newLink(w.backend, &w.deaf)}
	p.Bot = newBot(w.t, w.srv, append([]botwright.Option{
		botwright.WithShards(0), botwright.WithCluster(p.link),
		botwright.WithMember(clusterTTL, w.owns),
		botwright.WithSaveEvery(50 * time.Millisecond),
	}, opts...)...)
	p.Handle("MESSAGE_CREATE", func(_ context.Context, e *botwright.Event) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.handled[content(w.t, e)]++
		close(w.news)
		w.news = make(chan struct{})
		return nil
	})
	prepare(p.Bot)
	if err := p.Open(testContext(w.t)); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), testTime)
		defer cancel()
		_ = p.Shutdown(ctx)
	})
	return p
}

// owns is told when a process has a shard and when it has it no more.
func (w *clusterWorld) owns(shard, change int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.owners[shard] += change; w.owners[shard] > 1 {
		w.twice = append(w.twice, shard)
	}
}

// await waits until cond is true. It asks whenever a message was handled, and from time to time.
func (w *clusterWorld) await(what string, cond func() bool) {
	w.t.Helper()
	deadline := time.After(testTime)
	for {
		w.mu.Lock()
		news := w.news
		w.mu.Unlock()
		if cond() {
			return
		}
		select {
		case <-news:
		case <-time.After(20 * time.Millisecond):
		case <-deadline:
			w.mu.Lock()
			defer w.mu.Unlock()
			w.t.Fatalf("in vain: %s; handled %v", what, slices.Sorted(maps.Keys(w.handled)))
		}
	}
}

// awaitHandled waits until all messages up to a number were handled, and checks that none was twice,
// except for those that may have been.
func (w *clusterWorld) awaitHandled(last int, maybeTwice func(n int) bool) {
	w.t.Helper()
	w.await(fmt.Sprintf("handle the messages up to %d", last), func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.handled) == last
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	for text, times := range w.handled {
		if n, err := strconv.Atoi(text); err != nil || times != 1 && !maybeTwice(n) {
			w.t.Errorf("message %s was handled %d times", text, times)
		}
	}
	if len(w.twice) > 0 {
		w.t.Errorf("shards %v had two owners", w.twice)
	}
}

func never(int) bool { return false }

// awaitShards waits until each process has so many shards, and all of them are ready.
func (w *clusterWorld) awaitShards(want map[*process]int) {
	w.t.Helper()
	w.await("a share of the shards for each", func() bool {
		all := make(map[int]bool)
		for p, n := range want {
			ready := 0
			for _, s := range p.Shards() {
				if s.State == botwright.ShardReady {
					ready++
					all[s.ID] = true
				}
			}
			if ready != n {
				return false
			}
		}
		return len(all) == clusterShards
	})
}

// wantIdentifies checks how many sessions were begun.
func (w *clusterWorld) wantIdentifies(n int) {
	w.t.Helper()
	if got := len(w.srv.Identifies()); got != n {
		w.t.Errorf("%d IDENTIFYs, want %d", got, n)
	}
}

// TestClusterSharesShards lets processes join and leave under traffic.
func TestClusterSharesShards(t *testing.T) {
	t.Parallel()
	w := newClusterWorld(t)
	n := 0
	send := func() {
		tell(t, w.srv, n+1, n+48)
		n += 48
	}
	one := w.start()
	send()
	w.awaitShards(map[*process]int{one: 6})
	two := w.start()
	send()
	w.awaitShards(map[*process]int{one: 3, two: 3})
	three := w.start()
	send()
	w.awaitShards(map[*process]int{one: 2, two: 2, three: 2})
	send()
	shutdown(t, two.Bot)
	send()
	w.awaitShards(map[*process]int{one: 3, three: 3})
	shutdown(t, one.Bot)
	send()
	w.awaitShards(map[*process]int{three: 6})
	w.awaitHandled(n, never)
	w.wantIdentifies(clusterShards)
	for _, kind := range []string{"lease", "shards", "position", "fleet", "identify", "rest"} {
		if _, ok := one.link.kinds.Load(kind); !ok {
			t.Errorf("the processes share no %s", kind)
		}
	}
	g := w.srv.Guilds()[0]
	s, err := three.SessionFor(g.ID)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.State.Guild(g.ID); err != nil || got.Name != g.Name {
		t.Errorf("State has moved in vain: %v", err)
	}
}

// saved waits until all is stored that was handled.
func (w *clusterWorld) saved() {
	w.t.Helper()
	w.await("save what was handled", func() bool {
		for id := range clusterShards {
			b, _, err := w.backend.Get(w.t.Context(), fmt.Sprintf("position/%d", id))
			if err != nil {
				w.t.Fatal(err)
			}
			var saved struct{ Sequence int64 }
			if err := json.Unmarshal(b, &saved); err != nil || saved.Sequence < w.srv.Conn(id).Sequence() {
				return false
			}
		}
		return true
	})
}

// TestClusterTakesOver cuts a process off from the others, but not from Discord.
func TestClusterTakesOver(t *testing.T) {
	t.Parallel()
	w := newClusterWorld(t)
	one, two := w.start(), w.start()
	w.awaitShards(map[*process]int{one: 3, two: 3})
	tell(t, w.srv, 1, 100)
	w.awaitHandled(100, never)
	w.saved()
	two.link.set(true)
	tell(t, w.srv, 101, 200) // handled by two, and not saved
	w.await("two stops its shards", func() bool { return len(two.Shards()) == 0 })
	tell(t, w.srv, 201, 300)
	w.awaitShards(map[*process]int{one: 6})
	tell(t, w.srv, 301, 400)
	w.awaitHandled(400, func(n int) bool { return n > 100 && n <= 200 })
	if _, err := two.SessionFor(w.srv.Guilds()[0].ID); !errors.Is(err, botwright.ErrNotOwned) {
		t.Errorf("a process without shards: %v", err)
	}
	s := one.Report().Cluster
	if len(s.Processes) != 1 || s.Takeovers != 3 || s.Unowned != nil || !s.Leased || !s.InTouch ||
		len(s.Processes[0].Shards) != clusterShards || s.Processes[0].ID != s.Self {
		t.Errorf("the cluster of who is left: %+v", s)
	}
	if s := two.Report().Cluster; s.Leased || s.Lapses != 1 ||
		!strings.HasSuffix(s.String(), "out of touch: shards pause") {
		t.Errorf("the cluster of who is cut off: %+v", s)
	}
	two.link.set(false)
	w.awaitShards(map[*process]int{one: 3, two: 3})
	tell(t, w.srv, 401, 500)
	w.awaitHandled(500, func(n int) bool { return n > 100 && n <= 200 })
	w.wantIdentifies(clusterShards)
}

// TestClusterIsAway wants processes to go on from memory when their cluster was away.
func TestClusterIsAway(t *testing.T) {
	t.Parallel()
	w := newClusterWorld(t)
	one, two := w.start(), w.start()
	w.awaitShards(map[*process]int{one: 3, two: 3})
	tell(t, w.srv, 1, 100)
	w.awaitHandled(100, never)
	for _, p := range []*process{one, two} {
		p.link.set(true)
	}
	tell(t, w.srv, 101, 200)
	w.await("all shards pause", func() bool { return len(one.Shards())+len(two.Shards()) == 0 })
	tell(t, w.srv, 201, 300)
	for _, p := range []*process{one, two} {
		p.link.set(false)
	}
	w.awaitShards(map[*process]int{one: 3, two: 3})
	tell(t, w.srv, 301, 400)
	w.awaitHandled(400, never)
	w.wantIdentifies(clusterShards)
}

// TestClusterStoreFails wants a process to wait for the session of a shard rather than begin another.
func TestClusterStoreFails(t *testing.T) {
	t.Parallel()
	w := newClusterWorld(t)
	one := w.start()
	tell(t, w.srv, 1, 60)
	w.awaitHandled(60, never)
	w.saved()
	w.deaf.Store(true)
	tell(t, w.srv, 61, 120)
	two := w.startWith(func(*botwright.Bot) {}, botwright.WithErrorHandler(
		func(_ context.Context, _ *botwright.Event, err error) {
			if errors.Is(err, errCut) { // three of its shards wait
				w.deaf.Store(false)
			}
		}))
	w.awaitShards(map[*process]int{one: 3, two: 3})
	tell(t, w.srv, 121, 180)
	w.awaitHandled(180, never)
	w.wantIdentifies(clusterShards)
}

func TestClusterOptions(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	local := cluster.NewLocal()
	for name, opt := range map[string]botwright.Option{
		"the cluster is nil": botwright.WithCluster(nil),
		"leave the ids out":  botwright.WithShards(4, 1, 2),
		"cannot read a session file": botwright.WithSessionStore(
			botwright.FileSessionStore(sessionFile(t))),
	} {
		_, err := botwright.New(srv.Token, botwright.WithCluster(local), opt)
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	open(t, newBot(t, srv, botwright.WithCluster(local), botwright.WithShards(2)))
	other := newBot(t, srv, botwright.WithCluster(local), botwright.WithShards(3))
	if err := other.Open(testContext(t)); err == nil || !strings.Contains(err.Error(), "share 2 shards, not 3") {
		t.Errorf("another number of shards: %v", err)
	}
}
