package botwright_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
	"github.com/botwright/botwright/internal/leftover"
	"github.com/botwright/botwright/internal/testkit"
)

func TestMain(m *testing.M) {
	if config := os.Getenv(childEnv); config != "" {
		panic(childBot(config)) // it is killed before
	}
	// Tests with a bot mostly wait: for a deadline or a back-off.
	flag.Parse()
	if parallel := flag.Lookup("test.parallel"); parallel.Value.String() == parallel.DefValue {
		_ = parallel.Value.Set("24")
	}
	goleak.VerifyTestMain(afterExamples{m})
}

// afterExamples waits for the bots of the examples before goroutines are counted.
type afterExamples struct{ *testing.M }

func (m afterExamples) Run() int {
	code := m.M.Run()
	exampleBots.Wait()
	leftover.AwaitSessions()
	return code
}

// testTime bounds each test. Nothing waits for it unless something is broken.
const testTime = testkit.Patience

// newServer starts a fake Discord for the time of the test.
func newServer(t *testing.T, cfg discordtest.Config) *discordtest.Server {
	t.Helper()
	srv, err := discordtest.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Close)
	return srv
}

// newBot makes a silent bot for the fake Discord.
func newBot(t *testing.T, srv *discordtest.Server, opts ...botwright.Option) *botwright.Bot {
	t.Helper()
	opts = append([]botwright.Option{
		botwright.WithAPI(srv.URL), botwright.WithLogger(slog.New(slog.DiscardHandler)),
	}, opts...)
	bot, err := botwright.New(srv.Token, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return bot
}

// open opens the bot, and shuts it down at the end of the test.
func open(t *testing.T, bot *botwright.Bot) {
	t.Helper()
	ctx := testContext(t)
	if err := bot.Open(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), testTime)
		defer cancel()
		if err := bot.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
	})
}

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testTime)
	t.Cleanup(cancel)
	return ctx
}

// receive takes the next value of a channel.
func receive[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	return testkit.Receive(t, from, fmt.Sprintf("a %T", *new(T)))
}

// say lets the first member of the first guild write into the guild's first channel.
func say(t *testing.T, srv *discordtest.Server, text string) {
	t.Helper()
	g := srv.Guilds()[0]
	if _, err := srv.Say(g.Channels[0].ID, g.Members[0].User.ID, text); err != nil {
		t.Fatal(err)
	}
}

// errorLog collects what the error handler is told.
type errorLog struct {
	mu   sync.Mutex
	errs []error
	told chan struct{} // 1 slot
}

func newErrorLog() *errorLog { return &errorLog{told: make(chan struct{}, 1)} }

func (l *errorLog) handle(_ context.Context, _ *botwright.Event, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.errs = append(l.errs, err)
	select {
	case l.told <- struct{}{}:
	default:
	}
}

// all returns the errors so far.
func (l *errorLog) all() []error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.errs)
}

// errorsBut returns the errors that are not of type E.
func errorsBut[E error](l *errorLog) []error {
	return slices.DeleteFunc(l.all(), func(err error) bool {
		_, is := errors.AsType[E](err)
		return is
	})
}

// waitFor waits for an error of type E.
func waitFor[E error](t *testing.T, l *errorLog) E {
	t.Helper()
	for {
		l.mu.Lock()
		for _, err := range l.errs {
			if target, ok := errors.AsType[E](err); ok {
				l.mu.Unlock()
				return target
			}
		}
		l.mu.Unlock()
		receive(t, l.told)
	}
}
