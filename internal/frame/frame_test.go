package frame_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/botwright/botwright/internal/frame"
)

func TestPeek(t *testing.T) {
	tests := []struct {
		name, in string
		op       int
		seq      int64
		typ      string
		data     string
		err      error
	}{
		{"dispatch", `{"t":"MESSAGE_CREATE","s":42,"op":0,"d":{"id":"1"}}`, 0, 42, "MESSAGE_CREATE", `{"id":"1"}`, nil},
		{"d first", `{"d":{"a":[1,{"b":"}"}]},"op":0,"s":7,"t":"X"}`, 0, 7, "X", `{"a":[1,{"b":"}"}]}`, nil},
		{"spaces", " { \"op\" : 11 , \"d\" : null } ", 11, 0, "", `null`, nil},
		{"spaces behind d", `{"t":null,"s":null,"op":1,"d": 5 } `, 1, 0, "", `5`, nil},
		{"hello", `{"t":null,"s":null,"op":10,"d":{"heartbeat_interval":41250}}`, 10, 0, "", `{"heartbeat_interval":41250}`, nil},
		{"bare ack", `{"op":11}`, 11, 0, "", ``, nil},
		{"escaped quote", `{"op":0,"x":"a\\\"b\"}","s":1,"t":"Y","d":1}`, 0, 1, "Y", `1`, nil},
		{"empty", ``, 0, 0, "", ``, frame.ErrSyntax},
		{"garbage", `hello`, 0, 0, "", ``, frame.ErrSyntax},
		{"null", `null`, 0, 0, "", ``, frame.ErrKind},
		{"array", `[1]`, 0, 0, "", ``, frame.ErrKind},
		{"number", `7`, 0, 0, "", ``, frame.ErrKind},
		{"no op", `{}`, 0, 0, "", ``, frame.ErrField},
		{"op string", `{"op":"0"}`, 0, 0, "", ``, frame.ErrField},
		{"op negative", `{"op":-1}`, 0, 0, "", ``, frame.ErrField},
		{"op huge", `{"op":99999999999999999999}`, 0, 0, "", ``, frame.ErrField},
		{"seq string", `{"op":0,"s":"1"}`, 0, 0, "", ``, frame.ErrField},
		{"type number", `{"op":0,"t":1}`, 0, 0, "", ``, frame.ErrField},
		{"cut in d", `{"t":"X","s":1,"op":0,"d":{"id":"1`, 0, 1, "X", ``, frame.ErrSyntax},
		{"cut in type", `{"t":"MESSAGE_CR`, 0, 0, "", ``, frame.ErrSyntax},
		{"cut in d first", `{"d":{"id":"1"`, 0, 0, "", ``, frame.ErrSyntax},
		{"more behind", `{"op":1}{"op":1}`, 1, 0, "", ``, frame.ErrSyntax},
		{"no comma", `{"op":1 "s":2}`, 1, 0, "", ``, frame.ErrSyntax},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, err := frame.Peek([]byte(tt.in))
			if !errors.Is(err, tt.err) {
				t.Fatalf("error %v, want %v", err, tt.err)
			}
			if err != nil {
				return
			}
			if e.Op != tt.op || e.Seq != tt.seq || string(e.Type) != tt.typ || string(e.Data) != tt.data {
				t.Errorf("got op %d s %d t %q d %s", e.Op, e.Seq, e.Type, e.Data)
			}
		})
	}
}

func TestValid(t *testing.T) {
	tests := []struct {
		in   string
		want bool
	}{
		{`{"a":1}`, true}, {`null`, true}, {`{"a":"\ud800"}`, true}, {`{"a":1,"a":2}`, true},
		{``, false}, {`{"a":}`, false}, {`{"a":1}}`, false}, {`{"a":"x`, false},
	}
	for _, tt := range tests {
		if got := frame.Valid([]byte(tt.in)); got != tt.want {
			t.Errorf("Valid(%s) = %v", tt.in, got)
		}
	}
}

// Members that Discord may add behind d one day do no harm, wherever they stand.
func TestUnknownMembers(t *testing.T) {
	for in, want := range map[string]string{
		`{"t":"X","s":1,"op":0,"d":{"a":[1]},"x":1}`:                      `{"a":[1]}`,
		`{"t":"X","s":1,"op":0,"d":{"a":"}"} , "x" : {"d":{}},"y":"," } `: `{"a":"}"}`,
		`{"t":"X","s":1,"op":0,"d":null,"x":[]}`:                          `null`,
		`{"x":{"op":7},"t":"X","s":1,"op":0,"d":7}`:                       `7`,
		`{"t":"X","s":1,"op":0,"d":{"a":{},"x":1}`:                        "",
		`{"t":"X","s":1,"op":0,"d":{},"x":}`:                              "",
		`{"t":"X","s":1,"op":0,"d":{},"x":1,}`:                            "",
		`{"t":"X","s":1,"op":0,"d":{} {}}`:                                "",
		`{"t":"X","s":1,"op":0,"d":{},"x":1}}`:                            "",
		`{"t":"X","s":1,"op":0,"d":{"a":,},"x":1}`:                        "",
	} {
		e, err := frame.Peek([]byte(in))
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		d, ok := frame.Whole(e.Data)
		if ok != (want != "") || ok && string(d) != want {
			t.Errorf("%s: %s, %v, want %s", in, d, ok, want)
		}
	}
	e, err := frame.Peek([]byte(`{"t":null,"s":null,"op":9,"d":true,"x":1}`))
	if err != nil || string(e.Data) != "true" {
		t.Errorf("op 9: %s, %v", e.Data, err)
	}
}

