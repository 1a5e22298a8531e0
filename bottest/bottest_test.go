package bottest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"
	"golang.org/x/time/rate"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/bottest"
	"github.com/botwright/botwright/discordtest"
)

var errBroken = errors.New("it is broken")

// newBot makes a bot that does a bit of everything.
func newBot(token string, opts ...botwright.Option) (*botwright.Bot, error) {
	own := []botwright.Option{botwright.WithPrivilegedIntents(discordgo.IntentMessageContent)}
	bot, err := botwright.New(token, append(own, opts...)...)
	if err != nil {
		return nil, err
	}
	botwright.On(bot, func(ctx context.Context, s *discordgo.Session, m *discordgo.MessageCreate) error {
		_, err := s.ChannelMessageSend(m.ChannelID, "you said "+m.Content, discordgo.WithContext(ctx))
		return err
	}, botwright.NotBot())
	botwright.On(bot, func(_ context.Context, s *discordgo.Session, i *discordgo.InteractionCreate) error {
		return answer(s, i, "set to "+i.ApplicationCommandData().Options[0].Options[0].StringValue())
	}, botwright.Command("config set"))
	botwright.On(bot, func(_ context.Context, s *discordgo.Session, i *discordgo.InteractionCreate) error {
		return answer(s, i, "clicked "+i.MessageComponentData().CustomID)
	}, botwright.Component("yes"))
	botwright.On(bot, func(context.Context, *discordgo.Session, *discordgo.InteractionCreate) error {
		return errBroken
	}, botwright.Command("broken"))
	botwright.On(bot, func(context.Context, *discordgo.Session, *discordgo.InteractionCreate) error {
		panic("oh")
	}, botwright.Command("panic"))
	botwright.On(bot, func(_ context.Context, s *discordgo.Session, i *discordgo.InteractionCreate) error {
		return answer(s, i, "done")
	}, botwright.Command("rare"), botwright.CooldownWith(botwright.CooldownConfig{
		Rate:    rate.Every(time.Hour),
		TooFast: func(*botwright.Event, time.Duration) string { return "too fast" },
	}, botwright.ByUser))
	return bot, nil
}

func answer(s *discordgo.Session, i *discordgo.InteractionCreate, text string) error {
	return s.InteractionRespond(i.Interaction, &discordgo.InteractionResponse{
		Type: discordgo.InteractionResponseChannelMessageWithSource,
		Data: &discordgo.InteractionResponseData{
			Content: text,
			Components: []discordgo.MessageComponent{discordgo.ActionsRow{
				Components: []discordgo.MessageComponent{discordgo.Button{Label: "Yes", CustomID: "yes"}},
			}},
		},
	})
}

func TestActions(t *testing.T) {
	t.Parallel()
	bot := bottest.Start(t, discordtest.Config{}, func(
		token string, opts ...botwright.Option) (*botwright.Bot, error) {
		return newBot(token, append(opts, botwright.WithShards(4))...)
	})
	set := bot.Command("config set", discordtest.Option("key", "value"))
	if set.Content != "set to value" {
		t.Errorf("/config set answers %q", set.Content)
	}
	if m := bot.Click(set, "yes"); m.Content != "clicked yes" {
		t.Errorf("the click answers %q", m.Content)
	}
	for range 2 {
		if m := bot.Say("hi"); m.Content != "you said hi" {
			t.Errorf("the message answers %q", m.Content)
		}
	}
	for _, want := range []string{"done", "too fast", "done"} {
		if m := bot.Command("rare"); m.Content != want {
			t.Errorf("/rare answers %q, want %q", m.Content, want)
		}
		if want == "too fast" {
			bot.Server.Advance(time.Hour)
		}
	}
}

func TestErrorsTaken(t *testing.T) {
	t.Parallel()
	bot := bottest.Start(t, discordtest.Config{}, newBot)
	use := func(name string) {
		bot.Server.SlashCommand(bot.GuildID, bot.ChannelID, bot.UserID, name)
	}
	use("broken")
	if err := bot.Error(); !errors.Is(err, errBroken) {
		t.Errorf("Error = %v", err)
	}
	use("panic")
	if _, ok := errors.AsType[*botwright.PanicError](bot.Error()); !ok {
		t.Error("no panic")
	}
	use("unknown")
	if e, ok := errors.AsType[*botwright.UnhandledInteractionError](bot.Error()); !ok || e.Name != "unknown" {
		t.Errorf("the unhandled interaction is %v", e)
	}
}

// TestFailures holds what fails a test.
func TestFailures(t *testing.T) {
	t.Parallel()
	refused := errors.New("refused")
	use := func(name string) func(testing.TB) {
		return func(tb testing.TB) {
			bot := bottest.Start(tb, discordtest.Config{}, newBot)
			bot.Server.SlashCommand(bot.GuildID, bot.ChannelID, bot.UserID, name)
			bot.Say("so that it has been read")
		}
	}
	for name, tt := range map[string]struct {
		test func(testing.TB)
		want []string
	}{
		"nothing":  {func(tb testing.TB) { bottest.Start(tb, discordtest.Config{}, newBot) }, nil},
		"an error": {use("broken"), []string{"an error of INTERACTION_CREATE: it is broken"}},
		"a panic":  {use("panic"), []string{"panic: oh", "bottest_test.go"}},
		"nobody":   {use("unknown"), []string{"nobody handles /unknown"}},
		"an error in place of an answer": {func(tb testing.TB) {
			bottest.Start(tb, discordtest.Config{}, newBot).Command("broken")
		}, []string{"it is broken", "wait for the answer"}},
		"no bot": {func(tb testing.TB) {
			bottest.Start(tb, discordtest.Config{}, func(string, ...botwright.Option) (*botwright.Bot, error) {
				return nil, refused
			})
		}, []string{"make the bot: refused"}},
		"no server": {func(tb testing.TB) {
			bottest.Start(tb, discordtest.Config{Addr: "nowhere"}, newBot)
		}, []string{"start the fake Discord"}},
		"no connection": {func(tb testing.TB) {
			bottest.Start(tb, discordtest.Config{PrivilegedIntents: discordtest.NoPrivilegedIntents}, newBot)
		}, []string{"open the bot", "Message Content Intent"}},
		"nobody to answer": {func(tb testing.TB) {
			bot := bottest.Start(tb, discordtest.Config{}, newBot)
			bot.ChannelID = "1"
			bot.Say("hi")
		}, []string{`say "hi"`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRecorder(t.Context())
			done := make(chan bool)
			go func() { // Fatalf ends it
				defer close(done)
				defer r.end()
				tt.test(r)
			}()
			<-done
			text := strings.Join(r.failures, "\n")
			if tt.want == nil && text != "" {
				t.Errorf("the test failed: %s", text)
			}
			for _, want := range tt.want {
				if !strings.Contains(text, want) {
					t.Errorf("the test failed with %q, want %q", text, want)
				}
			}
		})
	}
}

// A recorder is a test that may fail.
type recorder struct {
	testing.TB
	ctx context.Context

	mu       sync.Mutex // guards what follows
	cleanups []func()
	failures []string
}

func newRecorder(ctx context.Context) *recorder { return &recorder{ctx: ctx} }

// end does what is done at the end of a test.
func (r *recorder) end() {
	for _, f := range slices.Backward(r.cleanups) {
		f()
	}
}

func (r *recorder) Helper() {}

func (r *recorder) Context() context.Context { return r.ctx }

func (r *recorder) Output() io.Writer { return io.Discard }

func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}
