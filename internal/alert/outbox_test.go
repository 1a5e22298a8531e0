package alert_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botwright/botwright/internal/alert"
	"github.com/botwright/botwright/internal/health"
	"github.com/botwright/botwright/internal/webhook"
)

// A receiver takes notices except while fault returns an error.
type receiver struct {
	*alert.Outbox
	fault func() error

	mu    sync.Mutex // guards what follows
	start time.Time
	got   []string
	tries int
	log   bytes.Buffer
}

// run calls f with an Outbox that runs, in a bubble.
func run(t *testing.T, f func(r *receiver)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{start: time.Now(), fault: func() error { return nil }}
		r.Outbox = alert.New(alert.Config{Name: "test", Alert: r.take,
			Logger: slog.New(slog.NewTextHandler(&r.log, nil))})
		var running sync.WaitGroup
		running.Go(func() { r.Run(t.Context()) })
		f(r)
		r.Close()
		running.Wait()
	})
}

func (r *receiver) take(ctx context.Context, n health.Notice) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tries++
	if _, ok := ctx.Deadline(); !ok {
		return errors.New("a call without a deadline")
	}
	if err := r.fault(); err != nil {
		return err
	}
	line := fmt.Sprintf("%v %s", time.Since(r.start).Truncate(time.Second), n.Kind)
	for _, p := range n.Problems {
		line += " " + alert.Subject(p)
		if p.First {
			line += " (first)"
		}
	}
	r.got = append(r.got, fmt.Sprintf("%s, %d open", line, len(n.Open)))
	return nil
}

func (r *receiver) want(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Equal(r.got, want) {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(r.got, "\n"), strings.Join(want, "\n"))
	}
}

// down is for from until to down with the error.
func (r *receiver) down(from, to time.Duration, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fault = func() error {
		if at := time.Since(r.start); at >= from && at < to {
			return err
		}
		return nil
	}
}

func bad(shards ...int) (list []health.Problem) {
	for _, s := range shards {
		list = append(list, health.Problem{Check: "gateway", Shards: []int{s}, TotalShards: 4,
			Status: health.Unhealthy, Worst: health.Unhealthy})
	}
	return list
}

func ended(problems []health.Problem) []health.Problem {
	problems = slices.Clone(problems)
	for i := range problems {
		problems[i].Status, problems[i].Duration = health.Healthy, time.Minute
	}
	return problems
}

func (r *receiver) fire(open, problems []health.Problem) {
	r.Add(health.Notice{Kind: health.Firing, Time: time.Now(), Problems: problems, Open: open})
}

func (r *receiver) resolve(open, problems []health.Problem) {
	r.Add(health.Notice{Kind: health.Resolved, Time: time.Now(), Problems: ended(problems), Open: open})
}

// What is not taken is kept, however long, and told within a minute of when it can be.
func TestOutboxKeepsWhatIsNotTaken(t *testing.T) {
	for _, outage := range []time.Duration{20 * time.Second, 2 * time.Minute, 2 * time.Hour} {
		run(t, func(r *receiver) {
			r.down(0, outage, errors.New("network is unreachable"))
			r.fire(bad(1), bad(1))
			time.Sleep(outage + time.Minute)
			synctest.Wait()
			r.mu.Lock()
			defer r.mu.Unlock()
			if len(r.got) != 1 || !strings.HasSuffix(r.got[0], "firing gateway (1 of 4 shards: 1) (first), 1 open") {
				t.Errorf("after %v: %v", outage, r.got)
			}
			if limit := int(outage/(30*time.Second)) + 6; r.tries > limit {
				t.Errorf("%d attempts in %v", r.tries, outage)
			}
			for _, what := range []string{"alert not delivered", "are delivered again"} {
				if n := strings.Count(r.log.String(), what); n != 1 {
					t.Errorf("%d lines say that alerts %s", n, what)
				}
			}
		})
	}
}

