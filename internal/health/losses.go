package health

import "time"

// maxLosses is how often something may be lost within an hour. Discord asks a shard to reconnect
// every few hours; what is lost more often is not well, even if it is up whenever somebody looks.
const maxLosses = 5

// Losses remembers when something was lost last. The zero value has lost nothing.
type Losses struct {
	total uint64
	times [maxLosses + 1]time.Time // a ring
	next  int                      // the oldest of times
}

// Note takes how often it was lost in all, and reports whether that was too often within the last
// hour.
func (l *Losses) Note(total uint64, now time.Time) (often bool) {
	if total < l.total { // it is a new one, which counts from 0
		l.total = 0
	}
	for range min(total-l.total, uint64(len(l.times))) {
		l.times[l.next] = now
		l.next = (l.next + 1) % len(l.times)
	}
	l.total = total
	oldest := l.times[l.next]
	return !oldest.IsZero() && now.Sub(oldest) < time.Hour
}
