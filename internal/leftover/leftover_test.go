package leftover_test

import (
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/leftover"
)

func TestAwaitSessions(t *testing.T) {
	t.Parallel()
	s, err := discordgo.New("Bot token")
	if err != nil {
		t.Fatal(err)
	}
	s.Lock() // Close waits for it
	closed := make(chan bool)
	go func() {
		_ = s.Close()
		close(closed)
	}()
	waited := make(chan bool)
	go func() {
		<-time.After(100 * time.Millisecond)
		leftover.AwaitSessions()
		close(waited)
	}()
	select {
	case <-waited:
		t.Error("it did not wait")
	case <-time.After(300 * time.Millisecond):
	}
	s.Unlock()
	<-closed
	<-waited
}
