package runner

import (
	"time"

	"github.com/botwright/botwright/internal/dispatch"
	"github.com/botwright/botwright/internal/frame"
	"github.com/botwright/botwright/internal/gateway"
)

// A kind says what is to be done with a piece of work.
type kind uint8

const (
	together kind = iota // call handlers one after the other
	alone                // call one handler, which has an order of its own or none
	forward              // give the event to the session
	ends                 // nothing, after its preparation
	upkeep               // something else in place of the preparation, and then nothing
	done                 // nothing: it was done, or was begun and has ended its goroutine
)

// work is what a task of the queue does.
type work[E comparable] struct {
	kind     kind
	feeds    bool // State, and those who wait for members, first
	shows    bool // to those who expect it, next
	shard    *Shard[E]
	event    E             // zero for upkeep
	handlers []*Handler[E] // those to be called together
	alone    *Handler[E]
	orderErr error // from the order of the one that is alone
	upkeep   func()
}

// isUpkeep reports whether the work has no event.
func (w *work[E]) isUpkeep() bool { return w.kind == upkeep }

// uses are what an event is for, beside handlers.
type uses struct {
	forward bool // to the session
	feeds   bool // State, and those who wait for members
	shows   bool // to those who expect it
}

// A piece is an event that is being put into the queue.
type piece[E comparable] struct {
	event    E
	ticket   *Ticket
	seq      int64
	size     int
	received time.Time
	kind     dispatch.Kind
	shed     bool   // under load it is worth nothing
	guild    uint64 // that it counts for
	key      uint64 // of its order
}

// newPiece makes an event of a frame.
func (s *Shard[E]) newPiece(eventType string, route frame.Route, f *gateway.Frame) piece[E] {
	p := piece[E]{
		event: s.cfg.Event(eventType, f, route),
		seq:   f.Seq, size: len(f.Data), received: f.Received,
		guild: route.Owner(),
	}
	p.ticket = s.runner.cfg.Ticket(p.event)
	if p.guild == 0 {
		p.guild = s.key()
	}
	switch eventType {
	case interactionCreate:
		p.kind = dispatch.Interaction
		return p // its user has 3 seconds: it waits for nobody
	case "PRESENCE_UPDATE", "TYPING_START":
		p.shed = true
	}
	if p.key = route.Key(eventType); p.key == 0 {
		p.key = s.key()
	}
	return p
}

// putAll queues an event once for each order that it is handled in. With the first part State is
// fed and the event shown to those who expect it. If that is taken, the event is. What its guild
// may not bring reaches no handler, but all else.
func (s *Shard[E]) putAll(p *piece[E], to *Wanted[E], u uses) (result dispatch.Result) {
	if to == nil {
		to = &Wanted[E]{}
	}
	first, prepare := true, u.feeds || u.shows
	put := func(guild, key uint64, w work[E]) {
		if result > dispatch.AcceptedLate { // so are the others
			return
		}
		w.feeds, w.shows = u.feeds && first, u.shows && first
		t := dispatch.Task[work[E]]{Guild: guild, Key: key, Value: w,
			Prepare: prepare && first, Admitted: !first}
		if r := s.put(p, t); first || r == dispatch.AcceptedLate {
			result = r
		}
		first = false
	}
	handled, parts := len(to.Together) > 0, to.parts(u.forward)
	if p.kind == dispatch.Interaction {
		if parts == 0 {
			handled, parts = true, 1 // to find out that it is nobody's
		}
		p.ticket.parts.Store(int32(parts))
	}
	if follow := s.runner.cfg.Follow; follow.Divided != nil && parts > 0 {
		follow.Divided(p.event, parts)
	}
	if handled {
		put(p.guild, p.key, work[E]{kind: together, handlers: to.Together})
	}
	for _, h := range to.Alone {
		key, err := s.runner.orderKey(h, p.event)
		put(p.guild, key, work[E]{kind: alone, alone: h, orderErr: err})
	}
	if u.forward { // in the order of the shard, which no guild may hold up
		put(s.key(), s.key(), work[E]{kind: forward})
	}
	dropped := result == dispatch.Dropped
	if dropped {
		s.runner.noteLoss(p.event)
	}
	if first || dropped && prepare {
		r := s.put(p, dispatch.Task[work[E]]{Guild: p.guild, Key: s.key(), Prepare: true,
			Admitted: true, Value: work[E]{kind: ends, feeds: u.feeds, shows: u.shows}})
		if first || r == dispatch.Stopped {
			result = r
		}
	}
	return result
}

// put queues a part of an event. What State is fed with, and all that comes after it, first passes
// the shard's lane of preparation, so that handlers find in State what came before their event. An
// interaction waits for nothing.
func (s *Shard[E]) put(p *piece[E], t dispatch.Task[work[E]]) dispatch.Result {
	t.Kind, t.Shed, t.Size, t.Received = p.kind, p.shed, p.size, p.received
	if t.Kind == dispatch.Event {
		t.First = s.key()
	}
	t.Value.shard, t.Value.event = s, p.event
	p.ticket.Hold()
	result := s.runner.queue.Put(t)
	if t.Value.feeds && result <= dispatch.AcceptedLate {
		p.ticket.tracker.Feeding(p.seq)
	}
	if result == dispatch.Shed || result == dispatch.Dropped {
		p.ticket.Release()
	}
	if ended := s.runner.cfg.Follow.Ended; ended != nil && result > dispatch.AcceptedLate {
		ended(p.event)
	}
	return result
}
