package events_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/events"
)

func TestDecodeUnknownType(t *testing.T) {
	for _, eventType := range []string{
		"RATE_LIMITED", "VOICE_CHANNEL_STATUS_UPDATE", "GUILD_SOUNDBOARD_SOUND_CREATE",
		"STAGE_INSTANCE_EVENT_CREATE", "__CONNECT__", "message_create", "",
	} {
		payload, err := events.Decode(eventType, []byte(`{"id":"1"}`))
		if !errors.Is(err, events.ErrUnknownType) || payload != nil {
			t.Errorf("Decode(%q) = %v, %v; want ErrUnknownType", eventType, payload, err)
		}
		if events.Known(eventType) {
			t.Errorf("Known(%q) = true", eventType)
		}
	}
}

func TestTypes(t *testing.T) {
	types := events.Types()
	if !slices.IsSorted(types) {
		t.Error("Types is not sorted")
	}
	for _, eventType := range types {
		if !events.Known(eventType) {
			t.Errorf("Known(%q) = false", eventType)
		}
	}
	types[0] = "changed"
	if events.Types()[0] == "changed" {
		t.Error("the slice that Types returns is shared")
	}
}

// TestDecodeIncomplete has for every type a payload that is JSON of the right kind and lacks
// everything: if one decodes, check has no case for it.
func TestDecodeIncomplete(t *testing.T) {
	for _, eventType := range events.Types() {
		payload := "{}"
		switch eventType {
		case "RESUMED": // has no identity
			continue
		case "PRESENCES_REPLACE": // an empty list is complete
			payload = "[{}]"
		}
		_ = wantPayloadError(t, eventType, payload)
	}
}

func TestDecodeWrongKind(t *testing.T) {
	for _, eventType := range events.Types() {
		for _, payload := range []string{"", " ", "null", "true", `"x"`, "7", "[]", "{}", "}", "nul"} {
			if payload == "{}" && eventType == "RESUMED" ||
				payload == "[]" && eventType == "PRESENCES_REPLACE" {
				continue
			}
			_ = wantPayloadError(t, eventType, payload)
		}
	}
}

func TestDecodeTruncated(t *testing.T) {
	for _, s := range corpus(t) {
		compact := compacted(t, s.Payload)
		for i := 0; i < len(compact); i += 1 + len(compact)/50 {
			_ = wantPayloadError(t, s.Type, string(compact[:i]))
		}
		_ = wantPayloadError(t, s.Type, string(compact)+"}")
	}
}

