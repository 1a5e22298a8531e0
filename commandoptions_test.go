package botwright_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/bottest"
	"github.com/botwright/botwright/discordtest"
)

// sayBack is how the handlers of these tests answer.
func sayBack(s *discordgo.Session, i *discordgo.InteractionCreate, format string, args ...any) error {
	return s.InteractionRespond(i.Interaction, &discordgo.InteractionResponse{
		Type: discordgo.InteractionResponseChannelMessageWithSource,
		Data: &discordgo.InteractionResponseData{Content: fmt.Sprintf(format, args...)},
	})
}

// typed makes a handler that shows what it decoded.
func typed[T any](show func(o T) string) botwright.HandlerFunc[discordgo.InteractionCreate] {
	return func(_ context.Context, s *discordgo.Session, i *discordgo.InteractionCreate) error {
		o, err := botwright.DecodeOptions[T](i)
		if err != nil {
			return err
		}
		return sayBack(s, i, "%s", show(o))
	}
}

type echo struct{ Text string }

type ban struct {
	Member *discordgo.Member
	Days   int    `default:"7"`
	Reason string `option:",optional"`
}

type remind struct {
	In   time.Duration
	What string `default:"something"`
}

type roleAdd struct {
	Role *discordgo.Role
	In   *discordgo.Channel `option:"channel,optional"`
}

type roll struct {
	Sides uint    `default:"6"`
	Luck  float64 `option:"luck,optional"`
	Loud  bool
}

func newTypedBot(token string, opts ...botwright.Option) (*botwright.Bot, error) {
	bot, err := botwright.New(token, opts...)
	if err != nil {
		return nil, err
	}
	bot.Use(botwright.ReplyOnError("It did not work."))
	botwright.On(bot, typed(func(o echo) string { return o.Text }), botwright.Command("echo"))
	botwright.On(bot, typed(func(o ban) string {
		return fmt.Sprintf("%s of %s for %d days: %q", o.Member.User.ID, o.Member.GuildID, o.Days, o.Reason)
	}), botwright.Command("ban"))
	botwright.On(bot, typed(func(o remind) string {
		return fmt.Sprintf("%s in %v", o.What, o.In)
	}), botwright.Command("remind"))
	botwright.On(bot, typed(func(o roleAdd) string {
		return fmt.Sprintf("%s, channel %v", o.Role.ID, o.In != nil)
	}), botwright.Command("config role add"))
	botwright.On(bot, typed(func(o roll) string {
		return fmt.Sprintf("%d %v %v", o.Sides, o.Luck, o.Loud)
	}), botwright.Command("roll"))
	botwright.On(bot, func(context.Context, *discordgo.Session, *discordgo.InteractionCreate) error {
		return errors.New("broken")
	}, botwright.Command("broken"))
	return bot, nil
}

func TestDecodeOptions(t *testing.T) {
	t.Parallel()
	bot := bottest.Start(t, discordtest.Config{}, newTypedBot)
	guild := bot.Server.Guilds()[0]
	user, role := guild.Members[1].User, guild.Roles[0]
	option := discordtest.Option
	tests := []struct {
		command string
		options []*discordtest.CommandOption
		want    string
	}{
		{"echo", []*discordtest.CommandOption{option("text", "hi")}, "hi"},
		{"ban", []*discordtest.CommandOption{option("member", user)}, user.ID + " of " + guild.ID + ` for 7 days: ""`},
		{"ban", []*discordtest.CommandOption{option("member", user), option("days", 1), option("reason", "spam")},
			user.ID + " of " + guild.ID + ` for 1 days: "spam"`},
		{"remind", []*discordtest.CommandOption{option("in", "1h 30m")}, "something in 1h30m0s"},
		{"config role add", []*discordtest.CommandOption{option("role", role)}, role.ID + ", channel false"},
		{"config role add", []*discordtest.CommandOption{option("role", role), option("channel", guild.Channels[0])},
			role.ID + ", channel true"},
		{"roll", []*discordtest.CommandOption{option("loud", true)}, "6 0 true"},
		{"roll", []*discordtest.CommandOption{option("loud", false), option("sides", 20), option("luck", 0.5)}, "20 0.5 false"},
		// What the user has got wrong, told in words and no error of the bot.
		{"remind", []*discordtest.CommandOption{option("in", "soon")},
			"The option in must be a duration, such as 90s, 10m or 1h30m."},
		{"echo", nil, "The option text is missing."},
	}
	for _, tt := range tests {
		if got := bot.Command(tt.command, tt.options...).Content; got != tt.want {
			t.Errorf("/%s %v answers %q, want %q", tt.command, tt.options, got, tt.want)
		}
	}
	if got := bot.Command("broken").Content; got != "It did not work." {
		t.Errorf("/broken answers %q", got)
	}
	if err := bot.Error(); err.Error() != "broken" {
		t.Errorf("the bot reports %v", err)
	}
}

