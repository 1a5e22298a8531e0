package botwright_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

// A call whose wait would outlast its deadline fails at once, and says how long the wait is.
func ExampleRateLimitError() {
	srv, err := discordtest.New(discordtest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	srv.FailREST(func(*http.Request) *discordtest.RESTFault {
		return discordtest.RateLimited(10*time.Minute, "user") // as for a second change of a name
	})
	bot, err := botwright.New(srv.Token, botwright.WithAPI(srv.URL))
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()

	_, err = bot.Session().ChannelEdit(srv.Guilds()[0].Channels[0].ID,
		&discordgo.ChannelEdit{Name: "lounge"}, discordgo.WithContext(ctx))

	if limited, ok := errors.AsType[*botwright.RateLimitError](err); ok {
		fmt.Printf("%s %s: wait %v", limited.Method, limited.Route, limited.RetryAfter)
	}
	// Output: PATCH /channels/{id}: wait 10m0s
}

// Sessions that no bot runs share the limits of one Transport.
func ExampleNewTransport() {
	srv, err := discordtest.New(discordtest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	session, err := discordgo.New("Bot " + srv.Token)
	if err != nil {
		log.Fatal(err)
	}
	base := toFake{srv.URL} // leave Base out to send to Discord
	transport := botwright.NewTransport(botwright.RESTConfig{Base: base})
	transport.Install(session)

	me, err := session.User("@me")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(me.Bot, transport.Stats().Waiting)
	// Output: true 0
}

// What can wait goes after what cannot.
func ExamplePriority() {
	srv, err := discordtest.New(discordtest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	bot, err := botwright.New(srv.Token, botwright.WithAPI(srv.URL))
	if err != nil {
		log.Fatal(err)
	}
	ctx := botwright.Priority(context.Background(), botwright.Low)
	_, err = bot.Session().ChannelMessageSend(srv.Guilds()[0].Channels[0].ID, "spring cleaning",
		discordgo.WithContext(ctx))
	fmt.Println(err)
	// Output: <nil>
}

// A call with NoWait would rather fail than wait.
func ExampleNoWait() {
	srv, err := discordtest.New(discordtest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	bot, err := botwright.New(srv.Token, botwright.WithAPI(srv.URL))
	if err != nil {
		log.Fatal(err)
	}
	channel := srv.Guilds()[0].Channels[0].ID
	for range 5 { // Discord's limit, in 5 s
		if _, err := bot.Session().ChannelMessageSend(channel, "hello"); err != nil {
			log.Fatal(err)
		}
	}
	_, err = bot.Session().ChannelMessageSend(channel, "hello",
		discordgo.WithContext(botwright.NoWait(context.Background())))
	_, limited := errors.AsType[*botwright.RateLimitError](err)
	fmt.Println(limited)
	// Output: true
}

// Respond answers an interaction without a trace in memory.
func ExampleRespond() {
	srv, err := discordtest.New(discordtest.Config{Guilds: 1})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	bot, err := botwright.New(srv.Token, botwright.WithAPI(srv.URL))
	if err != nil {
		log.Fatal(err)
	}
	botwright.On(bot, func(ctx context.Context, s *discordgo.Session, i *discordgo.InteractionCreate) error {
		return botwright.Respond(ctx, s, i.Interaction, &discordgo.InteractionResponse{
			Type: discordgo.InteractionResponseChannelMessageWithSource,
			Data: &discordgo.InteractionResponseData{Content: "pong"},
		})
	}, botwright.Command("ping"))
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	if err := bot.Open(ctx); err != nil {
		log.Fatal(err)
	}
	g := srv.Guilds()[0]
	answer, err := srv.SlashCommand(g.ID, g.Channels[0].ID, g.Members[0].User.ID, "ping").Message(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.Content)
	if err := bot.Shutdown(ctx); err != nil {
		log.Fatal(err)
	}
	// Output: pong
}
