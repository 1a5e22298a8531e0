package events

import (
	"math"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/botwright/botwright/internal/scan"
)

// A reader decodes the events that come most often, several times as fast as a decoder that goes
// by reflection. Its methods for discordgo's structs are generated.
//
// It reads what Discord sends and gives up at the first thing that it does not: JSON that is
// damaged, a value of another kind, a number out of range, a name that comes twice. odd is set then,
// and whoever called it starts again with the general decoder, which alone decides what such a
// payload means, or what is wrong with it. Names that a struct has no field for are passed over,
// and null leaves a field as it is.
type reader struct {
	b    []byte
	i    int // the next byte
	odd  bool
	deep int    // how many objects and lists are open
	some bool   // of the object or list that was opened last: it has begun
	name []byte // of the member whose value comes next

	names *Names          // for what is kept; nil: short strings share text
	text  strings.Builder // the rest of the memory of the last of them
}

func newReader(d []byte, names *Names) reader {
	return reader{b: d, i: scan.Space(d, 0), names: names}
}

// maxDepth is how deep what a reader reads may nest.
const maxDepth = 64

// all reports whether everything was read.
func (r *reader) all() bool {
	return !r.odd && scan.Space(r.b, r.i) == len(r.b)
}

func (r *reader) giveUp() { r.odd, r.i = true, len(r.b) }

// null reports whether the next value is null, and passes it over.
func (r *reader) null() bool {
	if r.i < len(r.b) && r.b[r.i] == 'n' {
		r.literal("null")
		return true
	}
	return false
}

func (r *reader) literal(word string) {
	if end := scan.Literal(r.b, r.i, word); end >= 0 {
		r.i = end
	} else {
		r.giveUp()
	}
}

// object opens the object that comes next. member then goes through it.
func (r *reader) object() { r.open('{') }

// array opens the list that comes next, unless it is null. element then goes through it.
func (r *reader) array() bool {
	if r.null() {
		return false
	}
	r.open('[')
	return !r.odd
}

func (r *reader) open(bracket byte) {
	if r.i >= len(r.b) || r.b[r.i] != bracket || r.deep == maxDepth {
		r.giveUp()
		return
	}
	r.deep++
	r.i++
	r.some = false
}

// more moves to what the open object or list holds next. It is false at its end.
func (r *reader) more(bracket byte) bool {
	r.i = scan.Space(r.b, r.i)
	if r.i >= len(r.b) {
		r.giveUp()
		return false
	}
	switch c := r.b[r.i]; {
	case c == bracket:
		r.i++
		r.deep--
		r.some = true // so has what it is in
		return false
	case !r.some:
		r.some = true
	case c == ',':
		r.i = scan.Space(r.b, r.i+1)
	default:
		r.giveUp()
		return false
	}
	return true
}

// element moves to the next element of the open list.
func (r *reader) element() bool { return r.more(']') }

// member moves to the value of the next member of the open object, whose name it sets.
func (r *reader) member() bool {
	if !r.more('}') {
		return false
	}
	if r.i >= len(r.b) || r.b[r.i] != '"' {
		r.giveUp()
		return false
	}
	end, plain := scan.String(r.b, r.i)
	if !plain {
		r.giveUp()
		return false
	}
	r.name = r.b[r.i+1 : end-1]
	if r.i = scan.Space(r.b, end); r.i >= len(r.b) || r.b[r.i] != ':' {
		r.giveUp()
		return false
	}
	r.i = scan.Space(r.b, r.i+1)
	return true
}

// once notes that a field of the open object has come, and gives up on one that comes again.
func (r *reader) once(seen *uint64, field uint) {
	if *seen>>field&1 != 0 {
		r.giveUp()
	}
	*seen |= 1 << field
}

// skip passes the next value over.
func (r *reader) skip() {
	if end := scan.Value(r.b, r.i); end >= 0 {
		r.i = end
	} else {
		r.giveUp()
	}
}

