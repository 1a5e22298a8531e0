package metrics

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/botwright/botwright/internal/dispatch"
	"github.com/botwright/botwright/internal/gateway"
)

// A Fleet says where the state is that is read when Prometheus asks. Its functions must not
// block.
type Fleet struct {
	Configured int // shards that the program has asked for, 0 if Discord is to say

	// Shards returns those of this process, and the counters of those that it had, added up.
	Shards func() (now []gateway.Status, gone gateway.Status)

	Queue  func() dispatch.Stats
	Oldest func() time.Duration
	Budget func() gateway.Budget
}

// fleet collects the state of a Fleet.
type fleet struct {
	Fleet
	shardEvents, up, latency, lastACK, lastEvent                 *prometheus.Desc
	connects, losses, dials, guilds, unavailable                 *prometheus.Desc
	states, disconnects                                          *prometheus.Desc
	duplicates, malformed, commands, throttled                   *prometheus.Desc
	configured, ready                                            *prometheus.Desc
	starts, startsLimit, startsReset                             *prometheus.Desc
	inflight, depth, oldest, queueBytes, queueBlocked, queueShed *prometheus.Desc
}

// NewFleet returns a Collector of a fleet's state.
func NewFleet(namespace string, f Fleet) prometheus.Collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(namespace+"_"+name, help, labels, nil)
	}
	return &fleet{
		Fleet: f,
		shardEvents: desc("gateway_shard_events_total",
			"Events received by a shard.", "shard"),
		up:     desc("shard_up", "1 if the shard is ready.", "shard"),
		states: desc("shards", "Shards of this process by the state that they are in.", "state"),
		latency: desc("shard_latency_seconds",
			"Time that Discord took to acknowledge the shard's last heartbeat.", "shard"),
		lastACK: desc("shard_last_heartbeat_ack_timestamp_seconds",
			"When the shard's last heartbeat was acknowledged.", "shard"),
		lastEvent: desc("shard_last_event_timestamp_seconds",
			"When the shard received its last event.", "shard"),
		connects: desc("shard_connects_total",
			"Sessions that the shard has begun (identify) or tried to resume (resume).",
			"shard", "kind"),
		losses: desc("shard_losses_total",
			"Connections of the shard that were ready and ended, but for restarts that were "+
				"asked for.", "shard"),
		dials: desc("shard_failed_dials_total",
			"Attempts of the shard that did not come to a connection.", "shard"),
		disconnects: desc("gateway_disconnects_total",
			`Connections that have ended, by Discord's close code; "none" for those without one.`,
			"code"),
		guilds:      desc("shard_guilds", "Guilds on the shard that are available.", "shard"),
		unavailable: desc("shard_unavailable_guilds", "Guilds on the shard that are not.", "shard"),
		duplicates: desc("gateway_duplicates_total",
			"Events from Discord that had come before, and were dropped."),
		malformed: desc("gateway_malformed_total",
			"Frames from Discord that were no gateway payload."),
		commands: desc("gateway_commands_total",
			"Commands sent to the gateway, such as presence updates.", "op"),
		throttled: desc("gateway_commands_throttled_total",
			"Times that Discord's limit of 120 commands a minute held commands back."),
		configured: desc("shards_configured",
			"Shards of this process; 0 until Discord has said how many there should be, if the "+
				"program does not."),
		ready: desc("shards_ready", "Shards of this process that are ready."),
		starts: desc("session_starts_remaining",
			"IDENTIFYs that are left until the budget is reset."),
		startsLimit: desc("session_starts_limit", "IDENTIFYs that Discord allows a day."),
		startsReset: desc("session_starts_reset_timestamp_seconds",
			"When Discord resets the budget of IDENTIFYs."),
		inflight: desc("handler_inflight", "Events that are being handled."),
		depth: desc("handler_queue_depth",
			"Events that wait for a handler, or in one that is parked."),
		oldest: desc("handler_queue_oldest_seconds",
			"For how long the event has waited that waits longest for a handler."),
		queueBytes: desc("handler_queue_bytes", "Size of the events that wait or are handled."),
		queueBlocked: desc("handler_queue_blocked_total",
			"Times that reading stopped until there was room in the queue."),
		queueShed: desc("handler_dropped_total",
			"Events that no handler was called for.", "reason"),
	}
}

