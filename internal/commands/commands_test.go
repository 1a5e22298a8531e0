package commands_test

import (
	"encoding/json"
	"testing"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/commands"
)

// registered is /config as Discord gives it back.
const registered = `[{"id":"1","application_id":"2","version":"3","type":1,"name":"config",
	"name_localizations":null,"description":"Settings","description_localizations":null,
	"default_member_permissions":null,"default_permission":true,"dm_permission":true,"nsfw":false,
	"contexts":null,"integration_types":[0],
	"options":[{"type":4,"name":"limit","description":"How many","required":true,"min_value":0,
	"choices":[{"name":"one","name_localizations":null,"value":1},{"name":"two","value":2}]}]}]`

func wanted() *discordgo.ApplicationCommand {
	return &discordgo.ApplicationCommand{
		Name: "config", Description: "Settings",
		Options: []*discordgo.ApplicationCommandOption{{
			Type: discordgo.ApplicationCommandOptionInteger, Name: "limit", Description: "How many",
			Required: true, MinValue: new(float64),
			Choices: []*discordgo.ApplicationCommandOptionChoice{{Name: "one", Value: 1}, {Name: "two", Value: 2}},
		}},
	}
}

func TestEqual(t *testing.T) {
	tests := []struct {
		name   string
		change func(*discordgo.ApplicationCommand)
		want   bool
	}{
		{"same", func(*discordgo.ApplicationCommand) {}, true},
		{"type spelled out", func(c *discordgo.ApplicationCommand) { c.Type = discordgo.ChatApplicationCommand }, true},
		{"empty lists", func(c *discordgo.ApplicationCommand) {
			c.NameLocalizations = &map[discordgo.Locale]string{}
			c.Options[0].ChannelTypes = []discordgo.ChannelType{}
		}, true},
		{"default spelled out", func(c *discordgo.ApplicationCommand) { c.NSFW = new(bool) }, true},

		{"other type", func(c *discordgo.ApplicationCommand) { c.Type = discordgo.UserApplicationCommand }, false},
		{"name", func(c *discordgo.ApplicationCommand) { c.Name = "configure" }, false},
		{"description", func(c *discordgo.ApplicationCommand) { c.Description = "Set up" }, false},
		{"localization", func(c *discordgo.ApplicationCommand) {
			c.NameLocalizations = &map[discordgo.Locale]string{discordgo.German: "einstellen"}
		}, false},
		{"permissions", func(c *discordgo.ApplicationCommand) { c.DefaultMemberPermissions = new(int64) }, false},
		{"not in messages", func(c *discordgo.ApplicationCommand) {
			c.DMPermission = new(bool) //nolint:staticcheck // deprecated, and still in use
		}, false},
		{"nsfw", func(c *discordgo.ApplicationCommand) { c.NSFW = new(true) }, false},
		{"contexts", func(c *discordgo.ApplicationCommand) {
			c.Contexts = &[]discordgo.InteractionContextType{discordgo.InteractionContextGuild}
		}, false},
		{"integration types", func(c *discordgo.ApplicationCommand) {
			c.IntegrationTypes = &[]discordgo.ApplicationIntegrationType{discordgo.ApplicationIntegrationUserInstall}
		}, false},
		{"no options", func(c *discordgo.ApplicationCommand) { c.Options = nil }, false},
		{"optional", func(c *discordgo.ApplicationCommand) { c.Options[0].Required = false }, false},
		{"no minimum", func(c *discordgo.ApplicationCommand) { c.Options[0].MinValue = nil }, false},
		{"maximum", func(c *discordgo.ApplicationCommand) { c.Options[0].MaxValue = 5 }, false},
		{"order of choices", func(c *discordgo.ApplicationCommand) {
			choices := c.Options[0].Choices
			choices[0], choices[1] = choices[1], choices[0]
		}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var have []*discordgo.ApplicationCommand
			if err := json.Unmarshal([]byte(registered), &have); err != nil {
				t.Fatal(err)
			}
			c := wanted()
			tt.change(c)
			got, err := commands.Equal(have, []*discordgo.ApplicationCommand{c})
			if err != nil || got != tt.want {
				t.Errorf("equal: %v, %v; want %v", got, err, tt.want)
			}
		})
	}
}

func TestEqualSets(t *testing.T) {
	a := &discordgo.ApplicationCommand{Name: "a", Description: "A"}
	b := &discordgo.ApplicationCommand{Name: "b", Description: "B"}
	type list = []*discordgo.ApplicationCommand
	for _, tt := range []struct {
		have, want list
		equal      bool
	}{
		{nil, list{}, true}, {list{a, b}, list{b, a}, true},
		{list{a}, list{a, b}, false}, {list{a, b}, list{a}, false}, {list{a}, list{b}, false},
	} {
		if got, err := commands.Equal(tt.have, tt.want); err != nil || got != tt.equal {
			t.Errorf("Equal(%v, %v) = %v, %v", tt.have, tt.want, got, err)
		}
	}
	bad := &discordgo.ApplicationCommand{Name: "a", Options: []*discordgo.ApplicationCommandOption{{
		Choices: []*discordgo.ApplicationCommandOptionChoice{{Value: make(chan int)}},
	}}}
	if _, err := commands.Equal(list{a}, list{bad}); err == nil {
		t.Error("a value that is no JSON was accepted")
	}
}
