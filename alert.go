package botwright

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/botwright/botwright/internal/alert"
	"github.com/botwright/botwright/internal/health"
	"github.com/botwright/botwright/internal/metrics"
	"github.com/botwright/botwright/internal/session"
)

// An AlertKind is what an [Alert] is about.
type AlertKind string

// Kinds of alerts.
const (
	AlertFiring    = AlertKind(health.Firing)    // problems began, or grew from degraded to unhealthy
	AlertRepeating = AlertKind(health.Repeating) // problems are still there
	AlertResolved  = AlertKind(health.Resolved)  // problems ended
	AlertFatal     = AlertKind(health.Fatal)     // Discord will not have a shard back: the bot stops
)

// An Alert says what has changed. Simultaneous changes are combined into one Alert, so that an
// outage of five hundred shards sends one message. With [WithCluster], one process sends what all of
// them have to say about their shards; Name is its name.
type Alert struct {
	Kind     AlertKind `json:"kind"`
	Name     string    `json:"name"` // of the process, see HealthConfig
	Time     time.Time `json:"time"`
	Problems []Problem `json:"problems"` // what it is about
	Open     []Problem `json:"open"`     // all open problems at the time
}

// A Problem is a check that is not healthy, or was not.
type Problem struct {
	Check  string `json:"check"`
	Shards []int  `json:"shards,omitempty"` // ascending; empty: the whole process

	TotalShards int `json:"total_shards,omitempty"` // that the check looks at

	Status HealthStatus `json:"status"` // now
	Worst  HealthStatus `json:"worst"`  // since it began

	// Flapping says that the problem comes and goes. It stays open until nothing has changed for 10
	// minutes, and a shard that stays down meanwhile is a problem of its own.
	Flapping bool `json:"flapping,omitempty"`

	// First says that this alerter has not yet delivered that the problem is as bad as Worst. An
	// alerter that pages people can skip problems without First.
	First bool `json:"first,omitempty"`

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
		list[i] = newProblem(p)
	}
	return list
}

func newAlert(n health.Notice, name string) Alert {
	return Alert{Kind: AlertKind(n.Kind), Name: name, Time: n.Time,
		Problems: problems(n.Problems), Open: problems(n.Open)}
}

func (a Alert) notice() health.Notice {
	return health.Notice{Kind: health.Kind(a.Kind), Time: a.Time,
		Problems: internalProblems(a.Problems), Open: internalProblems(a.Open)}
}

func newProblem(p health.Problem) Problem {
	return Problem{Check: p.Check, Shards: p.Shards, TotalShards: p.TotalShards,
		Status: HealthStatus(p.Status), Worst: HealthStatus(p.Worst), Flapping: p.Flapping,
		First: p.First, Value: p.Value, Threshold: p.Threshold, Unit: p.Unit, Message: p.Message,
		Since: p.Since, Duration: p.Duration}
}

func (p Problem) internal() health.Problem {
	return health.Problem{Check: p.Check, Shards: p.Shards, TotalShards: p.TotalShards,
		Status: health.Status(p.Status), Worst: health.Status(p.Worst), Flapping: p.Flapping,
		First: p.First, Value: p.Value, Threshold: p.Threshold, Unit: p.Unit, Message: p.Message,
		Since: p.Since, Duration: p.Duration}
}

func internalProblems(list []Problem) []health.Problem {
	var to []health.Problem
	for _, p := range list {
		to = append(to, p.internal())
	}
	return to
}

// Subject returns what has the problem: "gateway (15 of 64 shards: 3–17)".
func (p Problem) Subject() string { return alert.Subject(p.internal()) }

// String returns the problem in a line: "gateway (15 of 64 shards: 3–17) unhealthy: backoff".
func (p Problem) String() string { return alert.Line(p.internal()) }

// Status returns the worst status among the problems that are open or have just begun. It is
// Healthy only if everything is.
func (a Alert) Status() HealthStatus { return HealthStatus(alert.Status(a.notice())) }

// String returns the problems in a line.
func (a Alert) String() string { return alert.Lines(a.notice().Problems) }

// An Alerter delivers an [Alert] to somebody. Each alerter gets its alerts one after the other, on
// its own goroutine. It may block until ctx ends, which is after a minute, and delays neither
// checks nor other alerters. If it returns an error, the alert is kept and tried again, first after
// a few seconds and then once a minute, until it succeeds. Changes in the meantime are merged into
// it. An error with a method RetryAfter() time.Duration says when to try again. See [AlertStore]
// for what happens to alerts when the process ends.
type Alerter interface {
	Alert(ctx context.Context, a Alert) error
}

// A HealthReporter is an Alerter that also gets a report after each alert and once a minute.
type HealthReporter interface {
	ReportHealth(ctx context.Context, r HealthReport) error
}

// A SlogAlerter logs alerts, one line per problem: unhealthy ones at error level, degraded ones at
// warn level, resolved ones at info level.
type SlogAlerter struct {
	Logger *slog.Logger // nil: slog.Default
}

// Alert implements [Alerter].
func (s SlogAlerter) Alert(ctx context.Context, a Alert) error {
	log := s.Logger
	if log == nil {
		log = slog.Default()
	}
	alert.Log(ctx, log, a.notice())
	return nil
}

