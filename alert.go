package botwright

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/botwright/botwright/internal/health"
	"github.com/botwright/botwright/internal/metrics"
)

// An AlertKind is what an [Alert] is about.
type AlertKind = health.Kind

// Kinds of alerts.
const (
	AlertFiring    = health.Firing    // problems began, or grew from degraded to unhealthy
	AlertRepeating = health.Repeating // problems are still there
	AlertResolved  = health.Resolved  // problems ended
)

// An Alert says what has changed. Changes of the same moment are one Alert, so that an outage of
// five hundred shards is.
type Alert struct {
	Kind     AlertKind `json:"kind"`
	Name     string    `json:"name"` // of the process, see HealthConfig
	Time     time.Time `json:"time"`
	Problems []Problem `json:"problems"` // what it is about
	Open     []Problem `json:"open"`     // all that there are at the time
}

// A Problem is a check that is not healthy, or was.
type Problem struct {
	Check     string        `json:"check"`
	Shards    []int         `json:"shards,omitempty"` // ascending; empty: the whole process
	Status    HealthStatus  `json:"status"`
	Value     float64       `json:"value"`
	Threshold float64       `json:"threshold,omitempty"`
	Unit      string        `json:"unit,omitempty"`
	Message   string        `json:"message"`
	Since     time.Time     `json:"since"`
	Duration  time.Duration `json:"duration_ns,omitempty"` // until it ended; 0 if it has not
}

func problems(from []health.Problem) []Problem {
	list := make([]Problem, len(from))
	for i, p := range from {
		list[i] = Problem(p)
	}
	return list
}

// Subject returns what the problem is with: "gateway (shards 3–17)".
func (p Problem) Subject() string {
	switch len(p.Shards) {
	case 0:
		return p.Check
	case 1:
		return fmt.Sprintf("%s (shard %d)", p.Check, p.Shards[0])
	}
	return fmt.Sprintf("%s (shards %s)", p.Check, health.Ranges(p.Shards))
}

// String returns the problem in a line: "gateway (shards 3–17) unhealthy: backoff".
func (p Problem) String() string {
	if p.Duration > 0 {
		return fmt.Sprintf("%s healthy again after %v", p.Subject(), p.Duration.Round(time.Second))
	}
	text := p.Subject() + " " + string(p.Status)
	if p.Message != "" {
		text += ": " + strings.ReplaceAll(p.Message, "\n", "; ")
	}
	return text
}

// Status returns the worst status of the problems that the alert is about; [Healthy] if they
// are resolved.
func (a Alert) Status() HealthStatus {
	worst := Healthy
	if a.Kind == AlertResolved {
		return worst
	}
	for _, p := range a.Problems {
		if p.Status.Worse(worst) {
			worst = p.Status
		}
	}
	return worst
}

// String returns the problems in a line.
func (a Alert) String() string {
	parts := make([]string, len(a.Problems))
	for i, p := range a.Problems {
		parts[i] = p.String()
	}
	return strings.Join(parts, "; ")
}

// An Alerter tells somebody of an [Alert]. Each alerter gets its alerts one after the other, on a
// goroutine of its own: it may block until ctx ends, and delays neither checks nor other
// alerters. An error is logged; trying again is up to the alerter.
type Alerter interface {
	Alert(ctx context.Context, a Alert) error
}

// A HealthReporter is an [Alerter] that also wants to know how things are: after each alert and
// once a minute.
type HealthReporter interface {
	ReportHealth(ctx context.Context, r HealthReport) error
}

// A SlogAlerter logs alerts: those of unhealthy checks at error level, of degraded ones at warn
// level, resolved ones at info level.
type SlogAlerter struct {
	Logger *slog.Logger // nil: slog.Default
}

// Alert implements [Alerter].
func (s SlogAlerter) Alert(ctx context.Context, a Alert) error {
	log := s.Logger
	if log == nil {
		log = slog.Default()
	}
	level := slog.LevelInfo
	switch a.Status() {
	case Unhealthy:
		level = slog.LevelError
	case Degraded:
		level = slog.LevelWarn
	}
	for _, p := range a.Problems {
		attrs := []slog.Attr{slog.String("kind", string(a.Kind)), slog.String("check", p.Check),
			slog.String("status", string(p.Status))}
		if len(p.Shards) > 0 {
			attrs = append(attrs, slog.String("shards", health.Ranges(p.Shards)))
		}
		if a.Kind == AlertResolved {
			attrs = append(attrs, slog.Duration("after", p.Duration))
		} else {
			attrs = append(attrs, slog.String("message", p.Message), slog.Time("since", p.Since))
		}
		log.LogAttrs(ctx, level, "health alert", attrs...)
	}
	return nil
}

