package scan_test

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/botwright/botwright/internal/scan"
)

// valid is what a full parser says.
func valid(b []byte) bool {
	return jsontext.Value(b).IsValid(
		jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
}

// accepts reports whether Value takes all of b for a value.
func accepts(b []byte) bool {
	end := scan.Value(b, scan.Space(b, 0))
	return end >= 0 && scan.Space(b, end) == len(b)
}

func seeds() []string {
	return []string{
		`{}`, `[]`, ` { "a" : [ 1 , -0.5e+7 , "x" ] , "b" : { } } `, `null`, `true`, `false`, `0`, `-1`,
		`"\u00e9\ud83d\n\\\"\/"`, "\"\xff\"", "\"\x1f\"", `"0123456789abcdef\"0123456789"`, `"é"`,
		`{"a":1,"a":2}`, `[[[[]]],{}]`, `1.5E10`, ``, ` `, `{`, `[`, `"`, `"\`, `"\u12`, `"\u12g4"`, `"\x"`,
		`01`, `-`, `1.`, `.5`, `1e`, `+1`, `nul`, `truefalse`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{,}`, `[1,]`,
		`[,]`, `[1 2]`, `{"a" 1}`, `{1:2}`, `[}`, `{]`, `{}}`, `[]]`, `"abcdefg`, `"abcdefgh`, `{"a":1 "b":2}`,
		"[1,\n\t\r 2]", "[\v1]", `[-]`, `--1`, `[1-2]`, `{"a":{"b":[{"c":null}]}}`,
		"\"01234567\x7f\"", `"7654321`, `"\u0000"`, `"\\\\\\\\"`, `"aaaaaaa"`, `"aaaaaaaa"`, `"aaaaaaaaa"`,
	}
}

func TestValue(t *testing.T) {
	for _, s := range seeds() {
		if got, want := accepts([]byte(s)), valid([]byte(s)); got != want {
			t.Errorf("%q: %v, want %v", s, got, want)
		}
	}
}

func TestDepth(t *testing.T) {
	for depth, want := range map[int]bool{1: true, 64: true, 65: false, 1 << 20: false} {
		for _, pair := range [][2]string{{"[", "]"}, {`{"a":`, "}"}} {
			b := strings.Repeat(pair[0], depth) + "1" + strings.Repeat(pair[1], depth)
			if got := accepts([]byte(b)); got != want {
				t.Errorf("%d levels of %s: %v, want %v", depth, pair[0], got, want)
			}
		}
	}
}

func TestString(t *testing.T) {
	for s, plain := range map[string]bool{
		`"0123456789"`: true, `""`: true, `"a\n"`: false, `"0123456é"`: false,
		"\"\x7f\"": true, `"~}|{ !#[]"`: true, "\"0123456\x80\"": false,
	} {
		for _, behind := range []string{"", `,"x":"\n","y":1`, "\x00\x80\xff"} {
			end, got := scan.String([]byte(s+behind), 0)
			if end != len(s) || got != plain {
				t.Errorf("%s before %q: %d, %v, want %d, %v", s, behind, end, got, len(s), plain)
			}
		}
	}
}

func TestNumber(t *testing.T) {
	for s, integer := range map[string]bool{
		"0": true, "-12": true, "1234567890123456789012": true, "1.0": false, "1e3": false, "-0.1E-2": false,
	} {
		if end, got := scan.Number([]byte(s+"]"), 0); end != len(s) || got != integer {
			t.Errorf("%s: %d, %v, want %d, %v", s, end, got, len(s), integer)
		}
	}
}

func TestNoAllocations(t *testing.T) {
	b := []byte(`{"a":["x\n",1.5,null,{"é":true}],"b":false}`)
	if n := testing.AllocsPerRun(100, func() { scan.Value(b, 0) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzValue holds Value against a full parser.
func FuzzValue(f *testing.F) {
	for _, s := range seeds() {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, want := accepts(b), valid(b)
		deep := bytes.Count(b, []byte("["))+bytes.Count(b, []byte("{")) > 64
		if got != want && !(want && deep) {
			t.Errorf("%q: %v, want %v", b, got, want)
		}
		for i := range b {
			if b[i] != '"' {
				continue
			}
			end, plain := scan.String(b, i)
			if end < 0 {
				continue
			}
			text, err := jsontext.AppendUnquote(nil, b[i:end])
			if same := err == nil && bytes.Equal(text, b[i+1:end-1]); plain && !same {
				t.Errorf("%q is not plain", b[i:end])
			} else if !plain && same && utf8.RuneCount(text) == len(text) {
				t.Errorf("%q is plain", b[i:end])
			}
		}
	})
}

func BenchmarkValue(b *testing.B) {
	payload := []byte(`{"type":0,"tts":false,"timestamp":"2026-01-01T00:00:00.000000+00:00","pinned":false,"nonce":"1","mentions":[],"mention_roles":[],"mention_everyone":false,"member":{"roles":["1","2"],"mute":false,"joined_at":"2026-01-01T00:00:00.000000+00:00","deaf":false},"id":"1234567890123456789","flags":0,"embeds":[],"edited_timestamp":null,"content":"hello there, how are you","components":[],"channel_id":"2234567890123456789","author":{"username":"someone","id":"3234567890123456789","avatar":"x"},"attachments":[],"guild_id":"4234567890123456789"}`)
	for b.Loop() {
		scan.Value(payload, 0)
	}
	b.SetBytes(int64(len(payload)))
}
