package ttl

import "math"

// never is the deadline of an entry that does not expire, and of a slot without an entry.
const never = math.MaxInt64

// compactMin is the number of slots below which a table is never rebuilt: there is nothing to win.
const compactMin = 64

// table is a hash table that keeps its entries in order of use. It has no lock and no limit; a
// shard gives it both. Its zero value is empty.
//
// Entries lie in one slab and name each other by slot number. The garbage collector so sees two
// objects instead of one per entry, an eviction reuses the slot of its victim without
// allocating, and expired entries are found by walking the slab a few slots at a time, whatever
// their lifetimes.
type table[K comparable, V any] struct {
	slots   []entry[K, V] // slots[0] closes the ring of use: newer is the oldest, older the newest
	index   []cell        // open addressing; a power of two, at most three quarters full
	free    uint32        // first unused slot, chained through newer; 0 is none
	cursor  uint32        // the slot that step looked at last
	version uint32        // of the value stored last
	len     int
}

type entry[K comparable, V any] struct {
	key      K
	value    V
	deadline int64 // on the cache's clock; expired once it is reached
	ttl      int64 // what a sliding cache renews the deadline by
	hash     uint32
	version  uint32 // tells this value from a later one under the same key
	newer    uint32
	older    uint32
}

// cell is one place of the index. It repeats the hash so that a probe rarely touches the slab.
type cell struct {
	hash uint32
	slot uint32 // 0 is an empty cell
}

// find returns the slot of key, or 0.
func (t *table[K, V]) find(hash uint32, key K) uint32 {
	if len(t.index) == 0 {
		return 0
	}
	mask := uint32(len(t.index) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		c := t.index[i]
		if c.slot == 0 {
			return 0
		}
		if c.hash == hash && t.slots[c.slot].key == key {
			return c.slot
		}
	}
}

// add stores a new entry as the newest. The key must not be in the table.
func (t *table[K, V]) add(hash uint32, key K, value V, deadline, ttl int64) {
	if len(t.slots) == 0 {
		t.slots = append(t.slots, entry[K, V]{deadline: never})
	}
	if 4*(t.len+1) > 3*len(t.index) {
		t.growIndex()
	}
	slot := t.free
	if slot != 0 {
		t.free = t.slots[slot].newer
	} else {
		slot = uint32(len(t.slots))
		t.slots = append(t.slots, entry[K, V]{})
	}
	t.version++
	t.slots[slot] = entry[K, V]{
		key: key, value: value, deadline: deadline, ttl: ttl, hash: hash, version: t.version,
	}
	t.pushNewest(slot)
	t.place(cell{hash, slot})
	t.len++
}

// replace gives the entry in slot a new value and makes it the newest.
func (t *table[K, V]) replace(slot uint32, value V, deadline, ttl int64) {
	t.version++
	e := &t.slots[slot]
	e.value, e.deadline, e.ttl, e.version = value, deadline, ttl, t.version
	t.touch(slot)
}

// remove forgets the entry in slot, and what it refers to.
func (t *table[K, V]) remove(slot uint32) {
	t.unplace(slot)
	t.unlink(slot)
	t.slots[slot] = entry[K, V]{deadline: never, newer: t.free}
	t.free = slot
	t.len--
}

// oldest returns the slot that was used longest ago, or 0 if the table is empty.
func (t *table[K, V]) oldest() uint32 {
	if len(t.slots) == 0 {
		return 0
	}
	return t.slots[0].newer
}

// newest returns the slot that was used last, or 0 if the table is empty.
func (t *table[K, V]) newest() uint32 {
	if len(t.slots) == 0 {
		return 0
	}
	return t.slots[0].older
}

// touch makes slot the newest.
func (t *table[K, V]) touch(slot uint32) {
	if t.slots[0].older != slot {
		t.unlink(slot)
		t.pushNewest(slot)
	}
}

func (t *table[K, V]) pushNewest(slot uint32) {
	last := t.slots[0].older
	t.slots[slot].older, t.slots[slot].newer = last, 0
	t.slots[last].newer = slot
	t.slots[0].older = slot
}

func (t *table[K, V]) unlink(slot uint32) {
	older, newer := t.slots[slot].older, t.slots[slot].newer
	t.slots[older].newer = newer
	t.slots[newer].older = older
}

// next advances the cursor and returns the slot it reaches if the entry there has expired, else
// 0. As many calls as there are slots see every entry.
func (t *table[K, V]) next(now int64) uint32 {
	t.cursor++
	if int(t.cursor) >= len(t.slots) {
		t.cursor = 0
		return 0
	}
	if t.slots[t.cursor].deadline <= now {
		return t.cursor
	}
	return 0
}

// live counts the entries that have not expired.
func (t *table[K, V]) live(now int64) int {
	n := t.len
	for i := range t.slots {
		if t.slots[i].deadline <= now {
			n--
		}
	}
	return n
}

// compact rebuilds a table that fills less than a quarter of its slots, and so gives memory back.
func (t *table[K, V]) compact() {
	if cap(t.slots) < compactMin || 4*t.len > cap(t.slots) {
		return
	}
	old := *t
	*t = table[K, V]{version: old.version}
	if old.len == 0 {
		return
	}
	t.slots = make([]entry[K, V], 1, old.len+1)
	t.slots[0].deadline = never
	for i := old.oldest(); i != 0; i = old.slots[i].newer {
		slot := uint32(len(t.slots))
		t.slots = append(t.slots, old.slots[i])
		t.pushNewest(slot)
	}
	t.len = old.len
	size := 8
	for 4*t.len > 3*size {
		size *= 2
	}
	t.index = make([]cell, size)
	for i := 1; i < len(t.slots); i++ {
		t.place(cell{t.slots[i].hash, uint32(i)})
	}
}

func (t *table[K, V]) growIndex() {
	old := t.index
	t.index = make([]cell, max(8, 2*len(old)))
	for _, c := range old {
		if c.slot != 0 {
			t.place(c)
		}
	}
}

// place puts c into the first empty cell from its home on.
func (t *table[K, V]) place(c cell) {
	mask := uint32(len(t.index) - 1)
	i := c.hash & mask
	for t.index[i].slot != 0 {
		i = (i + 1) & mask
	}
	t.index[i] = c
}

// unplace empties the cell of slot and moves later cells of the same run back, so that no probe
// stops short of them.
func (t *table[K, V]) unplace(slot uint32) {
	mask := uint32(len(t.index) - 1)
	hole := t.slots[slot].hash & mask
	for t.index[hole].slot != slot {
		hole = (hole + 1) & mask
	}
	for i := (hole + 1) & mask; t.index[i].slot != 0; i = (i + 1) & mask {
		home := t.index[i].hash & mask
		if (i-home)&mask >= (i-hole)&mask {
			t.index[hole] = t.index[i]
			hole = i
		}
	}
	t.index[hole] = cell{}
}
