package botwright

import (
	"fmt"
	"time"

	"github.com/botwright/botwright/internal/dispatch"
	"github.com/botwright/botwright/internal/events"
	"github.com/botwright/botwright/internal/gateway"
	"github.com/botwright/botwright/internal/metrics"
	"github.com/botwright/botwright/internal/state"
)

// StateStats is how much State holds, over all shards of this process, and how many members,
// messages and threads have left it.
type StateStats struct {
	Guilds      int `json:"guilds"`
	Channels    int `json:"channels"`
	Threads     int `json:"threads"`
	Roles       int `json:"roles"`
	Emojis      int `json:"emojis"`
	Stickers    int `json:"stickers"`
	Members     int `json:"members"`
	Presences   int `json:"presences"`
	VoiceStates int `json:"voice_states"`
	Messages    int `json:"messages"`

	Expired uint64 `json:"expired"` // because of their age
	Evicted uint64 `json:"evicted"` // members: for others, or because they left a voice channel
	Shrunk  uint64 `json:"shrunk"`  // under memory pressure
}

// String returns a line for people.
func (s StateStats) String() string {
	return fmt.Sprintf("%d guilds, %d channels, %d threads, %d roles, %d members, %d messages",
		s.Guilds, s.Channels, s.Threads, s.Roles, s.Members, s.Messages)
}

func (s StateStats) metric() metrics.State {
	return metrics.State{
		Entries: map[string]int{
			"guilds": s.Guilds, "channels": s.Channels, "threads": s.Threads, "roles": s.Roles,
			"emojis": s.Emojis, "stickers": s.Stickers, "members": s.Members,
			"presences": s.Presences, "voice_states": s.VoiceStates, "messages": s.Messages,
		},
		Removed: map[string]uint64{
			"expired": s.Expired, "evicted": s.Evicted, "shrunk": s.Shrunk},
	}
}

// StateStats counts what State holds. It holds State's lock meanwhile, a millisecond for some ten
// thousand channels.
func (b *Bot) StateStats() StateStats {
	var sum StateStats
	for _, s := range b.ownShards() {
		if s.state == nil {
			continue
		}
		n := s.state.Sizes()
		expired, evicted, shrunk := s.state.Evictions()
		sum = StateStats{
			Guilds: sum.Guilds + n.Guilds, Channels: sum.Channels + n.Channels,
			Threads: sum.Threads + n.Threads, Roles: sum.Roles + n.Roles,
			Emojis: sum.Emojis + n.Emojis, Stickers: sum.Stickers + n.Stickers,
			Members: sum.Members + n.Members, Presences: sum.Presences + n.Presences,
			VoiceStates: sum.VoiceStates + n.VoiceStates, Messages: sum.Messages + n.Messages,
			Expired: sum.Expired + expired, Evicted: sum.Evicted + evicted,
			Shrunk: sum.Shrunk + shrunk,
		}
	}
	return sum
}

// ownShards returns the shards of this process, none before Open.
func (b *Bot) ownShards() []*shard {
	if f := b.currentFleet(); f != nil {
		return f.shards
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
