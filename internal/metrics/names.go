package metrics

import "sync"

// names lets the first max names through and calls all others [Other].
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
	if full {
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
