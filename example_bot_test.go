package botwright_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"time"

	"github.com/bwmarrin/discordgo"
	"golang.org/x/time/rate"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

func ExampleOn() {
	world := newWorld()
	defer world.close()
	botwright.On(world.bot, func(ctx context.Context, s *discordgo.Session, m *discordgo.MessageCreate) error {
		_, err := s.ChannelMessageSend(m.ChannelID, "you said "+m.Content, discordgo.WithContext(ctx))
		return err
	}, botwright.NotBot())
	world.open()

	world.say("hello")
	fmt.Println(world.answer())
	// Output: you said hello
}

// discordgo has no struct for this event.
func ExampleBot_Handle() {
	world := newWorld()
	defer world.close()
	done := make(chan bool)
	world.bot.Handle("VOICE_CHANNEL_STATUS_UPDATE", func(_ context.Context, e *botwright.Event) error {
		fmt.Printf("%s %s\n", e.Type, e.Raw())
		close(done)
		return nil
	})
	world.open()

	status := map[string]string{"status": "movie night"}
	if err := world.srv.Dispatch(world.guild.ID, "VOICE_CHANNEL_STATUS_UPDATE", status); err != nil {
		fmt.Println(err)
	}
	<-done
	// Output: VOICE_CHANNEL_STATUS_UPDATE {"status":"movie night"}
}

// The first middleware is outermost, and what all handlers have is outside of what one has.
func ExampleBot_Use() {
	world := newWorld()
	defer world.close()
	done := make(chan bool)
	named := func(name string) botwright.Middleware {
		return func(next botwright.Handler) botwright.Handler {
			return func(ctx context.Context, e *botwright.Event) error {
				fmt.Println("before", name)
				defer fmt.Println("after", name)
				return next(ctx, e)
			}
		}
	}
	world.bot.Use(func(next botwright.Handler) botwright.Handler {
		return func(ctx context.Context, e *botwright.Event) error {
			defer close(done)
			return next(ctx, e)
		}
	}, named("Use"))
	botwright.On(world.bot, func(context.Context, *discordgo.Session, *discordgo.MessageCreate) error {
		fmt.Println("the handler")
		return nil
	}, named("On"))
	world.open()

	world.say("hello")
	<-done
	// Output:
	// before Use
	// before On
	// the handler
	// after On
	// after Use
}

// Filters decide before the message is decoded.
func ExamplePrefix() {
	world := newWorld()
	defer world.close()
	botwright.On(world.bot, func(ctx context.Context, s *discordgo.Session, m *discordgo.MessageCreate) error {
		_, err := s.ChannelMessageSend(m.ChannelID, "!pong", discordgo.WithContext(ctx))
		return err
	}, botwright.NotBot(), botwright.Prefix("!")) // without NotBot the bot would answer itself
	world.open()

	world.say("not for the bot")
	world.say("!ping")
	fmt.Println(world.answer())
	// Output: !pong
}

func ExampleNotBot() {
	world := newWorld()
	defer world.close()
	authors := make(chan string)
	botwright.On(world.bot, func(_ context.Context, _ *discordgo.Session, m *discordgo.MessageCreate) error {
		authors <- m.Content
		return nil
	}, botwright.NotBot())
	world.open()

	if _, err := world.bot.Session().ChannelMessageSend(world.channel, "from the bot"); err != nil {
		fmt.Println(err)
	}
	world.say("from a person")
	fmt.Println(<-authors)
	// Output: from a person
}

// Errors and panics of all handlers come to one place, with the event that caused them.
func ExampleWithErrorHandler() {
	told := make(chan bool)
	world := newWorld(botwright.WithErrorHandler(
		func(_ context.Context, e *botwright.Event, err error) {
			if p, ok := errors.AsType[*botwright.PanicError](err); ok {
				fmt.Println(e.Type, "panic:", p.Value)
			} else {
				fmt.Println(e.Type, "error:", err)
			}
			told <- true
		}))
	defer world.close()
	botwright.On(world.bot, func(_ context.Context, _ *discordgo.Session, m *discordgo.MessageCreate) error {
		if m.Content == "panic" {
			panic("oh no")
		}
		return errors.New("no luck with " + m.Content)
	})
	world.open()

	world.say("cards")
	<-told
	world.say("panic")
	<-told
	// Output:
	// MESSAGE_CREATE error: no luck with cards
	// MESSAGE_CREATE panic: oh no
}

