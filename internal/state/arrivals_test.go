package state_test

import (
	"testing"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/state"
)

func TestArriving(t *testing.T) {
	t.Parallel()
	k := state.New(discordgo.NewState(), state.Policy{Guilds: true, Channels: true})
	if n, ready := k.Arriving(); n != 0 || ready {
		t.Errorf("before READY: %d, %v", n, ready)
	}
	for _, step := range []struct {
		eventType, payload string
		want               int
	}{
		{"READY", `{"session_id":"a","user":{"id":"9"},"guilds":[{"id":"1"},{"id":"2"},{"id":"3"}]}`, 3},
		{"GUILD_CREATE", `{"id":"1","name":"one"}`, 2},
		{"GUILD_CREATE", `{"id":"1","name":"one"}`, 2},
		{"GUILD_CREATE", `{"id":"4","name":"joined meanwhile"}`, 2},
		{"GUILD_DELETE", `{"id":"2","unavailable":true}`, 1},
		{"GUILD_DELETE", `{"id":"3"}`, 0},
		{"READY", `{"session_id":"b","user":{"id":"9"},"guilds":[{"id":"1"}]}`, 1},
	} {
		if err := k.Apply(&state.Event{Type: step.eventType, Raw: []byte(step.payload)}); err != nil {
			t.Fatal(err)
		}
		if n, ready := k.Arriving(); n != step.want || !ready {
			t.Errorf("after %s %s: %d, %v; want %d", step.eventType, step.payload, n, ready, step.want)
		}
	}
}
