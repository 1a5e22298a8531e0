package botwright_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

// A bot that reads what people write in guilds. The other intents follow from its handlers.
func ExampleWithPrivilegedIntents() {
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
	read := make(chan string, 1)
	botwright.On(bot, func(_ context.Context, _ *discordgo.Session, m *discordgo.MessageCreate) error {
		read <- m.Content
		return nil
	})
	ctx := context.Background()
	if err := bot.Open(ctx); err != nil {
		log.Fatal(err)
	}
	defer func() { _ = bot.Shutdown(ctx) }()
	guild := srv.Guilds()[0]
	if _, err := srv.Say(guild.Channels[0].ID, guild.Members[0].User.ID, "hello"); err != nil {
		log.Fatal(err)
	}
	fmt.Println(<-read)
	// Output: hello
}

// A handler of a discordgo bot goes on to work.
func ExampleAdapt() {
	onMessage := func(_ *discordgo.Session, m *discordgo.MessageCreate) {
		fmt.Println(m.Author.Username+":", m.Content)
	}
	h := botwright.Adapt(onMessage) // for botwright.On(bot, h)
	err := h(context.Background(), nil, &discordgo.MessageCreate{Message: &discordgo.Message{
		Author: &discordgo.User{Username: "ada"}, Content: "hello"}})
	fmt.Println(err)
	// Output:
	// ada: hello
	// <nil>
}

// A member without the permission is told so; the handler is not called.
func ExampleRequirePermissions() {
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
	botwright.On(bot, func(context.Context, *discordgo.Session, *discordgo.InteractionCreate) error {
		return errors.New("not reached")
	}, botwright.Command("ban"),
		botwright.RequirePermissions(discordgo.PermissionBanMembers, "You may not ban."))
	ctx := context.Background()
	if err := bot.Open(ctx); err != nil {
		log.Fatal(err)
	}
	defer func() { _ = bot.Shutdown(ctx) }()
	guild := srv.Guilds()[0]
	last := guild.Members[len(guild.Members)-1].User.ID
	answer, err := srv.SlashCommand(guild.ID, guild.Channels[0].ID, last, "ban").Message(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.Content)
	// Output: You may not ban.
}

// What a user is typing in an option, for an Autocomplete handler.
func ExampleFocusedOption() {
	typing := &discordgo.InteractionCreate{Interaction: &discordgo.Interaction{
		Type: discordgo.InteractionApplicationCommandAutocomplete,
		Data: discordgo.ApplicationCommandInteractionData{
			Name: "tag", Options: []*discordgo.ApplicationCommandInteractionDataOption{{
				Name: "show", Type: discordgo.ApplicationCommandOptionSubCommand,
				Options: []*discordgo.ApplicationCommandInteractionDataOption{{
					Name: "name", Type: discordgo.ApplicationCommandOptionString,
					Value: "ru", Focused: true,
				}},
			}},
		},
	}}
	fmt.Println(botwright.FocusedOption(typing))
	// Output: name ru
}

// An error handler that counts what nobody handles.
func ExampleUnhandledInteractionError() {
	onError := func(_ context.Context, _ *botwright.Event, err error) {
		if nobody, ok := errors.AsType[*botwright.UnhandledInteractionError](err); ok {
			fmt.Println("count:", nobody.Type, nobody.Name)
		}
	}
	onError(context.Background(), nil, &botwright.UnhandledInteractionError{
		Type: discordgo.InteractionApplicationCommand, Name: "config set"})
	// Output: count: ApplicationCommand config set
}
