package frame

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/botwright/botwright/internal/scan"
)

// members walks the members of one JSON object. It checks structure (quotes, brackets, colons),
// not every rule of JSON, and tells whether that was enough; see loose.
type members struct {
	b      []byte
	i      int    // next unread byte
	name   []byte // what it says
	raw    []byte // as it stands, quotes included
	val    []byte
	first  bool
	closed bool
	loose  bool // what was passed over may not be well-formed
}

// object begins a walk over the object that b holds.
func object(b []byte) (members, bool) { return objectAt(b, scan.Space(b, 0)) }

func objectAt(b []byte, i int) (members, bool) {
	if i >= len(b) || b[i] != '{' {
		return members{}, false
	}
	return members{b: b, i: i + 1, first: true}, true
}

// key moves to the value of the next member and sets name. It is false at the end of the object
// and at anything that is not a member.
func (m *members) key() bool {
	i := scan.Space(m.b, m.i)
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
		i = scan.Space(m.b, i+1)
	}
	m.first = false
	if i >= len(m.b) || m.b[i] != '"' {
		return false
	}
	end, plain := m.skipString(i)
	if end < 0 {
		return false
	}
	m.raw, m.name = m.b[i:end], m.b[i+1:end-1]
	if !plain && bytes.IndexByte(m.name, '\\') >= 0 { // Discord has none
		m.name, _ = jsontext.AppendUnquote(nil, m.raw)
	}
	i = scan.Space(m.b, end)
	if i >= len(m.b) || m.b[i] != ':' {
		return false
	}
	m.i = scan.Space(m.b, i+1)
	return true
}

// skipString returns the index behind the string that begins at b[i], and whether it says what its
// bytes are for sure.
func (m *members) skipString(i int) (end int, plain bool) {
	if end, plain = scan.String(m.b, i); end < 0 {
		m.loose = true
		end = skipString(m.b, i)
	}
	return end, plain
}

// value reads the value that key stands at and sets val. If it is false, so is key.
func (m *members) value() bool {
	end := scan.Value(m.b, m.i)
	if end < 0 {
		m.loose = true
		if end = skip(m.b, m.i); end < 0 {
			m.i = len(m.b)
			return false
		}
	}
	m.val, m.i = m.b[m.i:end], end
	return true
}

// find reads the value that key stands at and returns what [Find] finds in it.
func (m *members) find(path ...string) (value []byte, ok bool) {
	in, isObject := objectAt(m.b, m.i)
	if !isObject {
		m.value()
		return nil, false
	}
	for in.key() {
		switch {
		case string(in.name) != path[0]:
			in.value()
		case len(path) == 1:
			if in.value() && (!ok || !isNull(in.val)) {
				value, ok = in.val, true
			}
		case scan.Literal(in.b, in.i, "null") >= 0:
			in.value()
			value, ok = nil, false
		default:
			v, found := in.find(path[1:]...)
			if found && (!ok || !isNull(v)) {
				value, ok = v, true
			}
		}
	}
	m.i = in.i
	m.loose = m.loose || in.loose || !in.closed
	return value, ok
}

// done reports whether the object ended and nothing but space follows it.
func (m *members) done() bool {
	return m.closed && scan.Space(m.b, m.i) == len(m.b)
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
