// Package ttl is the core of botwright.TTLCache: a bounded cache with a deadline per entry, cut
// into shards, without a goroutine of its own.
//
// A key's hash chooses its shard, which has a mutex, a table in order of use and the fetches
// under way. What the shards share is the number of entries held: one more is stored only after
// taking a place below MaxSize or the place of an evicted entry, so that the bound is exact and
// no shard evicts while the cache has room.
//
// The table is written here rather than taken from golang-lru's simplelru. Behind the same shards
// that takes 1.3 to 1.5 times as long, 152 bytes an entry instead of 86 and an allocation for each
// eviction, and it cannot look for expired entries a few at a time. The bench module compares them.
package ttl

import (
	"context"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxShards is far above the number of cores that meet in one cache at any instant.
	maxShards = 64
	// minPerShard keeps order of use meaningful: a cache of fewer than twice as many entries
	// is one shard, in which that order is exact.
	minPerShard = 64
	// stepsPerAdd is how many slots are checked for expired entries when an entry is added: the
	// slab is walked at twice the pace at which it can fill.
	stepsPerAdd = 2
)

// Reason is why a value left the cache.
type Reason uint8

// The reasons, in the order of Stats.Evictions.
const (
	Expired Reason = iota
	Size
	Replaced
	Deleted
	Shrunk
	reasons = iota
)

// String returns the reason as it is written in a metric label.
func (r Reason) String() string {
	names := [reasons]string{"expired", "size", "replaced", "deleted", "shrunk"}
	if int(r) >= len(names) {
		return "unknown"
	}
	return names[r]
}

// Config is what a cache is made from. Nothing has a default here.
type Config[K comparable, V any] struct {
	TTL        time.Duration // negative means no expiry
	ErrorTTL   time.Duration // 0 caches no errors
	Detach     time.Duration // how long a fetch goes on that nobody waits for; 0: not at all
	MaxSize    int           // at least 1
	Sliding    bool
	OnEvict    func(K, V, Reason)                  // may be nil
	PanicError func(value any, stack []byte) error // makes the error of a fetch that panicked

	// Trace is called when a fetch begins, with its context, and with shared when a caller begins to
	// wait for the fetch of another, with the caller's. end is called once. It may be nil.
	Trace func(ctx context.Context, shared bool) (_ context.Context, end func(error))
}

// Stats counts what a cache has done.
type Stats struct {
	Hits, Misses      uint64
	Loads, LoadErrors uint64
	Evictions         [reasons]uint64
	Entries           int
}

// Cache is the cache. Its methods are safe for concurrent use.
type Cache[K comparable, V any] struct {
	cfg    Config[K, V]
	seed   maphash.Seed
	start  time.Time
	shards []shard[K, V]
	shift  uint          // of a hash, to the number of its shard
	used   atomic.Int64  // entries held, and places taken for one; never above cfg.MaxSize
	swept  atomic.Uint64 // where Sweep goes on: the shard's number, then 32 bits of the slot's
}

type shard[K comparable, V any] struct {
	mu     sync.Mutex
	table  table[K, V]
	hits   uint64
	misses uint64
	evict  [reasons]uint64

	calls      map[K]*call[V] // fetches whose result is wanted; nil until the first
	errs       table[K, error]
	loads      uint64
	loadErrors uint64

	_ [64]byte // neighbours are locked by other cores
}

// evicted is a value that left the cache and whose OnEvict call is due once the lock is released.
type evicted[K comparable, V any] struct {
	key    K
	value  V
	reason Reason
}

// New returns an empty cache.
func New[K comparable, V any](cfg Config[K, V]) *Cache[K, V] {
	shards, shift := 1, uint(64)
	for shards < maxShards && cfg.MaxSize >= 2*shards*minPerShard {
		shards *= 2
		shift--
	}
	return &Cache[K, V]{
		cfg:    cfg,
		seed:   maphash.MakeSeed(),
		start:  time.Now(),
		shards: make([]shard[K, V], shards),
		shift:  shift,
	}
}

