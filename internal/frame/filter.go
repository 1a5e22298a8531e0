package frame

import "github.com/botwright/botwright/internal/scan"

// Filter appends to dst the object d with each of its members' values replaced by what value
// returns for it, and without those for which it returns nil. It returns false if d is not an
// object.
func Filter(dst, d []byte, value func(name, value []byte) []byte) ([]byte, bool) {
	it, ok := object(d)
	if !ok {
		return dst, false
	}
	dst = append(dst, '{')
	first := true
	for it.key() && it.value() {
		v := value(it.name, it.val)
		if v == nil {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(append(dst, it.raw...), ':')
		dst = append(dst, v...)
	}
	return append(dst, '}'), it.closed
}

// Members calls yield with each member of the object d. A value that is not an object has none.
func Members(d []byte, yield func(name, value []byte)) {
	it, ok := object(d)
	for ok && it.key() && it.value() {
		yield(it.name, it.val)
	}
}

// Elements calls yield with each element of the array d, until it returns false. A value that is
// not an array has none.
func Elements(d []byte, yield func(element []byte) bool) {
	i := scan.Space(d, 0)
	if i >= len(d) || d[i] != '[' {
		return
	}
	for i = scan.Space(d, i+1); i < len(d) && d[i] != ']'; i = scan.Space(d, i) {
		end := skip(d, i)
		if end < 0 || !yield(d[i:end]) {
			return
		}
		if i = scan.Space(d, end); i < len(d) && d[i] == ',' {
			i++
		}
	}
}