// notify and publish hand on what the monitor tells. They do not block.
func (h *Health) notify(n health.Notice) {
	a := Alert{Kind: n.Kind, Name: h.cfg.Name, Time: n.Time,
		Problems: problems(n.Problems), Open: problems(n.Open)}
	h.mu.Lock()
	h.recent = append(h.recent[max(0, len(h.recent)-recentAlerts+1):], a)
	h.mu.Unlock()
	for _, o := range h.outbox {
		o.add(a)
	}
}

func (h *Health) publish(r health.Report) {
	if h.isQuiet() {
		return
	}
	report := h.report(r)
	for _, o := range h.outbox {
		o.setReport(report)
	}
}

// RecentAlerts returns the last alerts, at most 20, oldest first.
func (h *Health) RecentAlerts() []Alert {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.recent)
}

// An outbox hands alerts to one alerter.
type outbox struct {
	alerter  Alerter
	reporter HealthReporter // nil if alerter is none
	log      *slog.Logger
	alerts   chan Alert
	report   chan HealthReport // 1 slot: only the newest counts

	sent, failed atomic.Uint64 // alerts; a dropped one has failed
}

// outboxSize is how many alerts may wait for an alerter. Grouped as they are, more than that
// means that it has not worked for a long time.
const outboxSize = 32

// outboxGrace is how long alerts may still be sent when the bot has stopped.
const outboxGrace = 2 * time.Second

func newOutbox(a Alerter, log *slog.Logger) *outbox {
	o := &outbox{alerter: a, log: log, alerts: make(chan Alert, outboxSize),
		report: make(chan HealthReport, 1)}
	o.reporter, _ = a.(HealthReporter)
	return o
}

func (o *outbox) add(a Alert) {
	select {
	case o.alerts <- a:
	default:
		o.failed.Add(1)
		o.log.Error("an alerter does not keep up: an alert was dropped",
			"alerter", fmt.Sprintf("%T", o.alerter), "alert", a.String())
	}
}

// setReport is called by one goroutine.
func (o *outbox) setReport(r HealthReport) {
	if o.reporter == nil {
		return
	}
	select {
	case <-o.report:
	default:
	}
	o.report <- r
}

// run sends what there is until ctx is done, and what is left then within outboxGrace.
func (o *outbox) run(ctx context.Context) {
	sending, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(outboxGrace, cancel) })
	defer stop()
	for {
		select {
		case a := <-o.alerts:
			o.alert(sending, a)
			continue
		default:
		}
		select {
		case a := <-o.alerts:
			o.alert(sending, a)
		case r := <-o.report:
			o.send(func() error { return o.reporter.ReportHealth(sending, r) })
		case <-ctx.Done():
			return
		}
	}
}

func (o *outbox) alert(ctx context.Context, a Alert) {
	if o.send(func() error { return o.alerter.Alert(ctx, a) }) {
		o.sent.Add(1)
	} else {
		o.failed.Add(1)
	}
}

// send contains what goes wrong, and reports whether nothing did.
func (o *outbox) send(f func() error) (ok bool) {
	defer func() {
		if v := recover(); v != nil {
			o.log.Error("an alerter panicked", "alerter", fmt.Sprintf("%T", o.alerter),
				"panic", v, "stack", string(debug.Stack()))
		}
	}()
	if err := f(); err != nil {
		o.log.Error("cannot tell of the bot's health", "alerter", fmt.Sprintf("%T", o.alerter),
			"error", err)
		return false
	}
	return true
}

// alertCounts returns what has become of alerts, by the kind of alerter: alerters of the same
// kind are one, and those of the program are all "other".
func (h *Health) alertCounts() map[string]metrics.Alerts {
	counts := make(map[string]metrics.Alerts)
	for _, o := range h.outbox {
		sink := metrics.Other
		switch o.alerter.(type) {
		case *WebhookAlerter:
			sink = "webhook"
		case SlogAlerter, *SlogAlerter:
			sink = "slog"
		}
		n := counts[sink]
		n.Sent += o.sent.Load()
		n.Failed += o.failed.Load()
		counts[sink] = n
	}
	return counts
}
