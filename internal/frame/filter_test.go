package frame_test

import (
	"testing"

	"github.com/botwright/botwright/internal/frame"
)

func TestFilter(t *testing.T) {
	tests := []struct {
		in, want string
		ok       bool
	}{
		{`{"keep":1,"drop":{"a":[1,"}"]},"change":[1,2]}`, `{"keep":1,"change":[2]}`, true},
		{` { "drop" : 1 } `, `{}`, true},
		{`{}`, `{}`, true},
		{`{"drop":1,"keep":"\"x"}`, `{"keep":"\"x"}`, true},
		{`[]`, ``, false},
		{`null`, ``, false},
		{`{"keep":`, `{}`, false},
	}
	for _, tt := range tests {
		got, ok := frame.Filter(nil, []byte(tt.in), func(name, value []byte) []byte {
			switch string(name) {
			case "drop":
				return nil
			case "change":
				return []byte(`[2]`)
			}
			return value
		})
		if string(got) != tt.want || ok != tt.ok {
			t.Errorf("%s: %s, %v; want %s, %v", tt.in, got, ok, tt.want, tt.ok)
		}
	}
}

func TestElements(t *testing.T) {
	tests := []struct{ in, want string }{
		{`[1, {"a":[2]} ,"]",null]`, `1|{"a":[2]}|"]"|null|`},
		{` [ ] `, ``}, {`[`, ``}, {`{}`, ``}, {``, ``}, {`[[1],[2]`, `[1]|[2]|`},
	}
	for _, tt := range tests {
		got := ""
		frame.Elements([]byte(tt.in), func(e []byte) bool {
			got += string(e) + "|"
			return true
		})
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.in, got, tt.want)
		}
	}
	n := 0
	frame.Elements([]byte(`[1,2,3]`), func([]byte) bool { n++; return n < 2 })
	if n != 2 {
		t.Errorf("%d elements after a stop at the second", n)
	}
}
