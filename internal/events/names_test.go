package events_test

import (
	"testing"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/events"
)

func TestIntentNames(t *testing.T) {
	t.Parallel()
	const some = discordgo.IntentMessageContent | discordgo.IntentGuilds | discordgo.IntentGuildMembers
	want := "discordgo.IntentGuilds|discordgo.IntentGuildMembers|discordgo.IntentMessageContent"
	if got := events.Constants(some); got != want {
		t.Errorf("Constants = %s", got)
	}
	if got := events.PortalNames(some); got != "Server Members Intent, Message Content Intent" {
		t.Errorf("PortalNames = %s", got)
	}
	if got := events.Privileged(some); got != some&^discordgo.IntentGuilds {
		t.Errorf("Privileged = %b", got)
	}
}

// TestEveryIntentHasAName finds the intents that discordgo has and the list has not.
func TestEveryIntentHasAName(t *testing.T) {
	t.Parallel()
	for bit := range 32 {
		if i := discordgo.Intent(1 << bit); discordgo.IntentsAll&i != 0 && events.Constants(i) == "" {
			t.Errorf("intent 1<<%d has no name", bit)
		}
	}
}
