package commands

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/bwmarrin/discordgo"
)

// Discord's limits.
const (
	maxSlash       = 100 // commands
	maxMenu        = 15  // of users, and as many of messages
	maxName        = 32
	maxDescription = 100
	maxOptions     = 25
	maxChoices     = 25
	maxChoice      = 100 // characters of a choice's name, and of its value
	maxText        = 6000
	maxNumber      = 1 << 53
	maxSize        = 8000 // characters of a command with all that is in it
)

// slashName is what slash commands and options may be called.
var slashName = regexp.MustCompile(`^[-_'\p{L}\p{N}\p{Devanagari}\p{Thai}]{1,32}$`)

// Check returns what Discord would refuse in the commands of one guild, or the global ones: one
// problem a line, which begins with the command and the option that it is about. Discord refuses
// all commands of a list for the sake of one.
func Check(cmds []*discordgo.ApplicationCommand) []error {
	c := &checker{}
	counts := make(map[discordgo.ApplicationCommandType]int)
	for _, cmd := range cmds {
		counts[KeyOf(cmd).Type]++
		c.command(cmd)
	}
	for _, limit := range [...]struct {
		kind discordgo.ApplicationCommandType
		name string
		most int
	}{
		{discordgo.ChatApplicationCommand, "slash commands", maxSlash},
		{discordgo.UserApplicationCommand, "commands in the menu of users", maxMenu},
		{discordgo.MessageApplicationCommand, "commands in the menu of messages", maxMenu},
	} {
		if n := counts[limit.kind]; n > limit.most {
			c.at("commands").wrong("%d %s, Discord takes %d", n, limit.name, limit.most)
		}
	}
	return c.problems
}

// checker collects problems.
type checker struct{ problems []error }

// place is what a problem is about.
type place struct {
	checker *checker
	path    string
}

func (c *checker) at(path string) place { return place{c, path} }

// in is the place of an option or choice.
func (p place) in(name string) place { return place{p.checker, p.path + " " + name} }

func (p place) wrong(format string, args ...any) {
	p.checker.problems = append(p.checker.problems, fmt.Errorf("%s: %s", p.path, fmt.Sprintf(format, args...)))
}

func (c *checker) command(cmd *discordgo.ApplicationCommand) {
	p := c.at("/" + cmd.Name)
	var names, descriptions map[discordgo.Locale]string
	if cmd.NameLocalizations != nil {
		names = *cmd.NameLocalizations
	}
	if cmd.DescriptionLocalizations != nil {
		descriptions = *cmd.DescriptionLocalizations
	}
	switch KeyOf(cmd).Type {
	case discordgo.ChatApplicationCommand:
		p.each("name", cmd.Name, names, p.slashName)
		p.each("description", cmd.Description, descriptions, p.description)
		p.options(cmd.Options, 0)
		if n := size(cmd.Name, names) + size(cmd.Description, descriptions) +
			sizeOf(cmd.Options); n > maxSize {
			p.wrong("%d characters in names, descriptions and values, Discord takes %d", n, maxSize)
		}
	case discordgo.UserApplicationCommand, discordgo.MessageApplicationCommand:
		p.path = fmt.Sprintf("%q", cmd.Name)
		p.each("name", cmd.Name, names, func(what, s string) { p.length(what, s, maxName) })
		if cmd.Description != "" || len(descriptions) > 0 || len(cmd.Options) > 0 {
			p.wrong("a command in a menu has neither description nor options")
		}
	case EntryPoint:
		p.wrong("the Entry Point command stays as Discord has it: leave it out")
	default:
		p.wrong("%d is not a type of command", cmd.Type)
	}
}

// each checks a text and its translations.
func (p place) each(
	what, text string, localized map[discordgo.Locale]string, check func(what, s string),
) {
	check("its "+what, text)
	for _, locale := range slices.Sorted(maps.Keys(localized)) {
		check(fmt.Sprintf("its %s in %s", what, string(locale)), localized[locale])
	}
}

func (p place) length(what, s string, most int) {
	if n := utf8.RuneCountInString(s); n < 1 || n > most {
		p.wrong("%s has %d characters, Discord takes 1 to %d", what, n, most)
	}
}

func (p place) description(what, s string) { p.length(what, s, maxDescription) }

func (p place) slashName(what, s string) {
	switch n := utf8.RuneCountInString(s); {
	case n < 1 || n > maxName:
		p.length(what, s, maxName)
	case !slashName.MatchString(s):
		p.wrong("%s is %q, Discord takes letters, digits, - and _", what, s)
	case strings.ToLower(s) != s:
		p.wrong("%s is %q, Discord takes lower case: %q", what, s, strings.ToLower(s))
	}
}

// options checks the options of a command (depth 0), and those within groups and subcommands.
func (p place) options(options []*discordgo.ApplicationCommandOption, depth int) {
	if len(options) > maxOptions {
		p.wrong("%d options, Discord takes %d", len(options), maxOptions)
	}
	seen := make(map[string]bool)
	nested, plain, optional := 0, 0, ""
	for _, o := range options {
		if o == nil {
			p.wrong("an option is nil: leave it out")
			continue
		}
		if seen[o.Name] {
			p.wrong("two options are called %q", o.Name)
		}
		seen[o.Name] = true
		switch {
		case isNested(o):
			nested++
		case o.Required && optional != "":
			p.in(o.Name).wrong("it is required and comes after %s, which is not", optional)
			plain++
		default:
			plain++
		}
		if !o.Required {
			optional = o.Name
		}
		p.in(o.Name).option(o, depth)
	}
	if nested > 0 && plain > 0 {
		p.wrong("subcommands beside other options")
	}
}

