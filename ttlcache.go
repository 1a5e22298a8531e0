package botwright

import (
	"context"
	"fmt"
	"iter"
	"math"
	"reflect"
	"time"

	"github.com/botwright/botwright/internal/ttl"
)

// NoExpiry is the lifetime of an entry that does not expire.
const NoExpiry time.Duration = -1

const (
	// defaultCacheTTL is long enough to spare a busy channel most of its lookups and short
	// enough that a change made outside the bot shows while people still look for it.
	defaultCacheTTL = 5 * time.Minute
	// defaultCacheSize holds the active users of a large bot in some megabytes.
	defaultCacheSize = 10_000
	// maxCacheSize is what the slots of one shard can number if it must hold every entry.
	maxCacheSize = math.MaxInt32
)

// TTLCacheConfig says how a [TTLCache] keeps its entries. The zero value is a cache of 10,000
// entries that live for 5 minutes.
type TTLCacheConfig[K comparable, V any] struct {
	// TTL is how long an entry lives after it was set. Default: 5m, so that a forgotten setting
	// does not serve stale values forever. [NoExpiry] means forever.
	TTL time.Duration

	// MaxSize is the maximum number of entries, including expired ones that are not removed yet.
	// Default: 10,000, because a cache without a bound is a leak.
	MaxSize int

	// Sliding makes each hit of Get, GetOrSet and Load renew the entry for its whole lifetime, so
	// entries in use stay, however old they are. By default an entry keeps its first deadline, so
	// that no value is served for longer than its TTL.
	Sliding bool

	// ErrorTTL is how long Load returns the error of a failed fetch before it fetches again. Use it
	// so that an API that says "unknown user" is not asked again for every message. At most about
	// MaxSize errors are kept, in addition to the entries. Default: 0, which keeps none, so that a
	// passing fault is forgotten at once. A panic is never kept.
	ErrorTTL time.Duration

	// FinishLoads lets a fetch of Load continue after all its callers have left, until it is this
	// old, and stores the result. The next caller then finds it, where callers that give up would
	// otherwise ask a slow API again and again. The fetch's context ends after this time, even if
	// somebody still waits. Default: 0, which cancels a fetch that nobody waits for.
	FinishLoads time.Duration

	// OnEvict, if not nil, is called once for every value that leaves the cache, on the goroutine of
	// the call that removed it, or of the fetch, after the cache has changed. No lock is held: it
	// may use the cache and may block. Calls from several goroutines are concurrent and not
	// ordered, so the key may already have a new value. A panic in it is not recovered.
	OnEvict func(key K, value V, reason EvictReason)
}

// EvictReason is why a value left a [TTLCache].
type EvictReason uint8

const (
	// EvictExpired is a value whose lifetime was over.
	EvictExpired = EvictReason(ttl.Expired)
	// EvictSize is a value that made room for another.
	EvictSize = EvictReason(ttl.Size)
	// EvictReplaced is a value that was replaced by a new one for the same key.
	EvictReplaced = EvictReason(ttl.Replaced)
	// EvictDeleted is a value removed by Delete, DeleteFunc or Clear.
	EvictDeleted = EvictReason(ttl.Deleted)
	// EvictShrunk is a value given up by Shrink.
	EvictShrunk = EvictReason(ttl.Shrunk)
)

// String returns the reason in one lower-case word, fit for a metric label.
func (r EvictReason) String() string { return ttl.Reason(r).String() }

// TTLCacheStats counts what a [TTLCache] has done since it was made.
type TTLCacheStats struct {
	Hits       uint64 // lookups by Get, GetOrSet and Load that found a live value
	Misses     uint64 // lookups that did not
	Loads      uint64 // fetches that Load ran to their end
	LoadErrors uint64 // those among them that failed
	Entries    int    // held now, expired ones not yet removed included
	MaxSize    int    // the bound of Entries

	// Evictions has every reason, with 0 if it did not occur.
	Evictions map[EvictReason]uint64
}

