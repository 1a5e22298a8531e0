package options

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/bwmarrin/discordgo"
)

// A Value is what a user has entered: as JSON decodes it, or a text.
type Value struct {
	Raw      any
	Resolved *discordgo.ApplicationCommandInteractionDataResolved // nil: nothing
	GuildID  string
}

// Decode fills the struct that to points to. lookup finds what was entered by name. If partial is
// set, what is missing or wrong is left at its default: the user is still typing. The error is an
// [*Error].
func Decode(to any, lookup func(name string) (Value, bool), partial bool) error {
	v := reflect.ValueOf(to).Elem()
	for _, f := range fieldsOf(v.Type()) {
		if err := f.decode(v.Field(f.index), lookup); err != nil && !partial {
			return err
		}
	}
	return nil
}

func (f *field) decode(to reflect.Value, lookup func(name string) (Value, bool)) error {
	value, given := lookup(f.name)
	if !given && f.required {
		return &Error{f.name, "is missing"}
	}
	if f.hasFallback {
		f.kind.set(to, Value{Raw: f.fallback})
	}
	if !given {
		return nil
	}
	if reason := f.kind.set(to, value); reason != "" {
		return &Error{f.name, reason}
	}
	return nil
}

// Leaf returns the options of a command, or of the subcommand that was used.
func Leaf(
	options []*discordgo.ApplicationCommandInteractionDataOption,
) []*discordgo.ApplicationCommandInteractionDataOption {
	for len(options) == 1 && options[0] != nil &&
		(options[0].Type == discordgo.ApplicationCommandOptionSubCommand ||
			options[0].Type == discordgo.ApplicationCommandOptionSubCommandGroup) {
		options = options[0].Options
	}
	return options
}

// TextInputs returns the values of a form by custom id. What was left empty is not among them.
func TextInputs(components []discordgo.MessageComponent) map[string]string {
	values := make(map[string]string)
	for _, c := range components {
		row, ok := c.(*discordgo.ActionsRow)
		if !ok {
			continue
		}
		for _, c := range row.Components {
			if input, ok := c.(*discordgo.TextInput); ok && input.Value != "" {
				values[input.CustomID] = input.Value
			}
		}
	}
	return values
}

func setString(to reflect.Value, from Value) string {
	s, ok := from.Raw.(string)
	if !ok {
		return "must be a text"
	}
	to.SetString(s)
	return ""
}

func setBool(to reflect.Value, from Value) string {
	switch v := from.Raw.(type) {
	case bool:
		to.SetBool(v)
		return ""
	case string:
		switch strings.ToLower(strings.TrimSpace(v)) {
		case "yes", "y", "true", "on", "1":
			to.SetBool(true)
			return ""
		case "no", "n", "false", "off", "0":
			to.SetBool(false)
			return ""
		}
	}
	return "must be yes or no"
}

// float returns a value as a number. JSON has no others.
func (v Value) float() (n float64, ok bool) {
	switch raw := v.Raw.(type) {
	case float64:
		return raw, true
	case string:
		n, err := strconv.ParseFloat(strings.TrimSpace(raw), 64)
		return n, err == nil && !math.IsNaN(n) && !math.IsInf(n, 0)
	}
	return 0, false
}

// maxExact is up to where a float64 has all whole numbers. Discord takes no others either.
const maxExact = 1 << 53

func setInt(to reflect.Value, from Value) string {
	n, ok := from.float()
	switch {
	case !ok || n != math.Trunc(n):
		return "must be a whole number"
	case math.Abs(n) > maxExact || to.OverflowInt(int64(n)):
		return "is too large or too small a number"
	}
	to.SetInt(int64(n))
	return ""
}

func setUint(to reflect.Value, from Value) string {
	n, ok := from.float()
	switch {
	case !ok || n != math.Trunc(n) || n < 0:
		return "must be a whole number, 0 or more"
	case n > maxExact || to.OverflowUint(uint64(n)):
		return "is too large a number"
	}
	to.SetUint(uint64(n))
	return ""
}

func setFloat(to reflect.Value, from Value) string {
	n, ok := from.float()
	if !ok {
		return "must be a number"
	}
	if to.OverflowFloat(n) {
		return "is too large or too small a number"
	}
	to.SetFloat(n)
	return ""
}

func setDuration(to reflect.Value, from Value) string {
	s, _ := from.Raw.(string)
	d, err := time.ParseDuration(strings.ReplaceAll(strings.ToLower(s), " ", ""))
	if err != nil {
		return "must be a duration, such as 90s, 10m or 1h30m"
	}
	to.SetInt(int64(d))
	return ""
}

// resolve sets a field to the object with the id that was given.
func resolve[T any](
	to reflect.Value, from Value, what string,
	all func(*discordgo.ApplicationCommandInteractionDataResolved) map[string]*T,
) string {
	id, _ := from.Raw.(string)
	if from.Resolved != nil {
		if found := all(from.Resolved)[id]; found != nil {
			to.Set(reflect.ValueOf(found))
			return ""
		}
	}
	return fmt.Sprintf("must be %s", what)
}

func setUser(to reflect.Value, from Value) string {
	return resolve(to, from, "a user",
		func(r *discordgo.ApplicationCommandInteractionDataResolved) map[string]*discordgo.User {
			return r.Users
		})
}

// setMember completes the member: Discord leaves out what is known otherwise.
func setMember(to reflect.Value, from Value) string {
	reason := resolve(to, from, "a member of this server",
		func(r *discordgo.ApplicationCommandInteractionDataResolved) map[string]*discordgo.Member {
			return r.Members
		})
	if reason != "" {
		return reason
	}
	member := *to.Interface().(*discordgo.Member) // events are shared
	id, _ := from.Raw.(string)
	member.User, member.GuildID = from.Resolved.Users[id], from.GuildID
	to.Set(reflect.ValueOf(&member))
	return ""
}

func setChannel(to reflect.Value, from Value) string {
	return resolve(to, from, "a channel",
		func(r *discordgo.ApplicationCommandInteractionDataResolved) map[string]*discordgo.Channel {
			return r.Channels
		})
}

func setRole(to reflect.Value, from Value) string {
	return resolve(to, from, "a role",
		func(r *discordgo.ApplicationCommandInteractionDataResolved) map[string]*discordgo.Role {
			return r.Roles
		})
}

func setAttachment(to reflect.Value, from Value) string {
	return resolve(to, from, "a file", func(
		r *discordgo.ApplicationCommandInteractionDataResolved,
	) map[string]*discordgo.MessageAttachment {
		return r.Attachments
	})
}
