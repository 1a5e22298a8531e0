package events_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/botwright/botwright/internal/events"
)

// hot are the types that a reader is for.
func hot() []string {
	return []string{
		"GUILD_CREATE", "GUILD_MEMBERS_CHUNK", "GUILD_MEMBER_ADD", "GUILD_MEMBER_REMOVE",
		"GUILD_MEMBER_UPDATE", "INTERACTION_CREATE", "MESSAGE_CREATE", "MESSAGE_DELETE",
		"MESSAGE_REACTION_ADD", "MESSAGE_REACTION_REMOVE", "MESSAGE_UPDATE", "PRESENCE_UPDATE",
		"TYPING_START", "VOICE_STATE_UPDATE",
	}
}

// TestReadCorpus: what Discord sends does not fall back to the general decoder.
func TestReadCorpus(t *testing.T) {
	for _, s := range corpus(t) {
		got := events.Read(s.Type, s.Payload)
		if !slices.Contains(hot(), s.Type) {
			if got != nil {
				t.Errorf("%s was read", s.Type)
			}
			continue
		}
		if got == nil {
			t.Errorf("%s, %s was not read", s.Type, s.Name)
		}
		compareGeneral(t, s.Type, s.Payload)
	}
}

// compareGeneral holds what is read against the general decoder.
func compareGeneral(t *testing.T, eventType string, payload []byte) {
	t.Helper()
	got := events.Read(eventType, payload)
	if got == nil {
		return
	}
	want, err := events.DecodeGeneral(eventType, payload)
	if err != nil {
		t.Errorf("%s %s was read, general: %v", eventType, payload, err)
	} else if !reflect.DeepEqual(got, want) {
		t.Errorf("%s %s:\n got %s\nwant %s", eventType, payload, show(got), show(want))
	}
}

func TestReadMutatedCorpus(t *testing.T) {
	seen := make(map[string]bool) // the same objects come back in many places
	for _, s := range corpus(t) {
		if !slices.Contains(hot(), s.Type) || len(s.Payload) > 20_000 {
			continue
		}
		var root any
		if err := json.Unmarshal(s.Payload, &root); err != nil {
			t.Fatal(err)
		}
		n := 0
		eachField(root, "", func(path string, value any, set func(any)) {
			where := place(s.Type, path)
			if seen[where] {
				return
			}
			seen[where] = true
			n++
			others := []any{nil, "x", -7, 1.5, 1e9, true, []any{}, map[string]any{}, []any{nil}, "2024-02-03T04:05:06+05:30"}
			for _, other := range []any{others[n%len(others)], others[(n+3)%len(others)], nil} {
				set(other)
				payload, err := json.Marshal(root)
				if err != nil {
					t.Fatal(err)
				}
				compareGeneral(t, s.Type, payload)
			}
			set(value)
		})
	}
}

// TestReadOdd has payloads that are left to the general decoder, and some that are not.
func TestReadOdd(t *testing.T) {
	message := func(rest string) string {
		return `{"id":"1","channel_id":"2","author":{"id":"3"},` + rest + `}`
	}
	deep := strings.Repeat(`{"id":"1","channel_id":"2","author":{"id":"3"},"referenced_message":`, 70) +
		"null" + strings.Repeat("}", 70)
	for _, tt := range []struct {
		name, eventType, payload string
		read                     bool
	}{
		{"unknown field", "MESSAGE_CREATE", message(`"new":[{"a":"é"}],"new":1`), true},
		{"white space", "MESSAGE_CREATE", " " + message("\n\t \"tts\" : true \r") + " ", true},
		{"escapes", "MESSAGE_CREATE", message(`"content":"\u00e9\ud83d\udc4b\n\/"`), true},
		{"beyond ASCII", "MESSAGE_CREATE", message(`"content":"é👋"`), true},
		{"nulls", "MESSAGE_CREATE", message(`"content":null,"mentions":null,"member":null,"timestamp":null,"type":null`), true},
		{"empty name", "MESSAGE_CREATE", message(`"":1`), true},
		{"duplicate", "MESSAGE_CREATE", message(`"id":"1"`), false},
		{"duplicate inside", "MESSAGE_CREATE", message(`"member":{"nick":"a","nick":null}`), false},
		{"escaped name", "MESSAGE_CREATE", message(`"\u0069d":"5"`), false},
		{"half a pair", "MESSAGE_CREATE", message(`"content":"\ud83d"`), false},
		{"not UTF-8", "MESSAGE_CREATE", message("\"content\":\"\xff\""), false},
		{"huge number", "MESSAGE_CREATE", message(`"type":1234567890123456789`), false},
		{"fraction", "MESSAGE_CREATE", message(`"type":1.0`), false},
		{"byte out of range", "INTERACTION_CREATE", `{"id":"1","token":"t","type":300,"user":{"id":"1"}}`, false},
		{"missing", "MESSAGE_CREATE", `{"id":"1"}`, false},
		{"wrong kind", "MESSAGE_CREATE", `[]`, false},
		{"more behind", "MESSAGE_CREATE", message(`"tts":true`) + `{}`, false},
		{"comma", "MESSAGE_CREATE", message(`"tts":true,`), false},
		{"element missing", "MESSAGE_CREATE", message(`"mention_roles":["1",]`), false},
		{"no comma", "MESSAGE_CREATE", message(`"mention_roles":["1" "2"]`), false},
		{"nothing of what is embedded", "MESSAGE_REACTION_ADD", `{"member":{"user":{"id":"1"}}}`, false},
		{"fault in what is general", "MESSAGE_CREATE", message(`"components":[7]`), false},
		{"too deep", "MESSAGE_UPDATE", deep, false},
		{"unknown type", "RATE_LIMITED", `{}`, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := events.Read(tt.eventType, []byte(tt.payload)); (got != nil) != tt.read {
				t.Errorf("read: %v, want %v", got != nil, tt.read)
			}
			compareGeneral(t, tt.eventType, []byte(tt.payload))
		})
	}
}

