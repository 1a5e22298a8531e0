package botwright_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

// A scene is a bot in a fake Discord, and a person in a channel with it.
type scene struct {
	srv                  *discordtest.Server
	bot                  *botwright.Bot
	guild, channel, user string
	errors               chan error // what the error handler is told
}

// newScene returns a bot that is not open yet.
func newScene(t *testing.T, cfg discordtest.Config, opts ...botwright.Option) *scene {
	t.Helper()
	srv := newServer(t, cfg)
	guild := srv.Guilds()[0]
	s := &scene{
		srv: srv, guild: guild.ID, channel: guild.Channels[0].ID, user: guild.Members[0].User.ID,
		errors: make(chan error, 64),
	}
	report := func(_ context.Context, _ *botwright.Event, err error) { s.errors <- err }
	s.bot = newBot(t, srv, append([]botwright.Option{botwright.WithErrorHandler(report)}, opts...)...)
	return s
}

func (s *scene) open(t *testing.T) {
	t.Helper()
	open(t, s.bot)
}

// close shuts the bot down, after which all that it does is done.
func (s *scene) close(t *testing.T) {
	t.Helper()
	if err := s.bot.Shutdown(testContext(t)); err != nil {
		t.Error(err)
	}
}

// quiet checks that no more errors were reported than were looked at.
func (s *scene) quiet(t *testing.T) {
	t.Helper()
	s.close(t)
	select {
	case err := <-s.errors:
		t.Errorf("an error was reported: %v", err)
	default:
	}
}

func (s *scene) command(t *testing.T, name string) *discordtest.Interaction {
	t.Helper()
	in := s.srv.SlashCommand(s.guild, s.channel, s.user, name)
	if in.Err() != nil {
		t.Fatal(in.Err())
	}
	return in
}

