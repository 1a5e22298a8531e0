package ttl

import (
	"iter"
	"math"
)

// sweepBatch is how many slots Sweep checks under one lock: some microseconds.
const sweepBatch = 256

// Len counts the live entries.
func (c *Cache[K, V]) Len() int {
	now := c.now()
	n := 0
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		n += s.table.live(now)
		s.mu.Unlock()
	}
	return n
}

// Stats sums what the shards counted.
func (c *Cache[K, V]) Stats() Stats {
	var sum Stats
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		sum.Hits += s.hits
		sum.Misses += s.misses
		sum.Loads += s.loads
		sum.LoadErrors += s.loadErrors
		for r, n := range s.evict {
			sum.Evictions[r] += n
		}
		sum.Entries += s.table.len
		s.mu.Unlock()
	}
	return sum
}

// All yields the live entries, one shard's copy at a time, newest first within a shard.
func (c *Cache[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		for i := range c.shards {
			for _, e := range c.copyLive(&c.shards[i]) {
				if e.deadline > c.now() && !yield(e.key, e.value) {
					return
				}
			}
		}
	}
}

// DeleteFunc removes the live entries for which del is true and returns how many. An entry that
// was set anew since del saw it stays.
func (c *Cache[K, V]) DeleteFunc(del func(K, V) bool) int {
	removed := 0
	for i := range c.shards {
		s := &c.shards[i]
		var chosen []entry[K, V]
		for _, e := range c.copyLive(s) {
			if del(e.key, e.value) {
				chosen = append(chosen, e)
			}
		}
		removed += c.deleteUnchanged(s, chosen)
	}
	return removed
}

// deleteUnchanged removes those of entries, copies from s, that s still holds.
func (c *Cache[K, V]) deleteUnchanged(s *shard[K, V], entries []entry[K, V]) int {
	if len(entries) == 0 {
		return 0
	}
	var gone []evicted[K, V]
	now := c.now()
	removed, expired := 0, 0
	s.mu.Lock()
	for i := range entries {
		e := &entries[i]
		slot := s.table.find(e.hash, e.key)
		if slot == 0 || s.table.slots[slot].version != e.version {
			continue
		}
		reason := s.reason(slot, now, Deleted)
		if reason == Deleted {
			removed++
		} else {
			expired++
		}
		s.forget(e.hash, e.key)
		gone = c.drop(s, slot, reason, gone)
	}
	c.used.Add(-int64(removed + expired))
	s.table.compact()
	s.mu.Unlock()
	c.report(gone)
	return removed
}

// copyLive returns copies of the live entries of s, newest first.
func (c *Cache[K, V]) copyLive(s *shard[K, V]) []entry[K, V] {
	now := c.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.table.len == 0 {
		return nil
	}
	entries := make([]entry[K, V], 0, s.table.len)
	for i := s.table.newest(); i != 0; i = s.table.slots[i].older {
		if s.table.slots[i].deadline > now {
			entries = append(entries, s.table.slots[i])
		}
	}
	return entries
}

// Clear removes every entry and gives the memory back.
func (c *Cache[K, V]) Clear() {
	now := c.now()
	for i := range c.shards {
		s := &c.shards[i]
		var gone []evicted[K, V]
		s.mu.Lock()
		n := s.table.len
		for slot := s.table.oldest(); slot != 0; slot = s.table.slots[slot].newer {
			gone = c.retire(s, slot, s.reason(slot, now, Deleted), gone)
		}
		s.table = table[K, V]{version: s.table.version}
		s.errs = table[K, error]{}
		s.calls = nil
		c.used.Add(-int64(n))
		s.mu.Unlock()
		c.report(gone)
	}
}

// Sweep checks at most budget slots for expired entries, from where the last such Sweep stopped,
// and returns how many entries it removed. A budget of 0 or less checks every slot once.
func (c *Cache[K, V]) Sweep(budget int) int {
	removed := 0
	if budget <= 0 {
		for i := range c.shards {
			n, _, _ := c.sweepShard(&c.shards[i], 0, math.MaxInt)
			removed += n
		}
		return removed
	}
	at := c.swept.Load()
	shard, slot := int(at>>32), int(uint32(at))
	for range len(c.shards) + 1 { // the first shard again, for what lay before slot
		n, checked, next := c.sweepShard(&c.shards[shard], slot, budget)
		removed += n
		budget -= checked
		slot = next
		if slot == 0 {
			shard = (shard + 1) % len(c.shards)
		}
		if budget == 0 {
			break
		}
	}
	c.swept.Store(uint64(shard)<<32 | uint64(slot))
	return removed
}

// sweepShard checks the slots of s from slot on, at most budget of them, a batch at a time. It
// returns how many entries it removed, how many slots it checked and where to go on: 0 if that
// was the last slot.
func (c *Cache[K, V]) sweepShard(
	s *shard[K, V], slot, budget int,
) (removed, checked, next int) {
	for {
		var gone []evicted[K, V]
		now := c.now()
		s.mu.Lock()
		before := s.table.len
		end := min(len(s.table.slots), slot+min(budget-checked, sweepBatch))
		for ; slot < end; slot++ {
			checked++
			if s.table.slots[slot].deadline <= now {
				gone = c.drop(s, uint32(slot), Expired, gone)
			}
		}
		freed := before - s.table.len
		c.used.Add(-int64(freed))
		if slot >= len(s.table.slots) {
			slot = 0
			s.sweepErrors(now)
			s.table.compact()
		}
		s.mu.Unlock()
		removed += freed
		c.report(gone)
		if slot == 0 || checked == budget {
			return removed, checked, slot
		}
	}
}

// sweepErrors removes the kept errors that have expired.
func (s *shard[K, V]) sweepErrors(now int64) {
	for slot := range s.errs.slots {
		if s.errs.slots[slot].deadline <= now {
			s.errs.remove(uint32(slot))
		}
	}
	s.errs.compact()
}

// Shrink removes expired entries, then the given share of the live ones, oldest first, gives the
// memory back and returns how many live entries it removed.
func (c *Cache[K, V]) Shrink(share float64) int {
	removed := 0
	owed := 0.0 // what rounding left over, so that the shards together remove the share
	for i := range c.shards {
		s := &c.shards[i]
		var gone []evicted[K, V]
		now := c.now()
		s.mu.Lock()
		before := s.table.len
		for range len(s.table.slots) {
			if slot := s.table.next(now); slot != 0 {
				gone = c.drop(s, slot, Expired, gone)
			}
		}
		owed += share * float64(s.table.len)
		n := min(int(owed+0.5), s.table.len)
		owed -= float64(n)
		for range n {
			gone = c.drop(s, s.table.oldest(), Shrunk, gone)
		}
		c.used.Add(-int64(before - s.table.len))
		s.table.compact()
		s.mu.Unlock()
		removed += n
		c.report(gone)
	}
	return removed
}
