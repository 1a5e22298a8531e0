package botwright_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bwmarrin/discordgo"
	"golang.org/x/time/rate"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

// These tests are about events that are held back: debounced, waited for, or caught by Shutdown.
// Most use a bot that is not open, and deliver events to its handlers.

func closedBot(tb testing.TB, opts ...botwright.Option) *botwright.Bot {
	tb.Helper()
	opts = append([]botwright.Option{botwright.WithLogger(slog.New(slog.DiscardHandler))}, opts...)
	bot, err := botwright.New(someToken, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	return bot
}

func memberUpdate(bot *botwright.Bot, before, nick string) {
	raw := fmt.Sprintf(`{"guild_id":"7","nick":%q,"user":{"id":"9"},"roles":[]}`, nick)
	botwright.Deliver(bot, "GUILD_MEMBER_UPDATE", raw, func(payload any) {
		payload.(*discordgo.GuildMemberUpdate).BeforeUpdate = &discordgo.Member{Nick: before}
	})
}

// TestDebounceLosesNoChange lets bursts end while events come in: the last change must be handled,
// whatever came of those before.
func TestDebounceLosesNoChange(t *testing.T) {
	for _, leading := range []bool{false, true} {
		t.Run(fmt.Sprintf("leading=%v", leading), func(t *testing.T) {
			t.Parallel()
			bot := closedBot(t)
			var mu sync.Mutex
			seen := make(map[string]int)
			botwright.On(bot, func(_ context.Context, _ *discordgo.Session, u *discordgo.GuildMemberUpdate) error {
				mu.Lock()
				defer mu.Unlock()
				seen[u.Nick]++
				return nil
			}, botwright.DebounceWith(botwright.DebouncerConfig{
				Wait: 5 * time.Microsecond, MaxWait: 20 * time.Microsecond, Leading: leading,
			}, botwright.ByMember))
			const events = 3000
			for i := range events {
				memberUpdate(bot, strconv.Itoa(i), strconv.Itoa(i+1))
			}
			if err := bot.Shutdown(testContext(t)); err != nil {
				t.Error(err)
			}
			for nick, n := range seen {
				if n != 1 {
					t.Errorf("%s was handled %d times", nick, n)
				}
			}
			if seen[strconv.Itoa(events)] == 0 {
				t.Errorf("%d were handled, and not the last one", len(seen))
			}
		})
	}
}

func TestRemovedWhileDebounced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bot := closedBot(t)
		called := false
		remove := botwright.On(bot, func(context.Context, *discordgo.Session, *discordgo.GuildMemberUpdate) error {
			called = true
			return nil
		}, botwright.Debounce(time.Second, botwright.ByMember))
		botwright.On(bot, func(context.Context, *discordgo.Session, *discordgo.GuildMemberUpdate) error { return nil })
		memberUpdate(bot, "a", "b")
		remove()
		time.Sleep(time.Minute)
		synctest.Wait()
		if called {
			t.Error("a handler was called after it was removed")
		}
	})
}

func TestRemovedHandlersLeaveNoDebouncer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bot := closedBot(t)
		for range 20 {
			remove := botwright.On(bot, func(context.Context, *discordgo.Session, *discordgo.GuildMemberUpdate) error {
				return nil
			}, botwright.Debounce(time.Second, botwright.ByMember))
			memberUpdate(bot, "a", "b")
			remove()
			time.Sleep(time.Minute)
			synctest.Wait()
		}
		if n := botwright.Debouncers(bot); n > 1 {
			t.Errorf("%d debouncers are left", n)
		}
		if n := botwright.HandlerDebounces(bot); n.Triggers != 20 || n.Runs != 20 {
			t.Errorf("their counters are lost: %+v", n)
		}
	})
}

func TestDebounceOfLooseEvent(t *testing.T) {
	want := errors.New("seen")
	h := botwright.Debounce(time.Hour, botwright.ByUser)(
		func(context.Context, *botwright.Event) error { return want })
	if err := h(t.Context(), &botwright.Event{UserID: "1"}); !errors.Is(err, want) {
		t.Errorf("an event that no bot has received: %v", err)
	}
}

// TestShutdownFlushesEveryDebouncer has one whose callback hangs: the other one's event must not
// wait for it.
func TestShutdownFlushesEveryDebouncer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bot := closedBot(t, botwright.WithQueue(botwright.QueueConfig{Slow: time.Hour}))
		release, state := make(chan bool), make(chan error, 1)
		debounce := botwright.Debounce(time.Hour, botwright.ByMember)
		botwright.On(bot, func(context.Context, *discordgo.Session, *discordgo.GuildMemberUpdate) error {
			dawdle(release)
			return nil
		}, debounce)
		botwright.On(bot, func(ctx context.Context, _ *discordgo.Session, _ *discordgo.GuildMemberUpdate) error {
			state <- ctx.Err()
			return nil
		}, debounce)
		memberUpdate(bot, "a", "b")
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		err := bot.Shutdown(ctx)
		if err := <-state; err != nil {
			t.Errorf("the second handler came too late: %v", err)
		}
		var cut *botwright.ShutdownError
		if !errors.As(err, &cut) || cut.Running != 1 || cut.Waiting != 0 || len(cut.Handlers) != 1 ||
			!strings.Contains(cut.Handlers[0], "TestShutdownFlushesEveryDebouncer") {
			t.Errorf("Shutdown: %v", err)
		}
		if d := time.Since(start); d > 11*time.Second {
			t.Errorf("Shutdown took %v", d)
		}
		close(release)
	})
}

