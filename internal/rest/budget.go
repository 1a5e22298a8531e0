package rest

import (
	"sync"
	"time"
)

const (
	// InvalidLimit is how many requests Discord allows in 10 minutes that are answered with 401,
	// 403 or 429. It blocks a host that sends more.
	InvalidLimit = 10_000

	budgetWindow = 10 * time.Minute
	budgetCell   = 5 * time.Second // of time, in which requests are counted together

	slowFrom      = InvalidLimit / 2        // calls of level Low are spaced
	refuseLowFrom = InvalidLimit * 90 / 100 // they are refused
	refuseFrom    = InvalidLimit * 98 / 100 // every call is refused

	// slowBy is the space between two calls of level Low: with it, what is left of the budget
	// lasts, even if every one of them fails.
	slowBy = time.Second
)

// A budget counts the invalid requests of the last 10 minutes.
type budget struct {
	mu      sync.Mutex // guards what follows
	cells   [int(budgetWindow/budgetCell) + 1]int
	total   int
	others  int       // what the bot's other processes have counted
	current int64     // the number of the newest cell
	lowTurn time.Time // when the next call of level Low may go
}

func (b *budget) add(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.advanceLocked(now)
	b.cells[b.current%int64(len(b.cells))]++
	b.total++
}

func (b *budget) used(now time.Time) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.advanceLocked(now)
	return b.total
}

func (b *budget) setOthers(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.others = n
}

func (b *budget) elsewhere() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.others
}

// advanceLocked forgets the cells that are older than the window.
func (b *budget) advanceLocked(now time.Time) {
	cell := now.UnixNano() / int64(budgetCell)
	steps := min(cell-b.current, int64(len(b.cells)))
	for i := range steps {
		c := &b.cells[(cell-i)%int64(len(b.cells))]
		b.total -= *c
		*c = 0
	}
	b.current = max(cell, b.current)
}

// admit returns how long a call has to wait before it is sent, or why it must not be.
func (b *budget) admit(c *call, now time.Time) (wait time.Duration, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.advanceLocked(now)
	total := b.total + b.others
	if total >= refuseFrom || (c.level == Low && total >= refuseLowFrom) {
		return 0, &InvalidRequestsError{
			Used: total, Limit: InvalidLimit, RetryAfter: b.fadesLocked()}
	}
	if c.level != Low || total < slowFrom {
		return 0, nil
	}
	turn := b.lowTurn
	if turn.Before(now) {
		turn = now
	}
	wait = turn.Sub(now)
	if (c.noWait && wait > 0) || (!c.deadline.IsZero() && turn.After(c.deadline)) {
		return 0, &InvalidRequestsError{Used: total, Limit: InvalidLimit, RetryAfter: wait}
	}
	b.lowTurn = turn.Add(slowBy)
	return wait, nil
}

// fadesLocked returns how long it takes until the oldest invalid requests no longer count.
func (b *budget) fadesLocked() time.Duration {
	n := int64(len(b.cells))
	for age := n - 1; age > 0; age-- {
		if b.cells[(b.current-age+n)%n] > 0 {
			return time.Duration(n-age) * budgetCell
		}
	}
	return budgetWindow
}
