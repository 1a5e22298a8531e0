package discordtest_test

import (
	"errors"
	"testing"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/discordtest"
)

func TestContextMenus(t *testing.T) {
	s := newStage(t)
	said, err := s.srv.Say(s.channel, s.user, "look")
	if err != nil {
		t.Fatal(err)
	}
	type menu struct {
		ID, Name string
		Type     int
		TargetID string `json:"target_id"`
		Resolved struct {
			Users    map[string]discordgo.User
			Members  map[string]discordgo.Member
			Messages map[string]discordgo.Message
		}
	}
	read := func() menu {
		var in struct{ Data menu }
		s.c.decode(s.c.event("INTERACTION_CREATE").D, &in)
		return in.Data
	}
	target := s.srv.Guilds()[0].Members[3].User.ID
	s.srv.UserCommand(s.guild, s.channel, s.user, "Greet", target)
	if d := read(); d.Name != "Greet" || d.Type != 2 || d.TargetID != target || d.Resolved.Users[target].ID != target ||
		len(d.Resolved.Members) != 1 {
		t.Errorf("user command %+v", d)
	}
	var c discordgo.ApplicationCommand
	rest(t, s.srv, "POST", "/applications/"+s.srv.Bot().ID+"/commands", map[string]any{"name": "Quote", "type": 3}).into(&c)
	s.srv.MessageCommand(s.guild, s.channel, s.user, "Quote", said.ID)
	if d := read(); d.ID != c.ID || d.Type != 3 || d.TargetID != said.ID || d.Resolved.Messages[said.ID].Content != "look" {
		t.Errorf("message command %+v", d)
	}
	if err := s.srv.MessageCommand(s.guild, s.channel, s.user, "Quote", "1").Err(); !errors.Is(err, discordtest.ErrUnknownMessage) {
		t.Errorf("no such message: %v", err)
	}
	if err := s.srv.UserCommand(s.guild, s.channel, s.user, "Greet", "1").Err(); !errors.Is(err, discordtest.ErrUnknownUser) {
		t.Errorf("no such user: %v", err)
	}
}

// A modal may be asked for before the bot has opened it.
func TestModalWaits(t *testing.T) {
	s := newStage(t)
	opened := s.srv.SlashCommand(s.guild, s.channel, s.user, "form")
	i := s.c.invoked()
	forms := make(chan *discordtest.Interaction)
	go func() { forms <- s.srv.Modal(deadline(t), opened, map[string]string{"why": "spam"}) }()
	label := func(c map[string]any) map[string]any { return map[string]any{"type": 18, "label": "L", "component": c} }
	s.respond(t, i, 9, map[string]any{"custom_id": "f", "title": "F", "components": []any{
		label(map[string]any{"type": 4, "custom_id": "note", "style": 1, "required": false}),
		label(map[string]any{"type": 4, "custom_id": "why", "style": 1, "min_length": 3}),
	}}).want(204, 0)
	if err := (<-forms).Err(); err != nil {
		t.Fatal(err)
	}
	const want = `[{"component":{"custom_id":"note","type":4,"value":""},"type":18},` +
		`{"component":{"custom_id":"why","type":4,"value":"spam"},"type":18}]`
	if got := string(s.c.invoked().Data.Components); got != want {
		t.Errorf("the form sends %s, want %s", got, want)
	}
	for name, tc := range map[string]struct {
		values map[string]string
		want   error
	}{
		"required": {nil, discordtest.ErrBadInput},
		"short":    {map[string]string{"why": "x"}, discordtest.ErrBadInput},
		"unknown":  {map[string]string{"why": "spam", "other": "x"}, discordtest.ErrUnknownComponent},
	} {
		if err := s.srv.Modal(deadline(t), opened, tc.values).Err(); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
	}
	other := s.srv.SlashCommand(s.guild, s.channel, s.user, "plain")
	s.respond(t, s.c.invoked(), 4, map[string]any{"content": "no form"}).want(204, 0)
	if err := s.srv.Modal(deadline(t), other, nil).Err(); !errors.Is(err, discordtest.ErrNoModal) {
		t.Errorf("a message in place of a form: %v", err)
	}
}

// A user can only give options that the registered command takes.
func TestOptionsMustFit(t *testing.T) {
	s := newStage(t)
	rest(t, s.srv, "POST", "/applications/"+s.srv.Bot().ID+"/commands", map[string]any{
		"name": "roll", "description": "d", "options": []any{
			map[string]any{"type": 1, "name": "dice", "description": "d", "options": []any{
				map[string]any{"type": 10, "name": "sides", "description": "d", "required": true, "min_value": 2, "max_value": 20},
				map[string]any{"type": 3, "name": "colour", "description": "d", "choices": []any{
					map[string]any{"name": "Red", "value": "red"}}},
				map[string]any{"type": 3, "name": "label", "description": "d", "max_length": 3},
				map[string]any{"type": 9, "name": "for", "description": "d"},
			}},
		},
	}).want(201, 0)
	sides := discordtest.Option("sides", 6)
	for name, tc := range map[string]struct {
		options []*discordtest.CommandOption
		fits    bool
	}{
		"number":        {[]*discordtest.CommandOption{sides}, true},
		"all":           {[]*discordtest.CommandOption{sides, discordtest.Option("colour", "red"), discordtest.Option("for", s.srv.Bot())}, true},
		"missing":       {nil, false},
		"unknown":       {[]*discordtest.CommandOption{sides, discordtest.Option("x", 1)}, false},
		"wrong type":    {[]*discordtest.CommandOption{discordtest.Option("sides", "six")}, false},
		"too large":     {[]*discordtest.CommandOption{discordtest.Option("sides", 21)}, false},
		"not a choice":  {[]*discordtest.CommandOption{sides, discordtest.Option("colour", "green")}, false},
		"too long":      {[]*discordtest.CommandOption{sides, discordtest.Option("label", "abcd")}, false},
		"too many dice": {[]*discordtest.CommandOption{sides, discordtest.Subcommand("dice")}, false},
	} {
		err := s.srv.SlashCommand(s.guild, s.channel, s.user, "roll", discordtest.Subcommand("dice", tc.options...)).Err()
		if tc.fits != (err == nil) || (!tc.fits && !errors.Is(err, discordtest.ErrBadInput)) {
			t.Errorf("%s: %v, want it to fit: %v", name, err, tc.fits)
		}
	}
	if sides.Type != discordgo.ApplicationCommandOptionInteger {
		t.Error("the caller's option was changed")
	}
	in := s.srv.Autocomplete(s.guild, s.channel, s.user, "roll", discordtest.Subcommand("dice", discordtest.Option("sides", "1")))
	if in.Err() != nil {
		t.Errorf("half a number: %v", in.Err())
	}
}
