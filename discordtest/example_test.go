package discordtest_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/discordtest"
)

// A test of a bot: somebody says "!ping", and the bot must answer.
func Example() {
	srv, err := discordtest.New(discordtest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()

	bot, err := newSession(srv)
	if err != nil {
		log.Fatal(err)
	}
	bot.AddHandler(func(s *discordgo.Session, m *discordgo.MessageCreate) {
		if m.Content == "!ping" {
			_, _ = s.ChannelMessageSend(m.ChannelID, "pong")
		}
	})
	if err := bot.Open(); err != nil {
		log.Fatal(err)
	}
	defer quit(srv, bot)

	guild := srv.Guilds()[0]
	channel := guild.Channels[0].ID
	if _, err := srv.Say(channel, guild.Members[0].User.ID, "!ping"); err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
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

	bot, err := newSession(srv)
	if err != nil {
		log.Fatal(err)
	}
	bot.AddHandler(func(s *discordgo.Session, i *discordgo.InteractionCreate) {
		data := i.ApplicationCommandData()
		_ = s.InteractionRespond(i.Interaction, &discordgo.InteractionResponse{
			Type: discordgo.InteractionResponseChannelMessageWithSource,
			Data: &discordgo.InteractionResponseData{Content: "Hello, " + data.Options[0].StringValue() + "!"},
		})
	})
	if err := bot.Open(); err != nil {
		log.Fatal(err)
	}
	defer quit(srv, bot)

	guild := srv.Guilds()[0]
	in := srv.SlashCommand(guild.ID, guild.Channels[0].ID, guild.Members[0].User.ID, "greet", discordtest.Option("name", "Ada"))
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
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

	bot, err := newSession(srv)
	if err != nil {
		log.Fatal(err)
	}
	if err := bot.Open(); err != nil {
		log.Fatal(err)
	}
	defer quit(srv, bot)

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := srv.Wait(ctx, func() bool { return len(srv.Heartbeats()) == 1 }); err != nil {
		log.Fatal(err)
	}
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

// A fault of REST: the first request fails at the proxy before Discord.
func ExampleServer_FailREST() {
	srv, err := discordtest.New(discordtest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()

	var remove func()
	remove = srv.FailREST(func(*http.Request) *discordtest.RESTFault {
		remove()
		return discordtest.BadGateway()
	})
	for range 2 {
		resp, err := direct.Get(srv.URL + "/api/v10/gateway")
		if err != nil {
			log.Fatal(err)
		}
		_ = resp.Body.Close()
		fmt.Println(resp.Status)
	}
	// Output:
	// 502 Bad Gateway
	// 200 OK
}

// Windows that take minutes pass at once.
func ExampleServer_Advance() {
	srv, err := discordtest.New(discordtest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()

	guild := srv.Guilds()[0]
	in := srv.SlashCommand(guild.ID, guild.Channels[0].ID, guild.Members[0].User.ID, "slow")
	srv.Advance(4 * time.Second) // the bot had three
	resp, err := direct.Post(srv.URL+"/api/v10/interactions/"+in.ID+"/"+in.Token+"/callback", "application/json", nil)
	if err != nil {
		log.Fatal(err)
	}
	_ = resp.Body.Close()
	fmt.Println(resp.Status)
	// Output: 404 Not Found
}
