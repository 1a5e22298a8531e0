package runner

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/botwright/botwright/internal/dispatch"
	"github.com/botwright/botwright/internal/frame"
	"github.com/botwright/botwright/internal/gateway"
	"github.com/botwright/botwright/internal/session"
)

// ShardConfig is what a Shard is made of. All functions but Owns are needed.
type ShardConfig[E comparable] struct {
	ID int

	// Owns reports whether events of the shard are this process's to handle. What it refuses counts as
	// unhandled and comes again to who owns the shard. Default: always.
	Owns func() bool

	// Tracker points to that of the current session; there may be none.
	Tracker *atomic.Pointer[session.Tracker]

	// Note is told of each frame first, wanted or not.
	Note func(*gateway.Frame)

	// Event makes an event of a frame, whose memory it must not keep.
	Event func(eventType string, f *gateway.Frame, r frame.Route) E

	// Forwards has the types of the events that go to the session with Forward.
	Forwards map[string]bool
	Forward  func(E)

	// Feeds reports whether State wants events of a type, and Feed gives it one. Others says that
	// not only State will look at the event.
	Feeds func(eventType []byte) bool
	Feed  func(e E, others bool) error

	// Admit reports whether anybody but State may have an event.
	Admit func(*gateway.Frame) bool
}

// A Shard brings events to its Runner.
type Shard[E comparable] struct {
	runner *Runner[E]
	cfg    ShardConfig[E]
}

// Shard returns a new Shard of the runner.
func (r *Runner[E]) Shard(cfg ShardConfig[E]) *Shard[E] { return &Shard[E]{r, cfg} }

// key orders what belongs to the shard and to no guild, and stands for its guild. No snowflake is
// as small.
func (s *Shard[E]) key() uint64 { return uint64(s.cfg.ID) + 1 }

// Receive takes one event from the gateway. It runs on the goroutine that reads, which no panic
// may end.
func (s *Shard[E]) Receive(f *gateway.Frame) (outcome gateway.Outcome) {
	outcome = gateway.Unwanted
	if err := s.runner.Protect(func() error {
		outcome = s.take(f)
		return nil
	}); err != nil {
		var none E
		s.runner.ReportAside(none, fmt.Errorf("read an event of type %s on shard %d: %w",
			f.Type, s.cfg.ID, err))
	}
	return outcome
}

// take copies what somebody wants and queues it.
func (s *Shard[E]) take(f *gateway.Frame) gateway.Outcome {
	if s.cfg.Owns != nil && !s.cfg.Owns() {
		return gateway.Refused
	}
	s.cfg.Note(f)
	r := s.runner
	to := r.Handlers.Find(f.Type)
	tracker := s.cfg.Tracker.Load()
	u := uses{forward: s.cfg.Forwards[string(f.Type)]}
	u.feeds = s.cfg.Feeds(f.Type) && tracker.Feeds(f.Seq)
	arrived := r.Board.Arrive()
	u.shows = r.Board.Wants(f.Type)
	interaction := string(f.Type) == interactionCreate // whose user waits, even if nobody wants it
	if to == nil && u == (uses{}) && !interaction {
		return gateway.Unwanted
	}
	eventType := to.typeOf(f)
	d, route, whole := frame.Read(eventType, f.Data)
	if f.Data = d; !whole {
		return gateway.Damaged
	}
	if !s.cfg.Admit(f) {
		if !u.feeds {
			return gateway.Unwanted
		}
		to, u = nil, uses{feeds: true} // each fleet has its own State
	}
	tracked, isNew := tracker.Begin(f.Seq)
	if !isNew { // an earlier process has handled it
		if !u.feeds {
			return gateway.Unwanted
		}
		to, u = nil, uses{feeds: true}
	}
	p := s.newPiece(eventType, route, f)
	p.ticket.tracker, p.ticket.tracked, p.ticket.arrived = tracker, tracked, arrived
	p.ticket.owns = s.cfg.Owns
	defer tracked.Release() // what was queued holds it
	switch s.putAll(&p, to, u) {
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

// Offer queues an event that no session has brought, for those who want it other than State. It is
// false if there is no room. Nobody tracks it. For an interaction it waits for nothing.
func (s *Shard[E]) Offer(f *gateway.Frame) bool {
	r := s.runner
	to := r.Handlers.Find(f.Type)
	eventType := to.typeOf(f)
	p := s.newPiece(eventType, frame.RouteOf(eventType, f.Data), f)
	p.ticket.arrived = r.Board.Arrive()
	u := uses{forward: s.cfg.Forwards[string(f.Type)], shows: r.Board.Wants(f.Type)}
	return s.putAll(&p, to, u) <= dispatch.AcceptedLate
}

// Tend does something in the order of the shard's events, such as to State, which nobody else may
// write to. It waits until that is done, or until ctx is, for a queue that has stopped may discard
// it. A full queue does not hold it up.
func (s *Shard[E]) Tend(ctx context.Context, do func()) {
	done := make(chan struct{})
	result := s.runner.queue.Put(dispatch.Task[work[E]]{
		Kind: dispatch.Upkeep, First: s.key(), Prepare: true, Received: time.Now(),
		Value: work[E]{shard: s, kind: upkeep, upkeep: func() { defer close(done); do() }},
	})
	if result == dispatch.Accepted {
		select {
		case <-done:
		case <-ctx.Done():
		}
	}
}