func TestRoute(t *testing.T) {
	tests := []struct {
		typ, d               string
		guild, channel, user string
		key                  uint64
	}{
		{"MESSAGE_CREATE", `{"id":"9","author":{"id":"3","bot":true},"channel_id":"2","guild_id":"1","member":{"roles":[]}}`, "1", "2", "3", 2},
		{"MESSAGE_CREATE", `{"id":"9","author":{"id":"3"},"channel_id":"2"}`, "", "2", "3", 2},
		{"MESSAGE_REACTION_ADD", `{"user_id":"3","channel_id":"2","guild_id":"1"}`, "1", "2", "3", 2},
		{"TYPING_START", `{"user_id":"3","channel_id":"2","guild_id":"1"}`, "1", "2", "3", 2},
		{"GUILD_CREATE", `{"id":"1","channels":[{"id":"2","guild_id":"5"}]}`, "1", "", "", 1},
		{"GUILD_MEMBER_UPDATE", `{"user":{"username":"x","id":"3"},"guild_id":"1"}`, "1", "", "3", 1},
		{"CHANNEL_CREATE", `{"id":"2","guild_id":"1"}`, "1", "2", "", 1},
		{"THREAD_MEMBER_UPDATE", `{"id":"2","user_id":"3","guild_id":"1"}`, "1", "", "3", 1},
		{"INTERACTION_CREATE", `{"id":"9","channel_id":"2","guild_id":"1","member":{"user":{"id":"3"}}}`, "1", "2", "3", 1},
		{"INTERACTION_CREATE", `{"id":"9","channel_id":"2","user":{"id":"3"}}`, "", "2", "3", 2},
		{"PRESENCE_UPDATE", `{"user":{"id":"3"},"guild_id":"1","activities":[{"user":{"id":"8"}}]}`, "1", "", "3", 1},
		{"USER_UPDATE", `{"id":"3"}`, "", "", "3", 0},
		{"READY", `{"v":10,"user":{"id":"3"}}`, "", "", "3", 0},
		{"MESSAGE_CREATE", `{"channel_id":7,"guild_id":null,"author":[]}`, "", "", "", 0},
		{"MESSAGE_CREATE", `null`, "", "", "", 0},
	}
	for _, tt := range tests {
		r := frame.RouteOf(tt.typ, []byte(tt.d))
		if string(r.Guild) != tt.guild || string(r.Channel) != tt.channel || string(r.User) != tt.user {
			t.Errorf("%s %s: guild %s channel %s user %s", tt.typ, tt.d, r.Guild, r.Channel, r.User)
		}
		if got := r.Key(tt.typ); got != tt.key {
			t.Errorf("%s %s: key %d, want %d", tt.typ, tt.d, got, tt.key)
		}
	}
}

// Read says of any data what Whole and RouteOf say.
func checkRead(t *testing.T, eventType string, data []byte) {
	t.Helper()
	d, ok := frame.Whole(data)
	got, route, gotOK := frame.Read(eventType, data)
	if gotOK != ok || ok && string(got) != string(d) {
		t.Errorf("Read(%s, %q) = %q, %v, Whole: %q, %v", eventType, data, got, gotOK, d, ok)
	}
	if want := frame.RouteOf(eventType, d); ok && !reflect.DeepEqual(route, want) {
		t.Errorf("Read(%s, %q): %s, RouteOf: %s", eventType, data, route, want)
	}
}

func TestRead(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 70) + "1" + strings.Repeat("}", 70)
	for _, d := range []string{
		`{"channel_id":"2","author":{"id":"3"},"guild_id":"1"}`, `{}`, `null`, `[]`, ``, `{`, `{"a":}`,
		`{"a":1} `, `{"a":1},"x":1`, `{"a":1},"x":}`, `{"author":{"id":"3"}`, `{"author":{"id":"3",}}`,
		`{"author":{"id":3x}}`, `{"member":{"user":{"id":"3"}x}}`, `{"member":{"user":null,"a":01}}`,
		`{"guild_id":"1","a":` + deep + `}`, `{"author":` + deep + `,"guild_id":"1"}`, "{\"a\":\"\x01\"}",
		`{"a":"\x"}`, `{"a\u0062":1}`, `{"author":{"id":"3"},"author":{"id":null}}`, `{"author":,"guild_id":"1"}`,
		`{"author":{"id":,"x":1}}`,
	} {
		for _, eventType := range []string{"MESSAGE_CREATE", "USER_UPDATE", "CHANNEL_CREATE"} {
			checkRead(t, eventType, []byte(d))
		}
	}
	if _, r, ok := frame.Read("MESSAGE_CREATE", []byte(`{"author":`+deep+`,"guild_id":"1"}`)); !ok ||
		string(r.Guild) != "1" {
		t.Errorf("what nests deep was not read: %v, %v", r, ok)
	}
}

