package frame

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// members walks the members of one JSON object. It checks structure (quotes, brackets, colons),
// not every rule of JSON; Valid does that.
type members struct {
	b      []byte
	i      int    // next unread byte
	name   []byte // what it says
	raw    []byte // as it stands, quotes included
	val    []byte
	first  bool
	closed bool
}

// object begins a walk over the object that b holds.
func object(b []byte) (members, bool) {
	i := space(b, 0)
	if i >= len(b) || b[i] != '{' {
		return members{}, false
	}
	return members{b: b, i: i + 1, first: true}, true
}

// key moves to the value of the next member and sets name. It is false at the end of the object
// and at anything that is not a member.
func (m *members) key() bool {
	i := space(m.b, m.i)
	if i >= len(m.b) {
		return false
	}
	if m.b[i] == '}' {
		m.i, m.closed = i+1, true
		return false
	}
	if !m.first {
		if m.b[i] != ',' {
			return false
		}
		i = space(m.b, i+1)
	}
	m.first = false
	if i >= len(m.b) || m.b[i] != '"' {
		return false
	}
	end := skipString(m.b, i)
	if end < 0 {
		return false
	}
	m.raw, m.name = m.b[i:end], m.b[i+1:end-1]
	if bytes.IndexByte(m.name, '\\') >= 0 { // Discord has none
		m.name, _ = jsontext.AppendUnquote(nil, m.raw)
	}
	i = space(m.b, end)
	if i >= len(m.b) || m.b[i] != ':' {
		return false
	}
	m.i = space(m.b, i+1)
	return true
}

// value reads the value that key stands at and sets val.
func (m *members) value() bool {
	end := skip(m.b, m.i)
	if end < 0 {
		return false
	}
	m.val, m.i = m.b[m.i:end], end
	return true
}

// done reports whether the object ended and nothing but space follows it.
func (m *members) done() bool {
	return m.closed && space(m.b, m.i) == len(m.b)
}

// skip returns the index behind the value that begins at b[i], or -1 if there is none or it is
// cut short.
func skip(b []byte, i int) int {
	if i >= len(b) {
		return -1
	}
	switch b[i] {
	case '"':
		return skipString(b, i)
	case '{', '[':
		return skipNested(b, i)
	case ',', ':', '}', ']':
		return -1
	}
	for i < len(b) && !delimits(b[i]) {
		i++
	}
	return i
}

// skipNested skips an object or array by counting brackets outside strings.
func skipNested(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			if i = skipString(b, i); i < 0 {
				return -1
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
		i++
	}
	return -1
}

// skipString returns the index behind the string whose opening quote is b[i].
func skipString(b []byte, i int) int {
	from := i + 1
	for {
		n := bytes.IndexByte(b[from:], '"')
		if n < 0 {
			return -1
		}
		quote := from + n
		escapes := 0
		for quote-escapes-1 > i && b[quote-escapes-1] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return quote + 1
		}
		from = quote + 1
	}
}

func delimits(c byte) bool {
	switch c {
	case ',', '}', ']', ':', ' ', '\t', '\r', '\n', '"', '{', '[':
		return true
	}
	return false
}

func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

func isNull(v []byte) bool { return string(v) == "null" }

// unquote returns the contents of a string without escapes.
func unquote(v []byte) ([]byte, bool) {
	if len(v) < 2 || v[0] != '"' || v[len(v)-1] != '"' {
		return nil, false
	}
	s := v[1 : len(v)-1]
	return s, bytes.IndexByte(s, '\\') < 0
}

// parseInt parses a JSON integer of at most 18 digits.
func parseInt(v []byte) (n int64, ok bool) {
	negative := len(v) > 0 && v[0] == '-'
	if negative {
		v = v[1:]
	}
	if len(v) == 0 || len(v) > 18 {
		return 0, false
	}
	for _, c := range v {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	if negative {
		n = -n
	}
	return n, true
}
