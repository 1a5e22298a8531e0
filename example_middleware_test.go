package botwright_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bwmarrin/discordgo"

	"golang.org/x/time/rate"

	"github.com/botwright/botwright"
)

// Middleware can be tried without a bot: it is a function around a handler.

func ExampleChain() {
	named := func(name string) botwright.Middleware {
		return func(next botwright.Handler) botwright.Handler {
			return func(ctx context.Context, e *botwright.Event) error {
				fmt.Println(name)
				return next(ctx, e)
			}
		}
	}
	both := botwright.Chain(named("outer"), named("inner"))
	handle := both(func(context.Context, *botwright.Event) error {
		fmt.Println("handler")
		return nil
	})
	_ = handle(context.Background(), &botwright.Event{})
	// Output:
	// outer
	// inner
	// handler
}

func ExampleFilter() {
	const owner = "80351110224678912"
	ownerOnly := botwright.Filter(func(e *botwright.Event) bool { return e.UserID == owner })
	handle := ownerOnly(func(_ context.Context, e *botwright.Event) error {
		fmt.Println("at your service,", e.UserID)
		return nil
	})
	_ = handle(context.Background(), &botwright.Event{UserID: "53908232506183680"})
	_ = handle(context.Background(), &botwright.Event{UserID: owner})
	// Output: at your service, 80351110224678912
}

func ExampleGuildOnly() {
	handle := botwright.GuildOnly()(func(_ context.Context, e *botwright.Event) error {
		fmt.Println("in guild", e.GuildID)
		return nil
	})
	_ = handle(context.Background(), &botwright.Event{ChannelID: "2"}) // a direct message
	_ = handle(context.Background(), &botwright.Event{ChannelID: "3", GuildID: "1"})
	// Output: in guild 1
}

// A test of a filter needs events, and no bot.
func ExampleNewEvent() {
	loud := botwright.Filter(func(e *botwright.Event) bool {
		payload, err := e.Payload()
		m, ok := payload.(*discordgo.MessageCreate)
		return err == nil && ok && m.Content == strings.ToUpper(m.Content)
	})
	handle := loud(func(_ context.Context, e *botwright.Event) error {
		fmt.Println("guild", e.GuildID, "is loud")
		return nil
	})
	for _, data := range []string{
		`{"id":"5","channel_id":"6","guild_id":"1","author":{"id":"2"},"content":"hello"}`,
		`{"id":"7","channel_id":"8","guild_id":"3","author":{"id":"4"},"content":"HELLO"}`,
	} {
		e, err := botwright.NewEvent("MESSAGE_CREATE", json.RawMessage(data))
		if err != nil {
			fmt.Println(err)
			return
		}
		_ = handle(context.Background(), e)
	}
	// Output: guild 3 is loud
}

func ExampleTimeout() {
	handle := botwright.Timeout(10 * time.Millisecond)(
		func(ctx context.Context, _ *botwright.Event) error {
			<-ctx.Done() // a request that takes too long
			return context.Cause(ctx)
		})
	err := handle(context.Background(), &botwright.Event{})
	fmt.Println(errors.Is(err, botwright.ErrHandlerTimeout))
	// Output: true
}

func ExampleLogging() {
	log := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == "duration" {
				return slog.Attr{} // differs from run to run
			}
			return a
		},
	}))
	handle := botwright.Logging(log)(func(context.Context, *botwright.Event) error {
		return errors.New("no such role")
	})
	_ = handle(context.Background(), &botwright.Event{Type: "GUILD_MEMBER_ADD", GuildID: "1"})
	// Output: level=ERROR msg="event handled" event=GUILD_MEMBER_ADD shard=0 guild=1 error="no such role"
}

func ExampleCooldown() {
	handle := botwright.Cooldown(rate.Every(time.Minute), botwright.ByUser)(
		func(_ context.Context, e *botwright.Event) error {
			fmt.Println("daily reward for", e.UserID)
			return nil
		})
	for _, user := range []string{"1", "1", "2"} {
		_ = handle(context.Background(), &botwright.Event{UserID: user})
	}
	// Output:
	// daily reward for 1
	// daily reward for 2
}

// However much people talk, the panel is drawn once a minute.
func ExampleCooldown_throttle() {
	handle := botwright.Cooldown(rate.Every(time.Minute), botwright.ByChannel)(
		func(_ context.Context, e *botwright.Event) error {
			fmt.Println("draw the panel of channel", e.ChannelID)
			return nil
		})
	for range 3 {
		_ = handle(context.Background(), &botwright.Event{ChannelID: "1"})
	}
	_ = handle(context.Background(), &botwright.Event{ChannelID: "2"})
	// Output:
	// draw the panel of channel 1
	// draw the panel of channel 2
}

func ExampleRetry() {
	attempts := 0
	handle := botwright.Retry(3)(func(context.Context, *botwright.Event) error {
		if attempts++; attempts == 1 {
			return errors.New("the database is restarting")
		}
		return nil
	})
	err := handle(context.Background(), &botwright.Event{})
	fmt.Println(attempts, "attempts, error:", err)
	// Output: 2 attempts, error: <nil>
}

func ExamplePermanent() {
	attempts := 0
	handle := botwright.Retry(3)(func(context.Context, *botwright.Event) error {
		attempts++
		return botwright.Permanent(errors.New("no such user"))
	})
	err := handle(context.Background(), &botwright.Event{})
	fmt.Println(attempts, "attempt, error:", err)
	// Output: 1 attempt, error: no such user
}

// No guild gets more than two renderings at once.
func ExampleMaxConcurrent() {
	var running, most atomic.Int32
	handle := botwright.MaxConcurrent(2, botwright.ByGuild)(
		func(context.Context, *botwright.Event) error {
			most.Store(max(most.Load(), running.Add(1)))
			defer running.Add(-1)
			return nil
		})
	var events sync.WaitGroup
	for range 10 {
		events.Go(func() { _ = handle(context.Background(), &botwright.Event{GuildID: "1"}) })
	}
	events.Wait()
	fmt.Println("more than two at once:", most.Load() > 2)
	// Output: more than two at once: false
}

func ExampleKeyFunc() {
	e := &botwright.Event{GuildID: "1", ChannelID: "2", UserID: "3"}
	for _, key := range []botwright.KeyFunc{
		botwright.ByGuild, botwright.ByChannel, botwright.ByUser, botwright.ByMember,
		func(e *botwright.Event) string { return e.ChannelID + "/" + e.UserID },
	} {
		fmt.Println(key(e))
	}
	// Output:
	// 1
	// 2
	// 3
	// 1/3
	// 2/3
}

func ExampleShardID() {
	for _, count := range []int{1, 4, 16} {
		id, err := botwright.ShardID("197038439483310086", count)
		fmt.Println(id, "of", count, err)
	}
	// Output:
	// 0 of 1 <nil>
	// 2 of 4 <nil>
	// 2 of 16 <nil>
}
