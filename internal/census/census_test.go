package census_test

import (
	"testing"

	"github.com/botwright/botwright/internal/census"
)

func TestCensus(t *testing.T) {
	t.Parallel()
	var c census.Census
	for i, step := range []struct {
		eventType, data string
		members         int
	}{
		{"GUILD_CREATE", `{"id":"1","member_count":10}`, 10},
		{"GUILD_CREATE", `{"id":"2","member_count":5}`, 15},
		{"GUILD_MEMBER_ADD", `{"guild_id":"1"}`, 16},
		{"GUILD_MEMBER_REMOVE", `{"guild_id":"2"}`, 15},
		{"GUILD_MEMBER_ADD", `{"guild_id":"3"}`, 15},          // of an unknown guild
		{"GUILD_CREATE", `{"id":"1","member_count":12}`, 16},  // back after an outage
		{"GUILD_CREATE", `{"id":"4","unavailable":true}`, 16}, // it does not tell
		{"GUILD_CREATE", `{"id":"4","member_count":-1}`, 16},  // nonsense
		{"GUILD_DELETE", `{"id":"1","unavailable":true}`, 16}, // an outage
		{"GUILD_DELETE", `{"id":"1","unavailable":false}`, 4}, // the bot has left
		{"GUILD_MEMBER_ADD", `{"guild_id":"1"}`, 4},
		{"GUILD_CREATE", `{"id":"5","member_count":1}`, 5},
		{"GUILD_MEMBER_REMOVE", `{"guild_id":"5"}`, 5}, // the bot itself is one
		{"MESSAGE_CREATE", `{"id":"1","member_count":1}`, 5},
		{"READY", `{}`, 0},
	} {
		c.Note([]byte(step.eventType), []byte(step.data))
		if got := c.Members(); got != step.members {
			t.Fatalf("step %d, %s %s: %d members, want %d", i, step.eventType, step.data, got, step.members)
		}
	}
}
