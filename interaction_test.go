package botwright_test

import (
	"context"
	"testing"

	"github.com/botwright/botwright"
)

func TestInteractionFilters(t *testing.T) {
	const (
		ping    = `{"type":2,"data":{"name":"ping","type":1}}`
		set     = `{"type":2,"data":{"name":"config","options":[{"type":1,"name":"set"}]}}`
		roleAdd = `{"type":2,"data":{"options":[ {"name":"role","type":2,"options":[` +
			`{"type":1,"name":"add"}]}],"name":"config"}}`
		option = `{"type":2,"data":{"name":"config","options":[{"type":3,"name":"set","value":"x"}]}}`
		menu   = `{"type":2,"data":{"name":"Report m\u0065ssage","type":3}}`
		typing = `{"type":4,"data":{"name":"config","options":[{"type":1,"name":"set"}]}}`
		click  = `{"type":3,"data":{"custom_id":"page:3","component_type":2}}`
		form   = `{"type":5,"data":{"custom_id":"report:\u0037"}}`
	)
	command, autocomplete := botwright.Command, botwright.Autocomplete
	component, modal := botwright.Component, botwright.Modal
	tests := []struct {
		name   string
		filter botwright.Middleware
		raw    string
		want   bool
	}{
		{"command", command("ping"), ping, true},
		{"shorter name", command("pin"), ping, false},
		{"longer name", command("pingpong"), ping, false},
		{"subcommand of none", command("ping pong"), ping, false},
		{"all subcommands", command("config"), set, true},
		{"subcommand", command("config set"), set, true},
		{"other subcommand", command("config get"), set, false},
		{"two of one", command("config set role"), set, false},
		{"group", command("config role"), roleAdd, true},
		{"subcommand in a group", command("config role add"), roleAdd, true},
		{"not in the group", command("config role remove"), roleAdd, false},
		{"subcommand without its group", command("config add"), roleAdd, false},
		{"option is no subcommand", command("config set"), option, false},
		{"name with a space", command("Report message"), menu, true},
		{"first word of a name", command("Report"), menu, false},
		{"autocomplete is no use", command("config"), typing, false},
		{"component is no command", command("page:3"), click, false},

		{"autocomplete", autocomplete("config"), typing, true},
		{"autocomplete of subcommand", autocomplete("config set"), typing, true},
		{"other autocomplete", autocomplete("config get"), typing, false},
		{"use is no autocomplete", autocomplete("config"), set, false},

		{"component", component("page:"), click, true},
		{"component by id", component("page:3"), click, true},
		{"other component", component("page:31"), click, false},
		{"form is no component", component("report:"), form, false},
		{"modal", modal("report:7"), form, true},
		{"other modal", modal("report:8"), form, false},
		{"component is no modal", modal("page:"), click, false},

		{"no data", component("page:"), `{"type":3}`, false},
		{"id is not a string", component("page:"), `{"type":3,"data":{"custom_id":5}}`, false},
		{"options are no list", command("config set"), `{"type":2,"data":{"name":"config","options":{}}}`, false},
		{"no options", command("config set"), `{"type":2,"data":{"name":"config","options":[]}}`, false},
		{"type is not a number", command("ping"), `{"type":"2","data":{"name":"ping"}}`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for eventType, want := range map[string]bool{"INTERACTION_CREATE": tt.want, "MESSAGE_CREATE": false} {
				called := false
				h := tt.filter(func(context.Context, *botwright.Event) error {
					called = true
					return nil
				})
				if err := h(t.Context(), botwright.SomeEvent(eventType, tt.raw)); err != nil {
					t.Fatal(err)
				}
				if called != want {
					t.Errorf("%s let through: %v, want %v", eventType, called, want)
				}
			}
		})
	}
}

func TestInteractionFiltersDoNotAllocate(t *testing.T) {
	h := botwright.Chain(botwright.Command("config set"))(
		func(context.Context, *botwright.Event) error { return nil })
	e := botwright.SomeEvent("INTERACTION_CREATE",
		`{"type":2,"data":{"name":"config","options":[{"type":1,"name":"set"}]}}`)
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() { _ = h(ctx, e) }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func TestInteractionFiltersMisuse(t *testing.T) {
	for name, f := range map[string]func(string) botwright.Middleware{
		"Command": botwright.Command, "Autocomplete": botwright.Autocomplete,
		"Component": botwright.Component, "Modal": botwright.Modal,
	} {
		t.Run(name, func(t *testing.T) { wantPanic(t, name+" was given an empty", func() { f("") }) })
	}
}
