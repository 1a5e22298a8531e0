package bottest_test

import (
	"bytes"
	"runtime"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(afterSessions{m}) }

// afterSessions waits, before goroutines are counted, for the second that discordgo takes to close
// a session.
type afterSessions struct{ *testing.M }

func (m afterSessions) Run() int {
	code := m.M.Run()
	stacks := make([]byte, 1<<20)
	for range 500 {
		n := runtime.Stack(stacks, true)
		if !bytes.Contains(stacks[:n], []byte("discordgo.(*Session).Close")) {
			break
		}
		<-time.After(20 * time.Millisecond)
	}
	return code
}