// What came and went meanwhile is one message, and still news.
func TestOutboxCoalesces(t *testing.T) {
	run(t, func(r *receiver) {
		r.down(0, 10*time.Minute, errors.New("down"))
		r.fire(bad(1), bad(1))
		time.Sleep(time.Minute)
		r.fire(bad(1, 2, 3), bad(2, 3))
		time.Sleep(time.Minute)
		r.resolve(bad(3), bad(1, 2))
		r.Add(health.Notice{Kind: health.Repeating, Problems: bad(3), Open: bad(3)})
		time.Sleep(9 * time.Minute)
		r.resolve(nil, bad(3))
		synctest.Wait()
		got := slices.Clone(r.got)
		for i := range got {
			_, got[i], _ = strings.Cut(got[i], " ")
		}
		want := []string{"resolved gateway (2 of 4 shards: 1, 2) (first), 1 open",
			"firing gateway (1 of 4 shards: 3) (first), 1 open",
			"resolved gateway (1 of 4 shards: 3), 0 open"}
		if !slices.Equal(got, want) {
			t.Errorf("got:\n%s", strings.Join(got, "\n"))
		}
	})
}

// What waits does not grow with time.
func TestOutboxIsBounded(t *testing.T) {
	run(t, func(r *receiver) {
		r.down(0, time.Hour, errors.New("down"))
		for i := range 1000 {
			r.fire(bad(i%4), bad(i%4))
			r.resolve(nil, bad(i%4))
			time.Sleep(time.Second)
		}
		if n := len(r.Waiting()); n > 2 {
			t.Errorf("%d notices wait", n)
		}
	})
}

type busy time.Duration

func (busy) Error() string               { return "429" }
func (b busy) RetryAfter() time.Duration { return time.Duration(b) }

func TestOutboxWaitsAsLongAsItIsAsked(t *testing.T) {
	run(t, func(r *receiver) {
		r.down(0, time.Second, fmt.Errorf("post: %w", busy(100*time.Second)))
		r.fire(bad(1), bad(1))
		time.Sleep(5 * time.Minute)
		r.want(t, "1m40s firing gateway (1 of 4 shards: 1) (first), 1 open")
	})
}

func TestOutboxGivesUpOnAWebhookThatIsGone(t *testing.T) {
	run(t, func(r *receiver) {
		r.down(0, time.Hour, fmt.Errorf("post: %w", webhook.ErrGone))
		r.fire(bad(1), bad(1))
		time.Sleep(time.Minute)
		r.fire(bad(2), bad(2))
		time.Sleep(2 * time.Hour)
		r.want(t)
		if _, failed := r.Counts(); r.tries != 1 || failed != 2 {
			t.Errorf("%d attempts, %d failed", r.tries, failed)
		}
	})
}

// A receiver that hangs is called again, and one that panics as well.
func TestOutboxSurvivesItsReceiver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		o := alert.New(alert.Config{Name: "test", Logger: slog.New(slog.DiscardHandler),
			Alert: func(ctx context.Context, _ health.Notice) error {
				if calls++; calls == 1 {
					<-ctx.Done()
					return ctx.Err()
				}
				if calls == 2 {
					panic("no")
				}
				return nil
			}})
		var running sync.WaitGroup
		running.Go(func() { o.Run(t.Context()) })
		o.Add(health.Notice{Kind: health.Firing, Problems: bad(1), Open: bad(1)})
		time.Sleep(5 * time.Minute)
		if sent, failed := o.Counts(); sent != 1 || failed != 2 {
			t.Errorf("sent %d, failed %d", sent, failed)
		}
		o.Close()
		running.Wait()
	})
}

// When it is closed, what waits is tried once more, whatever the back-off.
func TestOutboxTriesOnceMoreWhenClosed(t *testing.T) {
	var last *receiver
	run(t, func(r *receiver) {
		last = r
		r.down(0, 90*time.Second, errors.New("down"))
		r.fire(bad(1), bad(1))
		time.Sleep(91 * time.Second)
		r.Close()
	})
	if len(last.got) != 1 || len(last.Waiting()) != 0 {
		t.Errorf("got %v", last.got)
	}
}

