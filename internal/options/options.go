// Package options reads structs as descriptions of what a user enters: the options of a command, or
// the fields of a form. It makes Discord's definitions of them, and fills them in.
package options

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/bwmarrin/discordgo"
)

// An Error says what is wrong with a value, in words for the user who gave it.
type Error struct {
	Option string // its name
	Reason string // such as "must be a whole number"
}

func (e *Error) Error() string { return "option " + e.Option + " " + e.Reason }

// A field is a field of a struct, as its tags describe it.
type field struct {
	index        int
	name         string
	kind         kind
	description  string
	required     bool
	autocomplete bool
	fallback     string
	hasFallback  bool
	choices      []string
	min, max     string
}

// A kind is what a field can hold.
type kind struct {
	option discordgo.ApplicationCommandOptionType
	set    func(to reflect.Value, from Value) (reason string)
}

// fieldsOf reads the tags of a struct. What is wrong with them is a mistake in the program: it
// panics.
func fieldsOf(t reflect.Type) []field {
	if t.Kind() != reflect.Struct {
		panic(fmt.Sprintf("botwright: %v is not a struct: options are the fields of one", t))
	}
	var fields []field
	for i := range t.NumField() {
		sf := t.Field(i)
		tag, tagged := sf.Tag.Lookup("option")
		if tag == "-" || !sf.IsExported() && !tagged {
			continue
		}
		f := parse(sf, tag)
		f.index = i
		fields = append(fields, f)
	}
	return fields
}

func parse(sf reflect.StructField, tag string) field {
	bad := func(format string, args ...any) {
		panic(fmt.Sprintf("botwright: option field %s: ", sf.Name) + fmt.Sprintf(format, args...))
	}
	if !sf.IsExported() {
		bad("it is not exported")
	}
	k, ok := kindOf(sf.Type)
	if !ok {
		bad("a %v cannot be an option: take a string, bool, number or time.Duration, or a pointer "+
			"to a discordgo User, Member, Channel, Role or MessageAttachment", sf.Type)
	}
	name, flags, _ := strings.Cut(tag, ",")
	if name == "" {
		name = snakeCase(sf.Name)
	}
	f := field{name: name, kind: k, required: true, description: sf.Tag.Get("description"),
		min: sf.Tag.Get("min"), max: sf.Tag.Get("max")}
	for flag := range strings.SplitSeq(flags, ",") {
		switch flag {
		case "":
		case "optional":
			f.required = false
		case "autocomplete":
			f.autocomplete = true
		default:
			bad("%q is neither optional nor autocomplete", flag)
		}
	}
	if choices := sf.Tag.Get("choices"); choices != "" {
		f.choices = strings.Split(choices, ",")
	}
	if f.fallback, f.hasFallback = sf.Tag.Lookup("default"); f.hasFallback {
		f.required = false
		if reason := k.set(reflect.New(sf.Type).Elem(), Value{Raw: f.fallback}); reason != "" {
			bad("the default %q %s", f.fallback, reason)
		}
	}
	for _, limit := range []string{f.min, f.max} {
		if _, err := strconv.ParseFloat(limit, 64); limit != "" && err != nil {
			bad("the limit %q is not a number", limit)
		}
	}
	return f
}

// snakeCase makes MaxUses max_uses.
func snakeCase(name string) string {
	var b strings.Builder
	before := 'A'
	for _, r := range name {
		if unicode.IsUpper(r) && !unicode.IsUpper(before) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
		before = r
	}
	return b.String()
}

func kindOf(t reflect.Type) (kind, bool) {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return kind{discordgo.ApplicationCommandOptionString, setDuration}, true
	case reflect.TypeFor[*discordgo.User]():
		return kind{discordgo.ApplicationCommandOptionUser, setUser}, true
	case reflect.TypeFor[*discordgo.Member]():
		return kind{discordgo.ApplicationCommandOptionUser, setMember}, true
	case reflect.TypeFor[*discordgo.Channel]():
		return kind{discordgo.ApplicationCommandOptionChannel, setChannel}, true
	case reflect.TypeFor[*discordgo.Role]():
		return kind{discordgo.ApplicationCommandOptionRole, setRole}, true
	case reflect.TypeFor[*discordgo.MessageAttachment]():
		return kind{discordgo.ApplicationCommandOptionAttachment, setAttachment}, true
	}
	switch t.Kind() {
	case reflect.String:
		return kind{discordgo.ApplicationCommandOptionString, setString}, true
	case reflect.Bool:
		return kind{discordgo.ApplicationCommandOptionBoolean, setBool}, true
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return kind{discordgo.ApplicationCommandOptionInteger, setInt}, true
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return kind{discordgo.ApplicationCommandOptionInteger, setUint}, true
	case reflect.Float32, reflect.Float64:
		return kind{discordgo.ApplicationCommandOptionNumber, setFloat}, true
	}
	return kind{}, false
}

// Define returns Discord's definitions of the options that a struct describes, those that are
// required first, as Discord wants them. It panics on tags that are wrong or missing.
func Define(t reflect.Type) []*discordgo.ApplicationCommandOption {
	var defined []*discordgo.ApplicationCommandOption
	for _, f := range fieldsOf(t) {
		if f.description == "" {
			panic(fmt.Sprintf("botwright: option field %s: it has no description tag, which Discord "+
				"wants", t.Field(f.index).Name))
		}
		o := &discordgo.ApplicationCommandOption{
			Type: f.kind.option, Name: f.name, Description: f.description,
			Required: f.required, Autocomplete: f.autocomplete,
		}
		for _, c := range f.choices {
			o.Choices = append(o.Choices, &discordgo.ApplicationCommandOptionChoice{
				Name: c, Value: f.choice(t, c)})
		}
		f.limit(t, o)
		defined = append(defined, o)
	}
	slices.SortStableFunc(defined, func(a, b *discordgo.ApplicationCommandOption) int {
		switch {
		case a.Required == b.Required:
			return 0
		case a.Required:
			return -1
		}
		return 1
	})
	return defined
}

// choice returns a choice as the value that Discord sends when it is chosen.
func (f *field) choice(t reflect.Type, text string) any {
	v := reflect.New(t.Field(f.index).Type).Elem()
	if reason := f.kind.set(v, Value{Raw: text}); reason != "" {
		panic(fmt.Sprintf("botwright: option field %s: the choice %q %s",
			t.Field(f.index).Name, text, reason))
	}
	if f.kind.option == discordgo.ApplicationCommandOptionString {
		return text
	}
	return v.Interface()
}

// limit sets what the tags min and max say: of a string its length.
func (f *field) limit(t reflect.Type, o *discordgo.ApplicationCommandOption) {
	minimum, hasMin := number(f.min)
	maximum, _ := number(f.max)
	if o.Type == discordgo.ApplicationCommandOptionString {
		if length := int(minimum); hasMin {
			o.MinLength = &length
		}
		o.MaxLength = int(maximum)
		return
	}
	if !hasMin && o.Type == discordgo.ApplicationCommandOptionInteger {
		hasMin = t.Field(f.index).Type.Kind() >= reflect.Uint // where 0 is the least
	}
	if hasMin {
		o.MinValue = &minimum
	}
	o.MaxValue = maximum
}

func number(text string) (n float64, ok bool) {
	n, err := strconv.ParseFloat(text, 64)
	return n, err == nil
}
