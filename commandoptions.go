package botwright

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/options"
)

// An OptionError says what is wrong with a value that a user entered, in words for that user, such
// as "option days must be a whole number". [ReplyOnError] sends it to the user, and the interaction
// counts as handled.
type OptionError struct {
	Option string // its name, or the custom id of a form's field
	Reason string // such as "must be a whole number" or "is missing"
}

func (e *OptionError) Error() string { return "option " + e.Option + " " + e.Reason }

// DefineOptions returns the options of a command or subcommand that the fields of T describe, for
// discordgo.ApplicationCommand or discordgo.ApplicationCommandOption. In a field such as
//
//	Days int `option:"days" description:"How many days" default:"7" min:"1" max:"30"`
//
// the tag option has the name. You may leave it out: the name for MaxUses is max_uses. ",optional"
// and ",autocomplete" may follow the name. An option with a default is optional too. min and max
// limit a number, or the length of a text. choices lists the possible values, as in
// choices:"red,green,blue". Set anything else that Discord allows in the returned options.
//
// A field is a string, bool, integer, float or [time.Duration] (which users write as 1h30m), or a
// pointer to a discordgo User, Member, Channel, Role or MessageAttachment. A string also takes the
// id of any of these. Fields that are not exported are left alone, and so are those with
// option:"-". DefineOptions panics if T is not such a struct.
func DefineOptions[T any]() []*discordgo.ApplicationCommandOption {
	return options.Define(reflect.TypeFor[T]())
}

// DecodeOptions returns the options of a command that was used, or of its subcommand, in the fields
// of T; see [DefineOptions]. Users, members, channels, roles and files are those that came with the
// interaction. Treat them as read-only, like everything that belongs to an event. The error is an
// [*OptionError]. Discord lets nobody leave out a required option, so a value that does not fit
// usually means that the command was defined differently.
//
// In an autocompletion, options that are missing or not complete yet have their defaults; see
// [FocusedOption].
func DecodeOptions[T any](i *discordgo.InteractionCreate) (T, error) {
	var to T
	partial := i.Type == discordgo.InteractionApplicationCommandAutocomplete
	if !partial && i.Type != discordgo.InteractionApplicationCommand {
		return to, fmt.Errorf("botwright: DecodeOptions: a %s has no options", i.Type)
	}
	data := i.ApplicationCommandData()
	leaf := options.Leaf(data.Options)
	err := options.Decode(&to, func(name string) (options.Value, bool) {
		for _, o := range leaf {
			if o != nil && o.Name == name {
				return options.Value{
					Raw: o.Value, Resolved: data.Resolved, GuildID: i.GuildID}, true
			}
		}
		return options.Value{}, false
	}, partial)
	return to, optionError(err)
}

// DecodeModal returns what a user entered in a form. Each field of T gets the value of the text
// input whose custom id is in the field's tag option. Numbers, durations, and yes or no are parsed
// from the text. An empty input counts as missing. Otherwise DecodeModal works like
// [DecodeOptions]. The error is an [*OptionError].
func DecodeModal[T any](i *discordgo.InteractionCreate) (T, error) {
	var to T
	if i.Type != discordgo.InteractionModalSubmit {
		return to, fmt.Errorf("botwright: DecodeModal: a %s is not a form", i.Type)
	}
	values := options.TextInputs(i.ModalSubmitData().Components)
	err := options.Decode(&to, func(id string) (options.Value, bool) {
		text, ok := values[id]
		return options.Value{Raw: text}, ok
	}, false)
	return to, optionError(err)
}

func optionError(err error) error {
	if e, ok := errors.AsType[*options.Error](err); ok {
		return &OptionError{Option: e.Option, Reason: e.Reason}
	}
	return err
}

// FocusedOption returns the name of the option that a user is typing in and the text so far, for an
// [Autocomplete] handler. For other interactions both are "".
func FocusedOption(i *discordgo.InteractionCreate) (name, text string) {
	if i.Type != discordgo.InteractionApplicationCommandAutocomplete {
		return "", ""
	}
	for _, o := range options.Leaf(i.ApplicationCommandData().Options) {
		if o != nil && o.Focused {
			return o.Name, fmt.Sprint(o.Value)
		}
	}
	return "", ""
}