// TestDecodeOptionsOfOthers decodes what has no options.
func TestDecodeOptionsOfOthers(t *testing.T) {
	t.Parallel()
	click := &discordgo.InteractionCreate{Interaction: &discordgo.Interaction{
		Type: discordgo.InteractionMessageComponent}}
	if _, err := botwright.DecodeOptions[echo](click); err == nil {
		t.Error("a click has options")
	}
	if _, err := botwright.DecodeModal[echo](click); err == nil {
		t.Error("a click is a form")
	}
	if name, _ := botwright.FocusedOption(click); name != "" {
		t.Errorf("a user types in %q of a click", name)
	}
}

func TestFocusedOption(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	bot := newBot(t, srv)
	got := make(chan string, 1)
	botwright.On(bot, func(_ context.Context, _ *discordgo.Session, i *discordgo.InteractionCreate) error {
		name, text := botwright.FocusedOption(i)
		o, err := botwright.DecodeOptions[ban](i)
		got <- fmt.Sprint(name, " ", text, " ", o.Days, " ", err)
		return nil
	}, botwright.Autocomplete("tag show"))
	open(t, bot)
	g := srv.Guilds()[0]
	srv.Autocomplete(g.ID, g.Channels[0].ID, g.Members[0].User.ID, "tag",
		discordtest.Subcommand("show", discordtest.Option("reason", "ru")))
	if text := receive(t, got); text != "reason ru 7 <nil>" {
		t.Errorf("the handler saw %q", text)
	}
}

func TestDecodeModal(t *testing.T) {
	t.Parallel()
	type report struct {
		What  string
		Times int  `default:"1"`
		Angry bool `option:",optional"`
	}
	input := func(id string) discordgo.MessageComponent {
		return discordgo.ActionsRow{Components: []discordgo.MessageComponent{discordgo.TextInput{
			CustomID: id, Label: id, Style: discordgo.TextInputShort}}}
	}
	bot := bottest.Start(t, discordtest.Config{}, func(token string, opts ...botwright.Option) (*botwright.Bot, error) {
		bot, err := botwright.New(token, opts...)
		if err != nil {
			return nil, err
		}
		botwright.On(bot, func(_ context.Context, s *discordgo.Session, i *discordgo.InteractionCreate) error {
			return s.InteractionRespond(i.Interaction, &discordgo.InteractionResponse{
				Type: discordgo.InteractionResponseModal,
				Data: &discordgo.InteractionResponseData{CustomID: "report", Title: "Report",
					Components: []discordgo.MessageComponent{input("what"), input("times"), input("angry")}},
			})
		}, botwright.Command("report"))
		botwright.On(bot, func(_ context.Context, s *discordgo.Session, i *discordgo.InteractionCreate) error {
			o, err := botwright.DecodeModal[report](i)
			if err != nil {
				return err
			}
			return sayBack(s, i, "%s %d %v", o.What, o.Times, o.Angry)
		}, botwright.Modal("report"), botwright.ReplyOnError("It did not work."))
		return bot, nil
	})
	for want, values := range map[string]map[string]string{
		"spam 3 true":  {"what": "spam", "times": " 3 ", "angry": "Yes"},
		"spam 1 false": {"what": "spam"},
		"The option times must be a whole number.": {"what": "spam", "times": "often"},
	} {
		for _, id := range []string{"what", "times", "angry"} {
			if _, ok := values[id]; !ok {
				values[id] = ""
			}
		}
		opened := bot.Server.SlashCommand(bot.GuildID, bot.ChannelID, bot.UserID, "report")
		if got := bot.Answer(bot.Server.Modal(testContext(t), opened, values)).Content; got != want {
			t.Errorf("%v answers %q, want %q", values, got, want)
		}
	}
}

