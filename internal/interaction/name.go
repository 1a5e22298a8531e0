package interaction

import (
	"strings"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/frame"
)

// A Name is what an interaction is routed by.
type Name struct {
	Type discordgo.InteractionType
	Menu bool   // a command of a context menu
	Text string // a command with its subcommands, as in "config set", or a custom id
}

// NameOf returns the name of an interaction, given its data on the wire.
func NameOf(raw []byte) Name {
	n := Name{Type: TypeOf(raw)}
	data, _ := frame.Find(raw, "data")
	switch n.Type {
	case discordgo.InteractionMessageComponent, discordgo.InteractionModalSubmit:
		n.Text = stringIn(data, "custom_id")
	case discordgo.InteractionApplicationCommand,
		discordgo.InteractionApplicationCommandAutocomplete:
		kind, _ := frame.Find(data, "type")
		n.Menu = string(kind) == "2" || string(kind) == "3"
		n.Text = commandPath(data)
	}
	return n
}

// TypeOf returns the type of an interaction; 0 for what is none.
func TypeOf(raw []byte) discordgo.InteractionType {
	v, _ := frame.Find(raw, "type")
	if len(v) != 1 || v[0] < '0' || v[0] > '9' {
		return 0
	}
	return discordgo.InteractionType(v[0] - '0')
}

func commandPath(data []byte) string {
	words := []string{stringIn(data, "name")}
	for {
		options, _ := frame.Find(data, "options")
		first, ok := frame.First(options)
		if !ok || !IsSubcommand(first) {
			return strings.Join(words, " ")
		}
		data = first
		words = append(words, stringIn(data, "name"))
	}
}

// IsSubcommand reports whether an option of a command is a subcommand or a group of them.
func IsSubcommand(option []byte) bool {
	v, _ := frame.Find(option, "type")
	return string(v) == "1" || string(v) == "2"
}

func stringIn(object []byte, name string) string {
	v, _ := frame.Find(object, name)
	s, _ := frame.Text(v)
	return string(s)
}
