package metrics

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/botwright/botwright/internal/frame"
)

const (
	// maxCommands is how many commands have a name of their own: an application may have 100
	// slash commands and a few of other kinds, but any number that belong to one guild each.
	maxCommands = 200

	// maxPending bounds the interactions whose answer is waited for.
	maxPending = 4096

	// answerTime is how long it is waited for. Discord gives up after 3 s; an answer that comes
	// too late is to count as refused and not as missing.
	answerTime = 10 * time.Second
)

// Outcomes of an interaction.
const (
	answered   = "answered"   // Discord has taken the answer
	refused    = "refused"    // it has not: too late, or invalid
	unanswered = "unanswered" // there was none
)

// interactions follows interactions from their receipt to the first answer.
type interactions struct {
	total    *prometheus.CounterVec
	ack      *prometheus.HistogramVec
	commands *names
	traceID  traceID

	mu      sync.Mutex // guards what follows
	pending map[uint64]interaction
	queue   []arrival // oldest first; some are answered
}

type interaction struct {
	kind, command string
	received      time.Time
}

type arrival struct {
	id       uint64
	received time.Time
}

func newInteractions(namespace string, id traceID) *interactions {
	return &interactions{
		total: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "interactions_total",
			Help: "Interactions by what became of them: answered, refused by Discord " +
				"(too late or invalid), or unanswered within 10 s.",
		}, []string{"type", "command", "outcome"}),
		ack: prometheus.NewHistogramVec(histogram(namespace, "interaction_ack_seconds",
			"Time from the receipt of an interaction until Discord had taken the first "+
				"answer, for which it gives 3 s.",
			[]float64{.05, .1, .25, .5, 1, 1.5, 2, 2.5, 3, 5, 10}), []string{"command"}),
		commands: newNames(maxCommands),
		traceID:  id,
		pending:  make(map[uint64]interaction),
	}
}

// Describe implements prometheus.Collector.
func (in *interactions) Describe(ch chan<- *prometheus.Desc) {
	in.total.Describe(ch)
	in.ack.Describe(ch)
}

// Collect implements prometheus.Collector.
func (in *interactions) Collect(ch chan<- prometheus.Metric) {
	in.mu.Lock()
	in.expireLocked(time.Now())
	in.mu.Unlock()
	in.total.Collect(ch)
	in.ack.Collect(ch)
}

// receive notes an interaction by its data.
func (in *interactions) receive(d []byte, received time.Time) {
	v, _ := frame.Lookup(d, "id")
	id, ok := frame.Snowflake(v)
	if !ok {
		return
	}
	kind, _ := frame.Lookup(d, "type")
	it := interaction{kind: kindName(string(kind)), received: received}
	if it.kind == "command" || it.kind == "autocomplete" {
		v, _ := frame.Lookup(d, "data", "name")
		if name, ok := frame.String(v); ok {
			it.command = in.commands.bound(name)
		}
	}
	for _, outcome := range []string{answered, refused, unanswered} {
		in.total.WithLabelValues(it.kind, it.command, outcome) // there at 0, for rate()
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.expireLocked(received)
	if len(in.queue) >= maxPending {
		in.dropLocked()
	}
	in.pending[id] = it
	in.queue = append(in.queue, arrival{id, received})
}

// kindName returns the name of an interaction's type.
func kindName(number string) string {
	switch number {
	case "1":
		return "ping"
	case "2":
		return "command"
	case "3":
		return "component"
	case "4":
		return "autocomplete"
	case "5":
		return "modal"
	}
	return Other
}

// answer notes Discord's answer to a callback.
func (in *interactions) answer(ctx context.Context, id string, status int) {
	n, ok := frame.ParseSnowflake(id)
	if !ok {
		return
	}
	now := time.Now()
	in.mu.Lock()
	it, waiting := in.pending[n]
	delete(in.pending, n)
	in.mu.Unlock()
	switch {
	case !waiting:
	case status < 300:
		in.total.WithLabelValues(it.kind, it.command, answered).Inc()
		in.traceID.observe(ctx, in.ack.WithLabelValues(it.command), now.Sub(it.received))
	default:
		in.total.WithLabelValues(it.kind, it.command, refused).Inc()
	}
}

// expireLocked counts those that were not answered in time.
func (in *interactions) expireLocked(now time.Time) {
	for len(in.queue) > 0 && now.Sub(in.queue[0].received) > answerTime {
		in.dropLocked()
	}
}

// dropLocked takes the oldest out, and counts it unless it was answered.
func (in *interactions) dropLocked() {
	oldest := in.queue[0]
	in.queue = in.queue[1:]
	if it, waiting := in.pending[oldest.id]; waiting {
		delete(in.pending, oldest.id)
		in.total.WithLabelValues(it.kind, it.command, unanswered).Inc()
	}
}
