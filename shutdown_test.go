package botwright_test

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

// stuckStore is a session store that never returns from saving.
type stuckStore struct{ called, release chan struct{} }

func (s stuckStore) LoadSessions(context.Context, []int) ([]botwright.SavedSession, error) {
	return nil, nil
}

func (s stuckStore) SaveSessions(context.Context, []botwright.SavedSession) error {
	select {
	case s.called <- struct{}{}:
	default:
	}
	<-s.release
	return nil
}

// othersInTime is a limit of Shutdown within which all that is not stuck ends.
const othersInTime = 6 * time.Second

// TestRunOutlivesWhatBlocks has a function of the program never return.
func TestRunOutlivesWhatBlocks(t *testing.T) {
	t.Parallel()
	type M = discordgo.MessageCreate
	nothing := func(context.Context, *discordgo.Session, *M) error { return nil }
	tests := []struct {
		name  string
		build func(srv *discordtest.Server, block func()) []botwright.Option
		then  func(bot *botwright.Bot, block func())
		left  string // in the message
	}{
		{name: "error handler, told by the gate", left: "error handler",
			build: func(srv *discordtest.Server, block func()) []botwright.Option {
				srv.SetSessionStarts(0, time.Hour)
				return []botwright.Option{botwright.WithErrorHandler(
					func(context.Context, *botwright.Event, error) { block() })}
			}},
		{name: "error handler, told of a handler", left: "error handler",
			build: func(_ *discordtest.Server, block func()) []botwright.Option {
				return []botwright.Option{botwright.WithErrorHandler(
					func(context.Context, *botwright.Event, error) { block() })}
			},
			then: func(bot *botwright.Bot, _ func()) {
				botwright.On(bot, func(context.Context, *discordgo.Session, *M) error { return errors.New("oh") })
			}},
		{name: "KeyFunc", left: "shard 0",
			then: func(bot *botwright.Bot, block func()) {
				botwright.On(bot, nothing, botwright.Ordered(func(*botwright.Event) string { block(); return "" }))
			}},
		{name: "middleware", left: "1 handlers",
			then: func(bot *botwright.Bot, block func()) {
				botwright.On(bot, nothing, botwright.Middleware(func(botwright.Handler) botwright.Handler {
					return func(context.Context, *botwright.Event) error { block(); return nil }
				}))
			}},
		{name: "filter", left: "1 handlers",
			then: func(bot *botwright.Bot, block func()) {
				botwright.Expect[M](bot, botwright.Filter(func(*botwright.Event) bool { block(); return true }))
			}},
		{name: "health check", // which the monitor leaves behind
			build: func(_ *discordtest.Server, block func()) []botwright.Option {
				return []botwright.Option{botwright.WithHealth(botwright.HealthConfig{})}
			},
			then: func(bot *botwright.Bot, block func()) {
				bot.Health().Register("stuck", func(context.Context) (botwright.CheckResult, error) {
					block()
					return botwright.CheckResult{}, nil
				})
			}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			release, blocked := make(chan struct{}), make(chan struct{}, 1)
			t.Cleanup(func() { close(release) })
			block := func() {
				select {
				case blocked <- struct{}{}:
				default:
				}
				<-release
			}
			srv := newServer(t, discordtest.Config{})
			opts := []botwright.Option{botwright.WithShutdownTimeout(othersInTime)}
			if test.build != nil {
				opts = append(opts, test.build(srv, block)...)
			}
			bot := newBot(t, srv, opts...)
			if test.then != nil {
				test.then(bot, block)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ran := make(chan error, 1)
			go func() { ran <- bot.Run(ctx) }()
			for waiting := true; waiting; {
				if srv.Conn(0) != nil && srv.Conn(0).SessionID() != "" {
					say(t, srv, "hi")
				}
				select {
				case <-blocked:
					waiting = false
				case <-time.After(20 * time.Millisecond):
				}
			}
			cancel()
			err := receive(t, ran)
			if test.left == "" && err != nil ||
				test.left != "" && (err == nil || !strings.Contains(err.Error(), test.left)) {
				t.Errorf("Run: %v", err)
			}
		})
	}
}

