package commands_test

import (
	"encoding/json"
	"testing"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/commands"
)

func TestEntryPointIsKept(t *testing.T) {
	const entry = `{"id":"9","type":4,"name":"launch","handler":2,"contexts":[0]}`
	r, err := commands.Decode([]byte(`[` + entry + `,{"id":"1","type":1,"name":"old","description":"x"}]`))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Commands) != 1 || r.Commands[0].Name != "old" {
		t.Errorf("commands %v, want those that are no entry point", r.Commands)
	}
	list := r.Overwrite([]*discordgo.ApplicationCommand{{Name: "new", Description: "x"}})
	body, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	var got []json.RawMessage
	if err := json.Unmarshal(body, &got); err != nil || len(got) != 2 || string(got[1]) != entry {
		t.Errorf("sends %s, %v", body, err)
	}
	if r, err = commands.Decode([]byte(`[]`)); err != nil {
		t.Fatal(err)
	}
	if body, err = json.Marshal(r.Overwrite(nil)); err != nil || string(body) != "[]" {
		t.Errorf("no command is %s, %v", body, err)
	}
	for _, bad := range []string{``, `{}`, `[1]`} {
		if _, err := commands.Decode([]byte(bad)); err == nil {
			t.Errorf("%q was decoded", bad)
		}
	}
}
