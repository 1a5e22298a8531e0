package alert_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botwright/botwright/internal/alert"
	"github.com/botwright/botwright/internal/health"
)

// A process has a monitor with two receivers, and stores its alerts whenever they change.
type process struct {
	ledger *alert.Ledger
	stop   func()

	mu     sync.Mutex // guards what follows
	stored []byte
	got    []string
}

// start starts a process with what an earlier one has stored. The second receiver takes nothing
// while away returns true. Each check is as bad as its status says.
func start(t *testing.T, stored []byte, away func() bool, checks map[string]*health.Status) *process {
	t.Helper()
	p := &process{stored: stored}
	p.ledger = alert.NewLedger(p.save)
	var outboxes []*alert.Outbox
	for i := range 2 {
		o := alert.New(alert.Config{Name: "x", Logger: slog.New(slog.DiscardHandler),
			Taken: p.ledger.Changed, Alert: func(_ context.Context, n health.Notice) error {
				if i == 1 && away() {
					return errors.New("away")
				}
				p.note(i+1, n)
				return nil
			}})
		p.ledger.Add("x", o)
		outboxes = append(outboxes, o)
	}
	var m *health.Monitor
	m = health.New(health.Config{
		Interval: time.Minute, Timeout: 5 * time.Second, Confirm: 10 * time.Second,
		Failures: 2, Window: 3, Successes: 2, Group: 5 * time.Second, Repeat: time.Hour,
		Logger: slog.New(slog.DiscardHandler),
		Notify: func(n health.Notice) {
			p.ledger.Telling(n.Time)
			if _, ok := p.ledger.Encode(); ok {
				t.Error("there is something to store while a notice goes out")
			}
			for _, o := range outboxes {
				o.Add(n)
			}
		},
		Report: func(health.Report) { p.ledger.Told(m.Told()) },
	})
	told, at, err := p.ledger.Restore(stored)
	if err != nil {
		t.Fatal(err)
	}
	m.Restore(told, at)
	for name, status := range checks {
		m.Register(health.Check{Name: name, Run: func(context.Context) ([]health.Reading, error) {
			return []health.Reading{{Shard: health.NoShard, Status: *status, Message: "m"}}, nil
		}})
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { m.Run(ctx) })
	for _, o := range outboxes {
		running.Go(func() { o.Run(ctx) })
	}
	p.stop = func() { cancel(); running.Wait() }
	return p
}

func (p *process) save() {
	p.mu.Lock() // the last one to save has the last version
	defer p.mu.Unlock()
	if b, ok := p.ledger.Encode(); ok {
		p.stored = b
	}
}

func (p *process) note(receiver int, n health.Notice) {
	line := fmt.Sprintf("%d: %s", receiver, n.Kind)
	for _, problem := range n.Problems {
		line += " " + alert.Subject(problem)
		if problem.Duration > 0 {
			line += " " + problem.Duration.Round(time.Minute).String()
		}
		if problem.First {
			line += " (first)"
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got = append(p.got, line)
}

// kill ends a process, and returns what was stored before that and what was told.
func (p *process) kill() (stored []byte, got []string) {
	synctest.Wait()
	p.mu.Lock()
	stored, got = p.stored, p.got
	p.mu.Unlock()
	p.stop()
	slices.Sort(got)
	return stored, got
}

// Processes are killed, and each goes on with the alerts of the one before: what is over is told
// to be once, what is still there is not told again, and what was not taken is.
func TestLedger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, disk, isAway := health.Unhealthy, health.Unhealthy, true
		checks := map[string]*health.Status{"db": &db, "disk": &disk}
		away := func() bool { return isAway }
		want := func(when string, got []string, want ...string) {
			t.Helper()
			if !slices.Equal(got, want) {
				t.Errorf("%s: got %q, want %q", when, got, want)
			}
		}

		p := start(t, nil, away, checks)
		time.Sleep(10 * time.Minute)
		stored, got := p.kill()
		want("first", got, "1: firing db (first) disk (first)")

		db = health.Healthy
		p = start(t, stored, away, checks)
		time.Sleep(10 * time.Minute)
		stored, got = p.kill()
		want("with db healthy", got, "1: resolved db 10m0s")

		isAway = false
		p = start(t, stored, away, checks)
		time.Sleep(10 * time.Minute)
		stored, got = p.kill()
		want("with the other receiver", got, "2: firing disk (first)", "2: resolved db 10m0s (first)")

		disk = health.Healthy
		p = start(t, stored, away, checks)
		time.Sleep(10 * time.Minute)
		stored, got = p.kill()
		want("with all healthy", got, "1: resolved disk 30m0s", "2: resolved disk 30m0s")

		p = start(t, stored, away, checks)
		time.Sleep(2 * time.Hour)
		last, got := p.kill()
		want("with nothing open", got)
		if string(last) != string(stored) {
			t.Errorf("stored %s, and before that %s", last, stored)
		}
	})
}

// What is stored is bounded, and has no values that JSON has not.
func TestLedgerIsBounded(t *testing.T) {
	l := alert.NewLedger(func() {})
	var problems []health.Problem
	long := strings.Repeat("é", 10_000)
	for shard := range 10_000 {
		status := health.Degraded
		if shard%100 == 0 {
			status = health.Unhealthy
		}
		problems = append(problems, health.Problem{Check: "gateway", Shards: []int{shard}, Status: status,
			Worst: status, Value: math.NaN(), Threshold: math.Inf(1), Message: long})
	}
	l.Told(problems)
	b, ok := l.Encode()
	if !ok || len(b) > 2<<20 {
		t.Fatalf("%d bytes, %t", len(b), ok)
	}
	told, _, err := alert.NewLedger(func() {}).Restore(b)
	worst := 0
	for _, p := range told {
		if p.Status == health.Unhealthy {
			worst++
		}
	}
	if err != nil || len(told) != 2000 || worst != 100 {
		t.Errorf("%d problems, of which %d are unhealthy: %v", len(told), worst, err)
	}
}

func TestLedgerRefuses(t *testing.T) {
	for stored, want := range map[string]string{"{": "damaged", `{"version":2}`: "version 2"} {
		_, _, err := alert.NewLedger(func() {}).Restore([]byte(stored))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", stored, err)
		}
	}
}

// Whatever is stored is refused or can be gone on with.
func FuzzLedger(f *testing.F) {
	f.Add([]byte(`{"version":1,"told":[{"Check":"x","Status":"unhealthy"}],` +
		`"waiting":{"x":[{"Kind":"firing","Problems":[{"Check":"x"}]},{"Kind":"?"}]}}`))
	f.Add([]byte(`{"version":2}`))
	f.Fuzz(func(t *testing.T, stored []byte) {
		l := alert.NewLedger(func() {})
		o := alert.New(alert.Config{Alert: func(context.Context, health.Notice) error { return nil }})
		l.Add("x", o)
		told, at, err := l.Restore(stored)
		if err != nil {
			return
		}
		m := health.New(health.Config{})
		m.Restore(told, at)
		b, ok := l.Encode()
		again := alert.NewLedger(func() {})
		if _, _, err := again.Restore(b); !ok || err != nil {
			t.Errorf("%q: %t, %v", b, ok, err)
		}
	})
}
