package botwright_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
)

// TestOldestWaitingEvent has an event wait behind a handler that hangs.
func TestOldestWaitingEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bot := closedBot(t)
		release := make(chan struct{})
		botwright.On(bot, func(context.Context, *discordgo.Session, *discordgo.MessageCreate) error {
			<-release
			return nil
		})
		for range 2 {
			botwright.Enqueue(bot, "MESSAGE_CREATE", messageData, time.Second)
			synctest.Wait()
		}
		for _, tt := range []struct {
			after  time.Duration
			oldest time.Duration
			status botwright.HealthStatus
		}{
			{0, time.Second, ""},
			{5 * time.Second, 6 * time.Second, botwright.Degraded},
			{25 * time.Second, 31 * time.Second, botwright.Unhealthy},
		} {
			time.Sleep(tt.after)
			r := botwright.Judge(bot, "queue")
			if got := bot.Queue().Oldest; got != tt.oldest || r.Status != tt.status {
				t.Errorf("the oldest waits for %v: %s, %s", got, r.Status, r.Message)
			}
			if blames := strings.Contains(r.Message, "behind the handler") &&
				strings.Contains(r.Message, "TestOldestWaitingEvent"); blames != (tt.status != "") {
				t.Errorf("blames a handler: %v: %s", blames, r.Message)
			}
		}
		close(release)
		synctest.Wait()
		if st := bot.Queue(); st.Oldest != 0 || st.Events != 0 {
			t.Errorf("afterwards %+v", st)
		}
	})
}