func TestReadAllocations(t *testing.T) {
	known := false
	if n := testing.AllocsPerRun(10, func() { known = events.Known("GUILD_CREATE") }); n > 0 || !known {
		t.Errorf("Known: %v allocations", n)
	}
	for _, tt := range []struct {
		eventType, payload string
		most               float64
	}{
		{"TYPING_START", `{"channel_id":"1234567890123456789","guild_id":"2234567890123456789","user_id":"3234567890123456789","timestamp":1767225600}`, 2},
		{"MESSAGE_CREATE", `{"id":"1234567890123456789","channel_id":"2234567890123456789","author":{"id":"3234567890123456789",` +
			`"username":"someone"},"member":{"roles":["1","2"]},"content":"hello","mentions":[],"embeds":[],"components":[]}`, 6},
		{"PRESENCE_UPDATE", `{"user":{"id":"3234567890123456789"},"guild_id":"1","status":"online",` +
			`"activities":[{"name":"a game","type":0,"created_at":1767225600000}],"client_status":{"desktop":"online"}}`, 5},
	} {
		payload := []byte(tt.payload)
		got := testing.AllocsPerRun(100, func() {
			if v, err := events.Decode(tt.eventType, payload); v == nil || err != nil {
				t.Fatal(err)
			}
		})
		if got > tt.most {
			t.Errorf("%s: %v allocations, want %v at most", tt.eventType, got, tt.most)
		}
	}
}

// FuzzRead looks for an input that a reader takes for something else than the general decoder does.
func FuzzRead(f *testing.F) {
	for _, s := range corpus(f) {
		if slices.Contains(hot(), s.Type) {
			f.Add(s.Type, []byte(s.Payload))
		}
	}
	f.Fuzz(compareGeneral)
}

// foldable is a name that encoding/json may take for a field's, because it ignores case.
var foldable = regexp.MustCompile(`"[^"]*([A-Z\\]|[^ -~])[^"]*"\s*:`)

// FuzzDecodeEqualsDiscordgo looks for an input of any type that Decode takes for something else than
// discordgo does, apart from what they differ in on purpose.
func FuzzDecodeEqualsDiscordgo(f *testing.F) {
	for _, s := range corpus(f) {
		f.Add(s.Type, []byte(s.Payload))
	}
	f.Fuzz(func(t *testing.T, eventType string, payload []byte) {
		like := events.NewPayload(eventType)
		if like == nil || foldable.Match(payload) || bytes.Contains(payload, []byte("components")) ||
			bytes.Contains(payload, []byte("application_id")) {
			return
		}
		comparePayload(t, sample{Type: eventType, Name: "fuzz"}, "", payload, like)
	})
}

// What is kept shares the strings that come again.
func TestDecodeKept(t *testing.T) {
	var names events.Names
	for _, s := range corpus(t) {
		for range 2 {
			got, err := events.DecodeKept(s.Type, s.Payload, &names)
			if err != nil {
				t.Fatal(err)
			}
			if want, _ := events.Decode(s.Type, s.Payload); !reflect.DeepEqual(got, want) {
				t.Errorf("%s, %s: got %s, want %s", s.Type, s.Name, show(got), show(want))
			}
		}
	}
	member := []byte(`{"user":{"id":"1234567890123456789","username":"someone"},"roles":["2234567890123456789"]}`)
	n := testing.AllocsPerRun(10, func() {
		if m, err := events.DecodeMember(member, &names); err != nil || m.User.Username != "someone" {
			t.Fatal(m, err)
		}
	})
	if n > 3 { // the member, the user and the list
		t.Errorf("%v allocations for a member that was there before", n)
	}
}
