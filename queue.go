package botwright

import (
	"time"

	"github.com/botwright/botwright/internal/checks"
	"github.com/botwright/botwright/internal/dispatch"
)

// QueueConfig bounds the events that wait for handlers or are being handled, over all shards of a
// bot. Zero fields have their defaults.
//
// No guild can starve others; a channel of direct messages counts as a guild. When more than half
// of MaxEvents or MaxBytes is in use, a guild that holds more than an eighth of it loses its
// further events: State still sees them, handlers do not, and they are reported with an
// [*OverflowError]. When a limit is reached and no guild is above its share, the bot stops reading
// from Discord until there is room. Heartbeats continue, and if Discord gives up on the connection,
// it is resumed and Discord sends the events that were missed. Presence updates and typing are
// dropped as soon as half of a limit is in use, because they are worthless when they are late.
//
// Interactions have their own room, a quarter of the limits, because their users are waiting: a
// full queue does not hold them up. Beyond that they are dropped and reported in the same way.
type QueueConfig struct {
	// MaxEvents is the limit on the number of events. Default: 16,384, a few seconds of a large
	// bot's traffic. Beyond that it is better to let Discord keep them.
	MaxEvents int

	// MaxBytes is the limit on the total size of their payloads. Default: 64 MiB. 16,384 events are
	// about 16 MiB, and the guilds that follow READY are larger.
	MaxBytes int64

	// MaxInFlight is how many keys are handled in parallel. Default: 512, because handlers mostly
	// wait for REST, and Discord's limit of 50 requests a second lets about that many finish in ten
	// seconds. Interactions do not count, nor does a handler that waits in Expect, Next,
	// MaxConcurrent or Retry. Each guild may use an eighth, and idle workers beyond that. This
	// never takes workers from others: a guild below its share gets one beyond MaxInFlight if
	// necessary, and a guild with none gets one at once, up to eight times MaxInFlight in all.
	MaxInFlight int

	// Slow is how long a handler may run before it is reported with a [*SlowHandlerError]. Default:
	// 5s. An interaction must be answered within 3 s, and whatever takes longer than a few REST
	// calls deserves a look. With [WithProfiler] the default is ProfilerConfig.Slow. A negative
	// value turns the reports off.
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

// WithQueue sets the limits of the events that wait for handlers.
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

// Queue returns a snapshot of the events that wait for handlers. It never blocks on a handler. It
// visits every channel with waiting events, so call it once a second rather than for every event.
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
