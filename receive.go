package botwright

import (
	"fmt"
	"runtime/debug"

	"github.com/botwright/botwright/internal/dispatch"
	"github.com/botwright/botwright/internal/frame"
	"github.com/botwright/botwright/internal/gateway"
	"github.com/botwright/botwright/internal/session"
)

// work is what a queue's task does: call handlers with an event, or forward it to the session.
type work struct {
	shard    *shard
	event    *Event
	handlers []*registration // nil: only the one that is alone
	alone    *registration   // nil as well: forward
	ends     bool            // with its preparation: neither handlers nor session want it
	upkeep   func()          // what to do instead, in the order of the events
	feeds    bool            // State, and those who wait for members, first
	shows    bool            // to those who expect it, next
	orderErr error           // from the key of the handler's order
}

// end notes that the work is done.
func (w *work) end() {
	if w.event != nil {
		w.event.tracked.Release()
	}
}

// receive takes one event from the gateway. It runs on the goroutine that reads, which no panic
// may end.
func (s *shard) receive(f *gateway.Frame) (outcome gateway.Outcome) {
	defer func() {
		if v := recover(); v != nil {
			outcome = gateway.Unwanted
			s.bot.reportAside(nil, fmt.Errorf("read an event of type %s on shard %d: %w",
				f.Type, s.id, &PanicError{Value: v, Stack: debug.Stack()}))
		}
	}()
	return s.take(f)
}

// take copies what somebody wants and queues it.
func (s *shard) take(f *gateway.Frame) gateway.Outcome {
	b := s.bot
	s.openSession(f)
	b.stats.events.Add(1)
	b.metrics.event(f.Type, f.Data, f.Received)
	s.census.Note(f.Type, f.Data)
	if string(f.Type) == "READY" {
		s.track(s.gateway.Resumable().ID, session.Position{}, 0)
	}
	to := b.handlers.current.Load().find(f.Type)
	forward := b.sessionEvents[string(f.Type)]
	tracker := s.tracker.Load()
	feeds := s.feeds(f) && tracker.Feeds(f.Seq)
	arrived := b.board.Arrive()
	shows := b.board.Wants(f.Type)
	interaction := string(f.Type) == interactionCreate // whose user waits, even if nobody wants it
	if to == nil && !forward && !feeds && !shows && !interaction {
		return gateway.Unwanted
	}
	eventType := to.typeOf(f)
	d, route, whole := frame.Read(eventType, f.Data)
	if f.Data = d; !whole {
		return gateway.Damaged
	}
	if o := b.resharded.Load(); o != nil && !o.Admit(s.fleet == o.next, f.Type, f.Data) {
		if !feeds {
			return gateway.Unwanted
		}
		to, forward, shows = nil, false, false // each fleet has its own State
	}
	if to == nil {
		to = &wanted{}
	}
	tracked, isNew := tracker.Begin(f.Seq)
	if !isNew { // an earlier process has handled it
		if !feeds {
			return gateway.Unwanted
		}
		to, forward, shows = &wanted{}, false, false
	}
	e, key := s.newEvent(eventType, route, f)
	e.tracker, e.tracked, e.arrived = tracker, tracked, arrived
	defer tracked.Release() // what was queued holds it
	result := s.putAll(e, key, to, uses{forward: forward, feeds: feeds, shows: shows})
	switch result {
	case dispatch.Accepted:
		return gateway.Taken
	case dispatch.AcceptedLate:
		return gateway.TakenLate
	case dispatch.Stopped:
		tracked.Hold() // it counts as unhandled, and comes again
		return gateway.Refused
	}
	return gateway.Unwanted
}

// uses are what an event is for, beside handlers.
type uses struct {
	forward bool // to the session
	feeds   bool // State, and those who wait for members
	shows   bool // to those who expect it
}

