package overlap_test

import (
	"fmt"
	"testing"

	"github.com/botwright/botwright/internal/overlap"
)

func TestOverlap(t *testing.T) {
	t.Parallel()
	phases := make(map[string]overlap.Phase)
	for p := overlap.Held; p <= overlap.Aborted; p++ {
		phases[p.String()] = p
	}
	message := func(id string) string { return fmt.Sprintf(`{"content":"x","id":%q}`, id) }
	type step struct {
		phase, fleet, eventType, data string
		want                          bool
	}
	tests := []struct {
		name  string
		steps []step
	}{
		{"old first", []step{
			{"counting", "old", "MESSAGE_CREATE", message("1"), true},
			{"counting", "new", "MESSAGE_CREATE", message("1"), false}}},
		{"new first while counting: the old one handles", []step{
			{"counting", "new", "MESSAGE_CREATE", message("1"), false},
			{"both", "old", "MESSAGE_CREATE", message("1"), true}}},
		{"new first while both handle", []step{
			{"both", "new", "MESSAGE_CREATE", message("1"), true},
			{"both", "old", "MESSAGE_CREATE", message("1"), false}}},
		{"handled by the old one, late in the new one", []step{
			{"both", "old", "MESSAGE_CREATE", message("1"), true},
			{"closing", "new", "MESSAGE_CREATE", message("1"), false}}},
		{"only in the new one", []step{{"closing", "new", "MESSAGE_CREATE", message("1"), true}}},
		{"an id is known by itself", []step{
			{"both", "old", "MESSAGE_CREATE", `{"id":"1","a":1}`, true},
			{"both", "new", "MESSAGE_CREATE", `{"a":2,"id":"1"}`, false},
			{"both", "new", "INTERACTION_CREATE", `{"id":"1"}`, true}}},
		{"updates of a message differ", []step{
			{"both", "old", "MESSAGE_UPDATE", `{"id":"1","content":"a"}`, true},
			{"both", "old", "MESSAGE_UPDATE", `{"id":"1","content":"b"}`, true},
			{"both", "new", "MESSAGE_UPDATE", `{"id":"1","content":"a"}`, false},
			{"both", "new", "MESSAGE_UPDATE", `{"id":"1","content":"b"}`, false}}},
		{"the same again is another event", []step{
			{"both", "old", "PRESENCE_UPDATE", `{"status":"idle"}`, true},
			{"both", "old", "PRESENCE_UPDATE", `{"status":"idle"}`, true},
			{"both", "new", "PRESENCE_UPDATE", `{"status":"idle"}`, false},
			{"both", "new", "PRESENCE_UPDATE", `{"status":"idle"}`, false},
			{"closing", "new", "PRESENCE_UPDATE", `{"status":"idle"}`, true}}},
		{"held", []step{
			{"held", "new", "GUILD_CREATE", `{"id":"1"}`, false},
			{"held", "old", "GUILD_CREATE", `{"id":"1"}`, true}}},
		{"READY and RESUMED of those that count", []step{
			{"held", "new", "READY", `{}`, false}, {"held", "old", "RESUMED", `{}`, true},
			{"both", "new", "RESUMED", `{}`, false}, {"both", "old", "READY", `{}`, true},
			{"closing", "new", "READY", `{}`, true}, {"closing", "old", "RESUMED", `{}`, false}}},
		{"aborted", []step{
			{"both", "new", "MESSAGE_CREATE", message("1"), true},
			{"aborted", "new", "MESSAGE_CREATE", message("2"), false},
			{"aborted", "old", "MESSAGE_CREATE", message("1"), false},
			{"aborted", "old", "MESSAGE_CREATE", message("2"), true}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := overlap.New()
			for i, s := range tt.steps {
				o.Enter(phases[s.phase])
				if got := o.Admit(s.fleet == "new", []byte(s.eventType), []byte(s.data)); got != s.want {
					t.Errorf("step %d, %+v: admitted %t", i, s, got)
				}
			}
		})
	}
}
