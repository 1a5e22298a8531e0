package memory

import "github.com/botwright/botwright/internal/resource"

// DetectIn detects the limit from a file system and a soft limit.
var DetectIn = detect

// NewLimited returns a Monitor with that limit.
func NewLimited(l Limit, read func() resource.Usage) *Monitor {
	m := New(Config{Read: read})
	m.detect.Do(func() { m.limit, m.warn = l, l.Max/5*4 })
	return m
}
