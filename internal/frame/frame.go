// Package frame reads the parts of a gateway payload that decide where it goes, in place and
// without decoding it: the envelope (op, s, t and the extent of d) and the ids in d by which an
// event is routed.
//
// Nothing here allocates and nothing is retained: every slice in a result aliases the input and
// is valid as long as the input is. The functions take any bytes and never panic.
package frame

import (
	"bytes"
	"errors"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/botwright/botwright/internal/scan"
)

var (
	// ErrSyntax says that the bytes are not one JSON value: they are cut short, damaged or no
	// JSON at all. What they were meant to be cannot be known.
	ErrSyntax = errors.New("frame: not well-formed JSON")

	// ErrKind says that the bytes are JSON but no gateway payload, such as null or an array.
	// Such a value is not a damaged event.
	ErrKind = errors.New("frame: not a gateway payload")

	// ErrField says that op, s or t is missing or of the wrong type in an object. It may be an
	// event.
	ErrField = errors.New("frame: op, s or t missing or of the wrong type")
)

// An Envelope is the outer object of a gateway payload.
type Envelope struct {
	Op   int
	Seq  int64  // 0 when s is null or absent; only dispatches carry one
	Type []byte // t without its quotes; nil when null or absent
	Data []byte // d as it stands, nil when absent; see [Peek] and [Whole]
}

// Peek reads the envelope of a payload.
//
// It stops at the d of a dispatch once op, s and t are known, which is the order in which Discord
// writes them, so that an event nobody wants costs no more than its first few bytes. Data is then
// everything up to the closing brace, unchecked: call [Whole] before relying on it.
func Peek(payload []byte) (Envelope, error) {
	var e Envelope
	var hasOp, hasSeq, hasType bool
	it, ok := object(payload)
	if !ok {
		if Valid(payload) {
			return e, ErrKind
		}
		return e, ErrSyntax
	}
	for it.key() {
		name := it.name
		if len(name) == 1 && name[0] == 'd' && hasOp && hasSeq && hasType && e.Op == 0 {
			rest := bytes.TrimRight(payload[it.i:], " \t\r\n")
			if len(rest) < 2 || rest[len(rest)-1] != '}' {
				return e, ErrSyntax
			}
			e.Data = bytes.TrimRight(rest[:len(rest)-1], " \t\r\n")
			return e, nil
		}
		if !it.value() {
			return e, ErrSyntax
		}
		v := it.val
		switch string(name) {
		case "op":
			op, ok := parseInt(v)
			if !ok || op < 0 || op > 1<<16 {
				return e, ErrField
			}
			e.Op, hasOp = int(op), true
		case "s":
			hasSeq = true
			if isNull(v) {
				break
			}
			if e.Seq, ok = parseInt(v); !ok || e.Seq < 0 {
				return e, ErrField
			}
		case "t":
			hasType = true
			if isNull(v) {
				break
			}
			if e.Type, ok = unquote(v); !ok {
				return e, ErrField
			}
		case "d":
			e.Data = v
		}
	}
	if !it.done() {
		return e, ErrSyntax
	}
	if !hasOp {
		return e, ErrField
	}
	return e, nil
}

// Valid reports whether b is exactly one well-formed JSON value. Like Discord's other clients it
// puts up with invalid UTF-8 and duplicate names.
func Valid(b []byte) bool {
	if end := scan.Value(b, scan.Space(b, 0)); end >= 0 && scan.Space(b, end) == len(b) {
		return true
	}
	return jsontext.Value(b).IsValid(
		jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
}

// Whole returns the d of a dispatch without members of the envelope that may stand behind it, and
// whether it is well-formed. Discord writes none there today.
func Whole(data []byte) (d []byte, ok bool) {
	if Valid(data) {
		return data, true
	}
	end := skip(data, 0)
	if end < 0 || !Valid(data[:end]) {
		return data, false
	}
	rest := members{b: data, i: end}
	for rest.key() {
		if !rest.value() || !Valid(rest.val) {
			return data, false
		}
	}
	if scan.Space(data, rest.i) != len(data) || rest.closed {
		return data, false
	}
	return data[:end], true
}

// Lookup returns the value found in the object d under the given path of names, as it stands,
// quotes included. The first of duplicate names counts, so that no more is read than has to be;
// what decides about an event in place of a decoder uses [Find].
func Lookup(d []byte, path ...string) (value []byte, ok bool) {
	value = d
	for _, name := range path {
		it, ok := object(value)
		if !ok {
			return nil, false
		}
		found := false
		for it.key() && it.value() {
			if string(it.name) == name {
				value, found = it.val, true
				break
			}
		}
		if !found {
			return nil, false
		}
	}
	return value, true
}

// Find is [Lookup] as a decoder sees the object: of duplicate names the last counts, objects under
// one name are merged, and null changes a value to nothing only if that is an object.
func Find(d []byte, path ...string) (value []byte, ok bool) {
	m := members{b: d, i: scan.Space(d, 0)}
	return m.find(path...)
}

// First returns the first element of the array that v holds, as it stands.
func First(v []byte) (element []byte, ok bool) {
	i := scan.Space(v, 0)
	if i >= len(v) || v[i] != '[' {
		return nil, false
	}
	i = scan.Space(v, i+1)
	end := skip(v, i)
	if end < 0 {
		return nil, false
	}
	return v[i:end], true
}

// String returns the contents of a JSON string that has no escapes in it; ok is false for
// anything else.
func String(value []byte) (s []byte, ok bool) { return unquote(value) }

// Text returns what a JSON string says; ok is false for anything else. It allocates only if there
// are escapes in it.
func Text(value []byte) (s []byte, ok bool) {
	if s, ok := unquote(value); ok {
		return s, true
	}
	s, err := jsontext.AppendUnquote(nil, value)
	return s, err == nil
}

// Snowflake returns the id in a JSON string of decimal digits, which is how Discord writes one,
// or in a plain number.
func Snowflake(value []byte) (id uint64, ok bool) {
	if s, ok := unquote(value); ok {
		value = s
	}
	return ParseSnowflake(value)
}

// ParseSnowflake parses a decimal id of at most 64 bits.
func ParseSnowflake[T string | []byte](s T) (id uint64, ok bool) {
	if len(s) == 0 || len(s) > 20 {
		return 0, false
	}
	for i := range len(s) {
		digit := uint64(s[i] - '0')
		if digit > 9 || i == 19 && (id > (1<<64-1)/10 || id*10 > 1<<64-1-digit) {
			return 0, false
		}
		id = id*10 + digit
	}
	return id, true
}
