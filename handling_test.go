package botwright_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bwmarrin/discordgo"
	"golang.org/x/time/rate"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

func message(channel, user string) *botwright.Event {
	return botwright.SomeEvent("MESSAGE_CREATE", fmt.Sprintf(
		`{"id":"1","guild_id":"7","channel_id":%q,"author":{"id":%q}}`, channel, user))
}

func TestKeyFuncs(t *testing.T) {
	in := message("8", "9")
	dm := botwright.SomeEvent("MESSAGE_CREATE", `{"channel_id":"8","author":{"id":"9"}}`)
	none := botwright.SomeEvent("GUILD_CREATE", `{"id":"7"}`)
	for _, tt := range []struct {
		name           string
		key            botwright.KeyFunc
		in, dm, noUser string
	}{
		{"ByGuild", botwright.ByGuild, "7", "", "7"},
		{"ByChannel", botwright.ByChannel, "8", "8", ""},
		{"ByUser", botwright.ByUser, "9", "9", ""},
		{"ByMember", botwright.ByMember, "7/9", "/9", ""},
	} {
		if got := []string{tt.key(in), tt.key(dm), tt.key(none)}; !slices.Equal(got, []string{tt.in, tt.dm, tt.noUser}) {
			t.Errorf("%s: %q", tt.name, got)
		}
	}
}

func TestMaxConcurrent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var running, most atomic.Int32
		h := botwright.MaxConcurrent(2, botwright.ByUser)(func(context.Context, *botwright.Event) error {
			most.Store(max(most.Load(), running.Add(1)))
			defer running.Add(-1)
			time.Sleep(time.Second)
			return nil
		})
		start := time.Now()
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() { _ = h(t.Context(), message("1", "5")) })
		}
		wg.Wait()
		if d := time.Since(start); d != 3*time.Second || most.Load() != 2 {
			t.Errorf("6 events, 2 at a time: %v, at most %d at once", d, most.Load())
		}
		for user := range 6 {
			wg.Go(func() { _ = h(t.Context(), message("1", fmt.Sprint(user+1))) })
		}
		wg.Wait()
		if d := time.Since(start); d != 4*time.Second {
			t.Errorf("6 users: %v, want 1 s more", d)
		}
		wg.Go(func() { _ = h(t.Context(), message("1", "5")) })
		wg.Go(func() { _ = h(t.Context(), message("1", "5")) })
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := h(ctx, message("1", "5")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("no room in time: %v", err)
		}
		wg.Wait()
	})
}

// TestCooldownThrottles has a Cooldown do what other libraries call to throttle.
func TestCooldownThrottles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		h := botwright.Cooldown(rate.Every(time.Second), botwright.ByChannel)(
			func(context.Context, *botwright.Event) error { calls++; return nil })
		handle := func(channel string, want int) {
			t.Helper()
			if err := h(t.Context(), message(channel, "5")); err != nil || calls != want {
				t.Errorf("%d calls, %v; want %d", calls, err, want)
			}
		}
		handle("1", 1)
		handle("1", 1)
		handle("2", 2)
		time.Sleep(999 * time.Millisecond)
		handle("1", 2)
		time.Sleep(2 * time.Millisecond)
		handle("1", 3)
		handle("1", 3)
	})
}

func TestCooldown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		var waits []time.Duration
		h := botwright.CooldownWith(botwright.CooldownConfig{
			Rate: rate.Every(10 * time.Second), Burst: 2,
			TooFast: func(_ *botwright.Event, wait time.Duration) string {
				waits = append(waits, wait)
				return ""
			},
		}, botwright.ByUser)(func(context.Context, *botwright.Event) error { calls++; return nil })
		for range 4 {
			_ = h(t.Context(), message("1", "5"))
		}
		_ = h(t.Context(), message("1", "6"))
		if calls != 3 || !slices.Equal(waits, []time.Duration{10 * time.Second}) { // once per wait
			t.Errorf("%d calls, waits %v", calls, waits)
		}
		time.Sleep(10 * time.Second)
		_ = h(t.Context(), message("1", "5"))
		_ = h(t.Context(), message("1", "5"))
		if calls != 4 || len(waits) != 2 {
			t.Errorf("%d calls and %d answers after the wait, want 4 and 2", calls, len(waits))
		}
		click := botwright.SomeEvent("INTERACTION_CREATE", `{"id":"1","type":3,"user":{"id":"5"}}`)
		for range 3 { // each waits for an answer
			_ = h(t.Context(), click)
		}
		if len(waits) != 5 {
			t.Errorf("%d of 3 interactions were answered", len(waits)-2)
		}
	})
}

