package alert

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/botwright/botwright/internal/health"
	"github.com/botwright/botwright/internal/protect"
	"github.com/botwright/botwright/internal/webhook"
)

const (
	// callTimeout bounds one call of the receiver. A webhook needs it all when Discord asks it to
	// wait.
	callTimeout = time.Minute

	// firstDelay doubles up to maxDelay: an outage of hours is told within a minute of its end.
	firstDelay = 5 * time.Second
	maxDelay   = time.Minute
)

// Config configures an Outbox.
type Config struct {
	Name string // of the receiver, for the log

	// Alert takes a notice, whose problems are grouped. An error that has a method RetryAfter()
	// time.Duration says when to try again. nil: notices are not for this receiver.
	Alert func(context.Context, health.Notice) error

	// Report takes how things are. Only the newest report counts. May be nil.
	Report func(context.Context, health.Report) error

	Taken  func() // called when a notice was taken; may be nil
	Logger *slog.Logger
}

// An Outbox brings notices and reports to one receiver. Its methods may be called from any
// goroutine; Run once.
type Outbox struct {
	cfg          Config
	kick         chan struct{} // 1 slot: there is something to do
	sent, failed atomic.Uint64 // calls

	mu      sync.Mutex // guards what follows
	waiting []health.Notice
	calling *health.Notice // what the receiver is being told
	report  *health.Report
	closed  bool
	gone    bool

	// Owned by the goroutine of Run, and before that by Seed.
	told        map[key]health.Status // the worst that the receiver knows of each open problem
	failures    int                   // in a row
	since       time.Time             // of the first of them
	notBefore   time.Time             // when to try again
	reportFails bool
	panicked    bool // a stack was logged
}

// New returns an Outbox that has nothing to tell.
func New(cfg Config) *Outbox {
	return &Outbox{cfg: cfg, kick: make(chan struct{}, 1), told: make(map[key]health.Status)}
}

// Seed goes on where the outbox of an earlier process ended, before Run: with what was told, and
// with what of it the receiver has not taken.
func (o *Outbox) Seed(told []health.Problem, waiting []health.Notice) {
	for _, p := range told {
		o.told[keyOf(p)] = p.Worst
	}
	if o.cfg.Alert == nil {
		return
	}
	waiting = slices.DeleteFunc(slices.Clone(waiting), func(n health.Notice) bool {
		return len(n.Problems) == 0
	})
	for _, n := range waiting {
		for _, p := range n.Problems {
			if n.Kind != health.Repeating {
				delete(o.told, keyOf(p))
			}
		}
	}
	o.waiting = Coalesce(waiting)
}

// Add has a notice told.
func (o *Outbox) Add(n health.Notice) {
	if o.cfg.Alert == nil {
		return
	}
	o.mu.Lock()
	if o.gone {
		o.failed.Add(1)
	} else {
		o.waiting = Coalesce(append(o.waiting, n))
	}
	o.mu.Unlock()
	o.wake()
}

// SetReport has a report told instead of the last one.
func (o *Outbox) SetReport(r health.Report) {
	if o.cfg.Report == nil {
		return
	}
	o.mu.Lock()
	o.report = &r
	o.mu.Unlock()
	o.wake()
}

// Close lets Run end when everything was tried once more.
func (o *Outbox) Close() {
	o.mu.Lock()
	o.closed = true
	o.mu.Unlock()
	o.wake()
}

func (o *Outbox) wake() {
	select {
	case o.kick <- struct{}{}:
	default:
	}
}

// Waiting returns what was not taken yet, what the receiver is being told included.
func (o *Outbox) Waiting() []health.Notice {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.calling == nil {
		return slices.Clone(o.waiting)
	}
	return Coalesce(append([]health.Notice{*o.calling}, o.waiting...))
}

// Counts returns how many calls were taken, and how many had an error.
func (o *Outbox) Counts() (sent, failed uint64) { return o.sent.Load(), o.failed.Load() }

// Run tells what there is until ctx is done, or the Outbox is closed and has tried the rest.
func (o *Outbox) Run(ctx context.Context) {
	for {
		closed := o.isClosed()
		if closed || !time.Now().Before(o.notBefore) {
			o.deliver(ctx)
		}
		o.deliverReport(ctx)
		if closed || ctx.Err() != nil {
			return
		}
		o.wait(ctx)
	}
}

// wait returns when there is something to do.
func (o *Outbox) wait(ctx context.Context) {
	var due <-chan time.Time
	if o.failures > 0 {
		t := time.NewTimer(time.Until(o.notBefore))
		defer t.Stop()
		due = t.C
	}
	select {
	case <-o.kick:
	case <-due:
	case <-ctx.Done():
	}
}

