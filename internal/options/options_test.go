package options_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/options"
)

type all struct {
	Text     string                       `description:"a" min:"1" max:"10"`
	Flag     bool                         `description:"b" default:"yes"`
	MaxUses  int8                         `description:"c" min:"-5" max:"5"`
	Count    uint                         `option:"n" description:"d" default:"3"`
	Share    float64                      `description:"e" choices:"0.5,1"`
	Wait     time.Duration                `description:"f" default:"1h30m"`
	Color    string                       `description:"g" choices:"red,green"`
	User     *discordgo.User              `description:"h"`
	Member   *discordgo.Member            `description:"i"`
	Channel  *discordgo.Channel           `description:"j"`
	Role     *discordgo.Role              `option:"which-role,optional" description:"k"`
	File     *discordgo.MessageAttachment `option:",optional" description:"l"`
	Find     string                       `option:"find,optional,autocomplete" description:"m"`
	Skipped  chan int                     `option:"-"`
	internal chan int
}

func TestDefine(t *testing.T) {
	t.Parallel()
	_ = all{}.internal
	var lines []string
	for _, o := range options.Define(reflect.TypeFor[all]()) {
		line := fmt.Sprintf("%s %s %s required=%v max=%v/%v", o.Name, o.Type, o.Description, o.Required,
			o.MaxValue, o.MaxLength)
		if o.MinValue != nil {
			line += fmt.Sprint(" min=", *o.MinValue)
		}
		if o.MinLength != nil {
			line += fmt.Sprint(" min=", *o.MinLength)
		}
		for _, c := range o.Choices {
			line += fmt.Sprintf(" %s=%#v", c.Name, c.Value)
		}
		if o.Autocomplete {
			line += " autocomplete"
		}
		lines = append(lines, line)
	}
	want := `text String a required=true max=0/10 min=1
max_uses Integer c required=true max=5/0 min=-5
share Number e required=true max=0/0 0.5=0.5 1=1
color String g required=true max=0/0 red="red" green="green"
user User h required=true max=0/0
member User i required=true max=0/0
channel Channel j required=true max=0/0
flag Boolean b required=false max=0/0
n Integer d required=false max=0/0 min=0
wait String f required=false max=0/0
which-role Role k required=false max=0/0
file Attachment l required=false max=0/0
find String m required=false max=0/0 autocomplete`
	if got := strings.Join(lines, "\n"); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestDefinePanics(t *testing.T) {
	t.Parallel()
	for want, define := range map[string]reflect.Type{
		"not a struct":        reflect.TypeFor[int](),
		"no description":      reflect.TypeFor[struct{ A string }](),
		"cannot be an option": reflect.TypeFor[struct{ A []string }](),
		"neither optional nor": reflect.TypeFor[struct {
			A string `option:"a,omitempty"`
		}](),
		"the default \"x\" must": reflect.TypeFor[struct {
			A int `default:"x"`
		}](),
		"the limit \"x\" is not": reflect.TypeFor[struct {
			A int `min:"x"`
		}](),
		"not exported": reflect.TypeFor[struct {
			a int `option:"a"`
		}](),
		"the choice \"x\" must be": reflect.TypeFor[struct {
			A int `description:"a" choices:"1,x"`
		}](),
	} {
		func() {
			defer func() {
				if v := recover(); !strings.Contains(fmt.Sprint(v), want) {
					t.Errorf("panic %v, want %q", v, want)
				}
			}()
			options.Define(define)
		}()
	}
}

func resolved() *discordgo.ApplicationCommandInteractionDataResolved {
	return &discordgo.ApplicationCommandInteractionDataResolved{
		Users:       map[string]*discordgo.User{"1": {ID: "1"}, "2": {ID: "2"}},
		Members:     map[string]*discordgo.Member{"1": {Nick: "one"}},
		Roles:       map[string]*discordgo.Role{"3": {ID: "3"}},
		Channels:    map[string]*discordgo.Channel{"4": {ID: "4"}},
		Attachments: map[string]*discordgo.MessageAttachment{"5": {ID: "5"}},
	}
}

// decode decodes JSON values by name.
func decode(t *testing.T, to any, values string, partial bool) error {
	t.Helper()
	var raw map[string]any
	if err := json.Unmarshal([]byte(values), &raw); err != nil {
		t.Fatal(err)
	}
	r := resolved()
	return options.Decode(to, func(name string) (options.Value, bool) {
		v, ok := raw[name]
		return options.Value{Raw: v, Resolved: r, GuildID: "9"}, ok
	}, partial)
}

const some = `"text":"t","max_uses":-5,"share":0.5,"color":"red","user":"2","member":"1","channel":"4"`

func TestDecode(t *testing.T) {
	t.Parallel()
	var got all
	if err := decode(t, &got, "{"+some+`,"which-role":"3","file":"5","n":7}`, false); err != nil {
		t.Fatal(err)
	}
	if got.Text != "t" || !got.Flag || got.MaxUses != -5 || got.Count != 7 || got.Share != 0.5 ||
		got.Wait != 90*time.Minute || got.User.ID != "2" || got.Channel.ID != "4" ||
		got.Role.ID != "3" || got.File.ID != "5" || got.Find != "" {
		t.Errorf("decoded %+v", got)
	}
	if m := got.Member; m.Nick != "one" || m.User.ID != "1" || m.GuildID != "9" {
		t.Errorf("the member is %+v", m)
	}
}

func TestDecodeErrors(t *testing.T) {
	t.Parallel()
	for change, want := range map[string]string{
		`"text":null`:       "option text must be a text",
		`"flag":"perhaps"`:  "option flag must be yes or no",
		`"max_uses":1.5`:    "option max_uses must be a whole number",
		`"max_uses":"many"`: "option max_uses must be a whole number",
		`"max_uses":300`:    "option max_uses is too large or too small a number",
		`"max_uses":1e300`:  "option max_uses is too large or too small a number",
		`"n":-1`:            "option n must be a whole number, 0 or more",
		`"n":1e300`:         "option n is too large a number",
		`"share":"NaN"`:     "option share must be a number",
		`"wait":"soon"`:     "option wait must be a duration, such as 90s, 10m or 1h30m",
		`"user":"77"`:       "option user must be a user",
		`"member":"2"`:      "option member must be a member of this server",
		`"channel":{}`:      "option channel must be a channel",
		`"which-role":"4"`:  "option which-role must be a role",
		`"file":"4"`:        "option file must be a file",
	} {
		var got all
		err := decode(t, &got, "{"+some+","+change+"}", false)
		var wrong *options.Error
		if !errors.As(err, &wrong) || err.Error() != want {
			t.Errorf("%s: %v, want %s", change, err, want)
		}
	}
	var got all
	if err := decode(t, &got, `{}`, false); err == nil || err.Error() != "option text is missing" {
		t.Errorf("nothing given: %v", err)
	}
}

func TestDecodePartial(t *testing.T) {
	t.Parallel()
	var got all
	if err := decode(t, &got, `{"max_uses":"","n":"1","find":"ab"}`, true); err != nil {
		t.Fatal(err)
	}
	if got.Count != 1 || got.Find != "ab" || got.MaxUses != 0 || !got.Flag {
		t.Errorf("decoded %+v", got)
	}
}

func TestLeaf(t *testing.T) {
	t.Parallel()
	type option = discordgo.ApplicationCommandInteractionDataOption
	leaf := []*option{{Name: "n", Type: discordgo.ApplicationCommandOptionInteger}}
	set := []*option{{Name: "set", Type: discordgo.ApplicationCommandOptionSubCommand, Options: leaf}}
	group := []*option{{Name: "g", Type: discordgo.ApplicationCommandOptionSubCommandGroup, Options: set}}
	for _, used := range [][]*option{leaf, set, group} {
		if got := options.Leaf(used); len(got) != 1 || got[0].Name != "n" {
			t.Errorf("Leaf = %v", got)
		}
	}
	if got := options.Leaf([]*option{nil}); len(got) != 1 {
		t.Errorf("Leaf = %v", got)
	}
}

func TestTextInputs(t *testing.T) {
	t.Parallel()
	got := options.TextInputs([]discordgo.MessageComponent{
		&discordgo.ActionsRow{Components: []discordgo.MessageComponent{
			&discordgo.TextInput{CustomID: "a", Value: "x"}}},
		&discordgo.ActionsRow{Components: []discordgo.MessageComponent{
			&discordgo.TextInput{CustomID: "b"}, &discordgo.Button{}}},
		&discordgo.TextDisplay{},
		nil,
	})
	if len(got) != 1 || got["a"] != "x" {
		t.Errorf("TextInputs = %v", got)
	}
}