// TestShutdownOutlivesAHangingErrorHandler has the watchdog's report hang.
func TestShutdownOutlivesAHangingErrorHandler(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	told, release := make(chan bool, 1), make(chan bool)
	bot := newBot(t, srv, botwright.WithQueue(botwright.QueueConfig{Slow: time.Millisecond}),
		botwright.WithErrorHandler(func(_ context.Context, _ *botwright.Event, err error) {
			if slow, ok := errors.AsType[*botwright.SlowHandlerError](err); ok && !slow.Ended {
				told <- true
				<-release
			}
		}))
	done := make(chan bool)
	botwright.On(bot, func(context.Context, *discordgo.Session, *discordgo.MessageCreate) error {
		<-done
		return nil
	})
	if err := bot.Open(testContext(t)); err != nil {
		t.Fatal(err)
	}
	say(t, srv, "hi")
	receive(t, told)
	close(done)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second) // discordgo needs one
	defer cancel()
	if err := bot.Shutdown(ctx); err == nil || !strings.Contains(err.Error(), "ended either: watchdog, error handler") {
		t.Errorf("Shutdown: %v", err)
	}
	close(release)
}

// TestNextEndsWithShutdown has a handler wait for an event that cannot come any more.
func TestNextEndsWithShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bot := closedBot(t)
		got := make(chan error, 1)
		botwright.On(bot, func(ctx context.Context, _ *discordgo.Session, _ *discordgo.GuildMemberUpdate) error {
			_, err := botwright.Next[discordgo.MessageCreate](ctx, bot)
			got <- err
			return nil
		}, botwright.Debounce(time.Second, botwright.ByMember))
		memberUpdate(bot, "a", "b")
		time.Sleep(time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		if err := bot.Shutdown(ctx); err != nil || time.Since(start) > 0 {
			t.Errorf("Shutdown: %v after %v", err, time.Since(start))
		}
		if err := <-got; !errors.Is(err, botwright.ErrShutdown) {
			t.Errorf("Next: %v", err)
		}
	})
}

// TestNextWithManyWaiting holds that an event costs no memory for each of those that wait.
func TestNextWithManyWaiting(t *testing.T) {
	bot := closedBot(t)
	stop := manyWait(t, bot, 1000)
	defer stop()
	show := botwright.NewShow(bot, "MESSAGE_CREATE", messageData)
	if n := testing.AllocsPerRun(20, show); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// manyWait lets n callers wait for the messages of users who say nothing.
func manyWait(tb testing.TB, bot *botwright.Bot, n int) (stop func()) {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, n)
	for i := range n {
		user := strconv.Itoa(i)
		go func() {
			_, err := botwright.Next[discordgo.MessageCreate](ctx, bot,
				botwright.Filter(func(e *botwright.Event) bool { return e.UserID == user }))
			ended <- err
		}()
	}
	for botwright.Waiting(bot, "MESSAGE_CREATE") < n {
		runtime.Gosched()
	}
	return func() {
		cancel()
		for range n {
			if err := <-ended; !errors.Is(err, context.Canceled) {
				tb.Errorf("Next: %v", err)
			}
		}
	}
}

func BenchmarkNextWaiting(b *testing.B) {
	for _, n := range []int{1, 1000, 10_000} {
		b.Run(fmt.Sprintf("waiting=%d", n), func(b *testing.B) {
			bot := closedBot(b)
			stop := manyWait(b, bot, n)
			defer stop()
			show := botwright.NewShow(bot, "MESSAGE_CREATE", messageData)
			b.ReportAllocs()
			for b.Loop() {
				show()
			}
		})
	}
}

func TestCooldownLeavesAutocompleteAlone(t *testing.T) {
	var errs []error
	bot := closedBot(t, botwright.WithErrorHandler(func(_ context.Context, _ *botwright.Event, err error) {
		errs = append(errs, err)
	}))
	calls := 0
	bot.Handle("INTERACTION_CREATE", func(context.Context, *botwright.Event) error { calls++; return nil },
		botwright.CooldownWith(botwright.CooldownConfig{
			Rate: rate.Every(time.Hour), TooFast: func(*botwright.Event, time.Duration) string { return "no" },
		}, botwright.ByUser))
	for range 2 {
		botwright.Deliver(bot, "INTERACTION_CREATE",
			`{"id":"1","token":"x","type":4,"user":{"id":"9"},"data":{"id":"1","name":"x"}}`, nil)
	}
	if calls != 1 || len(errs) > 0 {
		t.Errorf("%d calls, errors %v", calls, errs)
	}
}
