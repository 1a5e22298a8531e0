package botwright_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
)

// slowBot is a closed bot whose handler sleeps for as long as took says. Its reports are collected
// with the times at which they came.
func slowBot(t *testing.T, opts ...botwright.HandlerOption) (bot *botwright.Bot, took *time.Duration, reports func() []slowReport) {
	t.Helper()
	var mu sync.Mutex
	var list []slowReport
	start := time.Now()
	bot = closedBot(t, botwright.WithErrorHandler(func(_ context.Context, _ *botwright.Event, err error) {
		if slow, ok := errors.AsType[*botwright.SlowHandlerError](err); ok {
			mu.Lock()
			defer mu.Unlock()
			list = append(list, slowReport{time.Since(start), slow.Calls, slow.Ended, slow.Age})
		}
	}))
	took = new(time.Duration)
	botwright.On(bot, func(ctx context.Context, _ *discordgo.Session, _ *discordgo.MessageCreate) error {
		time.Sleep(*took)
		return context.Cause(ctx)
	}, opts...)
	botwright.Seal(bot)
	ctx, cancel := context.WithTimeout(context.Background(), 6*time.Minute)
	t.Cleanup(cancel)
	go botwright.WatchHandlers(ctx, bot)
	return bot, took, func() []slowReport {
		mu.Lock()
		defer mu.Unlock()
		return list
	}
}

type slowReport struct {
	at    time.Duration
	calls int
	ended bool
	age   time.Duration
}

func checkReports(t *testing.T, got, want []slowReport) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(want):
			t.Errorf("more: %+v", got[i])
		case i >= len(got):
			t.Errorf("missing: %+v", want[i])
		case got[i].at.Round(time.Second) != want[i].at || got[i].calls != want[i].calls ||
			got[i].ended != want[i].ended || got[i].age.Round(time.Second) != want[i].age:
			t.Errorf("report %d: %+v, want %+v", i, got[i], want[i])
		}
	}
}

// Many calls of a handler are slow at once: one report, one a minute while that lasts, and one
// when it is over.
func TestSlowHandlerIsReportedOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bot, took, reports := slowBot(t)
		*took = 90 * time.Second
		for range 50 {
			go botwright.Deliver(bot, "MESSAGE_CREATE", messageData, nil)
		}
		time.Sleep(10 * time.Minute)
		checkReports(t, reports(), []slowReport{
			{5 * time.Second, 50, false, 5 * time.Second},
			{65 * time.Second, 50, false, 65 * time.Second},
			{90 * time.Second, 50, true, 90 * time.Second},
		})
	})
}

// Slow calls one after the other are one matter.
func TestSlowHandlerAgainAndAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bot, took, reports := slowBot(t)
		*took = 10 * time.Second
		for range 5 {
			botwright.Deliver(bot, "MESSAGE_CREATE", messageData, nil)
		}
		time.Sleep(10 * time.Minute)
		checkReports(t, reports(), []slowReport{
			{5 * time.Second, 1, false, 5 * time.Second},
			{10 * time.Second, 1, true, 10 * time.Second},
			{65 * time.Second, 4, true, 10 * time.Second},
		})
	})
}

// The time of a handler, for Timeout and for the watchdog, begins when MaxConcurrent lets it.
func TestTimeBeginsWithTheHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bot, took, reports := slowBot(t, botwright.Timeout(4500*time.Millisecond), botwright.MaxConcurrent(1, nil))
		*took = 4 * time.Second
		var calls sync.WaitGroup
		for range 5 {
			calls.Go(func() { botwright.Deliver(bot, "MESSAGE_CREATE", messageData, nil) })
		}
		start := time.Now()
		calls.Wait()
		defer time.Sleep(10 * time.Minute)
		if d := time.Since(start); d != 20*time.Second {
			t.Errorf("5 calls, one at a time, took %v", d)
		}
		if n := botwright.Failures(bot); n > 0 || len(reports()) > 0 {
			t.Errorf("%d calls failed; reports %+v", n, reports())
		}
	})
}
