package discordtest_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/discordtest"
)

// What a bot may not do is refused as Discord refuses it.
func ExampleServer_SetBotPermissions() {
	srv, err := discordtest.New(discordtest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	bot, err := newSession(srv)
	if err != nil {
		log.Fatal(err)
	}

	guild := srv.Guilds()[0]
	const talk = discordgo.PermissionViewChannel | discordgo.PermissionSendMessages
	if err := srv.SetBotPermissions(guild.ID, talk); err != nil {
		log.Fatal(err)
	}
	_, err = bot.ChannelMessageSend(guild.Channels[0].ID, "hello")
	fmt.Println("send:", err)
	_, err = bot.ChannelMessageSendEmbed(guild.Channels[0].ID, &discordgo.MessageEmbed{Title: "hello"})
	if refused, ok := errors.AsType[*discordgo.RESTError](err); ok {
		fmt.Println("embed:", refused.Message.Code, refused.Message.Message)
	}
	// Output:
	// send: <nil>
	// embed: 50013 Missing Permissions
}

// A channel can be closed to the bot, or to everyone.
func ExampleServer_SetPermissions() {
	srv, err := discordtest.New(discordtest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	bot, err := newSession(srv)
	if err != nil {
		log.Fatal(err)
	}

	guild := srv.Guilds()[0]
	everyone, channel := guild.ID, guild.Channels[0].ID
	if err := srv.SetPermissions(channel, everyone, 0, discordgo.PermissionViewChannel); err != nil {
		log.Fatal(err)
	}
	_, err = bot.ChannelMessageSend(channel, "hello")
	if refused, ok := errors.AsType[*discordgo.RESTError](err); ok {
		fmt.Println(refused.Message.Code, refused.Message.Message)
	}
	// Output: 50001 Missing Access
}

// A person gets a role, and the bot cannot touch who is above it.
func ExampleServer_AddRole() {
	srv, err := discordtest.New(discordtest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	bot, err := newSession(srv)
	if err != nil {
		log.Fatal(err)
	}

	guild := srv.Guilds()[0]
	member := guild.Members[3].User.ID
	chief, err := srv.AddRole(guild.ID, "Chief", discordgo.PermissionBanMembers, len(guild.Roles))
	if err != nil {
		log.Fatal(err)
	}
	_, err = srv.UpdateMember(guild.ID, member, discordtest.MemberEdit{Roles: []string{chief.ID}})
	if err != nil {
		log.Fatal(err)
	}
	err = bot.GuildMemberDelete(guild.ID, member)
	fmt.Println("kick a chief:", err != nil)
	fmt.Println("kick another:", bot.GuildMemberDelete(guild.ID, guild.Members[4].User.ID))
	// Output:
	// kick a chief: true
	// kick another: <nil>
}

// A subcommand takes the options, and what a user could not enter is an error.
func ExampleSubcommand() {
	srv, err := discordtest.New(discordtest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	bot, err := newSession(srv)
	if err != nil {
		log.Fatal(err)
	}
	most := 100.0
	_, err = bot.ApplicationCommandCreate(srv.Bot().ID, "", &discordgo.ApplicationCommand{
		Name: "volume", Description: "How loud it is", Options: []*discordgo.ApplicationCommandOption{{
			Type: discordgo.ApplicationCommandOptionSubCommand, Name: "set", Description: "Sets it",
			Options: []*discordgo.ApplicationCommandOption{{
				Type: discordgo.ApplicationCommandOptionInteger, Name: "percent", Description: "0 to 100",
				Required: true, MaxValue: most,
			}},
		}},
	})
	if err != nil {
		log.Fatal(err)
	}
	guild := srv.Guilds()[0]
	set := func(percent int) error {
		return srv.SlashCommand(guild.ID, guild.Channels[0].ID, guild.OwnerID, "volume",
			discordtest.Subcommand("set", discordtest.Option("percent", percent))).Err()
	}
	fmt.Println(set(40))
	fmt.Println(set(400))
	// Output:
	// <nil>
	// discordtest: input not possible: 400 is outside of the limits of "percent"
}

// A command of a message's context menu opens a form, which the person fills in.
func ExampleServer_Modal() {
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
		if i.Type == discordgo.InteractionModalSubmit {
			row := i.ModalSubmitData().Components[0].(*discordgo.ActionsRow)
			why := row.Components[0].(*discordgo.TextInput).Value
			_ = s.InteractionRespond(i.Interaction, &discordgo.InteractionResponse{
				Type: discordgo.InteractionResponseChannelMessageWithSource,
				Data: &discordgo.InteractionResponseData{Content: "Reported: " + strings.ToUpper(why)},
			})
			return
		}
		_ = s.InteractionRespond(i.Interaction, &discordgo.InteractionResponse{
			Type: discordgo.InteractionResponseModal,
			Data: &discordgo.InteractionResponseData{CustomID: "report", Title: "Report",
				Components: []discordgo.MessageComponent{discordgo.ActionsRow{
					Components: []discordgo.MessageComponent{discordgo.TextInput{
						CustomID: "why", Label: "Why?", Style: discordgo.TextInputShort,
					}},
				}},
			},
		})
	})
	if err := bot.Open(); err != nil {
		log.Fatal(err)
	}
	defer quit(srv, bot)

	guild := srv.Guilds()[0]
	channel, person := guild.Channels[0].ID, guild.Members[2].User.ID
	said, err := srv.Say(channel, guild.OwnerID, "buy now")
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	opened := srv.MessageCommand(guild.ID, channel, person, "Report", said.ID)
	answer, err := srv.Modal(ctx, opened, map[string]string{"why": "spam"}).Message(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.Content)
	// Output: Reported: SPAM
}

// People vote in a poll of the bot.
func ExampleServer_Vote() {
	srv, err := discordtest.New(discordtest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	bot, err := newSession(srv)
	if err != nil {
		log.Fatal(err)
	}
	guild := srv.Guilds()[0]
	channel := guild.Channels[0].ID
	m, err := bot.ChannelMessageSendComplex(channel, &discordgo.MessageSend{Poll: &discordgo.Poll{
		Question: discordgo.PollMedia{Text: "Tea or coffee?"}, Duration: 24,
		Answers: []discordgo.PollAnswer{
			{Media: &discordgo.PollMedia{Text: "Tea"}}, {Media: &discordgo.PollMedia{Text: "Coffee"}},
		},
	}})
	if err != nil {
		log.Fatal(err)
	}
	for _, member := range guild.Members[:3] {
		if err := srv.Vote(channel, m.ID, member.User.ID, 1); err != nil {
			log.Fatal(err)
		}
	}
	voters, err := bot.PollAnswerVoters(channel, m.ID, 1)
	fmt.Println(len(voters), err)
	// Output: 3 <nil>
}
