package discordtest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/bwmarrin/discordgo"
)

const (
	maxOptions      = 25
	maxCommandChars = 8000
	maxSlash        = 100
	maxMenus        = 15 // of users, and of messages
	entryPoint      = 4  // the type of the command that opens an Activity
)

// slashName is what a slash command and its options may be called.
var slashName = regexp.MustCompile(`^[-_'\p{L}\p{N}\p{Devanagari}\p{Thai}]{1,32}$`)

// definition is the limited part of a command.
type definition struct {
	Description string             `json:"description"`
	Options     []optionDefinition `json:"options"`
}

// check holds the command against Discord's limits. The prefix is the command's place in a list.
func (c *command) check(f *form, at string) {
	var d definition
	if json.Unmarshal(marshal(c.fields), &d) != nil {
		f.wrong(at+"options", "BASE_TYPE_BAD", "Options are not valid.")
		return
	}
	switch discordgo.ApplicationCommandType(c.kind) {
	case discordgo.ChatApplicationCommand:
		checkName(f, at+"name", c.name)
		f.text(at+"description", d.Description, 1, 100)
	case discordgo.UserApplicationCommand, discordgo.MessageApplicationCommand:
		f.text(at+"name", c.name, 1, 32)
		f.text(at+"description", d.Description, 0, 0)
		f.length(at+"options", len(d.Options), 0, 0)
	case entryPoint:
		checkName(f, at+"name", c.name)
		f.text(at+"description", d.Description, 0, 100)
		f.length(at+"options", len(d.Options), 0, 0)
	default:
		choices(f, at+"type", c.kind, 1, 2, 3, 4)
	}
	checkOptions(f, at+"options", d.Options, 0)
	size := utf8.RuneCountInString(c.name+d.Description) + optionChars(d.Options)
	if size > maxCommandChars {
		f.wrong(strings.TrimSuffix(at, ".")+"options", "APPLICATION_COMMAND_TOO_LARGE",
			fmt.Sprintf("Command exceeds maximum size (%d)", maxCommandChars))
	}
}

