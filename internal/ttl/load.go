package ttl

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// errExited is the outcome of a fetch that ended its goroutine.
var errExited = errors.New("load cache entry: fetch called runtime.Goexit")

// call is one fetch and those who wait for it.
type call[V any] struct {
	ctx     context.Context // of the fetch; see newCall
	cancel  context.CancelFunc
	waiters int // guarded by the shard's mutex

	done  chan struct{} // closed once value and err are set
	value V
	err   error
}

// Load returns the live value of key, or fetches it. See botwright.TTLCache.Load.
func (c *Cache[K, V]) Load(
	ctx context.Context, key K, fetch func(context.Context) (V, error),
) (V, error) {
	if value, ok := c.Get(key); ok {
		return value, nil
	}
	var zero V
	if err := ctx.Err(); err != nil {
		return zero, fmt.Errorf("load cache entry: %w", err)
	}
	hash := c.hash(key)
	now := c.now()
	s := c.shard(hash)
	s.mu.Lock()
	if slot := s.live(uint32(hash), key, now); slot != 0 { // a fetch ended since Get
		value := s.use(slot, now, c.cfg.Sliding)
		s.mu.Unlock()
		return value, nil
	}
	if err := s.cachedError(uint32(hash), key, now); err != nil {
		s.mu.Unlock()
		return zero, err
	}
	cl, joined := s.calls[key]
	if !joined {
		cl = s.newCall(ctx, key, c.cfg.Detach)
	}
	cl.waiters++
	s.mu.Unlock()
	if !joined {
		go c.run(key, cl, fetch)
	} else if c.cfg.Trace != nil {
		_, end := c.cfg.Trace(ctx, true)
		value, err := c.wait(ctx, key, cl)
		end(err)
		return value, err
	}
	return c.wait(ctx, key, cl)
}

// wait waits for cl to be done.
func (c *Cache[K, V]) wait(ctx context.Context, key K, cl *call[V]) (V, error) {
	select {
	case <-cl.done:
		return cl.value, cl.err
	case <-ctx.Done():
		return c.leave(ctx, key, cl)
	}
}

// newCall registers a fetch for key. Its context ends when nobody waits any more, or, if detach is
// positive, after that time. The shard is locked.
func (s *shard[K, V]) newCall(ctx context.Context, key K, detach time.Duration) *call[V] {
	cl := &call[V]{done: make(chan struct{})}
	ctx = context.WithoutCancel(ctx)
	if detach > 0 {
		cl.ctx, cl.cancel = context.WithTimeout(ctx, detach)
	} else {
		cl.ctx, cl.cancel = context.WithCancel(ctx)
	}
	if s.calls == nil {
		s.calls = make(map[K]*call[V])
	}
	if key == key { // a NaN could not be taken out again; each caller fetches for itself
		s.calls[key] = cl
	}
	return cl
}

// cachedError returns the error of the last fetch for key if it is still to be believed.
func (s *shard[K, V]) cachedError(hash uint32, key K, now int64) error {
	if s.errs.len == 0 {
		return nil
	}
	slot := s.errs.find(hash, key)
	if slot == 0 {
		return nil
	}
	if s.errs.slots[slot].deadline <= now {
		s.errs.remove(slot)
		return nil
	}
	return s.errs.slots[slot].value
}

// leave takes a caller whose ctx is done out of cl. Unless fetches are detached, the last one to
// leave cancels the fetch, and whoever comes next starts another.
func (c *Cache[K, V]) leave(ctx context.Context, key K, cl *call[V]) (V, error) {
	s := c.shard(c.hash(key))
	s.mu.Lock()
	cl.waiters--
	last := cl.waiters == 0 && c.cfg.Detach <= 0
	if last && s.calls[key] == cl {
		delete(s.calls, key)
	}
	s.mu.Unlock()
	if last {
		cl.cancel()
	}
	var zero V
	return zero, fmt.Errorf("load cache entry: %w", ctx.Err())
}

// run performs the fetch of cl, stores its result and wakes those who wait, whether fetch
// returns, panics or ends the goroutine.
func (c *Cache[K, V]) run(key K, cl *call[V], fetch func(context.Context) (V, error)) {
	defer cl.cancel()
	var value V
	err, cacheable := errExited, false
	ctx, end := cl.ctx, func(error) {}
	defer func() {
		if p := recover(); p != nil {
			err = c.cfg.PanicError(p, debug.Stack())
		}
		end(err)
		c.finish(key, cl, value, err, cacheable)
	}()
	if c.cfg.Trace != nil {
		ctx, end = c.cfg.Trace(ctx, false)
	}
	value, err = fetch(ctx)
	cacheable = true
}

// finish makes the result of a fetch known. Waiters are woken before OnEvict is called, which is
// foreign code.
func (c *Cache[K, V]) finish(key K, cl *call[V], value V, err error, cacheable bool) {
	var gone []evicted[K, V]
	cl.value, cl.err = value, err
	if err == nil {
		_, _, gone = c.store(key, value, int64(c.cfg.TTL), overwrite, cl, nil)
	}
	c.endCall(key, cl, err, cacheable)
	close(cl.done)
	c.report(gone)
}

// endCall counts cl, takes it out of its shard and remembers its error if that is asked for.
func (c *Cache[K, V]) endCall(key K, cl *call[V], err error, cacheable bool) {
	hash := c.hash(key)
	now := c.now()
	s := c.shard(hash)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loads++
	if err != nil {
		s.loadErrors++
	}
	if s.calls[key] != cl {
		return // stored already, or superseded
	}
	delete(s.calls, key)
	if err == nil || !cacheable || c.cfg.ErrorTTL <= 0 {
		return
	}
	ttl := int64(c.cfg.ErrorTTL)
	if slot := s.errs.find(uint32(hash), key); slot != 0 {
		s.errs.replace(slot, err, deadline(now, ttl), ttl)
		return
	}
	if s.errs.len >= max(1, c.cfg.MaxSize/len(c.shards)) {
		s.errs.remove(s.errs.oldest())
	}
	s.errs.add(uint32(hash), key, err, deadline(now, ttl), ttl)
}
