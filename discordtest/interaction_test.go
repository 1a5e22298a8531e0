package discordtest_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/discordtest"
)

// An invocation is an interaction as the bot receives it.
type invocation struct {
	ID    string
	Token string
	Type  int
	Data  struct {
		Name       string
		CustomID   string `json:"custom_id"`
		Options    []struct{ Focused bool }
		Resolved   struct{ Users map[string]discordgo.User }
		Components json.RawMessage
		Values     []string
	}
	Member  *discordgo.Member
	User    *discordgo.User
	Message *discordgo.Message
}

func (c *client) invoked() invocation {
	c.t.Helper()
	var i invocation
	c.decode(c.event("INTERACTION_CREATE").D, &i)
	return i
}

// A stage is a server with a logged-in client and somebody to invoke commands.
type stage struct {
	srv                  *discordtest.Server
	c                    *client
	guild, channel, user string
}

func newStage(t *testing.T) *stage {
	t.Helper()
	srv := start(t, discordtest.Config{})
	g := srv.Guilds()[0]
	return &stage{srv, login(t, srv, 0), g.ID, g.Channels[0].ID, g.Members[1].User.ID}
}

// respond answers an invocation.
func (s *stage) respond(t *testing.T, i invocation, kind int, data any) reply {
	t.Helper()
	return restAs(t, s.srv, "", "POST", "/interactions/"+i.ID+"/"+i.Token+"/callback", map[string]any{"type": kind, "data": data})
}

func (s *stage) hook(i invocation) string { return "/webhooks/" + s.srv.Bot().ID + "/" + i.Token }

func TestCommandAnswered(t *testing.T) {
	s := newStage(t)
	in := s.srv.SlashCommand(s.guild, s.channel, s.user, "greet", discordtest.Option("whom", s.srv.Bot()), discordtest.Option("loud", true))
	i := s.c.invoked()
	if i.Data.Name != "greet" || i.Member == nil || i.Member.User.ID != s.user || len(i.Data.Options) != 2 ||
		i.Data.Resolved.Users[s.srv.Bot().ID].ID == "" || i.ID != in.ID || i.Token != in.Token {
		t.Errorf("interaction %+v", i)
	}
	s.respond(t, i, 4, map[string]any{"content": "hello", "flags": 64}).want(204, 0)
	r, err := in.Response(deadline(t))
	if err != nil || r.Type != 4 || r.Message.Content != "hello" || !r.Ephemeral {
		t.Fatalf("response %+v, %v", r, err)
	}
	s.respond(t, i, 4, map[string]any{"content": "again"}).want(400, 40060)
	restAs(t, s.srv, "", "POST", s.hook(i), map[string]any{"content": "more"}).want(200, 0)
	restAs(t, s.srv, "", "PATCH", s.hook(i)+"/messages/@original", map[string]any{"content": "edited"}).want(200, 0)
	if m, err := in.Message(deadline(t)); err != nil || m.Content != "edited" || m.Flags != 64 {
		t.Errorf("message %+v, %v", m, err)
	}
	if f := in.Followups(); len(f) != 1 || f[0].Content != "more" {
		t.Errorf("follow-ups %+v", f)
	}
	if e := in.Edits(); len(e) != 1 || e[0].Content != "edited" {
		t.Errorf("edits %+v", e)
	}
	if in.Deleted() || in.Deferred() {
		t.Error("deleted or deferred")
	}
	restAs(t, s.srv, "", "DELETE", s.hook(i)+"/messages/@original", nil).want(204, 0)
	if !in.Deleted() {
		t.Error("not deleted")
	}
	restAs(t, s.srv, "", "GET", s.hook(i)+"/messages/@original", nil).want(404, 10008)
	if got := len(s.srv.Messages(s.channel)); got != 1 {
		t.Errorf("%d messages in the channel, want the follow-up", got)
	}
}

func TestDeferred(t *testing.T) {
	s := newStage(t)
	for name, finish := range map[string]func(i invocation){
		"by edit": func(i invocation) {
			restAs(t, s.srv, "", "PATCH", s.hook(i)+"/messages/@original", map[string]any{"content": "done"}).want(200, 0)
		},
		"by follow-up": func(i invocation) {
			restAs(t, s.srv, "", "POST", s.hook(i), map[string]any{"content": "done"}).want(200, 0)
		},
	} {
		in := s.srv.SlashCommand(s.guild, s.channel, s.user, "slow")
		i := s.c.invoked()
		s.respond(t, i, 5, nil).want(204, 0)
		if !in.Deferred() {
			t.Errorf("%s: not deferred", name)
		}
		over, cancel := context.WithCancelCause(context.Background())
		cancel(errors.New("too early"))
		if _, err := in.Message(over); err == nil {
			t.Errorf("%s: there is a message before the bot made one", name)
		}
		finish(i)
		if m, err := in.Message(deadline(t)); err != nil || m.Content != "done" {
			t.Errorf("%s: message %+v, %v", name, m, err)
		}
	}
}

func TestInteractionDeadlines(t *testing.T) {
	s := newStage(t)
	s.srv.SlashCommand(s.guild, s.channel, s.user, "late")
	i := s.c.invoked()
	restAs(t, s.srv, "", "POST", s.hook(i), map[string]any{"content": "before"}).want(404, 10015)
	s.srv.Advance(3*time.Second + time.Millisecond)
	s.respond(t, i, 4, map[string]any{"content": "x"}).want(404, 10062)

	s.srv.SlashCommand(s.guild, s.channel, s.user, "long")
	i = s.c.invoked()
	s.respond(t, i, 5, nil).want(204, 0)
	s.srv.Advance(14 * time.Minute)
	restAs(t, s.srv, "", "POST", s.hook(i), map[string]any{"content": "in time"}).want(200, 0)
	s.srv.Advance(2 * time.Minute)
	restAs(t, s.srv, "", "POST", s.hook(i), map[string]any{"content": "too late"}).want(401, 50027)
}