// TTLCache is a bounded in-memory cache whose entries expire, each at its own time. Its methods
// are safe for concurrent use and, Load and callbacks apart, do not block.
//
// An expired entry is never returned. It is removed by the lookup that finds it, by writes, which
// check a few entries each, and by Sweep; the cache has no goroutine and needs no Close.
//
// When the cache holds MaxSize entries, a new one replaces an expired one, if one is at hand, or
// the least recently used one. Get, Set, GetOrSet and Load count as use; Peek and All do not. With
// a MaxSize below 128 that order is exact. A larger cache is divided into up to 64 shards by a hash
// of the key, each with its own lock and order of use, and the least recently used entry of one
// shard is replaced. No entry is evicted for size before MaxSize is reached.
//
// Keys are compared with ==, so NaN is never found. Values are not copied: do not modify what you
// share through the cache.
type TTLCache[K comparable, V any] struct {
	core    *ttl.Cache[K, V]
	maxSize int
	ttl     time.Duration
}

// problem returns what is wrong with the configuration, or "".
func (c TTLCacheConfig[K, V]) problem() string {
	if c.TTL < 0 && c.TTL != NoExpiry {
		return "TTL is negative: use NoExpiry for entries that do not expire"
	}
	return negative(map[string]int64{"MaxSize": int64(c.MaxSize),
		"ErrorTTL": int64(c.ErrorTTL), "FinishLoads": int64(c.FinishLoads)})
}

// NewTTLCache returns an empty cache. It allocates for the entries as they come. It panics if a
// field is negative and not [NoExpiry].
func NewTTLCache[K comparable, V any](cfg TTLCacheConfig[K, V]) *TTLCache[K, V] {
	mustBe("NewTTLCache", cfg.problem())
	if cfg.MaxSize == 0 {
		cfg.MaxSize = defaultCacheSize
	}
	if cfg.TTL == 0 {
		cfg.TTL = defaultCacheTTL
	}
	core := ttl.Config[K, V]{
		TTL:      cfg.TTL,
		ErrorTTL: cfg.ErrorTTL,
		Detach:   cfg.FinishLoads,
		MaxSize:  min(cfg.MaxSize, maxCacheSize),
		Sliding:  cfg.Sliding,
		PanicError: func(value any, stack []byte) error {
			return fmt.Errorf("load cache entry: %w", &PanicError{Value: value, Stack: stack})
		},
		Trace: func(ctx context.Context, shared bool) (context.Context, func(error)) {
			return traceLoad(ctx, reflect.TypeFor[V]().String(), shared)
		},
	}
	if onEvict := cfg.OnEvict; onEvict != nil {
		core.OnEvict = func(key K, value V, reason ttl.Reason) {
			onEvict(key, value, EvictReason(reason))
		}
	}
	return &TTLCache[K, V]{core: ttl.New(core), maxSize: core.MaxSize, ttl: cfg.TTL}
}

// Get returns the live value of key and marks it as used.
func (c *TTLCache[K, V]) Get(key K) (value V, ok bool) { return c.core.Get(key) }

// Peek returns the live value of key without marking it as used. Its deadline and the statistics
// stay the same.
func (c *TTLCache[K, V]) Peek(key K) (value V, ok bool) { return c.core.Peek(key) }

// Set stores value under key for the cache's TTL, counted from now. A fetch that Load has started
// for key will not overwrite it.
func (c *TTLCache[K, V]) Set(key K, value V) { c.core.Set(key, value, c.ttl) }

// SetTTL is Set with a lifetime for this entry. 0 means the cache's TTL. [NoExpiry], like any
// negative duration, means forever.
func (c *TTLCache[K, V]) SetTTL(key K, value V, lifetime time.Duration) {
	if lifetime == 0 {
		lifetime = c.ttl
	}
	c.core.Set(key, value, lifetime)
}

