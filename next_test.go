package botwright_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

// TestExpectIgnoresWhatCameBefore has a handler wait in the channel of its own event, while
// somebody else waits, too.
func TestExpectIgnoresWhatCameBefore(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	log := newErrorLog()
	bot := newBot(t, srv, botwright.WithErrorHandler(log.handle))
	asked, replies := make(chan bool), make(chan string)
	botwright.On(bot, func(ctx context.Context, _ *discordgo.Session, m *discordgo.MessageCreate) error {
		x := botwright.Expect[discordgo.MessageCreate](bot)
		defer x.Close()
		asked <- true
		reply, err := x.Wait(ctx)
		if err == nil {
			replies <- reply.ID
		}
		return err
	}, botwright.Filter(func(e *botwright.Event) bool { return e.UserID == "7" }))
	open(t, bot)
	elsewhere := botwright.Expect[discordgo.MessageCreate](bot,
		botwright.Filter(func(*botwright.Event) bool { return false }))
	defer elsewhere.Close()
	g := srv.Guilds()[0]
	for i := range 50 {
		dispatchMessage(t, srv, g.ID, g.Channels[0].ID, 1000+i)
		receive(t, asked)
		id := fmt.Sprint(2000 + i)
		data := fmt.Appendf(nil, `{"id":%q,"channel_id":%q,"guild_id":%q,"author":{"id":"8"}}`, id, g.Channels[0].ID, g.ID)
		if err := srv.Dispatch(g.ID, "MESSAGE_CREATE", json.RawMessage(data)); err != nil {
			t.Fatal(err)
		}
		if got := receive(t, replies); got != id {
			t.Fatalf("the reply is message %s, want %s", got, id)
		}
	}
	if errs := log.all(); len(errs) > 0 {
		t.Errorf("errors while somebody waited: %v", errs)
	}
}

// TestExpectBeforeAsking answers a question as soon as it is there.
func TestExpectBeforeAsking(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{NoRateLimits: true})
	bot := newBot(t, srv, botwright.WithIntents(discordgo.IntentsAllWithoutPrivileged|discordgo.IntentMessageContent))
	results := make(chan error)
	botwright.On(bot, func(ctx context.Context, s *discordgo.Session, m *discordgo.MessageCreate) error {
		x := botwright.Expect[discordgo.MessageCreate](bot, botwright.NotBot(), botwright.Prefix("yes"))
		defer x.Close()
		if _, err := s.ChannelMessageSend(m.ChannelID, "Sure?", discordgo.WithContext(ctx)); err != nil {
			return err
		}
		_, err := x.Wait(ctx)
		results <- err
		return nil
	}, botwright.NotBot(), botwright.Prefix("!delete"))
	open(t, bot)
	channel := srv.Guilds()[0].Channels[0].ID
	for i := range 20 {
		say(t, srv, "!delete")
		await(t, srv, func() bool { return len(srv.Messages(channel)) == 3*i+2 })
		say(t, srv, "yes")
		if err := receive(t, results); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCollect(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	bot := newBot(t, srv, botwright.WithPrivilegedIntents(discordgo.IntentMessageContent))
	x := botwright.Expect[discordgo.MessageCreate](bot) // before Open: its intent is asked for
	defer x.Close()
	open(t, bot)
	g := srv.Guilds()[0]
	for i := range 7 {
		dispatchMessage(t, srv, g.ID, g.Channels[0].ID, i)
	}
	for want := 0; want < 6; want += 3 {
		votes, err := x.Collect(testContext(t), 3)
		if err != nil || len(votes) != 3 || votes[0].Content != fmt.Sprint(want) {
			t.Fatalf("collected %d, %v", len(votes), err)
		}
	}
	last, err := x.Wait(testContext(t))
	if err != nil || last.Content != "6" {
		t.Fatalf("the last one is %+v, %v", last, err)
	}
	dispatchMessage(t, srv, g.ID, g.Channels[0].ID, 7)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if votes, err := x.Collect(ctx, 0); err != nil || len(votes) > 1 {
		t.Errorf("until a deadline: %d, %v", len(votes), err)
	}
	cause := errors.New("enough")
	stopped, stop := context.WithCancelCause(t.Context())
	stop(cause)
	if _, err := x.Collect(stopped, 5); !errors.Is(err, cause) {
		t.Errorf("cancelled: %v", err)
	}
	x.Close()
	if _, err := x.Collect(testContext(t), 5); err == nil {
		t.Error("a closed one collects")
	}
	if waits(bot) {
		t.Error("a closed one still watches")
	}
}

// TestExpectFilterPanics ends the one whose filter it is, and nothing else.
func TestExpectFilterPanics(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	bot := newBot(t, srv)
	events := heard(bot)
	open(t, bot)
	x := botwright.Expect[discordgo.MessageCreate](bot, botwright.Filter(func(*botwright.Event) bool { panic("filter") }))
	defer x.Close()
	other := botwright.Expect[discordgo.MessageCreate](bot)
	defer other.Close()
	say(t, srv, "hi")
	if _, err := x.Wait(testContext(t)); !errors.As(err, new(*botwright.PanicError)) {
		t.Errorf("Wait: %v", err)
	}
	if _, err := other.Wait(testContext(t)); err != nil {
		t.Errorf("another Wait: %v", err)
	}
	receive(t, events)
	if n := botwright.Waiting(bot, "MESSAGE_CREATE"); n != 1 {
		t.Errorf("%d watch, want the other one", n)
	}
}

// TestExpectInteraction has a handler wait for the click on a button.
func TestExpectInteraction(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	bot := newBot(t, srv)
	open(t, bot)
	x := botwright.Expect[discordgo.InteractionCreate](bot)
	defer x.Close()
	g := srv.Guilds()[0]
	srv.SlashCommand(g.ID, g.Channels[0].ID, g.Members[0].User.ID, "ping")
	if i, err := x.Wait(testContext(t)); err != nil || i.ApplicationCommandData().Name != "ping" {
		t.Errorf("expected: %v", err)
	}
}
