package botwright

import (
	"hash/maphash"
	"sync"
	"time"

	"github.com/botwright/botwright/internal/frame"
)

// How a bot changes its number of shards.
//
// A second fleet connects beside the first; Discord allows that. When all of it is ready, both
// receive every event, though not at the same moment. The overlap that follows has three parts of
// the same length:
//
//	          old fleet              new fleet
//	counting  handled and counted    counted
//	both      handled if it is first, whichever it is, and counted
//	closing   closed                 handled unless the old one was first, and counted
//
// An event is known by its type and id, or by its contents where it has no id of its own. It is
// counted per fleet and handled when a fleet has seen it more often than it was handled. That
// way nothing is lost or handled twice as long as the fleets are no further apart than one part;
// and a part begins anew when a shard has been away meanwhile, or held up by a full queue. When it
// is given up while both handle, they go on until the old fleet has caught up, and the old one
// handles alone, unless the new one was first, for one part more.

// overlapPart is how long each part of the overlap takes. Two sessions of a bot get an event
// within some 100 ms of each other.
const overlapPart = 3 * time.Second

// An overlap decides, while there are two fleets, which one's copy of an event is handled.
type overlap struct {
	next *fleet
	seed maphash.Seed

	mu    sync.Mutex // guards what follows
	phase overlapPhase
	seen  map[uint64]*sightings
}

type overlapPhase int

const (
	overlapHeld     overlapPhase = iota // the new fleet is not ready
	overlapCounting                     // the old one handles
	overlapBoth                         // both handle
	overlapClosing                      // the new one handles
	overlapAborted                      // the old one handles: the new one has failed
)

func newOverlap(next *fleet) *overlap {
	return &overlap{next: next, seed: maphash.MakeSeed(), seen: make(map[uint64]*sightings)}
}

// sightings counts one event.
type sightings struct{ old, next, handled uint32 }

// admit reports whether the event is to be handled.
func (o *overlap) admit(from *fleet, eventType, data []byte) bool {
	isNext := from == o.next
	key := o.identity(eventType, data)
	o.mu.Lock()
	defer o.mu.Unlock()
	if string(eventType) == "READY" || string(eventType) == "RESUMED" {
		// They concern one connection, and the bot is up all the time.
		return isNext == (o.phase == overlapClosing)
	}
	if o.phase == overlapHeld {
		return !isNext
	}
	s := o.seen[key]
	if s == nil {
		s = &sightings{}
		o.seen[key] = s
	}
	count, handles := &s.old, true
	if isNext {
		count, handles = &s.next, o.phase == overlapBoth || o.phase == overlapClosing
	}
	*count++
	if !handles || *count <= s.handled {
		return false
	}
	s.handled++
	return true
}

// identity is a hash of what makes an event the same event in both fleets.
func (o *overlap) identity(eventType, data []byte) uint64 {
	var h maphash.Hash
	h.SetSeed(o.seed)
	_, _ = h.Write(eventType)
	switch string(eventType) {
	case "MESSAGE_CREATE", "INTERACTION_CREATE": // their ids are their own
		if id, ok := frame.Lookup(data, "id"); ok {
			_, _ = h.Write(id)
			return h.Sum64()
		}
	}
	_, _ = h.Write(data)
	return h.Sum64()
}

// enter begins a phase.
func (o *overlap) enter(phase overlapPhase) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.phase = phase
}

// leave gives up, unless the new fleet has begun to handle, and returns the phase until now.
func (o *overlap) leave() (before overlapPhase) {
	o.mu.Lock()
	defer o.mu.Unlock()
	before = o.phase
	if before != overlapBoth {
		o.phase = overlapAborted
	}
	return before
}
