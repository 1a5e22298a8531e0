package botwright_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

// A fickleStore is a SessionStore on a disk that may be full.
type fickleStore struct {
	mu   sync.Mutex
	full error
}

func (s *fickleStore) set(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.full = err
}

func (s *fickleStore) LoadSessions(context.Context, []int) ([]botwright.SavedSession, error) {
	return nil, nil
}

func (s *fickleStore) SaveSessions(context.Context, []botwright.SavedSession) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.full
}

// A full disk is told of by a check and a metric for what it stops, and so is its end.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewPedanticRegistry()
	srv := newServer(t, discordtest.Config{})
	store, log := &fickleStore{}, newLogRecorder()
	store.set(errors.New("no space left on device"))
	// A file where the directory should be cannot be written to either.
	dir := filepath.Join(t.TempDir(), "captures")
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	bot := newBot(t, srv, botwright.WithMetrics(reg), botwright.WithSessionStore(store),
		botwright.WithLogger(jsonLogger(log)),
		botwright.WithProfiler(botwright.ProfilerConfig{CaptureDir: dir, CPUProfile: -1}),
		botwright.WithHealth(botwright.HealthConfig{Without: builtin, Alerters: []botwright.Alerter{}}))
	const failures = "discord_storage_failures_total"
	if n := metric(t, reg, failures, "store", "captures") + metric(t, reg, failures, "store", "sessions"); n != 0 {
		t.Errorf("%v failures before the first", n)
	}
	open(t, bot)
	waitMetric(t, reg, 1, failures, "store", "sessions")
	for range 2 {
		if got, err := bot.Profiler().Capture(testContext(t)); got != "" || err == nil {
			t.Errorf("Capture: %q, %v", got, err)
		}
	}
	if n := metric(t, reg, failures, "store", "captures"); n != 2 {
		t.Errorf("%v failed captures, want 2", n)
	}
	check := func() map[string]botwright.CheckReport {
		bot.Health().Check(testContext(t))
		checks := make(map[string]botwright.CheckReport)
		for _, c := range bot.Health().Check(testContext(t)).Checks {
			checks[c.Name] = c
		}
		return checks
	}
	checks := check()
	for name, want := range map[string]string{"sessions": "no space left", "captures": "cannot be written"} {
		if c := checks[name]; c.Status != botwright.Degraded || !strings.Contains(c.Message, want) {
			t.Errorf("%s: %+v", name, c)
		}
	}

	store.set(nil)
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	for log.count("sessions are saved again") == 0 {
		receive(t, log.more)
	}
	checks = check()
	for _, name := range []string{"sessions", "captures"} {
		if c := checks[name]; c.Status != botwright.Healthy {
			t.Errorf("%s: %+v", name, c)
		}
	}
	messages := log.messages(t)
	for _, want := range []string{"ERROR captures cannot be written", "INFO captures can be written again"} {
		if n := len(slices.DeleteFunc(slices.Clone(messages), func(s string) bool { return !strings.HasPrefix(s, want) })); n != 1 {
			t.Errorf("%d lines %q in\n%s", n, want, strings.Join(messages, "\n"))
		}
	}
}