// Discord sends an event for each change to a member. The handler runs once, with the last.
func ExampleDebounce() {
	world := newWorld()
	defer world.close()
	done := make(chan bool)
	botwright.On(world.bot, func(_ context.Context, _ *discordgo.Session, m *discordgo.GuildMemberUpdate) error {
		fmt.Println("now called", m.Nick)
		close(done)
		return nil
	}, botwright.Debounce(300*time.Millisecond, botwright.ByMember))
	world.open()

	world.rename("Sam")
	world.rename("Sammy")
	world.rename("Samwise")
	<-done
	// Output: now called Samwise
}

// The first event of a burst is handled at once, and the rest when it is over.
func ExampleDebounceWith() {
	world := newWorld()
	defer world.close()
	nicks := make(chan string)
	botwright.On(world.bot, func(_ context.Context, _ *discordgo.Session, m *discordgo.GuildMemberUpdate) error {
		nicks <- m.Nick
		return nil
	}, botwright.DebounceWith(botwright.DebouncerConfig{
		Wait:    300 * time.Millisecond,
		MaxWait: time.Minute, // however long the burst
		Leading: true,
	}, botwright.ByMember))
	world.open()

	world.rename("Sam")
	fmt.Println(<-nicks)
	world.rename("Sammy")
	world.rename("Samwise")
	fmt.Println(<-nicks)
	// Output:
	// Sam
	// Samwise
}

// TooFast says what a user is told who has to wait.
func ExampleCooldownWith() {
	world := newWorld()
	defer world.close()
	botwright.On(world.bot, func(ctx context.Context, s *discordgo.Session, m *discordgo.MessageCreate) error {
		_, err := s.ChannelMessageSend(m.ChannelID, "here is a cat", discordgo.WithContext(ctx))
		return err
	}, botwright.Prefix("!cat"), botwright.CooldownWith(botwright.CooldownConfig{
		Rate:  rate.Every(time.Hour),
		Burst: 2,
		TooFast: func(_ *botwright.Event, wait time.Duration) string {
			return fmt.Sprintf("no more cats for %v", wait.Round(time.Minute))
		},
	}, botwright.ByUser))
	world.open()

	for range 3 {
		world.say("!cat")
		fmt.Println(world.answer())
	}
	// Output:
	// here is a cat
	// here is a cat
	// no more cats for 1h0m0s
}

