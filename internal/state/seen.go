package state

import "time"

// A seenList remembers when each member of a guild was last seen, and who is due to go first. A
// nil seenList remembers nothing.
//
// Seeing somebody again only notes the time; the place in the line is put right when it comes to
// the front.
type seenList struct {
	at   map[string]time.Time
	line []sighting // oldest first, with entries that are out of date
}

type sighting struct {
	id string
	at time.Time
}

func newSeenList() *seenList { return &seenList{at: make(map[string]time.Time)} }

// add notes that somebody was seen just now.
func (l *seenList) add(id string) {
	if l == nil {
		return
	}
	now := time.Now()
	if _, known := l.at[id]; !known {
		if len(l.line) > 2*len(l.at)+16 {
			l.tidy()
		}
		l.line = append(l.line, sighting{id, now})
	}
	l.at[id] = now
}

func (l *seenList) remove(id string) {
	if l != nil {
		delete(l.at, id)
	}
}

// oldest returns who was not seen for longest.
func (l *seenList) oldest() (id string, ok bool) {
	if l == nil {
		return "", false
	}
	for len(l.line) > 0 {
		first := l.line[0]
		at, known := l.at[first.id]
		if known && at.Equal(first.at) {
			return first.id, true
		}
		l.line[0] = sighting{}
		l.line = l.line[1:]
		if known {
			l.line = append(l.line, sighting{first.id, at})
		}
	}
	return "", false
}

// before returns who was not seen since a time.
func (l *seenList) before(limit time.Time) []string {
	if l == nil {
		return nil
	}
	var ids []string
	for id, at := range l.at {
		if at.Before(limit) {
			ids = append(ids, id)
		}
	}
	return ids
}

// tidy drops the entries of those who are gone.
func (l *seenList) tidy() {
	line := make([]sighting, 0, len(l.at)+1)
	listed := make(map[string]bool, len(l.at))
	for _, s := range l.line {
		if _, known := l.at[s.id]; known && !listed[s.id] {
			listed[s.id] = true
			line = append(line, s)
		}
	}
	l.line = line
}
