package botwright

import (
	"github.com/botwright/botwright/internal/events"
	"github.com/botwright/botwright/internal/state"
)

// ownShards returns the shards of this process, none before Open.
func (b *Bot) ownShards() []*shard {
	if f := b.currentFleet(); f != nil {
		return f.All()
	}
	return nil
}

// feeds reports whether State or somebody who waits for members wants an event.
func (s *shard) feeds(eventType []byte) bool {
	if s.state != nil && s.state.Wants(eventType) {
		return true
	}
	return s.bot.members.Wants(eventType)
}

// feed hands an event to those who wait for members, and to State.
// With others, it is decoded for all.
func (s *shard) feed(e *Event, others bool) error {
	s.feedMembers(e)
	if s.state == nil {
		return nil
	}
	in := state.Event{Type: e.Type, Seq: e.Sequence, Raw: e.raw}
	if others && events.Known(e.Type) {
		in.Payload = e.Payload
	}
	before, _ := s.state.Arriving()
	err := s.state.Apply(&in)
	if after, _ := s.state.Arriving(); after != before {
		s.bot.changes.Notify() // Open may wait for it
	}
	if err == nil {
		return nil
	}
	if in.Payload != nil {
		if _, err := e.Payload(); err != nil {
			return nil //nolint:nilerr // the handlers, which share the payload, report it
		}
	}
	return &DecodeError{Type: e.Type, Err: err}
}

// tend does something to State in the order of the shard's events, for nobody else may write to
// it. It waits until that is done, or the queue takes nothing more. A full queue does not hold it
// up: that is when memory is short.
func (s *shard) tend(do func()) {
	s.intake.Tend(s.bot.tasksCtx, do)
}