func isNested(o *discordgo.ApplicationCommandOption) bool {
	return o.Type == discordgo.ApplicationCommandOptionSubCommand ||
		o.Type == discordgo.ApplicationCommandOptionSubCommandGroup
}

// option checks an option at its place. Groups are of a command only, and have subcommands only.
func (p place) option(o *discordgo.ApplicationCommandOption, depth int) {
	p.each("name", o.Name, o.NameLocalizations, p.slashName)
	p.each("description", o.Description, o.DescriptionLocalizations, p.description)
	const inGroup, inSubcommand = 1, 2
	switch {
	case o.Type == discordgo.ApplicationCommandOptionSubCommandGroup && depth > 0:
		p.wrong("a group within a group or subcommand")
	case o.Type == discordgo.ApplicationCommandOptionSubCommandGroup:
		p.options(o.Options, inGroup)
	case o.Type == discordgo.ApplicationCommandOptionSubCommand && depth == inSubcommand:
		p.wrong("a subcommand within a subcommand")
	case o.Type == discordgo.ApplicationCommandOptionSubCommand:
		p.options(o.Options, inSubcommand)
	case o.Type < 1 || o.Type > discordgo.ApplicationCommandOptionAttachment:
		p.wrong("%d is not a type of option", o.Type)
	case depth == inGroup:
		p.wrong("it is in a group and no subcommand")
	default:
		p.values(o)
	}
}

// values checks what an option that is not a subcommand takes.
func (p place) values(o *discordgo.ApplicationCommandOption) {
	text := o.Type == discordgo.ApplicationCommandOptionString
	number := o.Type == discordgo.ApplicationCommandOptionInteger ||
		o.Type == discordgo.ApplicationCommandOptionNumber
	switch {
	case len(o.Options) > 0:
		p.wrong("it has options but is not a subcommand")
	case (len(o.Choices) > 0 || o.Autocomplete) && !text && !number:
		p.wrong("only text and numbers have choices or autocomplete")
	case len(o.Choices) > 0 && o.Autocomplete:
		p.wrong("it has choices and autocomplete: one of them")
	case len(o.Choices) > maxChoices:
		p.wrong("%d choices, Discord takes %d: use autocomplete", len(o.Choices), maxChoices)
	}
	// A MaxValue or MaxLength of 0 is none: discordgo leaves it out.
	if o.MinValue != nil && o.MaxValue != 0 && *o.MinValue > o.MaxValue {
		p.wrong("its least value %v is above its largest %v", *o.MinValue, o.MaxValue)
	}
	least := 0
	if o.MinLength != nil {
		least = *o.MinLength
	}
	switch {
	case least < 0 || least > maxText || o.MaxLength < 0 || o.MaxLength > maxText:
		p.wrong("lengths from %d to %d, Discord takes up to %d", least, o.MaxLength, maxText)
	case o.MaxLength != 0 && least > o.MaxLength:
		p.wrong("its least length %d is above its largest %d", least, o.MaxLength)
	}
	seen := make(map[string]bool)
	for _, c := range o.Choices {
		if c == nil {
			p.wrong("a choice is nil: leave it out")
			continue
		}
		if seen[c.Name] {
			p.wrong("two choices are called %q", c.Name)
		}
		seen[c.Name] = true
		in := p.in(fmt.Sprintf("(choice %q)", c.Name))
		in.each("name", c.Name, c.NameLocalizations,
			func(what, s string) { in.length(what, s, maxChoice) })
		if text || number {
			in.value(o.Type, c.Value)
		}
	}
}

// value checks the value of a choice, as it is sent.
func (p place) value(kind discordgo.ApplicationCommandOptionType, v any) {
	var sent any
	if b, err := json.Marshal(v); err != nil || json.Unmarshal(b, &sent) != nil {
		return // the command as a whole cannot be sent, which its caller finds out
	}
	switch s := sent.(type) {
	case string:
		if kind != discordgo.ApplicationCommandOptionString {
			p.wrong("its value %q is not a number", s)
			return
		}
		p.length("its value", s, maxChoice)
	case float64:
		switch {
		case kind == discordgo.ApplicationCommandOptionString:
			p.wrong("its value %v is not a string", v)
		case s < -maxNumber || s > maxNumber:
			p.wrong("its value %v is beyond 2^53", v)
		case kind == discordgo.ApplicationCommandOptionInteger && s != float64(int64(s)):
			p.wrong("its value %v is not an integer", v)
		}
	default:
		p.wrong("its value %v is neither a string nor a number", v)
	}
}

// size is how much of the limit a text takes: as much as the longest of its translations.
func size(text string, localized map[discordgo.Locale]string) int {
	n := utf8.RuneCountInString(text)
	for _, s := range localized {
		n = max(n, utf8.RuneCountInString(s))
	}
	return n
}

func sizeOf(options []*discordgo.ApplicationCommandOption) (n int) {
	for _, o := range options {
		if o == nil {
			continue
		}
		n += size(o.Name, o.NameLocalizations) + size(o.Description, o.DescriptionLocalizations) +
			sizeOf(o.Options)
		for _, c := range o.Choices {
			if c != nil {
				n += size(c.Name, c.NameLocalizations) + utf8.RuneCountInString(fmt.Sprint(c.Value))
			}
		}
	}
	return n
}