func TestComponentAndModal(t *testing.T) {
	s := newStage(t)
	s.srv.SlashCommand(s.guild, s.channel, s.user, "form")
	i := s.c.invoked()
	button := map[string]any{"type": 2, "style": 1, "label": "Open", "custom_id": "open"}
	row := func(c any) []any { return []any{map[string]any{"type": 1, "components": []any{c}}} }
	s.respond(t, i, 4, map[string]any{"content": "press", "components": row(button)}).want(204, 0)
	m := s.srv.Messages(s.channel)[0]

	if err := s.srv.Component(s.channel, m.ID, s.user, "shut").Err(); !errors.Is(err, discordtest.ErrUnknownComponent) {
		t.Errorf("a button that is not there: %v", err)
	}
	click := s.srv.Component(s.channel, m.ID, s.user, "open", "v1")
	i = s.c.invoked()
	if i.Data.CustomID != "open" || i.Message == nil || i.Message.ID != m.ID || len(i.Data.Values) != 1 {
		t.Errorf("click %+v", i)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.srv.Modal(over, click, nil).Err(); !errors.Is(err, context.Canceled) {
		t.Errorf("form before it opened: %v", err)
	}
	input := map[string]any{"type": 4, "custom_id": "name", "style": 1, "label": "Name"}
	s.respond(t, i, 9, map[string]any{"custom_id": "f", "title": "Form", "components": row(input)}).want(204, 0)
	if r, err := click.Response(deadline(t)); err != nil || r.CustomID != "f" || r.Title != "Form" {
		t.Errorf("response %+v, %v", r, err)
	}
	form := s.srv.Modal(deadline(t), click, map[string]string{"name": "Ada"})
	i = s.c.invoked()
	var rows []struct {
		Components []struct {
			CustomID string `json:"custom_id"`
			Value    string
		}
	}
	s.c.decode(i.Data.Components, &rows)
	if i.Type != 5 || len(rows) != 1 || rows[0].Components[0].Value != "Ada" {
		t.Errorf("form %+v", i)
	}
	s.respond(t, i, 9, nil).want(400, 50035) // a form cannot open a form
	s.respond(t, i, 7, map[string]any{"content": "thanks, Ada", "components": []any{}}).want(204, 0)
	if got, err := form.Message(deadline(t)); err != nil || got.ID != m.ID || got.Content != "thanks, Ada" {
		t.Errorf("message %+v, %v", got, err)
	}
}

func TestAutocomplete(t *testing.T) {
	s := newStage(t)
	in := s.srv.Autocomplete(s.guild, s.channel, s.user, "find", discordtest.Option("kind", "a"), discordtest.Option("q", "bo"))
	i := s.c.invoked()
	if i.Data.Options[0].Focused || !i.Data.Options[1].Focused {
		t.Errorf("options %+v, want the last focused", i.Data.Options)
	}
	s.respond(t, i, 4, map[string]any{"content": "x"}).want(400, 50035)
	s.respond(t, i, 8, map[string]any{"choices": []any{map[string]any{"name": "Bob", "value": "bob"}}}).want(204, 0)
	if r, err := in.Response(deadline(t)); err != nil || len(r.Choices) != 1 || r.Choices[0].Name != "Bob" {
		t.Errorf("response %+v, %v", r, err)
	}
}

func TestInteractionInDM(t *testing.T) {
	s := newStage(t)
	m, err := s.srv.DirectMessage(s.user, "hi")
	if err != nil {
		t.Fatal(err)
	}
	s.srv.SlashCommand("", m.ChannelID, s.user, "help")
	if i := s.c.invoked(); i.User == nil || i.User.ID != s.user || i.Member != nil {
		t.Errorf("interaction %+v", i)
	}
}

func TestInteractionErrors(t *testing.T) {
	s := newStage(t)
	other := s.srv.Guilds()[1]
	for name, in := range map[string]struct {
		got  *discordtest.Interaction
		want error
	}{
		"channel": {s.srv.SlashCommand(s.guild, "1", s.user, "x"), discordtest.ErrUnknownChannel},
		"user":    {s.srv.SlashCommand(s.guild, s.channel, "1", "x"), discordtest.ErrUnknownUser},
		"member":  {s.srv.SlashCommand(s.guild, s.channel, other.Members[0].User.ID, "x"), discordtest.ErrUnknownMember},
		"guild":   {s.srv.SlashCommand(other.ID, s.channel, s.user, "x"), discordtest.ErrUnknownChannel},
		"message": {s.srv.Component(s.channel, "1", s.user, "x"), discordtest.ErrUnknownMessage},
	} {
		if _, err := in.got.Response(deadline(t)); !errors.Is(err, in.want) || !errors.Is(in.got.Err(), in.want) {
			t.Errorf("unknown %s: %v, want %v", name, err, in.want)
		}
		if in.got.Followups() != nil || in.got.Edits() != nil || in.got.Deferred() || in.got.Deleted() || in.got.ID != "" {
			t.Errorf("unknown %s: the interaction was sent", name)
		}
	}
}
