package botwright

import "time"

// A QueueStatus is a snapshot of the events that wait for handlers or are being handled, over all
// shards of a bot; see [QueueConfig].
type QueueStatus struct {
	Events  int   `json:"events"`  // waiting and being handled
	Bytes   int64 `json:"bytes"`   // the size of their payloads
	Running int   `json:"running"` // those that are being handled
	Parked  int   `json:"parked"`  // those whose handlers wait in Expect, Next, MaxConcurrent or Retry

	Oldest time.Duration `json:"oldest_ns"` // for how long the first of those that wait has waited

	Handled uint64 `json:"handled"` // since the bot was opened
	Shed    uint64 `json:"shed"`    // presence updates and typing that were dropped for lack of room
	Dropped uint64 `json:"dropped"` // events of guilds that brought more than their share
	Blocked uint64 `json:"blocked"` // times that reading stopped until there was room
}

// waiting is how many events wait for a handler, or in one that is parked.
func (q *QueueStatus) waiting() int { return q.Events - q.Running }

// Queue returns a snapshot of what waits for handlers. It never waits for one. It looks at every
// channel of which something waits: call it every second, not for every event.
func (b *Bot) Queue() QueueStatus {
	st := b.queue.Stats()
	return QueueStatus{
		Events: st.Events, Bytes: st.Bytes, Running: st.Running, Parked: st.Parked,
		Oldest: b.oldest(), Handled: st.Finished, Shed: st.Shed, Dropped: st.Dropped, Blocked: st.Blocked,
	}
}
