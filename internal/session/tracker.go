package session

import (
	"sync"
	"sync/atomic"
)

// A Tracker knows which events of one session are pending, and with which State has been fed. Its
// methods may be called from any goroutine, Begin and Feeding by one at a time. A nil Tracker
// tracks nothing.
type Tracker struct {
	session string
	earlier Position // what an earlier process has handled
	state   int64    // the last event with which it had fed State

	mu           sync.Mutex // guards what follows, and the links of the events
	first, last  *Event     // pending, in ascending order
	feeding, fed int64      // the last event that State is to be fed with, and has been
	idle         []chan struct{}
}

// An Event is one that is pending. A nil Event is one that is not tracked.
type Event struct {
	tracker    *Tracker
	seq        int64
	holds      atomic.Int32
	prev, next *Event
}

// NewTracker returns a Tracker for a session of which an earlier process has handled some events,
// and whose State is that after the event state.
func NewTracker(sessionID string, earlier Position, state int64) *Tracker {
	return &Tracker{
		session: sessionID, earlier: earlier, state: state, feeding: state, fed: state}
}

// Session returns the id of the session.
func (t *Tracker) Session() string {
	if t == nil {
		return ""
	}
	return t.session
}

// Begin notes that an event was received, which its caller holds from now on. It is false for one
// that an earlier process has handled.
func (t *Tracker) Begin(seq int64) (e *Event, isNew bool) {
	if t == nil {
		return nil, true
	}
	if t.earlier.Has(seq) {
		return nil, false
	}
	e = &Event{tracker: t, seq: seq}
	e.holds.Store(1)
	t.mu.Lock()
	defer t.mu.Unlock()
	after := t.last
	for after != nil && after.seq > seq { // one that comes late
		after = after.prev
	}
	t.linkLocked(e, after)
	return e, true
}

// linkLocked puts an event behind another one, or first.
func (t *Tracker) linkLocked(e, after *Event) {
	e.prev = after
	if after == nil {
		e.next, t.first = t.first, e
	} else {
		e.next, after.next = after.next, e
	}
	if e.next == nil {
		t.last = e
	} else {
		e.next.prev = e
	}
}

// Hold keeps the event pending until Release was called once more. The caller must hold it.
func (e *Event) Hold() {
	if e != nil {
		e.holds.Add(1)
	}
}

// Release ends a hold. The event has been handled when nobody holds it any more.
func (e *Event) Release() {
	if e == nil || e.holds.Add(-1) > 0 {
		return
	}
	t := e.tracker
	t.mu.Lock()
	defer t.mu.Unlock()
	if e.prev == nil {
		t.first = e.next
	} else {
		e.prev.next = e.next
	}
	if e.next == nil {
		t.last = e.prev
	} else {
		e.next.prev = e.prev
	}
	e.prev, e.next = nil, nil
	t.tellIdleLocked()
}

// Idle returns a channel that is closed as soon as no event is pending. Ask for it when no event
// can begin any more.
func (t *Tracker) Idle() <-chan struct{} {
	idle := make(chan struct{})
	if t == nil {
		close(idle)
		return idle
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.idle = append(t.idle, idle)
	t.tellIdleLocked()
	return idle
}

// tellIdleLocked tells those who wait for it that no event is pending.
func (t *Tracker) tellIdleLocked() {
	if t.first != nil || t.idle == nil {
		return
	}
	for _, idle := range t.idle {
		close(idle)
	}
	t.idle = nil
}

// Feeds reports whether an event is news for State.
func (t *Tracker) Feeds(seq int64) bool { return t == nil || seq > t.state }

// Feeding notes that State is going to be fed with an event, in the order of the events.
func (t *Tracker) Feeding(seq int64) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.feeding = max(t.feeding, seq)
}

// Fed notes that State was fed with an event.
func (t *Tracker) Fed(seq int64) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.fed = max(t.fed, seq)
}

// FedUpTo returns an event such that State was fed with it and all before it, as far as it wants
// them. Like Position it goes by what had been received.
func (t *Tracker) FedUpTo(received int64) int64 {
	if t == nil {
		return 0
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.feeding > t.fed {
		return t.fed
	}
	return max(received, t.fed)
}

// Position returns what has been handled, when received is a number up to which every event has
// been received. Read that first: what begins meanwhile is above it.
func (t *Tracker) Position(received int64) Position {
	var ranges []Range
	from := int64(1)
	t.mu.Lock()
	for e := t.first; e != nil && e.seq <= received; e = e.next {
		if e.seq > from {
			ranges = append(ranges, Range{from, e.seq - 1})
		}
		from = e.seq + 1
	}
	t.mu.Unlock()
	ranges = append(ranges, Range{from, received}, Range{1, t.earlier.Sequence})
	return newPosition(append(ranges, t.earlier.Handled...))
}
