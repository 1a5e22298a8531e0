// Package scan finds out where JSON values end, and checks them on the way.
//
// What it accepts is JSON, by the rules that Discord's clients read it by: duplicate names and
// invalid UTF-8 may occur. What it does not accept is damaged, or nests deeper than 64 levels,
// which Discord never does; whoever must know asks a full parser.
//
// The functions take any bytes and any index up to their end, and never panic or allocate.
package scan

import (
	"encoding/binary"
	"math/bits"
)

// Space returns the index of the first byte from b[i] on that is not white space.
func Space(b []byte, i int) int {
	for i < len(b) && b[i] <= ' ' && isSpace(b[i]) {
		i++
	}
	return i
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// special returns a word whose lowest high bit marks the first of eight bytes that does not stand
// for itself in a string: a control character, a quote, a backslash or one beyond ASCII. (The
// subtractions borrow from the bytes behind that, whose marks mean nothing.)
func special(word uint64) uint64 {
	quote, slash := word^ones*'"', word^ones*'\\'
	return ((word - ones*' ') | (quote - ones) | (slash - ones) | word) & highs
}

// String returns the index behind the string whose opening quote is b[i], -1 if it is none, and
// whether it is plain: ASCII without escapes, so that it says what its bytes are.
func String(b []byte, i int) (end int, plain bool) {
	plain = true
	for i++; ; {
		for i+8 <= len(b) {
			marks := special(binary.LittleEndian.Uint64(b[i:]))
			if marks != 0 {
				i += bits.TrailingZeros64(marks) / 8
				break
			}
			i += 8
		}
		if i >= len(b) {
			return -1, false
		}
		switch c := b[i]; {
		case c == '"':
			return i + 1, plain
		case c == '\\':
			if i = escape(b, i); i < 0 {
				return -1, false
			}
			plain = false
		case c < ' ':
			return -1, false
		case c >= 0x80:
			i++
			plain = false
		default: // near the end of b
			i++
		}
	}
}

// escape returns the index behind the escape sequence that begins at b[i], or -1.
func escape(b []byte, i int) int {
	if i+1 >= len(b) {
		return -1
	}
	switch b[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
		if i+6 > len(b) {
			return -1
		}
		for _, c := range b[i+2 : i+6] {
			if !isDigit(c) && (c|0x20 < 'a' || c|0x20 > 'f') {
				return -1
			}
		}
		return i + 6
	}
	return -1
}

func isDigit(c byte) bool { return c-'0' <= 9 }

// Number returns the index behind the number that begins at b[i], -1 if there is none, and whether
// it is an integer: without a fraction and an exponent.
func Number(b []byte, i int) (end int, integer bool) {
	if i < len(b) && b[i] == '-' {
		i++
	}
	from := i
	if i = digits(b, i); i == from || b[from] == '0' && i > from+1 {
		return -1, false
	}
	integer = true
	if i < len(b) && b[i] == '.' {
		from, integer = i+1, false
		if i = digits(b, from); i == from {
			return -1, false
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		integer = false
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		from = i
		if i = digits(b, from); i == from {
			return -1, false
		}
	}
	return i, integer
}

func digits(b []byte, i int) int {
	for i < len(b) && isDigit(b[i]) {
		i++
	}
	return i
}

// Literal returns the index behind a word such as null that begins at b[i], or -1 if another one
// does.
func Literal(b []byte, i int, word string) int {
	if len(b)-i < len(word) || string(b[i:i+len(word)]) != word {
		return -1
	}
	return i + len(word)
}

// scalar returns the index behind the value at b[i] that is neither an object nor an array, or -1.
func scalar(b []byte, i int) int {
	if i >= len(b) {
		return -1
	}
	switch b[i] {
	case '"':
		end, _ := String(b, i)
		return end
	case 't':
		return Literal(b, i, "true")
	case 'f':
		return Literal(b, i, "false")
	case 'n':
		return Literal(b, i, "null")
	}
	end, _ := Number(b, i)
	return end
}

// Value returns the index behind the value that begins at b[i], or -1.
func Value(b []byte, i int) int {
	if i >= len(b) || b[i] != '{' && b[i] != '[' {
		return scalar(b, i)
	}
	depth, objects := 0, uint64(0) // bit n: the container at depth n+1 is an object
	for {
		// A value begins at b[i].
		if i < len(b) && (b[i] == '{' || b[i] == '[') {
			if depth == 64 {
				return -1
			}
			object := b[i] == '{'
			objects <<= 1
			if object {
				objects |= 1
			}
			depth++
			i = Space(b, i+1)
			if i < len(b) && object && b[i] != '}' {
				if i = name(b, i); i < 0 {
					return -1
				}
				continue
			}
			if i < len(b) && !object && b[i] != ']' {
				continue
			}
		} else if i = scalar(b, i); i < 0 {
			return -1
		}
		// A value has ended, or an empty container is about to.
		for {
			i = Space(b, i)
			if i >= len(b) {
				return -1
			}
			object := objects&1 == 1
			if c := b[i]; object && c == '}' || !object && c == ']' {
				i++
				objects >>= 1
				if depth--; depth == 0 {
					return i
				}
				continue
			}
			if b[i] != ',' {
				return -1
			}
			i = Space(b, i+1)
			if object {
				if i = name(b, i); i < 0 {
					return -1
				}
			}
			break
		}
	}
}

// name returns the index of the value whose name begins at b[i], or -1.
func name(b []byte, i int) int {
	if i >= len(b) || b[i] != '"' {
		return -1
	}
	if i, _ = String(b, i); i < 0 {
		return -1
	}
	i = Space(b, i)
	if i >= len(b) || b[i] != ':' {
		return -1
	}
	return Space(b, i+1)
}
