// Package overlap keeps a bot that changes its number of shards from losing an event, and from
// handling one twice.
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
package overlap

import (
	"hash/maphash"
	"sync"

	"github.com/botwright/botwright/internal/frame"
)

// An Overlap decides, while there are two fleets, which one's copy of an event is handled. Its
// methods may be called from any goroutine.
type Overlap struct {
	seed maphash.Seed

	mu    sync.Mutex // guards what follows
	phase Phase
	seen  map[uint64]*sightings
}

// A Phase is a part of an overlap.
type Phase int

// Phases.
const (
	Held     Phase = iota // the new fleet is not ready
	Counting              // the old one handles
	Both                  // both handle
	Closing               // the new one handles
	Aborted               // the old one handles: the new one has failed
)

// New returns an Overlap in the phase Held.
func New() *Overlap {
	return &Overlap{seed: maphash.MakeSeed(), seen: make(map[uint64]*sightings)}
}

// sightings counts one event.
type sightings struct{ old, next, handled uint32 }

// Admit reports whether an event that came in on the old fleet, or on the next one, is to be
// handled.
func (o *Overlap) Admit(isNext bool, eventType, data []byte) bool {
	key := o.identity(eventType, data)
	o.mu.Lock()
	defer o.mu.Unlock()
	if string(eventType) == "READY" || string(eventType) == "RESUMED" {
		// They concern one connection, and the bot is up all the time.
		return isNext == (o.phase == Closing)
	}
	if o.phase == Held {
		return !isNext
	}
	s := o.seen[key]
	if s == nil {
		s = &sightings{}
		o.seen[key] = s
	}
	count, handles := &s.old, true
	if isNext {
		count, handles = &s.next, o.phase == Both || o.phase == Closing
	}
	*count++
	if !handles || *count <= s.handled {
		return false
	}
	s.handled++
	return true
}

// identity is a hash of what makes an event the same event in both fleets.
func (o *Overlap) identity(eventType, data []byte) uint64 {
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

// Enter begins a phase.
func (o *Overlap) Enter(phase Phase) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.phase = phase
}

// Leave gives up, unless the new fleet has begun to handle, and returns the phase until now.
func (o *Overlap) Leave() (before Phase) {
	o.mu.Lock()
	defer o.mu.Unlock()
	before = o.phase
	if before != Both {
		o.phase = Aborted
	}
	return before
}

// Phase returns the phase that the overlap is in.
func (o *Overlap) Phase() Phase {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.phase
}

// String implements fmt.Stringer.
func (p Phase) String() string {
	return [...]string{"held", "counting", "both", "closing", "aborted"}[p]
}