// value passes the next value over and returns it.
func (r *reader) value() []byte {
	from := r.i
	r.skip()
	if r.odd {
		return nil
	}
	return r.b[from:r.i]
}

// general decodes the next value as everything is that has no method of its own.
func (r *reader) general(v any) {
	if r.null() {
		return
	}
	value := r.value()
	if !r.odd && json.Unmarshal(value, v, decodeOptions) != nil {
		r.giveUp()
	}
}

// string returns the string that comes next, empty for null.
func (r *reader) string() string {
	b := r.quoted()
	switch n := len(b); {
	case n == 0:
		return ""
	case r.names != nil:
		return r.names.of(b)
	case n > maxShared:
		return string(b)
	case n > r.text.Cap()-r.text.Len():
		// What has been taken from the text keeps it.
		r.text.Reset()
		r.text.Grow(min(max(n, minText, len(r.b)/sharedPart), maxText))
	}
	from := r.text.Len()
	r.text.Write(b)
	return r.text.String()[from:]
}

// The short strings of a payload share memory, which spares the allocations that are most of the
// price of decoding. As one string keeps all that share with it, there is a limit to that.
const (
	maxShared  = 128 // of a string that shares
	minText    = 64  // the least that is shared
	maxText    = 512 // and the most
	sharedPart = 3   // of a payload is such strings
)

// quoted returns what the string says that comes next, nil for null. It may be bytes of r.b.
func (r *reader) quoted() []byte {
	if r.null() {
		return nil
	}
	if r.i >= len(r.b) || r.b[r.i] != '"' {
		r.giveUp()
		return nil
	}
	from := r.i
	end, plain := scan.String(r.b, from)
	if end < 0 {
		r.giveUp()
		return nil
	}
	r.i = end
	if plain {
		return r.b[from+1 : end-1]
	}
	text, err := jsontext.AppendUnquote(nil, r.b[from:end])
	if err != nil { // half a surrogate pair, or not UTF-8
		r.giveUp()
		return nil
	}
	return text
}

func (r *reader) bool() bool {
	if r.i < len(r.b) {
		switch r.b[r.i] {
		case 't':
			r.literal("true")
			return true
		case 'f':
			r.literal("false")
			return false
		}
	}
	if !r.null() {
		r.giveUp()
	}
	return false
}

// int64 returns the integer that comes next, 0 for null. It takes up to 18 digits.
func (r *reader) int64() int64 {
	if r.null() {
		return 0
	}
	end, integer := scan.Number(r.b, r.i)
	if !integer || end-r.i > 18 {
		r.giveUp()
		return 0
	}
	n := parseInt(r.b[r.i:end])
	r.i = end
	return n
}

func (r *reader) int() int {
	n := r.int64()
	if int64(int(n)) != n {
		r.giveUp()
	}
	return int(n)
}

func (r *reader) uint8() uint8 {
	n := r.int64()
	if n < 0 || n > math.MaxUint8 {
		r.giveUp()
	}
	return uint8(n)
}

// intString returns the integer in the string that comes next, 0 for null.
func (r *reader) intString() int64 {
	if r.null() {
		return 0
	}
	b := r.quoted()
	end, integer := scan.Number(b, 0)
	if !integer || end != len(b) || end > 18 {
		r.giveUp()
		return 0
	}
	return parseInt(b)
}

// parseInt takes an integer that scan.Number has accepted.
func parseInt(b []byte) (n int64) {
	negative := b[0] == '-'
	if negative {
		b = b[1:]
	}
	for _, c := range b {
		n = n*10 + int64(c-'0')
	}
	if negative {
		return -n
	}
	return n
}

func (r *reader) time() (t time.Time) {
	if r.null() {
		return t
	}
	if err := t.UnmarshalText(r.quoted()); err != nil {
		r.giveUp()
	}
	return t
}

// exact returns a list with no room for more.
func exact[T any](list []T) []T {
	all := make([]T, len(list))
	copy(all, list)
	return all
}