// TestRequirePermissions lets an administrator and an ordinary member use a command.
func TestRequirePermissions(t *testing.T) {
	t.Parallel()
	const banMembers = discordgo.PermissionBanMembers
	ordinary, owner := `{"id":"1","application_id":"2","token":"t","type":2,"data":{"id":"3","type":1,"name":"ban"},"member":{"user":{"id":"4"},"permissions":"2048"}}`,
		`{"id":"1","application_id":"2","token":"t","type":2,"data":{"id":"3","type":1,"name":"ban"},"member":{"user":{"id":"4"},"permissions":"8"}}`
	tests := []struct {
		name, raw string
		missing   int64 // ^0: called
	}{
		{"has it", `{"id":"1","application_id":"2","token":"t","type":2,"data":{"id":"3","type":1,"name":"ban"},"member":{"user":{"id":"4"},"permissions":"2052"}}`, ^0},
		{"administrator", owner, ^0},
		{"lacks it", ordinary, banMembers},
		{"direct message", `{"id":"1","application_id":"2","token":"t","type":2,"data":{"id":"3","type":1,"name":"ban"},"user":{"id":"1"}}`, banMembers},
		{"not a number", `{"id":"1","application_id":"2","token":"t","type":2,"data":{"id":"3","type":1,"name":"ban"},"member":{"user":{"id":"4"},"permissions":"all"}}`, banMembers},
		{"another command", `{"id":"1","application_id":"2","token":"t","type":2,"data":{"id":"3","type":1,"name":"other"},"member":{"user":{"id":"4"},"permissions":"0"}}`, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			bot := newBot(t, newServer(t, discordtest.Config{}))
			var got int64
			// The order of the options does not matter: others' commands are not refused.
			botwright.On(bot, func(context.Context, *discordgo.Session, *discordgo.InteractionCreate) error {
				got = ^0
				return nil
			}, botwright.RequirePermissionsFunc(banMembers, func(_ *botwright.Event, missing int64) string {
				got = missing
				return ""
			}), botwright.Command("ban"))
			botwright.Deliver(bot, "INTERACTION_CREATE", tt.raw, nil)
			if got != tt.missing {
				t.Errorf("missing %b, want %b", got, tt.missing)
			}
		})
	}
}

func TestRequirePermissionsAnswers(t *testing.T) {
	t.Parallel()
	bot := bottest.Start(t, discordtest.Config{}, func(token string, opts ...botwright.Option) (*botwright.Bot, error) {
		bot, err := botwright.New(token, opts...)
		if err != nil {
			return nil, err
		}
		botwright.On(bot, pong, botwright.Command("ban"),
			botwright.RequirePermissions(discordgo.PermissionBanMembers, "You may not ban."))
		return bot, nil
	})
	for granted, want := range map[string]string{"8": "pong", "2048": "You may not ban."} {
		grant := regexp.MustCompile(`"permissions":"\d+"`)
		remove := bot.Server.OnDispatch(func(_ *discordtest.Conn, _ int64, _ string, payload []byte) []byte {
			return grant.ReplaceAll(payload, []byte(`"permissions":"`+granted+`"`))
		})
		if m := bot.Command("ban"); m.Content != want {
			t.Errorf("with permissions %s the answer is %q, want %q", granted, m.Content, want)
		}
		remove()
	}
}

// TestRequirePermissionsElsewhere registers it for what has no permissions.
func TestRequirePermissionsElsewhere(t *testing.T) {
	t.Parallel()
	log := newErrorLog()
	bot := newBot(t, newServer(t, discordtest.Config{}), botwright.WithErrorHandler(log.handle))
	botwright.On(bot, onlyMessages, botwright.RequirePermissions(1, "no"))
	botwright.Deliver(bot, "MESSAGE_CREATE", `{"id":"1","channel_id":"2","author":{"id":"3"}}`, nil)
	if log.count("not an interaction") != 1 {
		t.Errorf("errors: %v", log.all())
	}
	defer func() {
		if v := recover(); !strings.Contains(fmt.Sprint(v), "no permissions") {
			t.Errorf("panic: %v", v)
		}
	}()
	botwright.RequirePermissions(0, "no")
}
