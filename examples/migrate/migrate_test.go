package main

import (
	"fmt"
	"testing"

	"github.com/botwright/botwright/bottest"
	"github.com/botwright/botwright/discordtest"
)

// TestSteps holds that each step does what the one before did.
func TestSteps(t *testing.T) {
	t.Parallel()
	for step, newBot := range steps() {
		t.Run(fmt.Sprint(step), func(t *testing.T) {
			t.Parallel()
			bot := bottest.Start(t, discordtest.Config{}, bottest.NewFunc(newBot))
			thanked := bot.Server.Guilds()[0].Members[1].User
			if got, want := bot.Say("!thanks "+thanked.Mention()).Content, thanked.Username+": 1"; got != want {
				t.Errorf("!thanks answers %q, want %q", got, want)
			}
			want := thanked.Username + " was thanked 1 times"
			if got := bot.Command("thanks", discordtest.Option("user", thanked)).Content; got != want {
				t.Errorf("/thanks answers %q, want %q", got, want)
			}
			user := bot.Server.Guilds()[0].Members[0].User
			want = user.Username + " was thanked 0 times"
			if got := bot.Command("thanks").Content; got != want {
				t.Errorf("/thanks answers %q, want %q", got, want)
			}
		})
	}
}
