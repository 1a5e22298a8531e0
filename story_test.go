package botwright_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
)

// A story is what an operator reads in the channel of the alerts and in the log.
type story struct {
	*storyWorld
	log  *logRecorder
	text strings.Builder
}

// scene lets something happen for a while, and writes down what is read of it. It begins 8 s after
// a look of the checks, so that chance does not decide what that sees.
func (s *story) scene(title string, lasts time.Duration, happens func()) {
	s.set(func(w *storyWorld) { w.posts = nil })
	s.log.clear()
	fmt.Fprintf(&s.text, "\n## %s\n\n", title)
	begun := time.Now()
	happens()
	time.Sleep(lasts - time.Since(begun))
	synctest.Wait()
	s.write()
}

var shardNumber = regexp.MustCompile(` \d\b`)

// write writes down what was read since the last time: lines of the log with their number, and
// the posts in their order.
func (s *story) write() {
	var order []string
	count := make(map[string]int)
	for _, line := range s.log.messages(s.t) {
		level, message, _ := strings.Cut(line, " ")
		if level != "INFO" || !strings.HasPrefix(message, "State will") {
			line = roughly(fmt.Sprintf("log   %-5s %s", level, shardNumber.ReplaceAllString(message, "")))
			if count[line]++; count[line] == 1 {
				order = append(order, line)
			}
		}
	}
	slices.Sort(order)
	for _, line := range order {
		switch n := count[line]; {
		case n >= 10:
			line += ", many times"
		case n > 1:
			line += fmt.Sprintf(" ×%d", n)
		}
		s.text.WriteString(line + "\n")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.posts {
		s.text.WriteString(p + "\n")
	}
}

// A bot goes through the worst day, and what its operator reads of that is true, arrives, and
// is short.
func TestStoryOfABadDay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &story{storyWorld: newStoryWorld(t), log: newLogRecorder()}
		defer s.stop()
		release := make(chan struct{})
		bot, err := botwright.New(someToken, botwright.WithShards(4), botwright.WithLogger(jsonLogger(s.log)),
			botwright.WithGatewayDial(s.dial), botwright.WithoutSessions(), botwright.WithSessionStore(s.storyWorld),
			botwright.WithIntents(discordgo.IntentDirectMessages|discordgo.IntentMessageContent),
			botwright.WithQueue(botwright.QueueConfig{MaxEvents: 20}),
			botwright.WithHTTPClient(&http.Client{Transport: roundTripper(s.api)}),
			botwright.WithHealth(botwright.HealthConfig{Without: []string{"memory"}, Name: "bot-0",
				Alerters: []botwright.Alerter{&botwright.WebhookAlerter{
					URL: "https://discord.com/api/webhooks/1/x", MentionRoles: []string{"ops"},
					Client: &http.Client{Transport: roundTripper(s.hook)}}}}))
		if err != nil {
			t.Fatal(err)
		}
		botwright.On(bot, func(context.Context, *discordgo.Session, *discordgo.MessageCreate) error {
			<-release
			return nil
		})
		ran := make(chan error, 1)
		s.text.WriteString("# What an operator reads on a bad day\n")
		s.scene("The bot starts, with 4 shards", 5*time.Minute+8*time.Second, func() {
			go func() { ran <- bot.Run(t.Context()) }()
		})
		s.tell(release)
		s.scene("A privileged intent is taken away: Discord closes shard 3 with 4014", 10*time.Second,
			func() { s.closeWith(3, 4014) })
		if err := <-ran; !errors.As(err, new(*botwright.ShardError)) {
			t.Errorf("Run: %v", err)
		}
		goldenText(t, "testdata/story.md", s.text.String())
	})
}

// tell is the middle of the story.
func (s *story) tell(release chan struct{}) {
	s.scene("For ten minutes nothing gets through; posts do not for five minutes more", 30*time.Minute, func() {
		s.set(func(w *storyWorld) { w.offline, w.deaf = true, true })
		s.cut(0, 1, 2, 3)
		time.Sleep(10 * time.Minute)
		s.set(func(w *storyWorld) { w.offline = false })
		time.Sleep(5 * time.Minute)
		s.set(func(w *storyWorld) { w.deaf = false })
	})
	s.scene("For most of an hour shard 2 is down for 30 s of each minute", 3*time.Hour, func() {
		for range 57 {
			s.set(func(w *storyWorld) { w.refused[2] = true })
			s.cut(2)
			time.Sleep(30 * time.Second)
			s.set(func(w *storyWorld) { w.refused[2] = false })
			time.Sleep(30 * time.Second)
		}
	})
	s.scene("The disk is full for ten minutes", 15*time.Minute, func() {
		s.set(func(w *storyWorld) { w.diskFull = true })
		time.Sleep(10 * time.Minute)
		s.set(func(w *storyWorld) { w.diskFull = false })
	})
	s.scene("Eighteen handlers hang for ten minutes, with a queue of 20", 20*time.Minute, func() {
		for i := range 18 {
			s.dispatch(0, "MESSAGE_CREATE", fmt.Sprintf(
				`{"id":"%d","channel_id":"%d","content":"hi","author":{"id":"2","username":"u"}}`, 100+i, 200+i))
		}
		time.Sleep(10 * time.Minute)
		close(release)
	})
}

// goldenText compares a text with a file.
func goldenText(t *testing.T, file, got string) {
	t.Helper()
	if *updateAlerts {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; if it is meant, run the test with -update-alerts:\n%s", file, got)
	}
}