func TestCooldownAnswers(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	var moved atomic.Int64 // a clock that stands still, since this takes seconds on a busy machine
	begun := srv.Now()
	bot := newBot(t, srv, botwright.WithClock(func() time.Time {
		return begun.Add(time.Duration(moved.Load()))
	}))
	botwright.On(bot, func(_ context.Context, s *discordgo.Session, i *discordgo.InteractionCreate) error {
		return s.InteractionRespond(i.Interaction, &discordgo.InteractionResponse{
			Type: discordgo.InteractionResponseChannelMessageWithSource,
			Data: &discordgo.InteractionResponseData{Content: "fine"}})
	}, botwright.CooldownWith(botwright.CooldownConfig{
		Rate: rate.Every(time.Hour),
		TooFast: func(_ *botwright.Event, wait time.Duration) string {
			return "again in " + wait.String()
		},
	}, botwright.ByUser))
	open(t, bot)
	g := srv.Guilds()[0]
	for _, want := range []string{"fine", "again in 1h0m0s", "", "fine"} {
		if want == "" {
			moved.Add(int64(time.Hour))
			continue
		}
		in := srv.SlashCommand(g.ID, g.Channels[0].ID, g.Members[0].User.ID, "x")
		got, err := in.Response(testContext(t))
		if err != nil || got.Message.Content != want || got.Ephemeral == (want == "fine") {
			t.Errorf("answer %+v, %v; want %q", got.Message, err, want)
		}
	}
}

func TestCooldownAnswersInteractionsByDefault(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	now := time.Now()
	bot := newBot(t, srv, botwright.WithClock(func() time.Time { return now }))
	botwright.On(bot, answerInteraction, botwright.Cooldown(rate.Every(time.Hour), botwright.ByUser))
	open(t, bot)
	g := srv.Guilds()[0]
	for _, want := range []string{"pong", "try again in 1h0m0s", "try again in 1h0m0s"} {
		in := srv.SlashCommand(g.ID, g.Channels[0].ID, g.Members[0].User.ID, "x")
		got, err := in.Response(testContext(t))
		if err != nil || !strings.Contains(got.Message.Content, want) {
			t.Errorf("answer %+v, %v; want %q", got.Message, err, want)
		}
	}
}

// restError is what discordgo returns for an answer with that status.
func restError(status int) error {
	return &discordgo.RESTError{Response: &http.Response{StatusCode: status}}
}

func TestRetry(t *testing.T) {
	transient := errors.New("transient")
	tests := []struct {
		name   string
		err    error
		fails  int // attempts that fail
		calls  int
		result error
	}{
		{"at once", nil, 0, 1, nil},
		{"second attempt", transient, 1, 2, nil},
		{"last attempt", transient, 3, 4, nil},
		{"never", transient, 9, 4, transient},
		{"answered", fmt.Errorf("x: %w", botwright.ErrInteractionAnswered), 9, 1, botwright.ErrInteractionAnswered},
		{"expired", botwright.ErrInteractionExpired, 9, 1, botwright.ErrInteractionExpired},
		{"deferred", botwright.ErrInteractionDeferred, 9, 1, botwright.ErrInteractionDeferred},
		{"permanent", botwright.Permanent(transient), 9, 1, transient},
		{"wrapped permanent", fmt.Errorf("x: %w", botwright.Permanent(transient)), 9, 1, transient},
		{"panic", &botwright.PanicError{Value: transient}, 9, 1, transient},
		{"undecodable", &botwright.DecodeError{Err: transient}, 9, 1, transient},
		{"refused", restError(http.StatusForbidden), 9, 1, nil},
		{"outage", restError(http.StatusBadGateway), 1, 2, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				h := botwright.Retry(4)(func(context.Context, *botwright.Event) error {
					if calls++; calls <= tt.fails {
						return tt.err
					}
					return nil
				})
				start := time.Now()
				err := h(t.Context(), message("1", "5"))
				if calls != tt.calls || tt.result != nil && !errors.Is(err, tt.result) {
					t.Errorf("%d calls, %v", calls, err)
				}
				if d := time.Since(start); d > 3500*time.Millisecond {
					t.Errorf("paused for %v", d)
				}
			})
		})
	}
	t.Run("the first error is not lost", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			calls := 0
			err := botwright.Retry(9)(func(context.Context, *botwright.Event) error {
				if calls++; calls == 1 {
					return transient
				}
				return botwright.ErrInteractionAnswered // by the first attempt
			})(t.Context(), message("1", "5"))
			if calls != 2 || !errors.Is(err, transient) || !errors.Is(err, botwright.ErrInteractionAnswered) {
				t.Errorf("%d calls, %v", calls, err)
			}
		})
	})
	t.Run("the context ends", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			calls := 0
			err := botwright.Retry(9)(func(context.Context, *botwright.Event) error {
				calls++
				cancel()
				return transient
			})(ctx, message("1", "5"))
			if calls != 1 || !errors.Is(err, transient) {
				t.Errorf("%d calls, %v", calls, err)
			}
		})
	})
	if botwright.Permanent(nil) != nil {
		t.Error("Permanent(nil) is an error")
	}
}

