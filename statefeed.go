package botwright

import (
	"fmt"
	"time"

	"github.com/botwright/botwright/internal/dispatch"
	"github.com/botwright/botwright/internal/events"
	"github.com/botwright/botwright/internal/gateway"
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
func (s *shard) feeds(f *gateway.Frame) bool {
	if s.state != nil && s.state.Wants(f.Type) {
		return true
	}
	return s.bot.members.Wants(f.Type)
}

// prepare feeds State and those who wait for members, and shows an event to those who expect it,
// before handlers get it. It runs in the order of the shard's events.
func (b *Bot) prepare(w work) (goOn bool) {
	ended := true
	defer func() {
		if ended { // a filter has ended the goroutine: the queue goes on without the event
			w.end()
			b.reportAside(w.event, fmt.Errorf("filter of Expect or Next: %w", ErrGoexit))
		}
	}()
	if err := protect(func() error { return w.shard.feed(w) }); err != nil {
		b.reportAside(w.event, err)
	}
	if w.feeds {
		w.event.tracker.Fed(w.event.Sequence)
	}
	if w.shows {
		b.board.Show(w.event.Type, w.event.arrived, w.event)
	}
	if w.ends {
		w.end()
	}
	ended = false
	return !w.ends
}

// feed hands an event to those who wait for members, and to State.
func (s *shard) feed(w work) error {
	if w.upkeep != nil {
		w.upkeep()
		return nil
	}
	if !w.feeds {
		return nil
	}
	e := w.event
	s.feedMembers(e)
	if s.state == nil {
		return nil
	}
	in := state.Event{Type: e.Type, Seq: e.Sequence, Raw: e.raw}
	handled := w.handlers != nil || w.alone != nil || w.shows
	if handled && events.Known(e.Type) {
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
	done := make(chan struct{})
	result := s.bot.queue.Put(dispatch.Task[work]{
		Kind: dispatch.Upkeep, First: s.key(), Prepare: true, Received: time.Now(),
		Value: work{shard: s, ends: true, upkeep: func() { defer close(done); do() }},
	})
	if result == dispatch.Accepted {
		select {
		case <-done:
		case <-s.bot.tasksCtx.Done(): // the queue has discarded it
		}
	}
}