// What another process has told is not news to the receiver, except what that did not take.
func TestOutboxSeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{start: time.Now(), fault: func() error { return nil }}
		r.Outbox = alert.New(alert.Config{Name: "test", Alert: r.take,
			Logger: slog.New(slog.DiscardHandler)})
		r.Seed(bad(1, 2), []health.Notice{
			{Kind: health.Firing, Problems: bad(2), Open: bad(1, 2)},
			{Kind: health.Resolved, Problems: ended(bad(3)), Open: bad(1, 2)},
			{Kind: health.Firing}, // nothing
		})
		if n := len(r.Waiting()); n != 2 {
			t.Errorf("%d notices wait", n)
		}
		var running sync.WaitGroup
		running.Go(func() { r.Run(t.Context()) })
		synctest.Wait()
		r.Add(health.Notice{Kind: health.Repeating, Problems: bad(1, 2), Open: bad(1, 2)})
		synctest.Wait()
		r.fire(bad(1, 2, 4), bad(4))
		r.want(t, "0s resolved gateway (1 of 4 shards: 3) (first), 1 open",
			"0s firing gateway (1 of 4 shards: 2) (first), 1 open",
			"0s repeating gateway (2 of 4 shards: 1, 2), 1 open",
			"0s firing gateway (1 of 4 shards: 4) (first), 1 open")
		r.Close()
		running.Wait()
	})
}

// Reports that fail are counted, and the newest one is what counts.
func TestOutboxReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []time.Time
		fails := true
		o := alert.New(alert.Config{Name: "test", Logger: slog.New(slog.DiscardHandler),
			Report: func(_ context.Context, r health.Report) error {
				if fails {
					return errors.New("400")
				}
				got = append(got, r.Time)
				return nil
			}})
		var running sync.WaitGroup
		running.Go(func() { o.Run(t.Context()) })
		o.Add(health.Notice{Kind: health.Firing, Problems: bad(1)}) // is not for it
		o.SetReport(health.Report{Time: time.Unix(1, 0)})
		synctest.Wait()
		if sent, failed := o.Counts(); sent != 0 || failed != 1 {
			t.Errorf("sent %d, failed %d", sent, failed)
		}
		synctest.Wait()
		fails = false
		o.SetReport(health.Report{Time: time.Unix(2, 0)})
		o.SetReport(health.Report{Time: time.Unix(3, 0), Stopped: true})
		o.Close()
		running.Wait()
		if sent, _ := o.Counts(); sent == 0 || !got[len(got)-1].Equal(time.Unix(3, 0)) {
			t.Errorf("sent %d, got %v", sent, got)
		}
	})
}

func TestText(t *testing.T) {
	p := func(total int, shards ...int) health.Problem {
		return health.Problem{Check: "gateway", Shards: shards, TotalShards: total,
			Status: health.Unhealthy, Message: "a\nb"}
	}
	flaps := p(64, 1, 2)
	flaps.Flapping = true
	over := p(64, 1)
	over.Duration = 90 * time.Second
	for _, tt := range []struct {
		p    health.Problem
		want string
	}{
		{p(0), "gateway unhealthy: a; b"},
		{p(1, 0), "gateway (shard 0) unhealthy: a; b"},
		{p(64, 3), "gateway (1 of 64 shards: 3) unhealthy: a; b"},
		{p(64, 3, 4, 5), "gateway (3 of 64 shards: 3–5) unhealthy: a; b"},
		{p(2, 0, 1), "gateway (2 of 2 shards: 0, 1) unhealthy: a; b"},
		{p(0, 3, 4), "gateway (shards 3, 4) unhealthy: a; b"},
		{flaps, "gateway flapping (2 of 64 shards: 1, 2) unhealthy: a; b"},
		{over, "gateway (1 of 64 shards: 1) healthy again after 1m30s"},
	} {
		if got := alert.Line(tt.p); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}
