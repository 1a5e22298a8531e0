package bottest_test

import (
	"testing"

	"go.uber.org/goleak"

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
