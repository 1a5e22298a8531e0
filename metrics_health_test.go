package botwright_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

// builtin names all checks that a bot has of its own.
var builtin = []string{"gateway", "rest", "invalid_requests", "queue", "handlers", "identify", "memory", "cache"}

// found returns a check that always finds the same.
func found(status botwright.HealthStatus) botwright.CheckFunc {
	return func(context.Context) (botwright.CheckResult, error) {
		return botwright.CheckResult{Status: status}, nil
	}
}

func TestMetricsOfChecks(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewPedanticRegistry()
	bot := newBot(t, newServer(t, discordtest.Config{}), botwright.WithMetrics(reg),
		botwright.WithHealth(botwright.HealthConfig{Without: builtin}))
	bot.Health().Register("fine", found(""))
	bot.Health().Register("so-so", found(botwright.Degraded))
	bot.Health().Register("broken", found(botwright.Unhealthy))
	bot.Health().Register("failing", func(context.Context) (botwright.CheckResult, error) {
		return botwright.CheckResult{}, errors.New("no route to host")
	})
	bot.Health().Register("not text \xff", found(botwright.Unhealthy))
	bot.Health().Register("not text \xfe", found(""))
	const status, duration = "discord_health_check_status", "discord_health_check_duration_seconds"
	wantSeries := func(when string, want int) {
		t.Helper()
		for _, name := range []string{status, duration} {
			if n, err := testutil.GatherAndCount(reg, name); err != nil || n != want {
				t.Errorf("%s: %s has %d series, want %d (%v)", when, name, n, want, err)
			}
		}
	}

	wantSeries("before a run", 0)
	bot.Health().Check(testContext(t))
	wantSeries("after a run", 5)
	for check, want := range map[string]float64{
		"fine": 1, "so-so": 0.5, "broken": 0, "failing": 0, "not text \uFFFD": 0,
	} {
		if got := metric(t, reg, status, "check", check); got != want {
			t.Errorf("%s is %v, want %v", check, got, want)
		}
	}
	if metric(t, reg, duration, "check", "fine") <= 0 {
		t.Error("a run took no time")
	}

	for i := range 200 {
		bot.Health().Register(fmt.Sprint("many ", i), found(""))
	}
	bot.Health().Register("the last one", found(botwright.Degraded))
	bot.Health().Check(testContext(t))
	wantSeries("with too many", 100) // two have the same label, and there is "other"
	if got := metric(t, reg, status, "check", "other"); got != 0.5 {
		t.Errorf("the others are %v, want the worst of them, 0.5", got)
	}
}

// pagerFunc is an Alerter.
type pagerFunc func() error

func (f pagerFunc) Alert(context.Context, botwright.Alert) error { return f() }

func TestMetricsOfAlerts(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewPedanticRegistry()
	log := slog.New(slog.DiscardHandler)
	hook := newHook(t)
	cfg := fastHealth(
		make(alerts, 10), botwright.SlogAlerter{Logger: log}, &botwright.SlogAlerter{Logger: log},
		&botwright.WebhookAlerter{URL: hook.url},
		pagerFunc(func() error { return errors.New("the pager is off") }),
		pagerFunc(func() error { panic("the pager is broken") }),
	)
	cfg.Without = builtin
	bot := newBot(t, newServer(t, discordtest.Config{}), botwright.WithMetrics(reg),
		botwright.WithHealth(cfg), botwright.WithLogger(log))
	const name = "discord_alerts_sent_total"
	if n, err := testutil.GatherAndCount(reg, name); err != nil || n != 6 {
		t.Errorf("%d series before the first alert, want 2 for each of 3 sinks (%v)", n, err)
	}
	bot.Health().Register("database", found(botwright.Unhealthy))
	open(t, bot)
	for _, want := range []struct {
		n             float64
		sink, outcome string
	}{
		{1, "other", "sent"},
		{2, "slog", "sent"},
		{0, "slog", "failed"},
		{1, "webhook", "sent"},
		{0, "webhook", "failed"},
	} {
		waitMetric(t, reg, want.n, name, "sink", want.sink, "outcome", want.outcome)
	}
	// Two of the others fail, and are tried again as long as the test runs.
	poll(t, func() bool { return metric(t, reg, name, "sink", "other", "outcome", "failed") >= 2 })
}
