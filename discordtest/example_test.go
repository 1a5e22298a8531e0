package discordtest_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

// A bot in the fake Discord: somebody says "!ping", and the bot must answer. Package bottest needs
// fewer lines for it.
func Example() {
	srv, err := discordtest.New(discordtest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	bot, err := botwright.New(srv.Token, botwright.WithAPI(srv.URL),
		botwright.WithPrivilegedIntents(discordgo.IntentMessageContent),
		botwright.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		log.Fatal(err)
	}
	botwright.On(bot, func(_ context.Context, s *discordgo.Session, m *discordgo.MessageCreate) error {
		_, err := s.ChannelMessageSend(m.ChannelID, "pong")
		return err
	}, botwright.NotBot(), botwright.Prefix("!ping"))
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := bot.Open(ctx); err != nil {
		log.Fatal(err)
	}
	defer func() { _ = bot.Shutdown(ctx) }()

	guild := srv.Guilds()[0]
	channel := guild.Channels[0].ID
	if _, err := srv.Say(channel, guild.Members[0].User.ID, "!ping"); err != nil {
		log.Fatal(err)
	}
	if err := srv.Wait(ctx, func() bool { return len(srv.Messages(channel)) == 2 }); err != nil {
		log.Fatal(err)
	}
	for _, m := range srv.Messages(channel) {
		fmt.Println(m.Author.Username+":", m.Content)
	}
	// Output:
	// amara.abara: !ping
	// testbot: pong
}

// A slash command, with what the bot answered.
func ExampleServer_SlashCommand() {
	srv, err := discordtest.New(discordtest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	bot, err := botwright.New(srv.Token, botwright.WithAPI(srv.URL),
		botwright.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		log.Fatal(err)
	}
	botwright.On(bot, func(_ context.Context, s *discordgo.Session, i *discordgo.InteractionCreate) error {
		name := i.ApplicationCommandData().Options[0].StringValue()
		return s.InteractionRespond(i.Interaction, &discordgo.InteractionResponse{
			Type: discordgo.InteractionResponseChannelMessageWithSource,
			Data: &discordgo.InteractionResponseData{Content: "Hello, " + name + "!"},
		})
	}, botwright.Command("greet"))
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := bot.Open(ctx); err != nil {
		log.Fatal(err)
	}
	defer func() { _ = bot.Shutdown(ctx) }()

	guild := srv.Guilds()[0]
	in := srv.SlashCommand(guild.ID, guild.Channels[0].ID, guild.Members[0].User.ID,
		"greet", discordtest.Option("name", "Ada"))
	m, err := in.Message(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(m.Content)
	// Output: Hello, Ada!
}

// A fault of the gateway: the connection is reset, and the bot must resume rather than identify again.
func ExampleConn_Reset() {
	srv, err := discordtest.New(discordtest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	bot, err := botwright.New(srv.Token, botwright.WithAPI(srv.URL),
		botwright.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := bot.Open(ctx); err != nil {
		log.Fatal(err)
	}
	defer func() { _ = bot.Shutdown(ctx) }()

	srv.Conn(0).Reset()
	if err := srv.Wait(ctx, func() bool { return len(srv.Resumes()) == 1 }); err != nil {
		log.Fatal(err)
	}
	fmt.Println("identifies:", len(srv.Identifies()))
	fmt.Println("resumed:", srv.Resumes()[0].Accepted)
	// Output:
	// identifies: 1
	// resumed: true
}

// A fault of REST: Discord refuses one request.
func ExampleServer_FailREST() {
	srv, err := discordtest.New(discordtest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	bot, err := botwright.New(srv.Token, botwright.WithAPI(srv.URL))
	if err != nil {
		log.Fatal(err)
	}

	var remove func()
	remove = srv.FailREST(func(*http.Request) *discordtest.RESTFault {
		remove()
		return &discordtest.RESTFault{
			Status: http.StatusForbidden, Body: `{"code":50013,"message":"Missing Permissions"}`}
	})
	for range 2 {
		_, err := bot.Session().User("@me")
		fmt.Println(err)
	}
	// Output:
	// HTTP 403 Forbidden, {"code":50013,"message":"Missing Permissions"}
	// <nil>
}

// Windows that take minutes pass at once.
func ExampleServer_Advance() {
	srv, err := discordtest.New(discordtest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	bot, err := botwright.New(srv.Token, botwright.WithAPI(srv.URL))
	if err != nil {
		log.Fatal(err)
	}

	guild := srv.Guilds()[0]
	in := srv.SlashCommand(guild.ID, guild.Channels[0].ID, guild.Members[0].User.ID, "slow")
	srv.Advance(4 * time.Second) // the bot had three
	err = bot.Session().InteractionRespond(
		&discordgo.Interaction{ID: in.ID, Token: in.Token},
		&discordgo.InteractionResponse{Type: discordgo.InteractionResponseDeferredMessageUpdate})
	fmt.Println("too late:", errors.Is(err, botwright.ErrInteractionExpired))
	// Output: too late: true
}

// A command of the context menu of a user.
func ExampleServer_UserCommand() {
	srv, err := discordtest.New(discordtest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	bot, err := botwright.New(srv.Token, botwright.WithAPI(srv.URL),
		botwright.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		log.Fatal(err)
	}
	botwright.On(bot, func(_ context.Context, s *discordgo.Session, i *discordgo.InteractionCreate) error {
		data := i.ApplicationCommandData()
		return s.InteractionRespond(i.Interaction, &discordgo.InteractionResponse{
			Type: discordgo.InteractionResponseChannelMessageWithSource,
			Data: &discordgo.InteractionResponseData{
				Content: "Hello, " + data.Resolved.Users[data.TargetID].Username + "!"},
		})
	}, botwright.Command("Greet"))
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := bot.Open(ctx); err != nil {
		log.Fatal(err)
	}
	defer func() { _ = bot.Shutdown(ctx) }()

	guild := srv.Guilds()[0]
	user, target := guild.Members[0].User.ID, guild.Members[1].User.ID
	m, err := srv.UserCommand(guild.ID, guild.Channels[0].ID, user, "Greet", target).Message(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(m.Content)
	// Output: Hello, bilal.bergman!
}

// A thread that a user starts, of which the bot is told.
func ExampleServer_StartThread() {
	srv, err := discordtest.New(discordtest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	bot, err := botwright.New(srv.Token, botwright.WithAPI(srv.URL),
		botwright.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		log.Fatal(err)
	}
	threads := make(chan string, 1)
	botwright.On(bot, func(_ context.Context, _ *discordgo.Session, t *discordgo.ThreadCreate) error {
		threads <- t.Name
		return nil
	})
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := bot.Open(ctx); err != nil {
		log.Fatal(err)
	}
	defer func() { _ = bot.Shutdown(ctx) }()

	guild := srv.Guilds()[0]
	if _, err := srv.StartThread(guild.Channels[0].ID, guild.OwnerID, "Book of the month"); err != nil {
		log.Fatal(err)
	}
	select {
	case name := <-threads:
		fmt.Println(name)
	case <-ctx.Done():
		log.Fatal(ctx.Err())
	}
	// Output: Book of the month
}
