package debounce

import (
	"slices"
	"time"
)

// heap is a binary heap of instants at which to look at a key, the earliest first.
type heap[K comparable] []check[K]

type check[K comparable] struct {
	at  time.Duration
	key K
}

// pushLast adds c, which is not earlier than any check in the heap: one Wait from now is the latest
// that a check can be, since it is the same for all keys. So c needs no sifting.
func (h *heap[K]) pushLast(c check[K]) { *h = append(*h, c) }

// pop removes the earliest check and returns its key.
func (h *heap[K]) pop() K {
	s := *h
	first := s[0].key
	last := len(s) - 1
	moved := s[last]
	s[last] = check[K]{} // lets go of what the key points to
	*h = s[:last]
	if last > 0 {
		h.sink(moved)
	}
	return first
}

// postpone gives the earliest check a later instant.
func (h *heap[K]) postpone(at time.Duration) {
	h.sink(check[K]{at, (*h)[0].key})
}

// sink puts c in the place of the first check and restores the order.
func (h *heap[K]) sink(c check[K]) {
	s := *h
	i := 0
	for {
		child := 2*i + 1
		if child >= len(s) {
			break
		}
		if right := child + 1; right < len(s) && s[right].at < s[child].at {
			child = right
		}
		if c.at <= s[child].at {
			break
		}
		s[i] = s[child]
		i = child
	}
	s[i] = c
}

// queue is a queue of keys, first in, first out.
type queue[K comparable] struct {
	keys []K
	head int // keys before it have been popped
}

func (q *queue[K]) len() int { return len(q.keys) - q.head }

func (q *queue[K]) push(key K) { q.keys = append(q.keys, key) }

func (q *queue[K]) pop() K {
	key := q.keys[q.head]
	q.head++
	if q.head*2 >= len(q.keys) {
		q.keys = slices.Delete(q.keys, 0, q.head)
		q.head = 0
	}
	return key
}
