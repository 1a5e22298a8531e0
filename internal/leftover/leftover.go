// Package leftover is for test programs that count goroutines.
package leftover

import (
	"bytes"
	"runtime"
	"time"
)

// AwaitSessions waits for the goroutines of discordgo sessions whose bots have been shut down:
// discordgo sleeps for a second in Session.Close (CloseWithCode in wsapi.go). After ten seconds it
// gives up.
func AwaitSessions() {
	stacks := make([]byte, 4<<20)
	for range 500 {
		n := runtime.Stack(stacks, true)
		if !bytes.Contains(stacks[:n], []byte("discordgo.(*Session).Close")) {
			return
		}
		<-time.After(20 * time.Millisecond)
	}
}
