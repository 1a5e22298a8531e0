package botwright

import (
	"time"

	"github.com/botwright/botwright/internal/checks"
	"github.com/botwright/botwright/internal/dispatch"
)

// QueueConfig bounds the events that wait for handlers or are being handled, over all shards of
// a bot. Each zero field is its default.
//
// No guild can take what others need; a channel of direct messages counts as one. As soon as half
// of MaxEvents or MaxBytes is in use, a guild that holds more than an eighth loses what it brings
// beyond that: State sees it and handlers do not, and it is reported with an [*OverflowError].
// When a limit is reached and no guild is above its share, nothing more is read from Discord until
// there is room. Heartbeats go on meanwhile; and should Discord give up on the connection, it is
// resumed, with the events that were missed. Presence updates and typing are dropped as soon as
// half of a limit is in use: they say how things are now, which is worth nothing late.
//
// Interactions have room of their own, a quarter of the limits, because their users wait: a full
// queue does not hold them up. Beyond that they are dropped and reported in the same way.
type QueueConfig struct {
	// MaxEvents is how many events there may be. The default is 16,384: some seconds of a large
	// bot's traffic, beyond which it is better to let Discord keep them.
	MaxEvents int

	// MaxBytes is how large their payloads may be in all. The default is 64 MiB: 16,384 events
	// are about 16 MiB, and the guilds that follow READY are larger.
	MaxBytes int64

	// MaxInFlight is how many keys are handled in parallel. The default is 512: a handler mostly
	// waits for REST, and as many can wait at once as Discord's 50 requests a second let through
	// in ten seconds. Interactions do not count, nor does a handler that waits in Expect, Next,
	// MaxConcurrent or Retry. A guild has an eighth of them and borrows idle ones. What it
	// borrows is not taken from others: a guild below its share gets one beyond MaxInFlight if
	// need be, and a guild with none at once, up to eight times MaxInFlight in all.
	MaxInFlight int

	// Slow is how long a handler may run before it is reported with a [*SlowHandlerError]. The
	// default is 5 s: an interaction must be answered within 3 s, and what takes longer than a
	// few REST calls is worth a look. A negative value turns the reports off.
	Slow time.Duration
}

func (c QueueConfig) withDefaults() QueueConfig {
	if c.MaxEvents == 0 {
		c.MaxEvents = 16_384
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = 64 << 20
	}
	if c.MaxInFlight == 0 {
		c.MaxInFlight = 512
	}
	if c.Slow == 0 {
		c.Slow = 5 * time.Second
	}
	return c
}

func (c QueueConfig) internal() dispatch.Config {
	return dispatch.Config{MaxEvents: c.MaxEvents, MaxBytes: c.MaxBytes, MaxInFlight: c.MaxInFlight}
}

// WithQueue sets the limits of what waits for handlers.
func WithQueue(q QueueConfig) Option {
	return func(c *config) {
		if p := negative(map[string]int64{"MaxEvents": int64(q.MaxEvents),
			"MaxBytes": q.MaxBytes, "MaxInFlight": int64(q.MaxInFlight)}); p != "" {
			c.problem("WithQueue", "%s", p)
		}
		c.queue = q
	}
}

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
	st := b.runner.Stats()
	return QueueStatus{
		Events: st.Events, Bytes: st.Bytes, Running: st.Running, Parked: st.Parked,
		Oldest: b.oldest(), Handled: st.Finished, Shed: st.Shed, Dropped: st.Dropped, Blocked: st.Blocked,
	}
}

// oldest returns for how long the event has waited that waits longest, 0 if none does.
func (b *Bot) oldest() time.Duration {
	waited, _ := b.runner.Oldest()
	return waited
}

// oldestWaiting is the same for the check of the queue, with who is to blame.
func (b *Bot) oldestWaiting() checks.Oldest {
	waited, why := b.runner.Oldest()
	return checks.Oldest{Age: waited, Blame: func() string { return why }}
}
