package metrics

import (
	"sync"
	"unicode/utf8"
)

// maxName is how long a name may be, in bytes. Discord's commands have up to 32 characters, and
// functions in Go rarely 100.
const maxName = 256

// names lets the first max names through and calls all others [Other], and so those that are too
// long or not UTF-8, with which a label would panic.
type names struct {
	max int

	mu    sync.RWMutex // guards what follows
	known map[string]string
}

func newNames(limit int) *names {
	return &names{max: limit, known: make(map[string]string)}
}

// bound returns name or [Other]. For a name that it knows it does not allocate.
func (n *names) bound(name []byte) string {
	n.mu.RLock()
	s, ok := n.known[string(name)]
	full := len(n.known) >= n.max
	n.mu.RUnlock()
	if ok {
		return s
	}
	if full || !labelled(string(name)) {
		return Other
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.known) >= n.max {
		return Other
	}
	s = string(name)
	n.known[s] = s
	return s
}

// labelled reports whether a name can be a label's value.
func labelled(name string) bool { return len(name) <= maxName && utf8.ValidString(name) }