func checkName(f *form, field, name string) {
	n := utf8.RuneCountInString(name)
	f.length(field, n, 1, 32)
	if n > 0 && n <= 32 && (!slashName.MatchString(name) || strings.ToLower(name) != name) {
		f.wrong(field, "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
	}
}

// checkOptions checks the options of a command, of a group or of a subcommand.
func checkOptions(f *form, at string, options []optionDefinition, depth int) {
	f.length(at, len(options), 0, maxOptions)
	seen, optional := make(map[string]bool), false
	for i := range options {
		o, inner := &options[i], fmt.Sprintf("%s.%d.", at, i)
		checkName(f, inner+"name", o.Name)
		f.text(inner+"description", o.Description, 1, 100)
		if seen[o.Name] {
			f.wrong(inner+"name", "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS",
				"Option names must be unique")
		}
		seen[o.Name] = true
		if o.Required && optional {
			f.wrong(inner+"required", "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
				"Required options must be placed before non-required options")
		}
		optional = optional || !o.Required
		o.check(f, inner, depth)
	}
}

func (d *optionDefinition) check(f *form, at string, depth int) {
	group := d.Type == discordgo.ApplicationCommandOptionSubCommandGroup
	nested := group || d.Type == discordgo.ApplicationCommandOptionSubCommand
	switch {
	case d.Type < 1 || d.Type > 11:
		choices(f, at+"type", int(d.Type), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
	case (group && depth > 0) || (nested && depth > 1):
		f.wrong(at+"type", "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "Sub-command option type is invalid")
	case nested:
		checkOptions(f, at+"options", d.Options, depth+1)
	case len(d.Options) > 0:
		f.length(at+"options", len(d.Options), 0, 0)
	}
	if d.Autocomplete && len(d.Choices) > 0 {
		f.wrong(at+"autocomplete", "APPLICATION_COMMAND_OPTIONS_CHOICES_AUTOCOMPLETE_MUTUALLY_EXCLUSIVE",
			"An option cannot have both choices and autocomplete")
	}
	text := d.Type == discordgo.ApplicationCommandOptionString
	number := d.Type == discordgo.ApplicationCommandOptionInteger || d.Type == discordgo.ApplicationCommandOptionNumber
	if (d.Autocomplete || len(d.Choices) > 0) && !text && !number {
		f.wrong(at+"choices", "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
			"Options of this type have neither choices nor autocomplete")
	}
	d.checkChoices(f, at+"choices", text)
	if d.MinLength != nil {
		f.number(at+"min_length", *d.MinLength, 0, 6000)
	}
	if d.MaxLength != nil {
		f.number(at+"max_length", *d.MaxLength, 1, 6000)
	}
	if d.MinValue != nil && d.MaxValue != nil && *d.MinValue > *d.MaxValue {
		f.wrong(at+"max_value", "APPLICATION_COMMAND_OPTION_MIN_GREATER_THAN_MAX", "Minimum must not be above maximum")
	}
}

func (d *optionDefinition) checkChoices(f *form, at string, text bool) {
	f.length(at, len(d.Choices), 0, maxOptions)
	for i, c := range d.Choices {
		inner := fmt.Sprintf("%s.%d.", at, i)
		f.text(inner+"name", c.Name, 1, 100)
		value, isText := c.Value.(string)
		_, isNumber := c.Value.(float64)
		switch {
		case text && !isText:
			f.wrong(inner+"value", "STRING_TYPE_CONVERT", fmt.Sprintf("Could not convert \"%v\" to string.", c.Value))
		case text:
			f.text(inner+"value", value, 1, 100)
		case !isNumber:
			f.wrong(inner+"value", "NUMBER_TYPE_COERCE", fmt.Sprintf("Value \"%v\" is not a number.", c.Value))
		}
	}
}

// optionChars counts what counts towards the size of a command.
func optionChars(options []optionDefinition) int {
	n := 0
	for i := range options {
		o := &options[i]
		n += utf8.RuneCountInString(o.Name+o.Description) + optionChars(o.Options)
		for _, c := range o.Choices {
			n += utf8.RuneCountInString(c.Name + fmt.Sprint(c.Value))
		}
	}
	return n
}

// countCommands checks how many commands of each type there are, and that no name comes twice.
func countCommands(f *form, all []*command) error {
	counts, seen := make(map[int]int), make(map[string]bool)
	for i, c := range all {
		counts[c.kind]++
		key := fmt.Sprint(c.kind, " ", c.name)
		if seen[key] {
			f.wrong(fmt.Sprintf("%d.name", i), "APPLICATION_COMMANDS_DUPLICATE_NAME",
				"Application command names must be unique")
		}
		seen[key] = true
	}
	for kind, n := range counts {
		limit := maxMenus
		switch kind {
		case int(discordgo.ChatApplicationCommand):
			limit = maxSlash
		case entryPoint:
			limit = 1
		}
		if n > limit {
			return &apiError{400, 30032, fmt.Sprintf("Maximum number of application commands reached (%d)", limit), nil}
		}
	}
	return nil
}

// optionDefinition is an option of a registered command.
type optionDefinition struct {
	Type         discordgo.ApplicationCommandOptionType `json:"type"`
	Name         string                                 `json:"name"`
	Description  string                                 `json:"description"`
	Required     bool                                   `json:"required"`
	Autocomplete bool                                   `json:"autocomplete"`
	Choices      []choiceDefinition                     `json:"choices"`
	MinValue     *float64                               `json:"min_value"`
	MaxValue     *float64                               `json:"max_value"`
	MinLength    *float64                               `json:"min_length"`
	MaxLength    *float64                               `json:"max_length"`
	Options      []optionDefinition                     `json:"options"`
}

type choiceDefinition struct {
	Name  string `json:"name"`
	Value any    `json:"value"`
}