// click has a person click a button on a message of the bot.
func (s *scene) click(t *testing.T, customID string) *discordtest.Interaction {
	t.Helper()
	m, err := s.bot.Session().ChannelMessageSendComplex(s.channel, &discordgo.MessageSend{
		Content: "buttons",
		Components: []discordgo.MessageComponent{discordgo.ActionsRow{
			Components: []discordgo.MessageComponent{
				discordgo.Button{Label: "OK", CustomID: customID, Style: discordgo.PrimaryButton},
			},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	in := s.srv.Component(s.channel, m.ID, s.user, customID)
	if in.Err() != nil {
		t.Fatal(in.Err())
	}
	return in
}

// deferred returns a handler that waits until its interaction is deferred, and then answers it.
// What answer returns is sent to the channel.
func deferred(
	s *scene, ins <-chan *discordtest.Interaction, result chan<- error,
	answer func(context.Context, *discordgo.Session, *discordgo.Interaction) error,
) botwright.HandlerFunc[discordgo.InteractionCreate] {
	return func(ctx context.Context, d *discordgo.Session, i *discordgo.InteractionCreate) error {
		in := <-ins
		err := s.srv.Wait(ctx, in.Deferred)
		if err == nil {
			err = answer(ctx, d, i.Interaction)
		}
		result <- err
		return nil
	}
}

func messageResponse(text string, flags discordgo.MessageFlags) *discordgo.InteractionResponse {
	return &discordgo.InteractionResponse{
		Type: discordgo.InteractionResponseChannelMessageWithSource,
		Data: &discordgo.InteractionResponseData{Content: text, Flags: flags},
	}
}

func respond(r *discordgo.InteractionResponse) func(
	context.Context, *discordgo.Session, *discordgo.Interaction) error {
	return func(_ context.Context, d *discordgo.Session, i *discordgo.Interaction) error {
		return d.InteractionRespond(i, r)
	}
}

func TestAutoDefer(t *testing.T) {
	t.Parallel()
	update := messageResponse("changed", 0)
	update.Type = discordgo.InteractionResponseUpdateMessage
	modal := &discordgo.InteractionResponse{
		Type: discordgo.InteractionResponseModal,
		Data: &discordgo.InteractionResponseData{CustomID: "form", Title: "A form"},
	}
	const private = discordgo.MessageFlagsEphemeral
	command := func(t *testing.T, s *scene) *discordtest.Interaction {
		t.Helper()
		return s.command(t, "slow")
	}
	click := func(t *testing.T, s *scene) *discordtest.Interaction {
		t.Helper()
		return s.click(t, "slow")
	}
	tests := []struct {
		name      string
		start     func(*testing.T, *scene) *discordtest.Interaction
		hidden    bool
		answer    *discordgo.InteractionResponse
		err       error
		original  string   // what became of it; "" if it was deleted
		followups []string // and the messages beside it
	}{
		{"message", command, false, messageResponse("done", 0), nil, "done", nil},
		{"hidden message", command, true, messageResponse("done", private), nil, "done", nil},
		{"hidden in public", command, false, messageResponse("done", private), nil, "", []string{"done"}},
		{"modal", command, false, modal, botwright.ErrInteractionDeferred, "", nil},
		{"click, update", click, false, update, nil, "changed", nil},
		{"click, message", click, false, messageResponse("done", private), nil, "buttons", []string{"done"}},
	}
	s := newScene(t, discordtest.Config{Guilds: 1, InteractionTimeout: testTime})
	s.open(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ins, result := make(chan *discordtest.Interaction, 1), make(chan error, 1)
			auto := botwright.AutoDefer
			if tt.hidden {
				auto = botwright.AutoDeferEphemeral
			}
			defer botwright.On(s.bot, deferred(s, ins, result, respond(tt.answer)), auto(0))()
			in := tt.start(t, s)
			ins <- in
			err := receive(t, result)
			if !errors.Is(err, tt.err) || (err == nil) != (tt.err == nil) {
				t.Fatalf("error %v, want %v", err, tt.err)
			}
			if in.Deleted() != (tt.original == "" && err == nil) {
				t.Errorf("the placeholder is deleted: %v", in.Deleted())
			}
			if tt.original != "" {
				m, err := in.Message(t.Context())
				if err != nil || m.Content != tt.original || (m.Flags&private != 0) != tt.hidden {
					t.Errorf("message %+v, error %v", m, err)
				}
			}
			var followups []string
			for _, m := range in.Followups() {
				followups = append(followups, m.Content)
				if m.Flags&private == 0 {
					t.Error("what was for one user is shown to all")
				}
			}
			if !slices.Equal(followups, tt.followups) {
				t.Errorf("further messages %q, want %q", followups, tt.followups)
			}
		})
	}
}

// TestAutoDeferGoesOn edits and adds to an answer after it was made a new message.
func TestAutoDeferGoesOn(t *testing.T) {
	t.Parallel()
	s := newScene(t, discordtest.Config{Guilds: 1, InteractionTimeout: testTime})
	ins, result := make(chan *discordtest.Interaction, 1), make(chan error, 1)
	botwright.On(s.bot, deferred(s, ins, result, func(
		_ context.Context, d *discordgo.Session, i *discordgo.Interaction,
	) error {
		if err := d.InteractionRespond(i, messageResponse("working", discordgo.MessageFlagsEphemeral)); err != nil {
			return err
		}
		text := "done"
		if _, err := d.InteractionResponseEdit(i, &discordgo.WebhookEdit{Content: &text}); err != nil {
			return err
		}
		m, err := d.InteractionResponse(i)
		if err == nil && m.Content != text {
			err = fmt.Errorf("the response reads %q", m.Content)
		}
		if err != nil {
			return err
		}
		if _, err = d.FollowupMessageCreate(i, true, &discordgo.WebhookParams{Content: "more"}); err != nil {
			return err
		}
		if err := d.InteractionRespond(i, messageResponse("again", 0)); !errors.Is(err, botwright.ErrInteractionAnswered) {
			return fmt.Errorf("a second response: %w", err)
		}
		return d.InteractionResponseDelete(i)
	}), botwright.AutoDefer(0))
	s.open(t)
	in := s.command(t, "slow")
	ins <- in
	if err := receive(t, result); err != nil {
		t.Fatal(err)
	}
	if f := in.Followups(); len(f) != 1 || f[0].Content != "more" {
		t.Errorf("messages %v", f)
	}
}

func TestAutoDeferLeavesAlone(t *testing.T) {
	t.Parallel()
	s := newScene(t, discordtest.Config{Guilds: 1, InteractionTimeout: testTime})
	result := make(chan error, 1)
	botwright.On(s.bot, func(_ context.Context, d *discordgo.Session, i *discordgo.InteractionCreate) error {
		kind := discordgo.InteractionResponseChannelMessageWithSource
		if i.Type == discordgo.InteractionApplicationCommandAutocomplete {
			kind = discordgo.InteractionApplicationCommandAutocompleteResult
		}
		err := d.InteractionRespond(i.Interaction, &discordgo.InteractionResponse{
			Type: kind, Data: &discordgo.InteractionResponseData{Content: "quick"},
		})
		result <- err
		return err
	}, botwright.AutoDefer(2*time.Second))
	s.bot.Handle("MESSAGE_CREATE", func(context.Context, *botwright.Event) error {
		result <- nil
		return nil
	}, botwright.AutoDefer(2*time.Second))
	s.open(t)
	s.command(t, "quick")
	if err := receive(t, result); err != nil {
		t.Error(err)
	}
	s.srv.Autocomplete(s.guild, s.channel, s.user, "quick", discordtest.Option("word", "q"))
	if err := receive(t, result); err != nil {
		t.Error(err)
	}
	if _, err := s.srv.Say(s.channel, s.user, "hello"); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the answer to the command is a message too
		if err := receive(t, result); err != nil {
			t.Error(err)
		}
	}
	s.quiet(t)
	for _, r := range s.srv.Requests() {
		if strings.Contains(r.Path, "/callback") && strings.Contains(string(r.Body), `"type":5`) {
			t.Errorf("deferred: %s", r.Body)
		}
	}
}

// TestAutoDeferTooLate: the interaction has expired when it is deferred.
func TestAutoDeferTooLate(t *testing.T) {
	t.Parallel()
	s := newScene(t, discordtest.Config{Guilds: 1, InteractionTimeout: time.Nanosecond})
	botwright.On(s.bot, func(ctx context.Context, _ *discordgo.Session, _ *discordgo.InteractionCreate) error {
		return s.srv.Wait(ctx, func() bool {
			return slices.ContainsFunc(s.srv.Requests(), func(r discordtest.Request) bool {
				return strings.HasSuffix(r.Path, "/callback")
			})
		})
	}, botwright.AutoDefer(0))
	s.open(t)
	s.command(t, "slow")
	err := <-s.errors
	if _, ok := errors.AsType[*botwright.InteractionError](err); !ok ||
		!errors.Is(err, botwright.ErrInteractionExpired) {
		t.Errorf("error %v", err)
	}
	s.quiet(t)
}

func TestInteractionErrors(t *testing.T) {
	t.Parallel()
	s := newScene(t, discordtest.Config{Guilds: 1})
	result := make(chan error)
	botwright.On(s.bot, func(_ context.Context, d *discordgo.Session, i *discordgo.InteractionCreate) error {
		switch i.ApplicationCommandData().Name {
		case "second":
			if err := d.InteractionRespond(i.Interaction, messageResponse("one", 0)); err != nil {
				return err
			}
			result <- d.InteractionRespond(i.Interaction, messageResponse("two", 0))
		case "late":
			s.srv.Advance(4 * time.Second)
			result <- d.InteractionRespond(i.Interaction, messageResponse("late", 0))
		case "later":
			if err := d.InteractionRespond(i.Interaction, messageResponse("in time", 0)); err != nil {
				return err
			}
			s.srv.Advance(16 * time.Minute)
			text := "too late"
			_, err := d.InteractionResponseEdit(i.Interaction, &discordgo.WebhookEdit{Content: &text})
			result <- err
		case "wrong":
			result <- d.InteractionRespond(i.Interaction, messageResponse("", 0))
		}
		return nil
	})
	s.open(t)
	for name, want := range map[string]error{
		"second": botwright.ErrInteractionAnswered,
		"late":   botwright.ErrInteractionExpired,
		"later":  botwright.ErrInteractionExpired,
		"wrong":  nil,
	} {
		in := s.command(t, name)
		err := receive(t, result)
		e, ok := errors.AsType[*botwright.InteractionError](err)
		if !ok || e.ID != in.ID || want != nil && !errors.Is(err, want) {
			t.Errorf("%s: error %v", name, err)
			continue
		}
		if _, ok := errors.AsType[*discordgo.RESTError](err); !ok {
			t.Errorf("%s: error %v has not what Discord said", name, err)
		}
		if strings.Contains(err.Error(), in.Token) {
			t.Errorf("%s: error %v shows the token", name, err)
		}
	}
}

func TestReplyOnError(t *testing.T) {
	t.Parallel()
	s := newScene(t, discordtest.Config{Guilds: 1})
	broken := errors.New("it broke")
	ins := make(chan *discordtest.Interaction, 1)
	reply := botwright.ReplyOnErrorFunc(func(_ *botwright.Event, err error) string {
		if errors.Is(err, broken) {
			return "Sorry"
		}
		return ""
	})
	on := func(name string, h botwright.HandlerFunc[discordgo.InteractionCreate], auto ...botwright.HandlerOption) {
		botwright.On(s.bot, h, append([]botwright.HandlerOption{botwright.Command(name), reply}, auto...)...)
	}
	on("unanswered", func(context.Context, *discordgo.Session, *discordgo.InteractionCreate) error {
		return broken
	})
	on("answered", func(_ context.Context, d *discordgo.Session, i *discordgo.InteractionCreate) error {
		return errors.Join(broken, d.InteractionRespond(i.Interaction, messageResponse("so far", 0)))
	})
	on("deferred", func(ctx context.Context, _ *discordgo.Session, _ *discordgo.InteractionCreate) error {
		return errors.Join(broken, s.srv.Wait(ctx, (<-ins).Deferred))
	}, botwright.AutoDeferEphemeral(0))
	on("panicking", func(context.Context, *discordgo.Session, *discordgo.InteractionCreate) error {
		panic(broken)
	})
	on("silent", func(context.Context, *discordgo.Session, *discordgo.InteractionCreate) error {
		return errors.New("nobody's business")
	})
	s.open(t)

	for _, name := range []string{"unanswered", "deferred", "panicking"} {
		in := s.command(t, name)
		if name == "deferred" {
			ins <- in
		}
		m, err := in.Message(t.Context())
		if err != nil || m.Content != "Sorry" || m.Flags&discordgo.MessageFlagsEphemeral == 0 {
			t.Errorf("%s: the user sees %+v, error %v", name, m, err)
		}
	}
	in := s.command(t, "answered")
	if err := s.srv.Wait(t.Context(), func() bool { return len(in.Followups()) == 1 }); err != nil {
		t.Fatal(err)
	}
	if f := in.Followups()[0]; f.Content != "Sorry" || f.Flags&discordgo.MessageFlagsEphemeral == 0 {
		t.Errorf("the user sees %+v", f)
	}
	silent := s.command(t, "silent")
	for range 5 {
		if err := <-s.errors; errors.As(err, new(*botwright.InteractionError)) {
			t.Errorf("the user was not told: %v", err)
		}
	}
	s.quiet(t)
	for _, r := range s.srv.Requests() {
		if strings.Contains(r.Path, silent.Token) {
			t.Errorf("the silent one said %s", r.Body)
		}
	}
}

// TestReplyOnErrorFails: that the user cannot be told is an error beside the first one.
func TestReplyOnErrorFails(t *testing.T) {
	t.Parallel()
	s := newScene(t, discordtest.Config{Guilds: 1})
	broken := errors.New("it broke")
	botwright.On(s.bot, func(context.Context, *discordgo.Session, *discordgo.InteractionCreate) error {
		return broken
	}, botwright.ReplyOnError("Sorry"))
	s.srv.FailREST(func(r *http.Request) *discordtest.RESTFault {
		if strings.HasSuffix(r.URL.Path, "/callback") {
			return &discordtest.RESTFault{Status: http.StatusInternalServerError, Body: "{}"}
		}
		return nil
	})
	s.open(t)
	s.command(t, "unlucky")
	err := <-s.errors
	if _, ok := errors.AsType[*botwright.InteractionError](err); !ok || !errors.Is(err, broken) {
		t.Errorf("error %v does not say that the user was not told", err)
	}
	s.quiet(t)
}

func TestAutoDeferMisuse(t *testing.T) {
	t.Parallel()
	for text, f := range map[string]func(){
		"AutoDefer(3s)":           func() { botwright.AutoDefer(3 * time.Second) },
		"AutoDeferEphemeral(-1s)": func() { botwright.AutoDeferEphemeral(-time.Second) },
		"an empty text":           func() { botwright.ReplyOnError("") },
		"a nil function":          func() { botwright.ReplyOnErrorFunc(nil) },
	} {
		t.Run(text, func(t *testing.T) { wantPanic(t, text, f) })
	}
}