func TestHandlingMisuse(t *testing.T) {
	for name, f := range map[string]func(){
		"Debounce":      func() { botwright.Debounce(0, botwright.ByUser) },
		"Debounce key":  func() { botwright.Debounce(1, nil) },
		"Cooldown":      func() { botwright.Cooldown(0, botwright.ByUser) },
		"Cooldown key":  func() { botwright.Cooldown(1, nil) },
		"Retry":         func() { botwright.Retry(1) },
		"MaxConcurrent": func() { botwright.MaxConcurrent(0, nil) },
		"Ordered":       func() { botwright.Ordered(nil) },
	} {
		t.Run(name, func(t *testing.T) { wantPanic(t, "pass a", f) })
	}
}

// TestDebounceMemberUpdates is the case that debouncing is there for: a burst of updates of one
// member.
func TestDebounceMemberUpdates(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	bot := newBot(t, srv, botwright.WithIntents(discordgo.IntentGuildMembers))
	handled := make(chan *discordgo.GuildMemberUpdate, 100)
	errs := make(chan error, 1)
	botwright.On(bot, func(ctx context.Context, _ *discordgo.Session, u *discordgo.GuildMemberUpdate) error {
		handled <- u
		return ctx.Err()
	}, botwright.Debounce(time.Hour, botwright.ByMember))
	seen := make(chan bool, 100)
	botwright.On(bot, func(context.Context, *discordgo.Session, *discordgo.GuildMemberUpdate) error {
		seen <- true
		return nil
	})
	if err := bot.Open(testContext(t)); err != nil {
		t.Fatal(err)
	}
	g := srv.Guilds()[0]
	for i := range 20 {
		for _, m := range g.Members[:2] {
			nick := fmt.Sprintf("nick %d", i)
			if _, err := srv.UpdateMember(g.ID, m.User.ID, discordtest.MemberEdit{Nick: &nick}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 40 {
		receive(t, seen)
	}
	if len(handled) > 0 {
		t.Fatal("handled before the burst was over")
	}
	go func() { errs <- bot.Shutdown(testContext(t)) }() // does not wait an hour, and loses nothing
	users := make(map[string]bool)
	for range 2 {
		u := receive(t, handled)
		users[u.User.ID] = true
		if u.Nick != "nick 19" {
			t.Errorf("handled with %q, want the last", u.Nick)
		}
	}
	if err := receive(t, errs); err != nil || len(users) != 2 || len(handled) > 0 {
		t.Errorf("Shutdown: %v, users %v, %d more", err, users, len(handled))
	}
}

func TestConcurrentAndOrdered(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	bot := newBot(t, srv)
	gate, inside := make(chan bool), make(chan string, 10)
	wait := func(name string) botwright.HandlerFunc[discordgo.MessageCreate] {
		return func(context.Context, *discordgo.Session, *discordgo.MessageCreate) error {
			inside <- name
			<-gate
			return nil
		}
	}
	botwright.On(bot, wait("concurrent"), botwright.Concurrent())
	botwright.On(bot, wait("ordered"), botwright.Ordered(botwright.ByGuild))
	botwright.On(bot, wait("ordered, too"), botwright.Ordered(botwright.ByGuild))
	botwright.On(bot, wait("panic"), botwright.Ordered(func(*botwright.Event) string { panic("key") }))
	open(t, bot)
	g := srv.Guilds()[0]
	for _, c := range g.Channels[:2] {
		if _, err := srv.Say(c.ID, g.Members[0].User.ID, "hi"); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for range 6 {
		got = append(got, receive(t, inside))
	}
	slices.Sort(got)
	want := []string{"concurrent", "concurrent", "ordered", "ordered, too", "panic", "panic"}
	if !slices.Equal(got, want) {
		t.Errorf("at once: %v, want %v", got, want)
	}
	close(gate)
	last := []string{receive(t, inside), receive(t, inside)}
	slices.Sort(last)
	if !slices.Equal(last, []string{"ordered", "ordered, too"}) {
		t.Errorf("then %s", last)
	}
}

func TestNext(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	bot := newBot(t, srv, botwright.WithIntents(discordgo.IntentsAllWithoutPrivileged|discordgo.IntentMessageContent))
	answers := make(chan string, 1)
	asked := make(chan bool, 1)
	botwright.On(bot, func(ctx context.Context, _ *discordgo.Session, m *discordgo.MessageCreate) error {
		// The reply is an event of the same channel, which this handler holds up.
		asked <- true
		reply, err := botwright.Next[discordgo.MessageCreate](ctx, bot,
			botwright.Filter(func(e *botwright.Event) bool {
				return e.ChannelID == m.ChannelID && e.UserID == m.Author.ID
			}))
		if err == nil {
			answers <- reply.Content
		}
		return err
	}, botwright.Prefix("!ask"))
	open(t, bot)
	g := srv.Guilds()[0]
	channel := g.Channels[0].ID
	say(t, srv, "!ask")
	receive(t, asked)
	for !waits(bot) {
		receive(t, time.After(time.Millisecond))
	}
	if _, err := srv.Say(channel, g.Members[1].User.ID, "not me"); err != nil {
		t.Fatal(err)
	}
	say(t, srv, "blue")
	if got := receive(t, answers); got != "blue" {
		t.Errorf("the reply is %q", got)
	}
	if waits(bot) {
		t.Error("the wait is still registered")
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	cancel(cause)
	if _, err := botwright.Next[discordgo.MessageCreate](ctx, bot); !errors.Is(err, cause) {
		t.Errorf("Next after its context: %v", err)
	}
}

func waits(bot *botwright.Bot) bool { return botwright.Waiting(bot, "MESSAGE_CREATE") > 0 }

// TestSlowHandlerBlocksNothing reports handlers that nothing waits for.
func TestSlowHandlerBlocksNothing(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	log := newErrorLog()
	bot := newBot(t, srv, botwright.WithErrorHandler(log.handle),
		botwright.WithQueue(botwright.QueueConfig{Slow: 10 * time.Millisecond}))
	release := make(chan bool)
	defer close(release)
	botwright.On(bot, func(context.Context, *discordgo.Session, *discordgo.MessageCreate) error {
		dawdle(release)
		return nil
	}, botwright.Concurrent())
	open(t, bot)
	say(t, srv, "hi")
	if slow := waitFor[*botwright.SlowHandlerError](t, log); slow.Blocks || strings.Contains(slow.Error(), "Concurrent") {
		t.Errorf("it says that the channel waits: %v", slow)
	}
}

func TestSlowHandlers(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	log := newErrorLog()
	bot := newBot(t, srv, botwright.WithErrorHandler(log.handle),
		botwright.WithQueue(botwright.QueueConfig{Slow: 50 * time.Millisecond}))
	release := make(chan bool)
	botwright.On(bot, func(context.Context, *discordgo.Session, *discordgo.MessageCreate) error {
		for range 3 { // they have the handler's label, and are not it
			go loiter(release)
		}
		dawdle(release)
		return nil
	})
	open(t, bot)
	say(t, srv, "hi")
	slow := waitFor[*botwright.SlowHandlerError](t, log)
	if slow.Ended || slow.Type != "MESSAGE_CREATE" || !strings.Contains(slow.Stack, "dawdle") ||
		!strings.Contains(slow.Handler, "TestSlowHandlers") || slow.Age < 50*time.Millisecond {
		t.Errorf("report %+v", slow)
	}
	if !slow.Blocks || !strings.Contains(slow.Error(), "with Concurrent") {
		t.Errorf("it does not say that the channel waits: %v", slow)
	}
	close(release)
	for ended := false; !ended; {
		receive(t, log.told)
		told := log.all()
		last, ok := errors.AsType[*botwright.SlowHandlerError](told[len(told)-1])
		ended = ok && last.Ended && last.Stack == ""
		if len(told) > 2 {
			t.Errorf("reported %d times, want twice", len(told))
		}
	}
}

//go:noinline
func dawdle(until <-chan bool) { <-until }

//go:noinline
func loiter(until <-chan bool) { <-until }
