package ttl

// storeMode is what store does with a live value that is there already.
type storeMode bool

const (
	overwrite storeMode = false
	keepLive  storeMode = true
)

// store puts value under key. A value from a fetch comes with its call and is stored only if the
// call is still wanted; any other store makes a fetch under way unwanted. It returns what the
// cache then holds, whether it held that before, and gone with the values that had to go.
func (c *Cache[K, V]) store(
	key K, value V, ttl int64, mode storeMode, from *call[V], gone []evicted[K, V],
) (held V, before bool, _ []evicted[K, V]) {
	hash := c.hash(key)
	now := c.now()
	s := c.shard(hash)
	for {
		s.mu.Lock()
		slot := s.table.find(uint32(hash), key)
		switch {
		case from != nil && s.calls[key] != from:
			s.mu.Unlock()
			return value, false, gone
		case slot != 0 && mode == keepLive && s.table.slots[slot].deadline > now:
			s.hits++
			held = s.use(slot, now, c.cfg.Sliding)
			s.mu.Unlock()
			return held, true, gone
		case slot != 0:
			gone = c.retire(s, slot, s.reason(slot, now, Replaced), gone)
			s.table.replace(slot, value, deadline(now, ttl), ttl)
			s.stored(uint32(hash), key, mode)
			s.mu.Unlock()
			return value, false, gone
		}
		var ok bool
		if gone, ok = c.makeRoom(s, now, gone); ok {
			s.table.add(uint32(hash), key, value, deadline(now, ttl), ttl)
			s.stored(uint32(hash), key, mode)
			s.mu.Unlock()
			return value, false, gone
		}
		s.mu.Unlock()
		gone = c.evictOutside(hash, now, gone)
	}
}

// stored is what follows every store: key has no fetch or error any more that counts.
func (s *shard[K, V]) stored(hash uint32, key K, mode storeMode) {
	s.forget(hash, key)
	if mode == keepLive {
		s.misses++
	}
}

// makeRoom takes a place for one more entry of s, which is locked: that of an expired entry, a
// free one or that of the oldest. It fails if the cache is full and s is empty.
func (c *Cache[K, V]) makeRoom(
	s *shard[K, V], now int64, gone []evicted[K, V],
) ([]evicted[K, V], bool) {
	freed := 0
	for range stepsPerAdd {
		if slot := s.table.next(now); slot != 0 {
			gone = c.drop(s, slot, Expired, gone)
			freed++
		}
	}
	if freed > 0 {
		if freed > 1 {
			c.used.Add(int64(1 - freed))
		}
		return gone, true
	}
	for used := c.used.Load(); used < int64(c.cfg.MaxSize); used = c.used.Load() {
		if c.used.CompareAndSwap(used, used+1) {
			return gone, true
		}
	}
	slot := s.table.oldest()
	if slot == 0 {
		return gone, false
	}
	return c.drop(s, slot, s.reason(slot, now, Size), gone), true
}

// evictOutside gives up the oldest entry of the first shard after that of hash which has one.
func (c *Cache[K, V]) evictOutside(
	hash uint64, now int64, gone []evicted[K, V],
) []evicted[K, V] {
	own := int(hash >> c.shift)
	for i := 1; i < len(c.shards); i++ {
		s := &c.shards[(own+i)%len(c.shards)]
		s.mu.Lock()
		slot := s.table.oldest()
		if slot != 0 {
			gone = c.drop(s, slot, s.reason(slot, now, Size), gone)
			c.used.Add(-1)
		}
		s.mu.Unlock()
		if slot != 0 {
			break
		}
	}
	return gone
}

// drop removes the entry in slot and returns gone with its value. The caller gives up the entry's
// place, or reuses it.
func (c *Cache[K, V]) drop(
	s *shard[K, V], slot uint32, r Reason, gone []evicted[K, V],
) []evicted[K, V] {
	gone = c.retire(s, slot, r, gone)
	s.table.remove(slot)
	return gone
}

// retire counts the value in slot as gone and, if there is an OnEvict, returns gone with it.
func (c *Cache[K, V]) retire(
	s *shard[K, V], slot uint32, r Reason, gone []evicted[K, V],
) []evicted[K, V] {
	s.evict[r]++
	if c.cfg.OnEvict == nil {
		return gone
	}
	e := &s.table.slots[slot]
	return append(gone, evicted[K, V]{e.key, e.value, r})
}