// notify and publish hand on what the monitor tells. They do not block.
func (h *Health) notify(n health.Notice) {
	grouped := n
	grouped.Problems, grouped.Open = health.Group(n.Problems), health.Group(n.Open)
	h.mu.Lock()
	h.recent = append(h.recent[max(0, len(h.recent)-recentAlerts+1):], grouped)
	h.mu.Unlock()
	h.ledger.Telling(n.Time)
	for _, r := range h.receivers {
		r.outbox.Add(n)
	}
}

func (h *Health) publish(r health.Report) {
	h.ledger.Told(h.monitor.Told())
	if h.isQuiet() && !r.Stopped {
		return
	}
	for _, to := range h.receivers {
		to.outbox.SetReport(r)
	}
}

// RecentAlerts returns the last alerts, at most 20, oldest first.
func (h *Health) RecentAlerts() []Alert {
	notices := h.recentNotices()
	alerts := make([]Alert, len(notices))
	for i, n := range notices {
		alerts[i] = newAlert(n, h.cfg.Name)
	}
	return alerts
}

func (h *Health) recentNotices() []health.Notice {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.recent)
}

// A receiver is an alerter with what it is to be told.
type receiver struct {
	sink   string // for metrics, see alertCounts
	outbox *alert.Outbox
}

func (h *Health) newReceiver(a Alerter) receiver {
	cfg := alert.Config{Name: fmt.Sprintf("%T", a), Logger: h.cfg.Logger, Taken: h.ledger.Changed,
		Alert: h.delivery(a)}
	if reporter, ok := a.(HealthReporter); ok {
		cfg.Report = func(ctx context.Context, r health.Report) error {
			return reporter.ReportHealth(ctx, h.report(r))
		}
	}
	r := receiver{sink: metrics.Other}
	switch a := a.(type) {
	case *WebhookAlerter:
		r.sink = "webhook"
		if a.Edit {
			cfg.Alert = nil // its message says it all
		} else {
			cfg.Report = nil
		}
	case SlogAlerter, *SlogAlerter:
		r.sink = "slog"
	}
	r.outbox = alert.New(cfg)
	h.ledger.Add(cfg.Name, r.outbox)
	return r
}

// alertCounts returns what has become of alerts, by the kind of alerter: alerters of the same
// kind are one, and those of the program are all "other".
func (h *Health) alertCounts() map[string]metrics.Alerts {
	counts := make(map[string]metrics.Alerts)
	for _, r := range h.receivers {
		sent, failed := r.outbox.Counts()
		n := counts[r.sink]
		n.Sent += sent
		n.Failed += failed
		counts[r.sink] = n
	}
	return counts
}

// An AlertStore is a [SessionStore] that also keeps the alerts of [WithHealth], so that they
// survive the process. The next process sends one resolved alert, with the duration, for a problem
// that is over by then. It does not report a problem that is still there as new. And it delivers
// the alerts that no [Alerter] had accepted. [FileSessionStore] returns an AlertStore. With other
// stores, problems that are open after a restart are reported as new.
//
// If a process is killed while it delivers an alert, or just after, the next process delivers that
// alert again.
type AlertStore interface {
	SessionStore

	// SaveAlerts replaces the stored alerts. It is called when they change. The alerts of a
	// thousand shards that are all down take about 2 MB, those of a healthy bot 100 bytes.
	SaveAlerts(ctx context.Context, alerts []byte) error

	// LoadAlerts returns the stored alerts, or nil if there are none. It is called once, by
	// [Bot.Open].
	LoadAlerts(ctx context.Context) (alerts []byte, err error)
}

// alertStore returns where the bot keeps its alerts, nil if nowhere.
func (c *config) alertStore() AlertStore {
	if store, ok := c.sessionStore.(AlertStore); ok && len(c.health.Alerters) > 0 {
		return store
	}
	return nil
}

// restoreAlerts goes on with the alerts of an earlier process, before the first check.
func (b *Bot) restoreAlerts(ctx context.Context) {
	store := b.cfg.alertStore()
	if store == nil {
		return
	}
	var saved []byte
	err := b.callStore(ctx, func(ctx context.Context) (err error) {
		saved, err = store.LoadAlerts(ctx)
		return err
	})
	if err == nil {
		err = b.health.restore(saved)
	}
	if err != nil {
		b.cfg.logger.Warn("saved alerts are unusable; open problems are reported as new",
			"reason", err)
	}
}

// restore takes what an earlier process has stored of its alerts, before Run.
func (h *Health) restore(saved []byte) error {
	told, at, err := h.ledger.Restore(saved)
	if err == nil {
		h.monitor.Restore(told, at)
	}
	return err
}

// savedAlerts returns the alerts as the Saver sees them, nil if they are not saved.
func (b *Bot) savedAlerts() session.Alerts {
	if b.cfg.alertStore() == nil {
		return nil
	}
	return b.health.ledger
}

func (b *Bot) saveAlerts(ctx context.Context, alerts []byte) error {
	return b.callStore(ctx, func(ctx context.Context) error {
		return b.cfg.alertStore().SaveAlerts(ctx, alerts)
	})
}

// saveLastAlerts stores what has become of the alerts when the last of them were sent.
func (b *Bot) saveLastAlerts(ctx context.Context) {
	if b.cfg.alertStore() != nil {
		<-b.healthEnded
		b.saver.SaveAlerts(ctx)
	}
}