// Get returns the live value of key, marks it as used and, if the cache slides, renews it.
func (c *Cache[K, V]) Get(key K) (V, bool) {
	hash := c.hash(key)
	now := c.now()
	s := c.shard(hash)
	s.mu.Lock()
	slot := s.table.find(uint32(hash), key)
	if slot != 0 && s.table.slots[slot].deadline > now {
		value := s.use(slot, now, c.cfg.Sliding)
		s.hits++
		s.mu.Unlock()
		return value, true
	}
	s.misses++
	var zero V
	if slot == 0 {
		s.mu.Unlock()
		return zero, false
	}
	var buf [1]evicted[K, V]
	gone := c.drop(s, slot, Expired, buf[:0])
	c.used.Add(-1)
	s.mu.Unlock()
	c.report(gone)
	return zero, false
}

// Peek returns the live value of key and changes nothing.
func (c *Cache[K, V]) Peek(key K) (value V, ok bool) {
	hash := c.hash(key)
	now := c.now()
	s := c.shard(hash)
	s.mu.Lock()
	defer s.mu.Unlock()
	if slot := s.live(uint32(hash), key, now); slot != 0 {
		return s.table.slots[slot].value, true
	}
	return value, false
}

// Set stores value under key for ttl; a negative ttl means no expiry.
func (c *Cache[K, V]) Set(key K, value V, ttl time.Duration) {
	var buf [stepsPerAdd + 1]evicted[K, V]
	_, _, gone := c.store(key, value, int64(ttl), overwrite, nil, buf[:0])
	c.report(gone)
}

// GetOrSet returns the live value of key and true, or stores value and returns it and false.
func (c *Cache[K, V]) GetOrSet(key K, value V) (actual V, loaded bool) {
	var buf [stepsPerAdd + 1]evicted[K, V]
	actual, loaded, gone := c.store(key, value, int64(c.cfg.TTL), keepLive, nil, buf[:0])
	c.report(gone)
	return actual, loaded
}

// Delete removes key and makes a fetch under way for it count for its callers only. It reports
// whether there was a live value.
func (c *Cache[K, V]) Delete(key K) bool {
	hash := c.hash(key)
	now := c.now()
	s := c.shard(hash)
	s.mu.Lock()
	s.forget(uint32(hash), key)
	slot := s.table.find(uint32(hash), key)
	if slot == 0 {
		s.mu.Unlock()
		return false
	}
	reason := s.reason(slot, now, Deleted)
	var buf [1]evicted[K, V]
	gone := c.drop(s, slot, reason, buf[:0])
	c.used.Add(-1)
	s.mu.Unlock()
	c.report(gone)
	return reason == Deleted
}

// report calls OnEvict for each value in gone. The caller holds no lock.
func (c *Cache[K, V]) report(gone []evicted[K, V]) {
	for i := range gone {
		c.cfg.OnEvict(gone[i].key, gone[i].value, gone[i].reason)
	}
}

func (c *Cache[K, V]) hash(key K) uint64 {
	return maphash.Comparable(c.seed, key)
}

func (c *Cache[K, V]) shard(hash uint64) *shard[K, V] {
	return &c.shards[hash>>c.shift]
}

// now is the monotonic time since the cache was made: one clock read, half the price of time.Now.
func (c *Cache[K, V]) now() int64 {
	return int64(time.Since(c.start))
}

// deadline is ttl after now; a negative ttl never comes.
func deadline(now, ttl int64) int64 {
	if ttl < 0 || ttl > never-now {
		return never
	}
	return now + ttl
}

// live returns the slot of key if its entry has not expired, else 0.
func (s *shard[K, V]) live(hash uint32, key K, now int64) uint32 {
	slot := s.table.find(hash, key)
	if slot != 0 && s.table.slots[slot].deadline <= now {
		return 0
	}
	return slot
}

// use marks the entry in slot as used, renews it if the cache slides, and returns its value.
func (s *shard[K, V]) use(slot uint32, now int64, sliding bool) V {
	s.table.touch(slot)
	e := &s.table.slots[slot]
	if sliding {
		e.deadline = deadline(now, e.ttl)
	}
	return e.value
}

// reason is Expired if the entry in slot has expired, else r.
func (s *shard[K, V]) reason(slot uint32, now int64, r Reason) Reason {
	if s.table.slots[slot].deadline <= now {
		return Expired
	}
	return r
}

// forget drops the cached error of key and makes a fetch under way for it count for its callers
// only.
func (s *shard[K, V]) forget(hash uint32, key K) {
	if len(s.calls) > 0 {
		delete(s.calls, key)
	}
	if s.errs.len > 0 {
		if slot := s.errs.find(hash, key); slot != 0 {
			s.errs.remove(slot)
		}
	}
}
