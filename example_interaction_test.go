package botwright_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

// demo runs a bot in a fake Discord while act plays a person in a channel with it.
func demo(setUp func(*botwright.Bot), act func(context.Context, *person) error, opts ...botwright.Option) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	srv, err := discordtest.New(discordtest.Config{Guilds: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer srv.Close()
	bot, err := botwright.New(srv.Token, append(opts, botwright.WithAPI(srv.URL),
		botwright.WithLogger(slog.New(slog.DiscardHandler)))...)
	if err != nil {
		fmt.Println(err)
		return
	}
	setUp(bot)
	if err := bot.Open(ctx); err != nil {
		fmt.Println(err)
		return
	}
	guild := srv.Guilds()[0]
	me := &person{srv, bot, guild.ID, guild.Channels[0].ID, guild.Members[0].User.ID}
	if err := errors.Join(act(ctx, me), bot.Shutdown(ctx)); err != nil {
		fmt.Println(err)
	}
}

// A person uses the bot.
type person struct {
	srv                  *discordtest.Server
	bot                  *botwright.Bot
	guild, channel, user string
}

// command sends a slash command and returns what the user gets to see.
func (p *person) command(
	ctx context.Context, name string, options ...*discordgo.ApplicationCommandInteractionDataOption,
) (*discordgo.Message, error) {
	return p.srv.SlashCommand(p.guild, p.channel, p.user, name, options...).Message(ctx)
}

// reply is a response with a text.
func reply(text string) *discordgo.InteractionResponse {
	return &discordgo.InteractionResponse{
		Type: discordgo.InteractionResponseChannelMessageWithSource,
		Data: &discordgo.InteractionResponseData{Content: text},
	}
}

func ExampleCommand() {
	demo(func(bot *botwright.Bot) {
		botwright.On(bot, func(ctx context.Context, s *discordgo.Session, i *discordgo.InteractionCreate) error {
			return s.InteractionRespond(i.Interaction, reply("pong"), discordgo.WithContext(ctx))
		}, botwright.Command("ping"))
		botwright.On(bot, func(ctx context.Context, s *discordgo.Session, i *discordgo.InteractionCreate) error {
			set := i.ApplicationCommandData().Options[0]
			text := "the volume is now " + set.Options[0].StringValue()
			return s.InteractionRespond(i.Interaction, reply(text), discordgo.WithContext(ctx))
		}, botwright.Command("config set"))
	}, func(ctx context.Context, me *person) error {
		pong, err := me.command(ctx, "ping")
		if err != nil {
			return err
		}
		fmt.Println(pong.Content)
		volume, err := me.command(ctx, "config", &discordgo.ApplicationCommandInteractionDataOption{
			Type: discordgo.ApplicationCommandOptionSubCommand, Name: "set",
			Options: []*discordgo.ApplicationCommandInteractionDataOption{
				discordtest.Option("volume", "11"),
			},
		})
		if err != nil {
			return err
		}
		fmt.Println(volume.Content)
		return nil
	})
	// Output:
	// pong
	// the volume is now 11
}

func ExampleComponent() {
	page := func(kind discordgo.InteractionResponseType, n int) *discordgo.InteractionResponse {
		next := discordgo.Button{Label: "Next", CustomID: "page:" + strconv.Itoa(n+1)}
		return &discordgo.InteractionResponse{Type: kind, Data: &discordgo.InteractionResponseData{
			Content: fmt.Sprintf("page %d", n),
			Components: []discordgo.MessageComponent{
				discordgo.ActionsRow{Components: []discordgo.MessageComponent{next}},
			},
		}}
	}
	demo(func(bot *botwright.Bot) {
		botwright.On(bot, func(ctx context.Context, s *discordgo.Session, i *discordgo.InteractionCreate) error {
			first := page(discordgo.InteractionResponseChannelMessageWithSource, 1)
			return s.InteractionRespond(i.Interaction, first, discordgo.WithContext(ctx))
		}, botwright.Command("book"))
		botwright.On(bot, func(ctx context.Context, s *discordgo.Session, i *discordgo.InteractionCreate) error {
			n, err := strconv.Atoi(i.MessageComponentData().CustomID[len("page:"):])
			if err != nil {
				return err
			}
			turned := page(discordgo.InteractionResponseUpdateMessage, n)
			return s.InteractionRespond(i.Interaction, turned, discordgo.WithContext(ctx))
		}, botwright.Component("page:"))
	}, func(ctx context.Context, me *person) error {
		m, err := me.command(ctx, "book")
		if err != nil {
			return err
		}
		fmt.Println(m.Content)
		if m, err = me.srv.Component(me.channel, m.ID, me.user, "page:2").Message(ctx); err != nil {
			return err
		}
		fmt.Println(m.Content)
		return nil
	})
	// Output:
	// page 1
	// page 2
}

func ExampleModal() {
	demo(func(bot *botwright.Bot) {
		botwright.On(bot, func(ctx context.Context, s *discordgo.Session, i *discordgo.InteractionCreate) error {
			return s.InteractionRespond(i.Interaction, &discordgo.InteractionResponse{
				Type: discordgo.InteractionResponseModal,
				Data: &discordgo.InteractionResponseData{
					CustomID: "report:7", Title: "Report",
					Components: []discordgo.MessageComponent{discordgo.ActionsRow{
						Components: []discordgo.MessageComponent{discordgo.TextInput{
							CustomID: "why", Label: "Why?", Style: discordgo.TextInputShort,
						}},
					}},
				},
			}, discordgo.WithContext(ctx))
		}, botwright.Command("report"))
		botwright.On(bot, func(ctx context.Context, s *discordgo.Session, i *discordgo.InteractionCreate) error {
			form := i.ModalSubmitData()
			why := form.Components[0].(*discordgo.ActionsRow).Components[0].(*discordgo.TextInput)
			return s.InteractionRespond(i.Interaction, reply(form.CustomID+": "+why.Value), discordgo.WithContext(ctx))
		}, botwright.Modal("report:"))
	}, func(ctx context.Context, me *person) error {
		opened := me.srv.SlashCommand(me.guild, me.channel, me.user, "report")
		thanks, err := me.srv.Modal(ctx, opened, map[string]string{"why": "spam"}).Message(ctx)
		if err != nil {
			return err
		}
		fmt.Println(thanks.Content)
		return nil
	})
	// Output:
	// report:7: spam
}

func ExampleAutocomplete() {
	demo(func(bot *botwright.Bot) {
		botwright.On(bot, func(ctx context.Context, s *discordgo.Session, i *discordgo.InteractionCreate) error {
			typed := i.ApplicationCommandData().Options[0].StringValue()
			return s.InteractionRespond(i.Interaction, &discordgo.InteractionResponse{
				Type: discordgo.InteractionApplicationCommandAutocompleteResult,
				Data: &discordgo.InteractionResponseData{
					Choices: []*discordgo.ApplicationCommandOptionChoice{{Name: typed + "lin", Value: 1}},
				},
			}, discordgo.WithContext(ctx))
		}, botwright.Autocomplete("weather"))
	}, func(ctx context.Context, me *person) error {
		typing := me.srv.Autocomplete(me.guild, me.channel, me.user, "weather", discordtest.Option("city", "Ber"))
		offered, err := typing.Response(ctx)
		if err != nil {
			return err
		}
		fmt.Println(offered.Choices[0].Name)
		return nil
	})
	// Output:
	// Berlin
}

// A handler that takes longer than Discord allows, and does not know of it. Two seconds are a good
// value; the example defers at once.
func ExampleAutoDefer() {
	sent := make(chan *discordtest.Interaction, 1)
	demo(func(bot *botwright.Bot) {
		botwright.On(bot, func(ctx context.Context, s *discordgo.Session, i *discordgo.InteractionCreate) error {
			waitUntilDeferred(ctx, <-sent) // the work that takes so long
			return s.InteractionRespond(i.Interaction, reply("42"), discordgo.WithContext(ctx))
		}, botwright.Command("answer"), botwright.AutoDefer(0))
	}, func(ctx context.Context, me *person) error {
		in := me.srv.SlashCommand(me.guild, me.channel, me.user, "answer")
		sent <- in
		first, err := in.Response(ctx)
		if err != nil {
			return err
		}
		fmt.Println(first.Type == discordgo.InteractionResponseDeferredChannelMessageWithSource)
		answer, err := in.Message(ctx)
		if err != nil {
			return err
		}
		fmt.Println(answer.Content)
		return nil
	})
	// Output:
	// true
	// 42
}

func waitUntilDeferred(ctx context.Context, in *discordtest.Interaction) {
	if _, err := in.Response(ctx); err != nil {
		fmt.Println(err)
	}
}

func ExampleReplyOnError() {
	demo(func(bot *botwright.Bot) {
		bot.Use(botwright.ReplyOnError("Something went wrong. Please try again."))
		botwright.On(bot, func(context.Context, *discordgo.Session, *discordgo.InteractionCreate) error {
			return errors.New("the database is down")
		}, botwright.Command("balance"))
	}, func(ctx context.Context, me *person) error {
		seen, err := me.command(ctx, "balance")
		if err != nil {
			return err
		}
		fmt.Println(seen.Content)
		return nil
	}, botwright.WithErrorHandler(func(_ context.Context, e *botwright.Event, err error) {
		fmt.Println(e.Type, "failed:", err)
	}))
	// Unordered output:
	// Something went wrong. Please try again.
	// INTERACTION_CREATE failed: the database is down
}

func ExampleInteractionError() {
	demo(func(bot *botwright.Bot) {
		botwright.On(bot, func(ctx context.Context, s *discordgo.Session, i *discordgo.InteractionCreate) error {
			for _, text := range []string{"one", "two"} {
				err := s.InteractionRespond(i.Interaction, reply(text), discordgo.WithContext(ctx))
				if errors.Is(err, botwright.ErrInteractionAnswered) {
					_, err = s.FollowupMessageCreate(i.Interaction, true,
						&discordgo.WebhookParams{Content: text + ", as a further message"}, discordgo.WithContext(ctx))
				}
				if err != nil {
					return err
				}
			}
			return nil
		}, botwright.Command("count"))
	}, func(ctx context.Context, me *person) error {
		in := me.srv.SlashCommand(me.guild, me.channel, me.user, "count")
		if err := me.srv.Wait(ctx, func() bool { return len(in.Followups()) == 1 }); err != nil {
			return err
		}
		fmt.Println(in.Followups()[0].Content)
		return nil
	})
	// Output:
	// two, as a further message
}

func ExampleWithCommands() {
	ping := &discordgo.ApplicationCommand{Name: "ping", Description: "Answers pong"}
	report := &discordgo.ApplicationCommand{Name: "Report", Type: discordgo.MessageApplicationCommand}
	demo(func(*botwright.Bot) {}, func(ctx context.Context, me *person) error {
		registered := func() bool { return len(me.srv.RegisteredCommands("")) > 0 }
		if err := me.srv.Wait(ctx, registered); err != nil {
			return err
		}
		for _, c := range me.srv.RegisteredCommands("") {
			fmt.Println(c.Name)
		}
		return nil
	}, botwright.WithCommands(ping, report))
	// Output:
	// ping
	// Report
}

func ExampleBot_InteractionsHandler() {
	public, private, err := ed25519.GenerateKey(nil) // Discord's; the public one is in the portal
	if err != nil {
		fmt.Println(err)
		return
	}
	demo(func(*botwright.Bot) {}, func(_ context.Context, me *person) error {
		endpoint, err := me.bot.InteractionsHandler(hex.EncodeToString(public))
		if err != nil {
			return err
		}
		mux := http.NewServeMux()
		mux.Handle("/interactions", endpoint)

		// Discord tries the endpoint: with a ping, and with a signature that is none.
		ping, now := []byte(`{"type":1}`), strconv.FormatInt(time.Now().Unix(), 10)
		signature := ed25519.Sign(private, append([]byte(now), ping...))
		for _, s := range [][]byte{signature, make([]byte, ed25519.SignatureSize)} {
			r := httptest.NewRequest(http.MethodPost, "/interactions", bytes.NewReader(ping))
			r.Header.Set("X-Signature-Timestamp", now)
			r.Header.Set("X-Signature-Ed25519", hex.EncodeToString(s))
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, r)
			fmt.Println(w.Code)
		}
		return nil
	})
	// Output:
	// 200
	// 401
}
