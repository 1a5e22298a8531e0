package ttl

// ShardOf returns the number of the shard that holds key.
func (c *Cache[K, V]) ShardOf(key K) int {
	s := c.shard(c.hash(key))
	for i := range c.shards {
		if s == &c.shards[i] {
			return i
		}
	}
	return -1
}

// Slots returns how many slots the cache has allocated.
func (c *Cache[K, V]) Slots() int {
	n := 0
	for i := range c.shards {
		n += cap(c.shards[i].table.slots)
	}
	return n
}

// KeptErrors returns how many errors the cache holds, expired ones included.
func (c *Cache[K, V]) KeptErrors() int {
	n := 0
	for i := range c.shards {
		n += c.shards[i].errs.len
	}
	return n
}

// Waiting returns how many fetches new callers of Load would join.
func (c *Cache[K, V]) Waiting() int {
	n := 0
	for i := range c.shards {
		n += len(c.shards[i].calls)
	}
	return n
}

// Table is a table under hashes that the test chooses.
type Table struct{ t table[int, int] }

func (t *Table) Find(hash uint32, key int) (value int, ok bool) {
	slot := t.t.find(hash, key)
	if slot == 0 {
		return 0, false
	}
	return t.t.slots[slot].value, true
}

func (t *Table) Set(hash uint32, key, value int) {
	if slot := t.t.find(hash, key); slot != 0 {
		t.t.replace(slot, value, never, 0)
		return
	}
	t.t.add(hash, key, value, never, 0)
}

func (t *Table) Remove(hash uint32, key int) {
	if slot := t.t.find(hash, key); slot != 0 {
		t.t.remove(slot)
	}
}

func (t *Table) Compact() { t.t.compact() }

func (t *Table) Len() int { return t.t.len }

// Keys returns the keys from the oldest to the newest.
func (t *Table) Keys() []int {
	var keys []int
	for slot := t.t.oldest(); slot != 0; slot = t.t.slots[slot].newer {
		keys = append(keys, t.t.slots[slot].key)
	}
	return keys
}
