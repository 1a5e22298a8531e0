package commands_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/commands"
)

type (
	command = discordgo.ApplicationCommand
	option  = discordgo.ApplicationCommandOption
	choice  = discordgo.ApplicationCommandOptionChoice
)

func slash(options ...*option) *command {
	return &command{Name: "c", Description: "x", Options: options}
}

func opt(kind discordgo.ApplicationCommandOptionType, name string, change ...func(*option)) *option {
	o := &option{Type: kind, Name: name, Description: "x"}
	for _, f := range change {
		f(o)
	}
	return o
}

func repeat[T any](n int, make func(i int) T) (all []T) {
	for i := range n {
		all = append(all, make(i))
	}
	return all
}

func TestCheck(t *testing.T) {
	const (
		sub     = discordgo.ApplicationCommandOptionSubCommand
		group   = discordgo.ApplicationCommandOptionSubCommandGroup
		text    = discordgo.ApplicationCommandOptionString
		integer = discordgo.ApplicationCommandOptionInteger
		user    = discordgo.ApplicationCommandOptionUser
	)
	long := strings.Repeat("x", 101)
	inside := func(options ...*option) func(*option) { return func(o *option) { o.Options = options } }
	choices := func(list ...*choice) func(*option) { return func(o *option) { o.Choices = list } }
	large := func(name string) *option {
		return opt(text, name, choices(repeat(25, func(i int) *choice {
			return &choice{Name: fmt.Sprintf("%02d%s", i, long[:93]), Value: long[:100]}
		})...))
	}
	numbered := func(kind discordgo.ApplicationCommandType) func(int) *command {
		return func(i int) *command {
			c := &command{Type: kind, Name: fmt.Sprint("c", i)}
			if kind == discordgo.ChatApplicationCommand {
				c.Description = "x"
			}
			return c
		}
	}
	someOption := func(i int) *option { return opt(text, fmt.Sprint("o", i)) }
	required := func(o *option) { o.Required = true }
	one := func(c *command) []*command { return []*command{c} }
	tests := []struct {
		name string
		cmds []*command
		want string // the whole of it
	}{
		{"none", nil, ""},
		{"all there can be", append(append(repeat(100, numbered(1)), repeat(15, numbered(2))...), repeat(15, numbered(3))...), ""},
		{"nested", one(slash(opt(group, "g", inside(opt(sub, "s", inside(opt(text, "t", required), opt(user, "u"))))), opt(sub, "s"))), ""},
		{"other scripts", one(&command{Name: "日本語-ไทย_अ", Description: "x"}), ""},
		{"menu", one(&command{Type: 2, Name: "Report This"}), ""},
		{"choices", one(slash(opt(integer, "o", choices(&choice{Name: "a", Value: 1}, &choice{Name: "b", Value: 2.0})))), ""},
		{"no maximum", one(slash(opt(integer, "o", func(o *option) { o.MinValue = new(1.0) }))), ""},

		{"101 slash commands", repeat(101, numbered(1)), "commands: 101 slash commands, Discord takes 100"},
		{"16 in a menu", repeat(16, numbered(3)), "commands: 16 commands in the menu of messages, Discord takes 15"},
		{"upper case", one(&command{Name: "Ping", Description: "x"}), `/Ping: its name is "Ping", Discord takes lower case: "ping"`},
		{"space", one(&command{Name: "a b", Description: "x"}), `/a b: its name is "a b", Discord takes letters, digits, - and _`},
		{"long name", one(&command{Name: long, Description: "x"}), "/" + long + ": its name has 101 characters, Discord takes 1 to 32"},
		{"percent", one(&command{Name: "%d", Description: "x"}), `/%d: its name is "%d", Discord takes letters, digits, - and _`},
		{"no description", one(&command{Name: "c"}), "/c: its description has 0 characters, Discord takes 1 to 100"},
		{"translation", one(&command{Name: "c", Description: "x", NameLocalizations: &map[discordgo.Locale]string{"de": "Ä"}}),
			`/c: its name in de is "Ä", Discord takes lower case: "ä"`},
		{"menu with a description", one(&command{Type: 3, Name: "M", Description: "x"}), `"M": a command in a menu has neither description nor options`},
		{"entry point", one(&command{Type: 4, Name: "launch"}), "/launch: the Entry Point command stays as Discord has it: leave it out"},
		{"type", one(&command{Type: 5, Name: "x"}), "/x: 5 is not a type of command"},
		{"size", one(slash(large("o"), large("p"))), "/c: 9756 characters in names, descriptions and values, Discord takes 8000"},

		{"26 options", one(slash(repeat(26, someOption)...)), "/c: 26 options, Discord takes 25"},
		{"nil option", one(slash(nil)), "/c: an option is nil: leave it out"},
		{"two of a name", one(slash(opt(text, "o"), opt(text, "o"))), `/c: two options are called "o"`},
		{"required last", one(slash(opt(text, "a"), opt(text, "b", required))), "/c b: it is required and comes after a, which is not"},
		{"deep", one(slash(opt(group, "g", inside(opt(sub, "s", inside(opt(text, "O"))))))),
			`/c g s O: its name is "O", Discord takes lower case: "o"`},
		{"mixed", one(slash(opt(sub, "s"), opt(text, "t"))), "/c: subcommands beside other options"},
		{"group in a group", one(slash(opt(group, "g", inside(opt(group, "h"))))), "/c g h: a group within a group or subcommand"},
		{"subcommand in a subcommand", one(slash(opt(sub, "s", inside(opt(sub, "t"))))), "/c s t: a subcommand within a subcommand"},
		{"option in a group", one(slash(opt(group, "g", inside(opt(text, "o"))))), "/c g o: it is in a group and no subcommand"},
		{"option type", one(slash(opt(12, "o"))), "/c o: 12 is not a type of option"},
		{"options of text", one(slash(opt(text, "o", inside(opt(text, "p"))))), "/c o: it has " +
			"options but is not a subcommand"},

		{"26 choices", one(slash(opt(text, "o", choices(repeat(26, func(i int) *choice {
			return &choice{Name: fmt.Sprint(i), Value: "v"}
		})...)))), "/c o: 26 choices, Discord takes 25: use autocomplete"},
		{"nil choice", one(slash(opt(text, "o", choices(nil)))), "/c o: a choice is nil: leave it out"},
		{"choices twice", one(slash(opt(text, "o", choices(&choice{Name: "a", Value: "1"}, &choice{Name: "a", Value: "2"})))),
			`/c o: two choices are called "a"`},
		{"choices of a user", one(slash(opt(user, "o", choices(&choice{Name: "a", Value: "1"})))), "/c o: only text and numbers have choices or autocomplete"},
		{"both", one(slash(opt(text, "o", choices(&choice{Name: "a", Value: "1"}), func(o *option) { o.Autocomplete = true }))),
			"/c o: it has choices and autocomplete: one of them"},
		{"value", one(slash(opt(text, "o", choices(&choice{Name: "a", Value: 1})))), `/c o (choice "a"): its value 1 is not a string`},
		{"no number", one(slash(opt(integer, "o", choices(&choice{Name: "a", Value: "1"})))), `/c o (choice "a"): its value "1" is not a number`},
		{"no integer", one(slash(opt(integer, "o", choices(&choice{Name: "a", Value: 1.5})))), `/c o (choice "a"): its value 1.5 is not an integer`},
		{"no value", one(slash(opt(text, "o", choices(&choice{Name: "a"})))), `/c o (choice "a"): its value <nil> is neither a string nor a number`},
		{"large", one(slash(opt(integer, "o", choices(&choice{Name: "a", Value: 1 << 60})))), `/c o (choice "a"): its value 1152921504606846976 is beyond 2^53`},
		{"least and largest", one(slash(opt(integer, "o", func(o *option) { o.MinValue, o.MaxValue = new(5.0), 2 }))),
			"/c o: its least value 5 is above its largest 2"},
		{"lengths", one(slash(opt(text, "o", func(o *option) { o.MinLength, o.MaxLength = new(5), 2 }))),
			"/c o: its least length 5 is above its largest 2"},
		{"length", one(slash(opt(text, "o", func(o *option) { o.MaxLength = 6001 }))), "/c o: lengths from 0 to 6001, Discord takes up to 6000"},
		{"all at once", one(&command{Name: "A"}), `/A: its name is "A", Discord takes lower case: "a"` + "\n" +
			"/A: its description has 0 characters, Discord takes 1 to 100"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			if err := errors.Join(commands.Check(tt.cmds)...); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, tt.want)
			}
		})
	}
}