func TestLookup(t *testing.T) {
	d := []byte(`{"a":{"b":[1]},"s":"x","e":"\n","id":"18446744073709551615"}`)
	if v, ok := frame.Lookup(d, "a", "b"); !ok || string(v) != `[1]` {
		t.Errorf("a.b = %s, %v", v, ok)
	}
	for _, path := range [][]string{{"z"}, {"a", "z"}, {"s", "b"}, {"a", "b", "c"}} {
		if v, ok := frame.Lookup(d, path...); ok {
			t.Errorf("%v found: %s", path, v)
		}
	}
	e, _ := frame.Lookup(d, "e")
	if _, ok := frame.String(e); ok {
		t.Error("String took an escaped string")
	}
	id, _ := frame.Lookup(d, "id")
	if n, ok := frame.Snowflake(id); !ok || n != 1<<64-1 {
		t.Errorf("Snowflake = %d, %v", n, ok)
	}
}

func TestFirst(t *testing.T) {
	for v, want := range map[string]string{
		`[1,2]`: "1", ` [ {"a":[]} ]`: `{"a":[]}`, `["a,b"]`: `"a,b"`, `[[]]`: "[]",
	} {
		if got, ok := frame.First([]byte(v)); !ok || string(got) != want {
			t.Errorf("First(%s) = %s, %v, want %s", v, got, ok, want)
		}
	}
	for _, v := range []string{"", "[]", "[", "{}", `["a`, "null", "[,1]"} {
		if got, ok := frame.First([]byte(v)); ok {
			t.Errorf("First(%s) = %s", v, got)
		}
	}
}

func TestParseSnowflake(t *testing.T) {
	for _, bad := range []string{"", "-1", "1a", " 1", "18446744073709551616", "99999999999999999999", "123456789012345678901"} {
		if n, ok := frame.ParseSnowflake(bad); ok {
			t.Errorf("ParseSnowflake(%q) = %d", bad, n)
		}
	}
}

func TestNoAllocations(t *testing.T) {
	payload := []byte(`{"t":"MESSAGE_CREATE","s":42,"op":0,"d":{"id":"1","author":{"id":"3"},"channel_id":"2","guild_id":"1"}}`)
	allocs := testing.AllocsPerRun(100, func() {
		e, err := frame.Peek(payload)
		_, route, whole := frame.Read("MESSAGE_CREATE", e.Data)
		if err != nil || !whole {
			t.Fatal("not valid")
		}
		if route.Key("MESSAGE_CREATE") != 2 {
			t.Fatal("wrong key")
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations, want none", allocs)
	}
}

func FuzzPeek(f *testing.F) {
	for _, s := range []string{
		`{"t":"MESSAGE_CREATE","s":42,"op":0,"d":{"id":"1"}}`, `{"d":{},"op":9}`, `null`, `{"op":`, `{"a":"\\"`,
		`{"op":10,"d":{"heartbeat_interval":41250}}`, `[`, `"`, `{"":0,"op":1}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := frame.Peek(b)
		// Of two d's in one object the first does not end where it seems to.
		unique := jsontext.Value(b).IsValid(jsontext.AllowInvalidUTF8(true))
		if err == nil && unique && e.Data != nil && !frame.Valid(e.Data) {
			t.Errorf("d of a valid payload is not valid: %q of %q", e.Data, b)
		}
		if d, ok := frame.Whole(e.Data); ok != (err == nil && frame.Valid(d)) && err == nil {
			t.Errorf("Whole(%q) = %q, %v", e.Data, d, ok)
		}
		for _, eventType := range []string{"MESSAGE_CREATE", "USER_UPDATE", "GUILD_CREATE"} {
			checkRead(t, eventType, b)
			checkRead(t, eventType, e.Data)
		}
		frame.Lookup(b, "author", "id")
		frame.First(b)
	})
}

func BenchmarkPeekRoute(b *testing.B) {
	payload := []byte(`{"t":"MESSAGE_CREATE","s":42,"op":0,"d":{"type":0,"tts":false,"timestamp":"2026-01-01T00:00:00.000000+00:00","pinned":false,"nonce":"1","mentions":[],"mention_roles":[],"mention_everyone":false,"member":{"roles":["1","2"],"mute":false,"joined_at":"2026-01-01T00:00:00.000000+00:00","deaf":false},"id":"1234567890123456789","flags":0,"embeds":[],"edited_timestamp":null,"content":"hello there, how are you","components":[],"channel_id":"2234567890123456789","author":{"username":"someone","id":"3234567890123456789","avatar":"x"},"attachments":[],"guild_id":"4234567890123456789"}}`)
	b.Run("peek", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = frame.Peek(payload)
		}
	})
	e, _ := frame.Peek(payload)
	b.Run("valid", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			frame.Valid(e.Data)
		}
	})
	b.Run("route", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			frame.Read("MESSAGE_CREATE", e.Data)
		}
	})
}
