package gateway

import (
	"errors"
	"math/rand/v2"
	"time"
)

// Limits of the waits between connections. A wait is drawn from below a limit that grows with the
// time since the loss, so that a shard is back a quarter of an outage after its end, and at most
// soonCap after it in the first minute.
const (
	stableAfter = 5 * time.Second // ready for so long, a connection is a success
	firstCap    = time.Second
	soon        = time.Minute
	soonCap     = 5 * time.Second
	resumeCap   = 30 * time.Second
	identifyCap = 600 * time.Second
	maxResumes  = 5 // RESUMEs that came to nothing before the session is given up
)

// attempts is what the wait before the next connection depends on.
type attempts struct {
	since      time.Time // when the last success ended; before the first, when the first failed
	fails      int       // connections since then
	identifies int       // those of them that failed with an IDENTIFY
}

// backoff returns how long to wait before the next connection.
func (s *Shard) backoff(e ending) time.Duration {
	a := &s.attempts
	now := time.Now()
	if e.stable || a.since.IsZero() {
		*a = attempts{since: now}
	}
	a.fails++
	if e.identify && !e.stable {
		a.identifies++
	}
	peace := firstCap + jitter(4*time.Second) // what Discord asks for after op 9
	switch {
	case errors.Is(e.err, errRestart):
		return 0
	case errors.Is(e.err, errReconnect) && a.fails == 1:
		return 0
	case e.invalid && (e.resume || e.stable):
		return peace // it belongs to the loss before, which has been waited for
	}
	limit := resumeCap
	if e.identify {
		limit = min(identifyCap, firstCap<<min(a.identifies, 20))
	}
	if now.Sub(a.since) < soon {
		limit = min(limit, soonCap)
	}
	delay := jitter(min(limit, max(firstCap, now.Sub(a.since)/4)))
	if e.dialing > 0 {
		// A dial that hung has been a wait, too.
		delay = min(delay, max(delay-e.dialing, jitter(firstCap)))
	}
	if e.invalid {
		return max(delay, peace)
	}
	return delay
}

// jitter returns a random duration in [0, d): the shards of a bot that lost their connections
// at the same moment do not come back at the same moment.
func jitter(d time.Duration) time.Duration {
	return time.Duration(rand.Int64N(int64(d)))
}
