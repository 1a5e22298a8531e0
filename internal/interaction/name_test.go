package interaction_test

import (
	"testing"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/interaction"
)

func TestNameOf(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]interaction.Name{
		`{"type":2,"data":{"name":"ping","type":1}}`:                                                 {Type: 2, Text: "ping"},
		`{"type":2,"data":{"name":"ban","type":1,"options":[{"name":"user","type":6,"value":"1"}]}}`: {Type: 2, Text: "ban"},
		`{"type":4,"data":{"name":"config","options":[{"name":"role","type":2,"options":[{"name":"add","type":1,"options":[]}]}]}}`: {
			Type: 4, Text: "config role add"},
		`{"type":2,"data":{"name":"Report message","type":3}}`: {Type: 2, Menu: true, Text: "Report message"},
		`{"type":3,"data":{"custom_id":"page:\u0031"}}`:        {Type: 3, Text: "page:1"},
		`{"type":5,"data":{"custom_id":"form"}}`:               {Type: 5, Text: "form"},
		`{"type":1}`:                                           {Type: 1},
		`{"type":"2"}`:                                         {},
		`{"type":12,"data":null}`:                              {},
		`null`:                                                 {},
	} {
		if got := interaction.NameOf([]byte(raw)); got != want {
			t.Errorf("NameOf(%s) = %+v, want %+v", raw, got, want)
		}
	}
	if got := interaction.TypeOf([]byte(`{"type":5}`)); got != discordgo.InteractionModalSubmit {
		t.Errorf("TypeOf = %v", got)
	}
}
