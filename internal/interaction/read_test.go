package interaction_test

import (
	"testing"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/interaction"
)

func TestRead(t *testing.T) {
	t.Parallel()
	const raw = `{"id":"5","application_id":"6","token":"t","type":3,"message":{},"data":{"custom_id":"page:2"},` +
		`"member":{"permissions":"6"}}`
	i := interaction.Read([]byte(raw))
	if i == nil || i.ID != "5" || i.AppID != "6" || i.Token != "t" || i.Type != discordgo.InteractionMessageComponent {
		t.Errorf("%+v", i)
	}
	if !interaction.OnMessage([]byte(raw)) || interaction.OnMessage([]byte(`{}`)) {
		t.Error("OnMessage")
	}
	for _, raw := range []string{`{}`, `[]`, `{"id":"5"}`, `{"token":"t"}`, ``} {
		if i := interaction.Read([]byte(raw)); i != nil {
			t.Errorf("%s: %+v", raw, i)
		}
	}
}

func TestUsesCommand(t *testing.T) {
	t.Parallel()
	const set = `{"data":{"name":"config","options":[{"type":1,"name":"set","options":[{"type":3,"name":"x"}]}]}}`
	for _, tt := range []struct {
		raw, name string
		want      bool
	}{
		{set, "config", true},
		{set, "config set", true},
		{set, "config set x", false},
		{set, "config get", false},
		{set, "config se", false},
		{set, "confi", false},
		{set, "config ", false},
		{`{"data":{"name":"Report message","type":3}}`, "Report message", true},
		{`{"data":{}}`, "config", false},
		{`{}`, "config", false},
	} {
		if got := interaction.UsesCommand([]byte(tt.raw), tt.name); got != tt.want {
			t.Errorf("%s uses %q: %t", tt.raw, tt.name, got)
		}
	}
}

func TestHasCustomID(t *testing.T) {
	t.Parallel()
	const raw = `{"data":{"custom_id":"page:2"}}`
	for prefix, want := range map[string]bool{"page:": true, "page:2": true, "page:20": false, "x": false} {
		if got := interaction.HasCustomID([]byte(raw), prefix); got != want {
			t.Errorf("%q: %t", prefix, got)
		}
	}
	if interaction.HasCustomID([]byte(`{}`), "x") {
		t.Error("of nothing")
	}
}

func TestPermissionsOf(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]int64{
		`{"member":{"permissions":"6"}}`: 6, `{"member":{"permissions":"8"}}`: ^0, `{"member":{}}`: 0, `{}`: 0,
	} {
		if got := interaction.PermissionsOf([]byte(raw)); got != want {
			t.Errorf("%s: %d", raw, got)
		}
	}
}