// stuckLog is a log that blocks when the bot is shut down.
type stuckLog struct{ release chan struct{} }

func (stuckLog) Enabled(context.Context, slog.Level) bool { return true }
func (l stuckLog) WithAttrs([]slog.Attr) slog.Handler     { return l }
func (l stuckLog) WithGroup(string) slog.Handler          { return l }
func (l stuckLog) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "shutting down" {
		<-l.release
	}
	return nil
}

func TestShutdownOutlivesTheLogger(t *testing.T) {
	t.Parallel()
	log := stuckLog{make(chan struct{})}
	bot := newBot(t, newServer(t, discordtest.Config{}), botwright.WithLogger(slog.New(log)),
		botwright.WithShutdownTimeout(100*time.Millisecond))
	if err := bot.Open(testContext(t)); err != nil {
		t.Fatal(err)
	}
	if err := bot.Shutdown(context.Background()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Shutdown: %v", err)
	}
	close(log.release)
	// What it has left is short of time by now, so that it may leave something behind.
	err := bot.Shutdown(testContext(t))
	if _, late := errors.AsType[*botwright.ShutdownError](err); err != nil && !late {
		t.Errorf("the shutdown did not go on: %v", err)
	}
}

// stuckAlerter never returns.
type stuckAlerter struct{ release chan struct{} }

func (a stuckAlerter) Alert(context.Context, botwright.Alert) error {
	<-a.release
	return nil
}

// TestRunOutlivesAnAlerter tells an alerter of a fatal close.
func TestRunOutlivesAnAlerter(t *testing.T) {
	t.Parallel()
	alerter := stuckAlerter{make(chan struct{})}
	defer close(alerter.release)
	srv := newServer(t, discordtest.Config{PrivilegedIntents: discordtest.NoPrivilegedIntents})
	bot := newBot(t, srv, botwright.WithIntents(discordgo.IntentGuildMembers),
		botwright.WithHealth(botwright.HealthConfig{Alerters: []botwright.Alerter{alerter}}),
		botwright.WithShutdownTimeout(100*time.Millisecond))
	err := bot.Run(testContext(t))
	left, ok := errors.AsType[*botwright.ShutdownError](err)
	if !ok || !slices.Contains(left.Others, "health checks and alerts") {
		t.Errorf("Run: %v", err)
	}
}

func TestShutdownOutlivesTheSessionStore(t *testing.T) {
	t.Parallel()
	store := stuckStore{make(chan struct{}, 1), make(chan struct{})}
	defer close(store.release)
	bot := newBot(t, newServer(t, discordtest.Config{}), botwright.WithSessionStore(store),
		botwright.WithShutdownTimeout(othersInTime))
	if err := bot.Open(testContext(t)); err != nil {
		t.Fatal(err)
	}
	receive(t, store.called)
	err := bot.Shutdown(context.Background())
	left, ok := errors.AsType[*botwright.ShutdownError](err)
	if !ok || !slices.Equal(left.Others, []string{"session store"}) || left.Running != 0 {
		t.Errorf("Shutdown: %v", err)
	}
}

func TestShutdownHasALimit(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	bot := newBot(t, srv, botwright.WithShutdownTimeout(100*time.Millisecond))
	began, release := make(chan bool, 1), make(chan bool)
	defer close(release)
	bot.Handle("MESSAGE_CREATE", func(context.Context, *botwright.Event) error {
		began <- true
		<-release
		return nil
	})
	if err := bot.Open(testContext(t)); err != nil {
		t.Fatal(err)
	}
	say(t, srv, "hi")
	receive(t, began)
	if _, ok := errors.AsType[*botwright.ShutdownError](bot.Shutdown(context.Background())); !ok {
		t.Error("the handler was not cut off")
	}
}

