package rest

import (
	"net/http"
	"strconv"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// unlimited is the limit of a route whose answers name none.
const unlimited = -1

// A routeLimit is what is known of a method and route. Transport.mu guards it.
type routeLimit struct {
	name  string // such as /channels/{id}/messages
	limit int    // requests in a window; 0 before the first answer
	per   time.Duration
}

// A bucket counts the requests of one route to one top-level resource.
type bucket struct {
	gate
	route    *routeLimit
	maxWait  time.Duration
	left     int       // requests that may still be sent in the window
	inflight int       // admitted, and not answered yet
	probing  bool      // the one in flight will tell what is left
	end      time.Time // of the window; zero before an answer has told
	window   float64   // X-RateLimit-Reset of that answer, which tells windows apart
	blocked  time.Time // until when a 429 has closed it
	scope    string    // of that 429
}

// admit implements limiter.
func (b *bucket) admit(_ *call, now time.Time) bool {
	if now.Before(b.blocked) {
		return false
	}
	if !b.end.IsZero() && !now.Before(b.end) {
		b.end, b.left = time.Time{}, b.route.limit-b.inflight
	}
	switch {
	case b.route.limit == unlimited:
	case b.route.limit == 0 || (b.left <= 0 && b.end.IsZero()):
		if b.inflight > 0 { // its answer will tell
			return false
		}
		b.probing = true
	case b.left <= 0:
		return false
	}
	b.left--
	b.inflight++
	return true
}

// undo implements limiter.
func (b *bucket) undo(*call) {
	b.left++
	b.inflight--
}

// next implements limiter.
func (b *bucket) next() time.Time {
	if b.blocked.After(b.end) {
		return b.blocked
	}
	return b.end
}

// refusal implements limiter. Those ahead are taken to use up whole windows.
func (b *bucket) refusal(c *call, ahead int, now time.Time) error {
	first := max(b.next().Sub(now), 0)
	wait := first
	if b.route.limit > 0 {
		wait += time.Duration(ahead/b.route.limit) * b.route.per
	}
	switch {
	case c.noWait,
		!c.deadline.IsZero() && now.Add(wait).After(c.deadline),
		c.deadline.IsZero() && first > b.maxWait:
		return &RateLimitError{
			Method: c.request.Method, Route: c.route.name, Scope: b.scopeAt(now), RetryAfter: wait}
	}
	return nil
}

// scopeAt implements limiter.
func (b *bucket) scopeAt(now time.Time) string {
	if now.Before(b.blocked) {
		return b.scope
	}
	return scopeUser
}

// answered notes that a request was answered, or was not, with limits as the answer has them.
func (b *bucket) answered(l limits, now time.Time, half time.Duration) {
	b.inflight--
	switch {
	case l.limit > 0:
		b.learn(l, now.Add(max(l.resetAfter-half, 0)))
	case l.none && b.route.limit == 0:
		b.route.limit = unlimited
	}
}

// sameWindow is how far apart two X-RateLimit-Reset of one window may be, in seconds.
const sameWindow = 0.005

func (b *bucket) learn(l limits, end time.Time) {
	if b.probing || b.route.limit <= 0 {
		b.probing, b.left = false, l.limit
	}
	b.route.limit = l.limit
	switch {
	case b.end.IsZero(): // the first answer of the window
		b.end, b.window, b.route.per = end, l.reset, l.resetAfter
		b.left = min(b.left, l.remaining)
	case l.reset > b.window+sameWindow: // Discord has begun another before we did
		b.end, b.window = end, l.reset
		b.left = l.remaining - b.inflight
	case l.reset >= b.window-sameWindow:
		if end.Before(b.end) {
			b.end = end
		}
		b.left = min(b.left, l.remaining)
	}
}

// block closes the bucket after a 429.
func (b *bucket) block(until time.Time, scope string) {
	b.blocked, b.scope = until, scope
	b.end, b.left = until, 0
}

// idle reports whether the bucket can be forgotten.
func (b *bucket) idle(now time.Time) bool {
	return b.inflight == 0 && b.line.first() == nil &&
		!now.Before(b.end) && !now.Before(b.blocked)
}

// limits are what an answer's headers say of its bucket.
type limits struct {
	limit, remaining int
	reset            float64
	resetAfter       time.Duration
	none             bool // it is an answer of Discord's that names no limit
}

// limitsOf reads the headers. One that cannot be read is as good as none: the request it belongs
// to has succeeded or failed without it.
func limitsOf(resp *http.Response) limits {
	h := resp.Header
	limit := 0
	if s := h.Get("X-Ratelimit-Limit"); s != "" {
		limit, _ = strconv.Atoi(s)
	}
	if limit < 1 {
		return limits{none: resp.StatusCode < 500 && resp.StatusCode != http.StatusTooManyRequests}
	}
	remaining, err1 := strconv.Atoi(h.Get("X-Ratelimit-Remaining"))
	reset, err2 := strconv.ParseFloat(h.Get("X-Ratelimit-Reset"), 64)
	after, ok := seconds(h.Get("X-Ratelimit-Reset-After"))
	if err1 != nil || err2 != nil || !ok {
		return limits{}
	}
	return limits{limit: limit, remaining: max(remaining, 0), reset: reset, resetAfter: after}
}

// maxRetryAfter is more than any wait that Discord has been seen to ask for.
const maxRetryAfter = 24 * time.Hour

// seconds reads a number of seconds, with or without a fraction.
func seconds(s string) (time.Duration, bool) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !(f >= 0) { // a NaN is neither
		return 0, false
	}
	return time.Duration(min(f, maxRetryAfter.Seconds()) * float64(time.Second)), true
}

// A key names a bucket.
type key struct {
	route *routeLimit
	major string // the top-level resource
	age   messageAge
}

// maxBuckets bounds the table. A bucket is kept for the seconds of its window, and 50 requests a
// second begin no more than 3,000 in a minute.
const maxBuckets = 10_000

// table holds the buckets in use and what is known of routes.
type table struct {
	routes  map[string]*routeLimit // by method and route, of which there are only so many
	buckets *simplelru.LRU[key, *bucket]
}

func newTable() table {
	buckets, err := simplelru.NewLRU[key, *bucket](maxBuckets, nil)
	if err != nil { // only for a size that is not positive
		panic(err)
	}
	return table{routes: make(map[string]*routeLimit), buckets: buckets}
}

// sweep forgets the least recently used buckets, as far as they are idle: two for each that may be
// added.
func (t *table) sweep(now time.Time) {
	for range 2 {
		k, b, ok := t.buckets.GetOldest()
		if !ok || !b.idle(now) {
			return
		}
		t.buckets.Remove(k)
	}
}