func compacted(t testing.TB, payload []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := json.Compact(&buf, payload); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func wantPayloadError(t *testing.T, eventType, payload string) *events.PayloadError {
	t.Helper()
	got, err := events.Decode(eventType, []byte(payload))
	var target *events.PayloadError
	if !errors.As(err, &target) || got != nil {
		t.Errorf("Decode(%s, %.60s) = %v, %v; want a PayloadError", eventType, payload, got, err)
	}
	return target
}

func TestDecodeMissing(t *testing.T) {
	const id = `"id":"1"`
	member := `"member":{"user":{"id":"3"}}`
	interaction := func(rest string) string { return `{"id":"1","token":"t",` + rest + `}` }
	tests := []struct {
		eventType, payload, field string
	}{
		{"MESSAGE_CREATE", `{"channel_id":"2","author":{"id":"3"}}`, "/id"},
		{"MESSAGE_CREATE", `{"id":"1","author":{"id":"3"}}`, "/channel_id"},
		{"MESSAGE_CREATE", `{"id":"1","channel_id":"2"}`, "/author"},
		{"MESSAGE_CREATE", `{"id":"1","channel_id":"2","author":null}`, "/author"},
		{"MESSAGE_CREATE", `{"id":"1","channel_id":"2","author":{}}`, "/author/id"},
		{"MESSAGE_UPDATE", `{"id":"1","channel_id":"2","mentions":[null]}`, "/mentions/0"},
		{"MESSAGE_UPDATE", `{"id":"1","channel_id":"2","embeds":[{},null]}`, "/embeds/1"},
		{"MESSAGE_REACTION_ADD", `{"user_id":"1","channel_id":"2"}`, "/message_id"},
		{"MESSAGE_REACTION_ADD", `{"user_id":"1","channel_id":"2","message_id":"3","member":{}}`, "/member/user"},
		{"MESSAGE_REACTION_REMOVE_ALL", `{"emoji":{}}`, "/channel_id"},
		{"READY", `{"user":{"id":"1"}}`, "/session_id"},
		{"READY", `{"session_id":"s"}`, "/user"},
		{"READY", `{"session_id":"s","user":{"id":"1"},"guilds":[null]}`, "/guilds/0"},
		{"GUILD_CREATE", `{"name":"g"}`, "/id"},
		{"GUILD_CREATE", `{"id":"1","channels":[null]}`, "/channels/0"},
		{"GUILD_CREATE", `{"id":"1","members":[{"user":{"id":"1"}},{}]}`, "/members/1/user"},
		{"GUILD_CREATE", `{"id":"1","members":[null]}`, "/members/0"},
		{"GUILD_CREATE", `{"id":"1","presences":[{"status":"online"}]}`, "/presences/0/user"},
		{"GUILD_CREATE", `{"id":"1","voice_states":[null]}`, "/voice_states/0"},
		{"GUILD_CREATE", `{"id":"1","roles":[null]}`, "/roles/0"},
		{"GUILD_MEMBER_ADD", `{"user":{"id":"3"}}`, "/guild_id"},
		{"GUILD_MEMBER_UPDATE", `{"guild_id":"1","user":null}`, "/user"},
		{"GUILD_MEMBER_REMOVE", `{"guild_id":"1"}`, "/user"},
		{"GUILD_MEMBERS_CHUNK", `{"guild_id":"1","members":[{}]}`, "/members/0/user"},
		{"GUILD_ROLE_UPDATE", `{"guild_id":"1"}`, "/role"},
		{"GUILD_AUDIT_LOG_ENTRY_CREATE", `{"guild_id":"1","id":"2"}`, "/action_type"},
		{"PRESENCE_UPDATE", `{"guild_id":"1","status":"idle"}`, "/user"},
		{"PRESENCE_UPDATE", `{"user":{"id":"1"},"activities":[null]}`, "/activities/0"},
		{"PRESENCES_REPLACE", `[null]`, "/presences/0"},
		{"THREAD_MEMBERS_UPDATE", `{"id":"1","guild_id":"2","added_members":[{}]}`, "/added_members/0/user_id"},
		{"VOICE_STATE_UPDATE", `{"guild_id":"1","channel_id":"2"}`, "/user_id"},
		{"CHANNEL_CREATE", `{"id":"1","permission_overwrites":[null]}`, "/permission_overwrites/0"},
		{"INTERACTION_CREATE", `{"token":"t","type":2}`, "/id"},
		{"INTERACTION_CREATE", `{"id":"1","type":2}`, "/token"},
		{"INTERACTION_CREATE", interaction(member), "/type"},
		{"INTERACTION_CREATE", interaction(`"type":2,"data":{}`), "/user"},
		{"INTERACTION_CREATE", interaction(`"type":2,"data":{},"member":{}`), "/member/user"},
		{"INTERACTION_CREATE", interaction(`"type":2,` + member), "/data"},
		{"INTERACTION_CREATE", interaction(`"type":5,"data":null,` + member), "/data"},
		{"INTERACTION_CREATE", interaction(`"type":4,"data":{"options":[{"options":[null]}]},` + member), "/data/options/0/options/0"},
		{"INTERACTION_CREATE", interaction(`"type":2,"data":{"resolved":{"users":{"1":null}}},` + member), "/data/resolved/users/*"},
		{"INTERACTION_CREATE", interaction(`"type":3,"data":{"custom_id":"c"},` + member), "/message/id"},
	}
	for _, tt := range tests {
		err := wantPayloadError(t, tt.eventType, tt.payload)
		if err != nil && (err.Field != tt.field || err.Reason != "missing") {
			t.Errorf("Decode(%s, %s): %v, want field %q", tt.eventType, tt.payload, err, tt.field)
		}
	}
	if _, err := events.Decode("GUILD_DELETE", []byte(`{`+id+`}`)); err != nil {
		t.Errorf("a left guild needs no more than its ID: %v", err)
	}
}

// TestDecodeProbes has the places where JSON decoders differ.
func TestDecodeProbes(t *testing.T) {
	message := func(rest string) string {
		return `{"id":"1","channel_id":"2","author":{"id":"3"},` + rest + `}`
	}
	tests := []struct {
		name, eventType, payload string
		ok                       bool // and if so, equal to encoding/json
	}{
		{"duplicate name", "MESSAGE_CREATE", message(`"content":"a","content":"b"`), true},
		{"duplicate object", "MESSAGE_CREATE", message(`"author":{"username":"x"}`), true},
		{"invalid UTF-8", "MESSAGE_CREATE", message("\"content\":\"a\xffb\""), true},
		{"half a surrogate pair", "MESSAGE_CREATE", message(`"content":"\ud83d."`), true},
		{"escapes", "MESSAGE_CREATE", message(`"content":"\u0000\n\ud83d\udc4b\/"`), true},
		{"null time", "MESSAGE_CREATE", message(`"timestamp":null`), true},
		{"null list", "MESSAGE_CREATE", message(`"mentions":null,"embeds":null`), true},
		{"null components", "MESSAGE_CREATE", message(`"components":null`), true},
		{"null number", "MESSAGE_CREATE", message(`"type":null,"flags":null`), true},
		{"null string", "MESSAGE_CREATE", message(`"content":null`), true},
		{"null bool", "MESSAGE_CREATE", message(`"tts":null`), true},
		{"time with an offset", "MESSAGE_CREATE", message(`"timestamp":"2024-02-03T04:05:06+05:30"`), true},
		{"time with a comma", "MESSAGE_CREATE", message(`"timestamp":"2024-02-03T04:05:06,345Z"`), true},
		{"empty time", "MESSAGE_CREATE", message(`"timestamp":""`), false},
		{"number for an ID", "MESSAGE_UPDATE", `{"id":7,"channel_id":"2"}`, false},
		{"string for a number", "MESSAGE_CREATE", message(`"type":"0"`), false},
		{"exponent for an integer", "MESSAGE_CREATE", message(`"type":1e2`), false},
		{"fraction for an integer", "MESSAGE_CREATE", message(`"type":1.5`), false},
		{"object for a list", "MESSAGE_CREATE", message(`"mentions":{}`), false},
		{"object for components", "MESSAGE_CREATE", message(`"components":{}`), false},
		{"number for a component", "MESSAGE_CREATE", message(`"components":[7]`), false},
		{"string for a component's type", "MESSAGE_CREATE", message(`"components":[{"type":"2"}]`), false},
		{"fault in a component", "MESSAGE_CREATE", message(`"components":[{"type":2,"label":3}]`), false},
		{"permissions in a string", "GUILD_ROLE_CREATE", `{"guild_id":"1","role":{"id":"2","permissions":"8"}}`, true},
		{"permissions null", "GUILD_ROLE_CREATE", `{"guild_id":"1","role":{"id":"2","permissions":null}}`, true},
		{"permissions in a number", "GUILD_ROLE_CREATE", `{"guild_id":"1","role":{"id":"2","permissions":8}}`, false},
		{"application in a number", "PRESENCE_UPDATE", `{"user":{"id":"1"},"activities":[{"application_id":12}]}`, true},
		{"application null", "PRESENCE_UPDATE", `{"user":{"id":"1"},"activities":[{"application_id":null}]}`, true},
		{"application true", "PRESENCE_UPDATE", `{"user":{"id":"1"},"activities":[{"application_id":true}]}`, false},
		{"times in fractions", "PRESENCE_UPDATE", `{"user":{"id":"1"},"activities":[{"timestamps":{"start":1.5e3,"end":-0.5}}]}`, true},
		{"created before 1970", "PRESENCE_UPDATE", `{"user":{"id":"1"},"activities":[{"created_at":-1}]}`, true},
		{"created out of range", "PRESENCE_UPDATE", `{"user":{"id":"1"},"activities":[{"created_at":9223372036854775807}]}`, true},
		{"white space", "RESUMED", " {\n\t\"_trace\" : [ ] \r\n} ", true},
		{"data of another kind", "INTERACTION_CREATE", `{"id":"1","token":"t","type":2,"user":{"id":"3"},"data":7}`, false},
		{"data before type", "INTERACTION_CREATE", `{"data":{"name":"n"},"id":"1","token":"t","type":2,"user":{"id":"3"}}`, true},
		{"unknown interaction", "INTERACTION_CREATE", `{"id":"1","token":"t","type":99,"data":{"x":1}}`, true},
		{"ping", "INTERACTION_CREATE", `{"id":"1","token":"t","type":1}`, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if !tt.ok {
				_ = wantPayloadError(t, tt.eventType, tt.payload)
				return
			}
			got, err := events.Decode(tt.eventType, []byte(tt.payload))
			if err != nil {
				t.Fatal(err)
			}
			want, err := reference(got, []byte(tt.payload))
			if err != nil {
				t.Fatalf("encoding/json: %v", err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("Decode = %s, encoding/json = %s", show(got), show(want))
			}
		})
	}
}

// TestDecodeDiffersFromDiscordgo has what is not like encoding/json, on purpose.
func TestDecodeDiffersFromDiscordgo(t *testing.T) {
	got, err := events.Decode("MESSAGE_UPDATE", []byte(`{"id":"1","channel_id":"2","CONTENT":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	if content := got.(*discordgo.MessageUpdate).Content; content != "" {
		t.Errorf("content = %q: the name's case was ignored", content)
	}
	got, err = events.Decode("PRESENCE_UPDATE",
		[]byte(`{"user":{"id":"1"},"activities":[{"application_id":"spotify"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if id := got.(*discordgo.PresenceUpdate).Activities[0].ApplicationID; id != "spotify" {
		t.Errorf("application ID = %q, want the string of the payload", id)
	}
}

func TestErrorsShowNoPayload(t *testing.T) {
	const secret = "hunter2"
	for _, tt := range []struct{ eventType, payload string }{
		{"INTERACTION_CREATE", `{"id":"1","type":"hunter2","token":"hunter2"}`},
		{"INTERACTION_CREATE", `{"id":"1","token":"hunter2"}`},
		{"INTERACTION_CREATE", `{"id":"1","token":"hunter2`},
		{"INTERACTION_CREATE", `{"id":"1","token":"t","type":2,"data":{"name":["hunter2"]}}`},
		{"INTERACTION_CREATE", `{"id":"1","token":"t","type":2,"data":"hunter2"}`},
		{"MESSAGE_CREATE", `{"id":"1","timestamp":"hunter2"}`},
		{"MESSAGE_CREATE", `{"id":"1","hunter2":hunter2}`},
		{"MESSAGE_CREATE", `{"id":"1","components":[{"type":2,"style":"hunter2"}]}`},
		{"GUILD_ROLE_CREATE", `{"role":{"permissions":"hunter2"}}`},
		{"VOICE_SERVER_UPDATE", `"hunter2"`},
	} {
		_, err := events.Decode(tt.eventType, []byte(tt.payload))
		if err == nil {
			t.Errorf("Decode(%s, %s) succeeded", tt.eventType, tt.payload)
		}
		for ; err != nil; err = errors.Unwrap(err) {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("Decode(%s, %s): the error %q quotes it", tt.eventType, tt.payload, err)
			}
		}
	}
}

func TestPayloadErrorText(t *testing.T) {
	for _, tt := range []struct{ eventType, payload, want string }{
		{"MESSAGE_CREATE", `null`, "decode MESSAGE_CREATE: not a JSON object"},
		{"MESSAGE_CREATE", `{"id":"1"`, "decode MESSAGE_CREATE: malformed JSON after 9 bytes"},
		{"MESSAGE_CREATE", `{"id":1}`, `decode MESSAGE_CREATE: field "/id": invalid number for string`},
		{
			"MESSAGE_CREATE", `{"author":{"bot":"x"}}`,
			`decode MESSAGE_CREATE: field "/author/bot": invalid string for bool`,
		},
		{
			"MESSAGE_CREATE", `{"id":"1","channel_id":"2"}`,
			`decode MESSAGE_CREATE: field "/author": missing`,
		},
	} {
		_, err := events.Decode(tt.eventType, []byte(tt.payload))
		if err == nil || err.Error() != tt.want {
			t.Errorf("Decode(%s, %s): %v, want %s", tt.eventType, tt.payload, err, tt.want)
		}
	}
}

func TestContainPanics(t *testing.T) {
	fault := errors.New("fault")
	if err := events.Contain(func() error { return fault }); err != fault {
		t.Errorf("an error came back as %v", err)
	}
	if err := events.Contain(func() error { return nil }); err != nil {
		t.Errorf("nil came back as %v", err)
	}
	var none map[string]int
	for want, f := range map[string]func() error{
		"panic: assignment to entry in nil map": func() error { none["x"] = 1; return nil },
		"panic: value of type string":           func() error { panic("a secret") },
	} {
		var p *events.PanicError
		err := events.Contain(f)
		if !errors.As(err, &p) || err.Error() != want || len(p.Stack) == 0 {
			t.Errorf("error = %v, want %q with a stack", err, want)
		}
	}
}