func (o *Outbox) isClosed() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.closed
}

// deliver tells what waits, up to the first error.
func (o *Outbox) deliver(ctx context.Context) {
	for {
		n, ok := o.take()
		if !ok {
			return
		}
		err := o.call(ctx, func(ctx context.Context) error { return o.cfg.Alert(ctx, o.prepared(n)) })
		if err != nil {
			o.failed.Add(1)
			o.failure(n, err)
			return
		}
		o.sent.Add(1)
		o.success(n)
	}
}

func (o *Outbox) take() (n health.Notice, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.waiting) == 0 {
		return n, false
	}
	n, o.waiting = o.waiting[0], o.waiting[1:]
	o.calling = &n
	return n, true
}

// prepared groups the problems and marks those that are news to the receiver.
func (o *Outbox) prepared(n health.Notice) health.Notice {
	problems := make([]health.Problem, len(n.Problems))
	for i, p := range n.Problems {
		p.First = p.Worst.Worse(o.told[keyOf(p)])
		problems[i] = p
	}
	n.Problems, n.Open = health.Group(problems), health.Group(n.Open)
	return n
}

// success remembers what the receiver knows of what is still open.
func (o *Outbox) success(n health.Notice) {
	told := make(map[key]health.Status)
	for _, p := range n.Open {
		if worst, ok := o.told[keyOf(p)]; ok {
			told[keyOf(p)] = worst
		} else if p.Status == health.Degraded {
			told[keyOf(p)] = p.Status // it says what is open, and that is all there is to say
		}
	}
	if n.Kind != health.Resolved {
		for _, p := range n.Problems {
			if k := keyOf(p); p.Worst.Worse(told[k]) {
				told[k] = p.Worst
			}
		}
	}
	o.told = told
	o.mu.Lock()
	o.calling = nil
	o.mu.Unlock()
	if o.failures > 0 {
		o.cfg.Logger.Info("alerts are delivered again", "alerter", o.cfg.Name,
			"after", time.Since(o.since).Round(time.Second).String(), "attempts", o.failures+1)
		o.failures = 0
	}
	if o.cfg.Taken != nil {
		o.cfg.Taken()
	}
}

// failure puts a notice back, and says so once.
func (o *Outbox) failure(n health.Notice, err error) {
	o.mu.Lock()
	o.calling = nil
	if errors.Is(err, webhook.ErrGone) {
		o.gone, o.waiting = true, nil
		o.mu.Unlock()
		o.cfg.Logger.Error("alert cannot be delivered",
			"alerter", o.cfg.Name, "error", err)
		return
	}
	o.waiting = Coalesce(append([]health.Notice{n}, o.waiting...))
	o.mu.Unlock()
	delay := min(maxDelay, firstDelay<<min(o.failures, 10))
	delay = delay/2 + rand.N(delay/2)
	if asks := (retryAfter)(nil); errors.As(err, &asks) {
		delay = max(delay, asks.RetryAfter())
	}
	o.notBefore = time.Now().Add(delay)
	if o.failures++; o.failures == 1 {
		o.since = time.Now()
		o.cfg.Logger.Error("alert not delivered; trying again",
			"alerter", o.cfg.Name, "error", err, "retry_in", delay.Round(time.Second).String())
	}
}

type retryAfter interface {
	error
	RetryAfter() time.Duration
}

func (o *Outbox) deliverReport(ctx context.Context) {
	o.mu.Lock()
	r := o.report
	o.report = nil
	o.mu.Unlock()
	if r == nil {
		return
	}
	err := o.call(ctx, func(ctx context.Context) error { return o.cfg.Report(ctx, *r) })
	switch {
	case err == nil:
		if o.cfg.Alert == nil {
			o.sent.Add(1) // it is what this receiver is told by
		}
		if o.reportFails {
			o.reportFails = false
			o.cfg.Logger.Info("status message is updated again", "alerter", o.cfg.Name)
		}
	default:
		o.failed.Add(1)
		if !o.reportFails {
			o.reportFails = true
			o.cfg.Logger.Error("status message not updated; trying again with the next "+
				"report", "alerter", o.cfg.Name, "error", err)
		}
	}
}

// call makes one call with a deadline, and an error of its panic.
func (o *Outbox) call(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return protect.Call(func() error { return f(ctx) }, func(v any, stack []byte) error {
		if !o.panicked {
			o.panicked = true
			o.cfg.Logger.Error("an alerter panicked", "alerter", o.cfg.Name, "panic", v,
				"stack", string(stack))
		}
		return fmt.Errorf("panic: %v", v)
	})
}
