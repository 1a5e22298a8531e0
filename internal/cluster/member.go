package cluster

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// DefaultTTL is how long a process may be silent before others take its shards.
	DefaultTTL = 10 * time.Second

	// A process stops its shards this part of the TTL before its lease ends: 2 s of 10.
	marginPart = 5

	// handing is how many shards a process stops at once because others are to have them.
	handing = 4

	// again is how long a shard rests whose Run has returned by itself.
	again = time.Minute
)

// Causes with which the context of a Run ends.
var (
	// ErrMoved says that another process is to have the shard.
	ErrMoved = errors.New("another process is to have the shard")
	// ErrLeaving says that this process leaves the cluster.
	ErrLeaving = errors.New("the process leaves the cluster")
	// ErrLapsed says that the lease of the process could not be renewed in time. Run is called
	// again when it is renewed.
	ErrLapsed = errors.New("the cluster cannot be reached: the process does not know whether " +
		"others have its shards")
	// ErrFenced says that others have taken the process for dead, and have its shards by now.
	ErrFenced = errors.New("the other processes have taken this one for dead")
)

// Config configures a Member. Backend, Count and Run are required.
type Config struct {
	Backend Backend

	Name    string // for people; part of the id
	Version string // for people

	// Count is the number of shards of the bot. Only processes with the same one share shards.
	Count int

	// IDs are the shards that the processes share; the same for all. Default: 0 to Count-1.
	IDs []int

	// Capacity is the largest number of shards that this process takes. Default: any.
	Capacity int

	// TTL is how long the process may be silent before others take its shards. Processes may
	// differ. Negative: for ever; there must be no other process, and keeping the lease costs
	// nothing. Default: 10 s.
	TTL time.Duration

	// Settle is how long a process that has joined waits before it takes shards, if no other
	// process has any: others may be about to join. Default: not at all.
	Settle time.Duration

	// Run runs a shard, on a goroutine of its own. The shard is this process's from the call to
	// the return. When ctx is done Run must stop the shard such that it can be resumed, save what
	// another process needs, and return: at once if the cause is ErrLapsed or ErrFenced, because
	// a fifth of the TTL later others may have the shard. A Run that returns by itself is called
	// again a minute later. The token is greater than that of each earlier owner.
	Run func(ctx context.Context, shard int, token uint64)

	// Changed is called when View has changed. It must not block. Default: nothing.
	Changed func()

	Logger *slog.Logger // default: none
}

// A Member is a process that shares the shards of a bot with others. Its methods may be called
// from any goroutine.
type Member struct {
	cfg     Config
	backend Backend
	prefix  string // of the keys that all watch
	margin  time.Duration
	start   time.Time

	ctx     context.Context // ends with the Member
	end     context.CancelFunc
	tasks   sync.WaitGroup
	kick    chan struct{} // 1 slot: something has changed for keep
	lapse   *time.Timer
	failing atomic.Bool  // shards cannot be taken or released
	until   atomic.Int64 // when the process no longer holds its lease, in ns since start

	mu        sync.Mutex // guards what follows
	lease     lease
	view      *view
	rewatch   context.CancelFunc // begins the watch anew
	tenures   map[int]*tenure
	given     map[int]uint64 // by shard, the token at which it may have been released
	leaving   bool
	idle      chan struct{} // is closed when there is no tenure; nil: nobody waits for it
	takeovers uint64
	lapses    uint64
}

// Join makes the process a member and returns once it is one. ctx bounds the joining only.
func Join(ctx context.Context, cfg Config) (*Member, error) {
	if cfg.TTL == 0 {
		cfg.TTL = DefaultTTL
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Changed == nil {
		cfg.Changed = func() {}
	}
	if cfg.IDs == nil {
		cfg.IDs = make([]int, cfg.Count)
		for i := range cfg.IDs {
			cfg.IDs[i] = i
		}
	}
	m := &Member{
		cfg: cfg, backend: cfg.Backend, prefix: fmt.Sprintf("shards/%d/", cfg.Count),
		margin: cfg.TTL / marginPart, start: time.Now(), kick: make(chan struct{}, 1),
		view: newView(), tenures: make(map[int]*tenure),
		given: make(map[int]uint64),
	}
	m.ctx, m.end = context.WithCancel(context.Background())
	if err := m.enroll(ctx); err != nil {
		m.end()
		return nil, fmt.Errorf("join the cluster: %w", err)
	}
	m.tasks.Go(m.follow)
	m.tasks.Go(m.keep)
	if cfg.TTL > 0 {
		m.tasks.Go(m.renew)
		m.tasks.Go(m.guard)
	}
	return m, nil
}

// newID returns an id that nobody had before.
func newID(name string) string {
	clean := strings.Map(func(r rune) rune {
		if strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789_.-", r) {
			return r
		}
		return '-'
	}, strings.ToLower(name))
	var unique [8]byte
	_, _ = rand.Read(unique[:]) // never fails
	return fmt.Sprintf("%.60s-%s", clean, hex.EncodeToString(unique[:]))
}

// ID returns the process's id. It has another one after ErrFenced.
func (m *Member) ID() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.lease.id
}

// Valid reports whether the process holds its lease right now. It is false at once in a process
// that goes on after a pause, before the contexts of its shards are done. It costs little enough
// to be asked for each event.
func (m *Member) Valid() bool { return int64(time.Since(m.start)) < m.until.Load() }

// Leave hands the process's shards over to the others, a few at a time, and ends the membership.
// If there are no others, or ctx is done first, all shards are stopped at once. The error says
// which have not stopped then; the lease ends by itself, so that others have them after a TTL.
func (m *Member) Leave(ctx context.Context) error {
	m.mu.Lock()
	again := m.leaving
	m.leaving = true
	m.mu.Unlock()
	if again {
		m.awaitIdle(ctx)
		return ctx.Err()
	}
	m.announce(ctx)
	m.poke()
	if !m.awaitIdle(ctx) {
		m.mu.Lock()
		m.stopAllLocked(ErrLeaving)
		m.mu.Unlock()
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), max(m.margin, time.Second))
		defer cancel()
		m.awaitIdle(last)
	}
	m.end()
	m.tasks.Wait()
	m.mu.Lock()
	if m.lapse != nil {
		m.lapse.Stop()
	}
	left := slices.Sorted(maps.Keys(m.tenures))
	l := m.lease
	m.mu.Unlock()
	if len(left) > 0 {
		return fmt.Errorf("leave the cluster: shards %v have not stopped", left)
	}
	m.until.Store(0)
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	return m.depart(last, l)
}

// awaitIdle waits until the process has no shard, and reports whether that is so.
func (m *Member) awaitIdle(ctx context.Context) bool {
	m.mu.Lock()
	if m.idle == nil {
		m.idle = make(chan struct{})
	}
	idle := m.idle
	m.closeIdleLocked()
	m.mu.Unlock()
	select {
	case <-idle:
		return true
	case <-ctx.Done():
		return false
	}
}

// closeIdleLocked tells those who wait for it that there is no shard.
func (m *Member) closeIdleLocked() {
	if m.idle != nil && len(m.tenures) == 0 {
		close(m.idle)
		m.idle = nil
	}
}

// poke lets keep look at what has changed.
func (m *Member) poke() {
	select {
	case m.kick <- struct{}{}:
	default:
	}
	m.cfg.Changed()
}

// pause waits, and reports whether ctx is still not done then.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
