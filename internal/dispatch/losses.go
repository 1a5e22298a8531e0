package dispatch

import (
	"sync"
	"time"
)

// Losses counts what was dropped, by whose it was, and says when to tell of it: at once, and then
// once a minute. Its zero value is ready. Its methods may be called from any goroutine.
type Losses[K comparable] struct {
	mu sync.Mutex // guards what follows
	of map[K]*loss
}

type loss struct {
	count uint64    // since it was told
	told  time.Time // zero: never
}

// A Loss is what somebody has lost since it was last told.
type Loss[K comparable] struct {
	Of      K // the zero value for all whom there was no room to remember
	Dropped uint64
}

// maxLosses is how many are remembered by themselves. In a minute a bot has no use for more
// messages of that kind.
const maxLosses = 100

// lossEvery is the least time between two tellings of the same loss.
const lossEvery = time.Minute

// Note counts one more.
func (l *Losses[K]) Note(of K) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.of == nil {
		l.of = make(map[K]*loss)
	}
	if l.of[of] == nil && len(l.of) >= maxLosses {
		var others K
		of = others
	}
	if l.of[of] == nil {
		l.of[of] = &loss{}
	}
	l.of[of].count++
}

// Due returns what is to be told now.
func (l *Losses[K]) Due(now time.Time) []Loss[K] {
	l.mu.Lock()
	defer l.mu.Unlock()
	var due []Loss[K]
	for of, loss := range l.of {
		switch {
		case !loss.told.IsZero() && now.Sub(loss.told) < lossEvery:
		case loss.count == 0:
			delete(l.of, of)
		default:
			due = append(due, Loss[K]{Of: of, Dropped: loss.count})
			loss.count, loss.told = 0, now
		}
	}
	return due
}