// putAll queues an event once for each order that it is handled in. With the first part State is
// fed and the event shown to those who expect it. If that is taken, the event is. What its guild
// may not bring reaches no handler, but all else.
func (s *shard) putAll(e *Event, key uint64, to *wanted, u uses) (result dispatch.Result) {
	first, prepare := true, u.feeds || u.shows
	put := func(t dispatch.Task[work]) {
		if result > dispatch.AcceptedLate { // so are the others
			return
		}
		t.Prepare, t.Admitted = prepare && first, !first
		t.Value.feeds, t.Value.shows = u.feeds && first, u.shows && first
		if r := s.put(e, t); first || r == dispatch.AcceptedLate {
			result = r
		}
		first = false
	}
	together, parts := to.together, to.parts(u.forward)
	if parts == 0 && e.Type == interactionCreate {
		together, parts = []*registration{}, 1 // to find out that it is nobody's
	}
	e.care.divide(parts)
	if together != nil {
		put(dispatch.Task[work]{Guild: e.owner, Key: key,
			Value: work{shard: s, event: e, handlers: together}})
	}
	for _, r := range to.alone {
		key, err := r.orderKey(e)
		put(dispatch.Task[work]{Guild: e.owner, Key: key,
			Value: work{shard: s, event: e, alone: r, orderErr: err}})
	}
	if u.forward { // in the order of the shard, which no guild may hold up
		put(dispatch.Task[work]{Guild: s.key(), Key: s.key(), Value: work{shard: s, event: e}})
	}
	dropped := result == dispatch.Dropped
	if dropped {
		s.bot.overflow.note(e)
	}
	if first || dropped && prepare {
		r := s.put(e, dispatch.Task[work]{Guild: e.owner, Key: s.key(), Prepare: true,
			Admitted: true, Value: work{
				shard: s, event: e, ends: true, feeds: u.feeds, shows: u.shows}})
		if first || r == dispatch.Stopped {
			result = r
		}
	}
	return result
}

// typeOf returns the type of an event, without allocating if somebody handles it by its name.
func (w *wanted) typeOf(f *gateway.Frame) string {
	if w != nil && w.eventType != "" {
		return w.eventType
	}
	return string(f.Type)
}

// newEvent copies a frame. The key is that of its order.
func (s *shard) newEvent(
	eventType string, route frame.Route, f *gateway.Frame,
) (e *Event, key uint64) {
	e = &Event{
		Type:     eventType,
		ShardID:  s.id,
		Sequence: f.Seq,
		Received: f.Received,
		Replayed: f.Replayed,
		Session:  s.session,
		bot:      s.bot,
		raw:      append([]byte(nil), f.Data...),
	}
	ids := string(route.Guild) + string(route.Channel) + string(route.User)
	e.GuildID, ids = ids[:len(route.Guild)], ids[len(route.Guild):]
	e.ChannelID, e.UserID = ids[:len(route.Channel)], ids[len(route.Channel):]
	if e.owner = route.Owner(); e.owner == 0 {
		e.owner = s.key()
	}
	if eventType == interactionCreate {
		return e, 0 // its user has 3 seconds: it waits for nobody
	}
	if key = route.Key(eventType); key == 0 {
		key = s.key()
	}
	return e, key
}

// key orders what belongs to the shard and to no guild, and stands for its guild. No snowflake is
// as small.
func (s *shard) key() uint64 { return uint64(s.id) + 1 }

// put queues a part of an event. What State is fed with, and all that comes after it, first passes
// the shard's lane of preparation, so that handlers find in State what came before their event. An
// interaction waits for nothing.
func (s *shard) put(e *Event, t dispatch.Task[work]) dispatch.Result {
	switch e.Type {
	case interactionCreate:
		t.Kind = dispatch.Interaction
	case "PRESENCE_UPDATE", "TYPING_START":
		t.Shed = true
	}
	if t.Kind == dispatch.Event {
		t.First = s.key()
	}
	t.Size, t.Received = len(e.raw), e.Received
	e.tracked.Hold()
	result := s.bot.queue.Put(t)
	if t.Value.feeds && result <= dispatch.AcceptedLate {
		e.tracker.Feeding(e.Sequence)
	}
	if result == dispatch.Shed || result == dispatch.Dropped {
		t.Value.end()
	}
	return result
}