// Describe implements prometheus.Collector.
func (f *fleet) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		f.shardEvents, f.up, f.latency, f.lastACK, f.lastEvent,
		f.connects, f.losses, f.dials, f.guilds, f.unavailable,
		f.states, f.disconnects,
		f.duplicates, f.malformed, f.commands, f.throttled,
		f.configured, f.ready,
		f.starts, f.startsLimit, f.startsReset,
		f.inflight, f.depth, f.oldest, f.queueBytes, f.queueBlocked, f.queueShed,
	} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (f *fleet) Collect(ch chan<- prometheus.Metric) {
	out := Sink(ch)
	shards, all := f.Shards()
	ready := 0
	states, disconnects := make(map[gateway.State]int), knownCloseCodes()
	commands := map[string]uint64{
		"presence_update": 0, "request_guild_members": 0, "voice_state_update": 0, Other: 0,
	}
	for _, s := range shards {
		f.collectShard(out, strconv.Itoa(s.ShardID), s)
		if s.State == gateway.Ready {
			ready++
		}
		states[s.State]++
		all.Add(s)
	}
	for code, n := range all.Disconnects {
		disconnects[closeCode(code)] += n
	}
	for op, n := range all.Commands {
		commands[commandName(op)] += n
	}
	for name, n := range commands {
		out.Counter(f.commands, n, name)
	}
	out.Counter(f.throttled, all.Throttled)
	out.Counter(f.duplicates, all.Duplicates)
	out.Counter(f.malformed, all.Malformed)
	for state := gateway.Idle; state <= gateway.Closed; state++ {
		out.Gauge(f.states, float64(states[state]), state.String())
	}
	for code, n := range disconnects {
		out.Counter(f.disconnects, n, code)
	}
	out.Gauge(f.configured, float64(max(len(shards), f.Configured)))
	out.Gauge(f.ready, float64(ready))
	f.collectBudget(out)
	f.collectQueue(out)
}

func (f *fleet) collectShard(out Sink, id string, st gateway.Status) {
	up := 0.0
	if st.State == gateway.Ready {
		up = 1
	}
	out.Gauge(f.up, up, id)
	if st.Latency > 0 {
		out.Gauge(f.latency, st.Latency.Seconds(), id)
	}
	out.Timestamp(f.lastACK, st.LastACK, id)
	out.Timestamp(f.lastEvent, st.LastEvent, id)
	out.Counter(f.shardEvents, st.Events, id)
	out.Counter(f.connects, st.Identifies, id, "identify")
	out.Counter(f.connects, st.Resumes, id, "resume")
	out.Gauge(f.guilds, float64(st.Guilds), id)
	out.Gauge(f.unavailable, float64(st.Unavailable), id)
	out.Counter(f.losses, st.Losses, id)
	out.Counter(f.dials, st.FailedDials, id)
}

func (f *fleet) collectBudget(out Sink) {
	b := f.Budget()
	if b.Total == 0 {
		return // Discord was not asked yet
	}
	out.Gauge(f.starts, float64(b.Remaining))
	out.Gauge(f.startsLimit, float64(b.Total))
	out.Timestamp(f.startsReset, b.ResetAt)
}

func (f *fleet) collectQueue(out Sink) {
	q := f.Queue()
	out.Gauge(f.inflight, float64(q.Running))
	out.Gauge(f.depth, float64(q.Events-q.Running))
	out.Gauge(f.queueBytes, float64(q.Bytes))
	out.Counter(f.queueBlocked, q.Blocked)
	out.Gauge(f.oldest, f.Oldest().Seconds())
	out.Counter(f.queueShed, q.Shed, "shed")
	out.Counter(f.queueShed, q.Dropped, "guild_share")
}

// knownCloseCodes has those that matter to rules, at 0: a counter that appears with its first
// value has not increased.
func knownCloseCodes() map[string]uint64 {
	codes := map[string]uint64{"none": 0, "1000": 0, "1001": 0, "1006": 0, Other: 0}
	for code := 4000; code <= 4014; code++ {
		codes[strconv.Itoa(code)] = 0
	}
	return codes
}

// closeCode returns the label of a close code: those that Discord documents, and the usual ones
// of the protocol, by themselves.
func closeCode(code int) string {
	switch {
	case code == 0:
		return "none"
	case code >= 4000 && code <= 4014, code >= 1000 && code <= 1014:
		return strconv.Itoa(code)
	}
	return Other
}

// commandName returns the label of an opcode that a client sends.
func commandName(op int) string {
	switch op {
	case 3:
		return "presence_update"
	case 4:
		return "voice_state_update"
	case 8:
		return "request_guild_members"
	}
	return Other
}
