package relay

import "sync"

// queue is a bounded FIFO of frames with any number of producers and one consumer. Its memory is
// that of the frames in it. A frame stays until the consumer has dealt with it, so a connection
// that breaks in the middle of one leaves it to the next.
type queue struct {
	limit int

	mu     sync.Mutex
	isOpen bool
	frames [][]byte
}

func newQueue(limit int) *queue {
	return &queue{limit: limit}
}

func (q *queue) open() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.isOpen = true
}

// close drops all frames and takes no more.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.isOpen, q.frames = false, nil
}

// push appends frame, unless the queue is full or not open.
func (q *queue) push(frame []byte) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.isOpen || len(q.frames) >= q.limit {
		return false
	}
	q.frames = append(q.frames, frame)
	return true
}

// front returns the oldest frame, nil if there is none.
func (q *queue) front() []byte {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.frames) == 0 {
		return nil
	}
	return q.frames[0]
}

// pop removes what front returned.
func (q *queue) pop() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.frames) == 0 {
		return // close emptied the queue in between
	}
	q.frames[0] = nil
	q.frames = q.frames[1:]
	if len(q.frames) == 0 {
		q.frames = nil // the array may have grown to the limit
	}
}