// A test moves the clock of the server and of the bot.
func ExampleWithClock() {
	srv, err := discordtest.New(discordtest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	bot, err := botwright.New(srv.Token, botwright.WithAPI(srv.URL), botwright.WithClock(srv.Now),
		botwright.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		log.Fatal(err)
	}
	daily := botwright.CooldownWith(botwright.CooldownConfig{
		Rate: rate.Every(24 * time.Hour),
		TooFast: func(_ *botwright.Event, wait time.Duration) string {
			return fmt.Sprint("wait ", wait.Round(time.Minute))
		},
	}, botwright.ByUser)
	botwright.On(bot, func(ctx context.Context, s *discordgo.Session, i *discordgo.InteractionCreate) error {
		return s.InteractionRespond(i.Interaction, &discordgo.InteractionResponse{
			Type: discordgo.InteractionResponseChannelMessageWithSource,
			Data: &discordgo.InteractionResponseData{Content: "10 coins"},
		}, discordgo.WithContext(ctx))
	}, botwright.Command("daily"), daily)
	ctx := context.Background()
	if err := bot.Open(ctx); err != nil {
		log.Fatal(err)
	}
	defer func() { _ = bot.Shutdown(ctx) }()

	guild := srv.Guilds()[0]
	ask := func() {
		in := srv.SlashCommand(guild.ID, guild.Channels[0].ID, guild.OwnerID, "daily")
		answer, err := in.Message(ctx)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(answer.Content)
	}
	ask()
	ask()
	srv.Advance(24 * time.Hour)
	ask()
	// Output:
	// 10 coins
	// wait 24h0m0s
	// 10 coins
}

// Messages of one channel are handled one after the other, unless the handler does not mind.
func ExampleConcurrent() {
	world := newWorld()
	defer world.close()
	began, release := make(chan bool), make(chan bool)
	botwright.On(world.bot, func(context.Context, *discordgo.Session, *discordgo.MessageCreate) error {
		began <- true
		<-release
		return nil
	}, botwright.Concurrent(), botwright.MaxConcurrent(10, nil))
	world.open()

	world.say("one")
	world.say("two")
	<-began
	<-began
	fmt.Println("both are being handled")
	close(release)
	// Output: both are being handled
}

// What one user writes is handled in order, in whatever channel.
func ExampleOrdered() {
	world := newWorld()
	defer world.close()
	texts := make(chan string)
	botwright.On(world.bot, func(_ context.Context, _ *discordgo.Session, m *discordgo.MessageCreate) error {
		texts <- m.Content
		return nil
	}, botwright.Ordered(botwright.ByUser))
	world.open()

	for i, text := range []string{"eeny", "meeny", "miny"} {
		if _, err := world.srv.Say(world.guild.Channels[i].ID, world.user, text); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(<-texts, <-texts, <-texts)
	// Output: eeny meeny miny
}

// A handler begins to watch for the answer before it asks, so that no answer is too quick.
func ExampleExpect() {
	world := newWorld()
	defer world.close()
	bot := world.bot
	botwright.On(bot, func(ctx context.Context, s *discordgo.Session, m *discordgo.MessageCreate) error {
		replies := botwright.Expect[discordgo.MessageCreate](bot,
			botwright.Filter(func(e *botwright.Event) bool {
				return e.ChannelID == m.ChannelID && e.UserID == m.Author.ID
			}))
		defer replies.Close()
		if _, err := s.ChannelMessageSend(m.ChannelID, "Sure?"); err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		reply, err := replies.Wait(ctx)
		if err != nil {
			return err
		}
		_, err = s.ChannelMessageSend(m.ChannelID, reply.Content+", then")
		return err
	}, botwright.Prefix("!delete"))
	world.open()

	world.say("!delete")
	fmt.Println(world.answer())
	world.reply("yes")
	fmt.Println(world.answer())
	// Output:
	// Sure?
	// yes, then
}

// A handler asks a question and waits for the answer of the same user.
func ExampleNext() {
	world := newWorld()
	defer world.close()
	bot := world.bot
	botwright.On(bot, func(ctx context.Context, s *discordgo.Session, m *discordgo.MessageCreate) error {
		if _, err := s.ChannelMessageSend(m.ChannelID, "Which colour?"); err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		reply, err := botwright.Next[discordgo.MessageCreate](ctx, bot,
			botwright.Filter(func(e *botwright.Event) bool {
				return e.ChannelID == m.ChannelID && e.UserID == m.Author.ID
			}))
		if err != nil {
			return err
		}
		_, err = s.ChannelMessageSend(m.ChannelID, reply.Content+" it is")
		return err
	}, botwright.Prefix("!paint"))
	world.open()

	world.say("!paint")
	fmt.Println(world.answer())
	world.reply("blue")
	fmt.Println(world.answer())
	// Output:
	// Which colour?
	// blue it is
}

// What is debounced is handled when the bot stops, rather than lost.
func ExampleBot_Shutdown() {
	world := newWorld()
	defer world.close()
	arrived := make(chan bool)
	botwright.On(world.bot, func(context.Context, *discordgo.Session, *discordgo.GuildMemberUpdate) error {
		fmt.Println("settings saved")
		return nil
	}, botwright.Debounce(time.Hour, botwright.ByGuild))
	botwright.On(world.bot, func(context.Context, *discordgo.Session, *discordgo.GuildMemberUpdate) error {
		close(arrived)
		return nil
	})
	world.open()
	world.rename("Sam")
	<-arrived

	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	fmt.Println(world.bot.Shutdown(ctx))
	// Output:
	// settings saved
	// <nil>
}

// Handlers that were added to the discordgo session itself get the events that are named.
func ExampleWithSessionEvents() {
	world := newWorld(botwright.WithSessionEvents("MESSAGE_CREATE"))
	defer world.close()
	texts := make(chan string, 1)
	world.bot.Session().AddHandler(func(_ *discordgo.Session, m *discordgo.MessageCreate) {
		texts <- m.Content
	})
	world.open()

	world.say("as before")
	fmt.Println(<-texts)
	// Output: as before
}

// A handler that is slower than Slow is reported with its stack. It is left alone.
func ExampleWithQueue() {
	reported := make(chan string, 2)
	world := newWorld(
		botwright.WithQueue(botwright.QueueConfig{
			MaxEvents: 50_000, // a larger bot than most
			Slow:      20 * time.Millisecond,
		}),
		botwright.WithErrorHandler(func(_ context.Context, _ *botwright.Event, err error) {
			if slow, ok := errors.AsType[*botwright.SlowHandlerError](err); ok {
				reported <- fmt.Sprintf("slow handler of %s, ended: %v", slow.Type, slow.Ended)
			}
		}))
	defer world.close()
	release := make(chan bool)
	botwright.On(world.bot, func(context.Context, *discordgo.Session, *discordgo.MessageCreate) error {
		<-release
		return nil
	})
	world.open()

	world.say("hello")
	fmt.Println(<-reported)
	close(release)
	fmt.Println(<-reported)
	// Output:
	// slow handler of MESSAGE_CREATE, ended: false
	// slow handler of MESSAGE_CREATE, ended: true
}
