package botwright_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

// A whole program, in a fake Discord. A real one leaves WithAPI out, takes its token from the
// environment and its context from signal.NotifyContext.
func ExampleBot_Run() {
	srv, err := discordtest.New(discordtest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	bot, err := botwright.New(srv.Token, botwright.WithAPI(srv.URL),
		botwright.WithLogger(slog.New(slog.DiscardHandler)),
		botwright.WithIntents(discordgo.IntentGuilds|discordgo.IntentGuildMessages|
			discordgo.IntentMessageContent))
	if err != nil {
		log.Fatal(err)
	}

	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	botwright.On(bot, func(ctx context.Context, s *discordgo.Session, m *discordgo.MessageCreate) error {
		_, err := s.ChannelMessageSendReply(m.ChannelID, "pong", m.Reference(),
			discordgo.WithContext(ctx))
		return err
	}, botwright.NotBot(), botwright.Prefix("!ping"))
	botwright.On(bot, func(_ context.Context, _ *discordgo.Session, m *discordgo.MessageCreate) error {
		fmt.Println(m.Author.Username+":", m.Content)
		stop() // as Ctrl-C does
		return nil
	}, botwright.Filter(func(e *botwright.Event) bool { return e.UserID == srv.Bot().ID }))
	go func() { // somebody tries the bot when it is there
		ready := func() bool { c := srv.Conn(0); return c != nil && c.SessionID() != "" }
		if srv.Wait(ctx, ready) == nil {
			g := srv.Guilds()[0]
			_, _ = srv.Say(g.Channels[0].ID, g.Members[0].User.ID, "!ping")
		}
	}()
	fmt.Println("stopped:", bot.Run(ctx))
	// Output:
	// testbot: pong
	// stopped: <nil>
}
