package events_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/events"
)

// unknown are components that discordgo has no type for: one of a type to come, one without a type
// and null, each of which makes discordgo give up on the message.
const unknown = `{"type":99,"components":[{"type":2}]},{"id":3},null`

const (
	text   = `{"type":10,"content":"t"}`
	press  = `{"type":2,"label":"b","custom_id":"c"}`
	picked = `{"type":6,"custom_id":"r"}`
)

func TestUnknownComponentsAreLeftOut(t *testing.T) {
	section := func(accessory string) string {
		return `{"type":9,"components":[` + unknown + `,` + text + `],"accessory":` + accessory + `}`
	}
	tests := []struct {
		name     string
		list     string
		leftOver string // the same list without unknown components
	}{
		{"alone", unknown, ""},
		{"first", unknown + "," + text, text},
		{"last", text + "," + unknown, text},
		{"between", text + "," + unknown + "," + text, text + "," + text},
		{
			"in a row", `{"type":1,"components":[` + press + `,` + unknown + `,` + picked + `]}`,
			`{"type":1,"components":[` + press + `,` + picked + `]}`,
		},
		{"alone in a row", `{"type":1,"components":[` + unknown + `]}`, `{"type":1,"components":[]}`},
		{"in a section", section(press), `{"type":9,"components":[` + text + `],"accessory":` + press + `}`},
		{"accessory", section(`{"type":99}`), `{"type":9,"components":[` + text + `]}`},
		{"accessory null", section(`null`), `{"type":9,"components":[` + text + `]}`},
		{
			"in a container",
			`{"type":17,"components":[` + unknown + `,{"type":1,"components":[` + unknown + `,` + press + `]}]}`,
			`{"type":17,"components":[{"type":1,"components":[` + press + `]}]}`,
		},
		{"row without a list", `{"type":1},` + unknown, `{"type":1}`},
		{"container without a list", `{"type":17,"components":null},` + unknown, `{"type":17}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, holder := range holders() {
				got, err := events.Decode(holder.eventType, holder.payload(tt.list))
				if err != nil {
					t.Fatalf("%s: %v", holder.name, err)
				}
				want, err := reference(got, holder.payload(tt.leftOver))
				if err != nil {
					t.Fatalf("encoding/json: %s: %v", holder.name, err)
				}
				if !reflect.DeepEqual(got, want) {
					t.Errorf("%s:\n got %s\nwant %s", holder.name, show(got), show(want))
				}
			}
		})
	}
}

// A holder is a place where an event has a list of components.
type holder struct {
	name      string
	eventType string
	format    string
}

func (h holder) payload(components string) []byte {
	return []byte(strings.Replace(h.format, "%s", components, 1))
}

func holders() []holder {
	const (
		message = `{"id":"1","channel_id":"2","author":{"id":"3"},"content":"x","components":[%s]}`
		invoked = `{"id":"1","token":"t","user":{"id":"3"},`
	)
	return []holder{
		{"message", "MESSAGE_CREATE", message},
		{"update", "MESSAGE_UPDATE", message},
		{"delete", "MESSAGE_DELETE", message},
		{
			"referenced message", "MESSAGE_CREATE",
			strings.Replace(message, `"components":[%s]`, `"referenced_message":`+message, 1),
		},
		{
			"snapshot", "MESSAGE_CREATE",
			strings.Replace(message, `"components":[%s]`, `"message_snapshots":[{"message":`+message+`}]`, 1),
		},
		{
			"resolved message", "INTERACTION_CREATE",
			invoked + `"type":2,"data":{"resolved":{"messages":{"1":` + message + `}}}}`,
		},
		{
			"message of a component", "INTERACTION_CREATE",
			invoked + `"type":3,"data":{"custom_id":"c"},"message":` + message + `}`,
		},
		{
			"modal", "INTERACTION_CREATE",
			invoked + `"type":5,"data":{"custom_id":"c","components":[%s]}}`,
		},
	}
}

// TestEveryComponentType decodes each type that discordgo knows, found by its own function, and
// leaves out the others.
func TestEveryComponentType(t *testing.T) {
	known := 0
	for componentType := range 64 {
		component := fmt.Sprintf(`{"type":%d,"id":5}`, componentType)
		want, err := discordgo.MessageComponentFromJSON([]byte(component))
		got, errDecode := events.Decode("MESSAGE_UPDATE",
			[]byte(`{"id":"1","channel_id":"2","components":[`+component+`]}`))
		if errDecode != nil {
			t.Fatalf("component type %d: %v", componentType, errDecode)
		}
		components := got.(*discordgo.MessageUpdate).Components
		if err != nil {
			if len(components) != 0 {
				t.Errorf("type %d: discordgo does not know it, Decode = %T", componentType, components[0])
			}
			continue
		}
		known++
		if len(components) != 1 || !reflect.DeepEqual(components[0], want) {
			t.Errorf("type %d: Decode = %s, want %s", componentType, show(components), show(want))
		}
	}
	if known < 15 {
		t.Errorf("discordgo knows %d component types, want 15 or more", known)
	}
}

// TestDeepComponents is about time: what is deep is read once for each level above it.
func TestDeepComponents(t *testing.T) {
	nested := func(depth int) string {
		return `{"id":"1","channel_id":"2","components":[` +
			strings.Repeat(`{"type":17,"components":[`, depth) + strings.Repeat(`]}`, depth) + `]}`
	}
	if _, err := events.Decode("MESSAGE_UPDATE", []byte(nested(32))); err != nil {
		t.Error(err)
	}
	for _, depth := range []int{33, 4_900, 100_000} {
		_ = wantPayloadError(t, "MESSAGE_UPDATE", nested(depth))
	}

	// Braces side by side, and in text, do not count.
	button := `{"type":2,"label":"\"{{\\","emoji":{"name":"e"}}`
	wide := `{"type":1,"components":[` + strings.Repeat(button+",", 99) + button + `]}`
	texts := `{"type":10,"content":"` + strings.Repeat(`{\"{`, 99) + `"}`
	got, err := events.Decode("MESSAGE_UPDATE",
		[]byte(`{"id":"1","channel_id":"2","components":[`+wide+","+texts+`]}`))
	if err != nil {
		t.Fatal(err)
	}
	components := got.(*discordgo.MessageUpdate).Components
	if len(components) != 2 || len(components[0].(*discordgo.ActionsRow).Components) != 100 {
		t.Errorf("components = %s", show(components))
	}
}