// GetOrSet returns the live value of key and true. If there is none, it stores value like Set, and
// returns value and false. If several callers do this at once, exactly one stores its value.
func (c *TTLCache[K, V]) GetOrSet(key K, value V) (actual V, loaded bool) {
	return c.core.GetOrSet(key, value)
}

// Load returns the live value of key, or calls fetch and stores the result for the cache's TTL.
// Callers that ask for the same key in the meantime wait for that one fetch and share its result or
// error.
//
// The fetch runs on a goroutine that ends when fetch returns. Its context has the values of the
// first caller's ctx but neither its deadline nor its cancellation: a caller whose ctx ends
// returns at once with an error that wraps ctx.Err(), and the fetch goes on for the others. When
// the last caller has gone, the context is cancelled and the result dropped, unless FinishLoads says
// otherwise; a fetch should therefore honour its context and have a timeout of its own. It must not Load the same key.
//
// A change of key during a fetch wins over the fetch: after Set, GetOrSet, Delete or Clear, callers
// that wait get the result, but it is not stored, and a later Load does not join the fetch.
// DeleteFunc does not see what is still being fetched.
//
// An error of fetch is returned as it is, and kept only if ErrorTTL says so. A panic in fetch
// becomes an error that wraps [*PanicError].
func (c *TTLCache[K, V]) Load(
	ctx context.Context, key K, fetch func(ctx context.Context) (V, error),
) (V, error) {
	return c.core.Load(ctx, key, fetch)
}

// Delete removes key, and the error kept for it. It reports whether there was a live value.
func (c *TTLCache[K, V]) Delete(key K) bool { return c.core.Delete(key) }

// DeleteFunc removes the entries for which del returns true and returns how many. No lock is held
// during del, which may use the cache. An entry that is set again after del saw it stays.
func (c *TTLCache[K, V]) DeleteFunc(del func(key K, value V) bool) int {
	return c.core.DeleteFunc(del)
}

// Clear removes every entry and every kept error and releases their memory.
func (c *TTLCache[K, V]) Clear() { c.core.Clear() }

// Len returns the number of live entries. It visits every entry, about a millisecond for 100,000.
// The Entries of Stats, which include expired ones, cost nothing.
func (c *TTLCache[K, V]) Len() int { return c.core.Len() }

// All returns an iterator over the live entries. A cache of one shard yields the most recently
// used first; there is no order among shards. The loop body may use the cache: each shard is
// copied before its entries are yielded, so that changes made during the loop may or may not show.
func (c *TTLCache[K, V]) All() iter.Seq2[K, V] { return c.core.All() }

// Sweep checks at most budget entries, removes those that have expired and returns how many. The
// next call continues where this one stopped. A budget of 0 or less checks all. Call it from time
// to time if expired entries should not hold memory until the next writes. [WithCache] does that
// for you.
func (c *TTLCache[K, V]) Sweep(budget int) int { return c.core.Sweep(budget) }

// Shrink removes the expired entries and then the given share, from 0 to 1, of the live ones,
// those used longest ago first, and releases their memory. It returns how many live entries it
// removed. MaxSize stays, so that the cache may grow again: it is an answer to memory pressure.
func (c *TTLCache[K, V]) Shrink(share float64) int {
	if !(share > 0) { // NaN too
		share = 0
	}
	return c.core.Shrink(min(share, 1))
}

// Stats returns the counters. They are read shard by shard, not at one instant.
func (c *TTLCache[K, V]) Stats() TTLCacheStats {
	s := c.core.Stats()
	stats := TTLCacheStats{
		Hits:       s.Hits,
		Misses:     s.Misses,
		Loads:      s.Loads,
		LoadErrors: s.LoadErrors,
		Entries:    s.Entries,
		MaxSize:    c.maxSize,
		Evictions:  make(map[EvictReason]uint64, len(s.Evictions)),
	}
	for reason, n := range s.Evictions {
		stats.Evictions[EvictReason(reason)] = n
	}
	return stats
}
