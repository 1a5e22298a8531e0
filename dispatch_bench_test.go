package botwright_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
)

// dispatchBot has a handler of messages inside n middleware that let them through.
func dispatchBot(tb testing.TB, n int) *botwright.Bot {
	tb.Helper()
	bot := closedBot(tb)
	some := []botwright.Middleware{
		botwright.NotBot(),
		botwright.GuildOnly(),
		botwright.Filter(func(e *botwright.Event) bool { return e.UserID != "1" }),
	}
	for i := range n {
		bot.Use(some[i%len(some)])
	}
	botwright.On(bot, func(context.Context, *discordgo.Session, *discordgo.MessageCreate) error { return nil })
	return bot
}

// TestDispatchAllocations holds that to call a handler, with or without middleware and under
// watch, allocates nothing.
func TestDispatchAllocations(t *testing.T) {
	for _, n := range []int{0, 3, 10} {
		dispatch := botwright.NewDispatch(dispatchBot(t, n), "MESSAGE_CREATE", messageData)
		if allocs := testing.AllocsPerRun(1000, dispatch); allocs != 0 {
			t.Errorf("%d middleware: %v allocations, want none", n, allocs)
		}
	}
}

// TestPathAllocations holds what an event allocates from its frame to a handler that does not
// decode it: the copy, the Event and its ids.
func TestPathAllocations(t *testing.T) {
	bot := closedBot(t)
	bot.Handle("MESSAGE_CREATE", func(context.Context, *botwright.Event) error { return nil })
	const batch = 100
	read, wait := botwright.NewPath("MESSAGE_CREATE", messageData, bot)
	allocs := testing.AllocsPerRun(20, func() {
		for range batch {
			read()
		}
		wait()
	})
	if perEvent := int(allocs) / batch; perEvent > 3 {
		t.Errorf("%d allocations, want at most 3", perEvent)
	}
}

// BenchmarkDispatch is a call of one handler, decoded before, through middleware.
func BenchmarkDispatch(b *testing.B) {
	for _, n := range []int{0, 3, 10} {
		b.Run(fmt.Sprintf("middleware=%d", n), func(b *testing.B) {
			dispatch := botwright.NewDispatch(dispatchBot(b, n), "MESSAGE_CREATE", messageData)
			b.ReportAllocs()
			for b.Loop() {
				dispatch()
			}
		})
	}
}

// BenchmarkPath is an event's whole way from the decompressed frame to a handler, decoding
// included, as fast as they can be read.
func BenchmarkPath(b *testing.B) {
	read, wait := botwright.NewPath("MESSAGE_CREATE", messageData, dispatchBot(b, 3))
	b.ReportAllocs()
	b.SetBytes(int64(len(messageData)))
	for b.Loop() {
		read()
	}
	wait()
}
