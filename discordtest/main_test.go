package discordtest_test

import (
	"context"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/botwright/botwright/discordtest"
	"github.com/botwright/botwright/internal/leftover"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(afterSessions{m}) }

// afterSessions waits, before goroutines are counted, until discordgo has closed the sessions.
type afterSessions struct{ *testing.M }

func (m afterSessions) Run() int {
	code := m.M.Run()
	leftover.AwaitSessions()
	return code
}

// patience bounds every wait of a test; it is only used up when something is wrong.
const patience = 30 * time.Second

func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// start runs a server for the length of the test.
func start(t *testing.T, cfg discordtest.Config) *discordtest.Server {
	t.Helper()
	srv, err := discordtest.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Close)
	return srv
}

// await waits for a condition on the server.
func await(t *testing.T, srv *discordtest.Server, cond func() bool) {
	t.Helper()
	if err := srv.Wait(deadline(t), cond); err != nil {
		t.Fatal(err)
	}
}
