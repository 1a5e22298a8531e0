package events

import "hash/maphash"

// Names are the short strings that came last. What is decoded with them, and kept for long, shares
// the strings that come again, such as the ids of roles, and no other memory. The zero value is
// ready. It is not for several goroutines at once.
type Names struct {
	seed maphash.Seed
	last *[namesKept]string // by hash
}

const (
	namesKept   = 1024
	longestName = 64
)

// of returns the string that b is.
func (n *Names) of(b []byte) string {
	if len(b) > longestName {
		return string(b)
	}
	if n.last == nil {
		n.seed, n.last = maphash.MakeSeed(), new([namesKept]string)
	}
	name := &n.last[maphash.Bytes(n.seed, b)%namesKept]
	if *name != string(b) {
		*name = string(b)
	}
	return *name
}