// TestShutdownByAHandler has functions that Shutdown waits for call it.
func TestShutdownByAHandler(t *testing.T) {
	t.Parallel()
	for _, caller := range []string{"handler", "error handler", "KeyFunc"} {
		t.Run(caller, func(t *testing.T) {
			t.Parallel()
			got := make(chan error, 8)
			var bot *botwright.Bot
			shutdown := func(ctx context.Context, from string) {
				if from == caller {
					got <- bot.Shutdown(ctx)
				}
			}
			srv := newServer(t, discordtest.Config{})
			bot = newBot(t, srv, botwright.WithErrorHandler(
				func(ctx context.Context, _ *botwright.Event, _ error) { shutdown(ctx, "error handler") }))
			botwright.On(bot, func(ctx context.Context, _ *discordgo.Session, _ *discordgo.MessageCreate) error {
				shutdown(ctx, "handler")
				return errors.New("oh")
			}, botwright.Ordered(func(*botwright.Event) string {
				shutdown(context.Background(), "KeyFunc")
				return ""
			}))
			ran := make(chan error, 1)
			go func() { ran <- bot.Run(testContext(t)) }()
			ready := func() bool { return srv.Conn(0) != nil && srv.Conn(0).SessionID() != "" }
			if err := srv.Wait(testContext(t), ready); err != nil {
				t.Fatal(err)
			}
			say(t, srv, "stop")
			if err := receive(t, got); !errors.Is(err, botwright.ErrShutdownInHandler) {
				t.Errorf("Shutdown: %v", err)
			}
			if err := receive(t, ran); err != nil && !errors.Is(err, botwright.ErrShutdown) {
				t.Errorf("Run: %v", err)
			}
		})
	}
}

// TestGoexit has the first of two handlers and the error handler end their goroutines.
func TestGoexit(t *testing.T) {
	t.Parallel()
	told, second := make(chan error, 8), make(chan int64, 8)
	srv := newServer(t, discordtest.Config{})
	store := botwright.FileSessionStore(sessionFile(t))
	bot := newBot(t, srv, botwright.WithSessionStore(store), botwright.WithErrorHandler(
		func(_ context.Context, _ *botwright.Event, err error) {
			told <- err
			runtime.Goexit()
		}))
	botwright.On(bot, func(context.Context, *discordgo.Session, *discordgo.MessageCreate) error {
		runtime.Goexit()
		return nil
	})
	bot.Handle("MESSAGE_CREATE", func(_ context.Context, e *botwright.Event) error {
		second <- e.Sequence
		return errors.New("second")
	})
	if err := bot.Open(testContext(t)); err != nil {
		t.Fatal(err)
	}
	const events = 3
	for range events { // of one channel
		say(t, srv, "hi")
	}
	exits, last := 0, int64(0)
	for range events {
		last = receive(t, second)
		for range 2 {
			if errors.Is(receive(t, told), botwright.ErrGoexit) {
				exits++
			}
		}
	}
	if exits != events {
		t.Errorf("%d of %d ends of a goroutine were reported", exits, events)
	}
	if err := bot.Shutdown(testContext(t)); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	saved, err := store.LoadSessions(t.Context(), []int{0})
	if err != nil || len(saved) != 1 || saved[0].Sequence < last {
		t.Errorf("event %d does not count as handled: saved %+v, %v", last, saved, err)
	}
}

func TestOpenAfterShutdownStartsNothing(t *testing.T) {
	t.Parallel()
	bot := newBot(t, newServer(t, discordtest.Config{}), botwright.WithHealth(botwright.HealthConfig{}),
		botwright.WithAdmin(botwright.AdminConfig{Addr: "127.0.0.1:0"}))
	tasks, err := botwright.OpenTooLate(testContext(t), bot)
	if !errors.Is(err, botwright.ErrShutdown) || tasks != nil {
		t.Errorf("Open: %v, and %q run", err, tasks)
	}
}

// TestSessionsAreSilent keeps discordgo from printing.
func TestSessionsAreSilent(t *testing.T) {
	t.Parallel()
	if s := closedBot(t).Session(); s.LogLevel >= discordgo.LogError {
		t.Errorf("the log level is %d", s.LogLevel)
	}
	loud := func(s *discordgo.Session) { s.LogLevel = discordgo.LogWarning }
	if s := closedBot(t, botwright.WithSessionConfig(loud)).Session(); s.LogLevel != discordgo.LogWarning {
		t.Errorf("the log level that WithSessionConfig sets has become %d", s.LogLevel)
	}
}
