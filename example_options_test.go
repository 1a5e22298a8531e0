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

// The options of a command are the fields of a struct: for Discord, and for the handler.
func ExampleDecodeOptions() {
	type timeout struct {
		User    *discordgo.User `description:"Who is to be quiet"`
		Minutes int             `description:"For how long" default:"10" min:"1" max:"60"`
		Reason  string          `option:"reason,optional" description:"Why"`
	}
	srv, err := discordtest.New(discordtest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	bot, err := botwright.New(srv.Token, botwright.WithAPI(srv.URL),
		botwright.WithLogger(slog.New(slog.DiscardHandler)),
		botwright.WithCommands(&discordgo.ApplicationCommand{
			Name: "timeout", Description: "Keeps a member quiet",
			Options: botwright.DefineOptions[timeout](),
		}))
	if err != nil {
		log.Fatal(err)
	}
	botwright.On(bot, func(_ context.Context, s *discordgo.Session, i *discordgo.InteractionCreate) error {
		o, err := botwright.DecodeOptions[timeout](i)
		if err != nil {
			return err
		}
		return s.InteractionRespond(i.Interaction, &discordgo.InteractionResponse{
			Type: discordgo.InteractionResponseChannelMessageWithSource,
			Data: &discordgo.InteractionResponseData{
				Content: fmt.Sprintf("%s is quiet for %d minutes", o.User.Username, o.Minutes)},
		})
	}, botwright.Command("timeout"), botwright.ReplyOnError("Something went wrong."))

	ctx := context.Background()
	if err := bot.Open(ctx); err != nil {
		log.Fatal(err)
	}
	defer func() { _ = bot.Shutdown(ctx) }()
	guild := srv.Guilds()[0]
	user := guild.Members[0].User
	answer, err := srv.SlashCommand(guild.ID, guild.Channels[0].ID, user.ID, "timeout",
		discordtest.Option("user", user)).Message(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.Content == user.Username+" is quiet for 10 minutes")
	// Output: true
}

// Subcommands have a struct each.
func ExampleDefineOptions() {
	type add struct {
		Name  string `description:"What it is called" max:"32"`
		Color string `description:"Its color" choices:"red,green,blue" default:"blue"`
	}
	type remove struct {
		Name  string `description:"What it is called" option:"name,autocomplete"`
		Force bool   `option:"force,optional" description:"Even if it is in use"`
	}
	subcommand := func(name, description string, options []*discordgo.ApplicationCommandOption,
	) *discordgo.ApplicationCommandOption {
		return &discordgo.ApplicationCommandOption{
			Type: discordgo.ApplicationCommandOptionSubCommand,
			Name: name, Description: description, Options: options,
		}
	}
	label := &discordgo.ApplicationCommand{
		Name: "label", Description: "Labels of this server",
		Options: []*discordgo.ApplicationCommandOption{
			subcommand("add", "Adds a label", botwright.DefineOptions[add]()),
			subcommand("remove", "Removes a label", botwright.DefineOptions[remove]()),
		},
	}
	fmt.Println("/" + label.Name + ": " + label.Description)
	for _, sub := range label.Options {
		for _, o := range sub.Options {
			fmt.Println(sub.Name, o.Name, o.Type, o.Required)
		}
	}
	// Output:
	// /label: Labels of this server
	// add name String true
	// add color String false
	// remove name String true
	// remove force Boolean false
}

// A form is read like a command; what users type as text comes as what it is.
func ExampleDecodeModal() {
	type signup struct {
		Name string `option:"name"`
		Age  int    `option:"age"`
	}
	submitted := &discordgo.InteractionCreate{Interaction: &discordgo.Interaction{
		Type: discordgo.InteractionModalSubmit,
		Data: discordgo.ModalSubmitInteractionData{CustomID: "signup", Components: []discordgo.MessageComponent{
			&discordgo.ActionsRow{Components: []discordgo.MessageComponent{
				&discordgo.TextInput{CustomID: "name", Value: "Ada"}}},
			&discordgo.ActionsRow{Components: []discordgo.MessageComponent{
				&discordgo.TextInput{CustomID: "age", Value: "thirty"}}},
		}},
	}}
	form, err := botwright.DecodeModal[signup](submitted)
	fmt.Println(form.Name, err)
	// Output: Ada option age must be a whole number
}
