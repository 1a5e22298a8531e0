package discordtest

import (
	"fmt"
	"hash/fnv"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A limit is how many requests a bucket admits in a window; count 0 means no limit.
type limit struct {
	count int
	per   time.Duration
}

// globalLimit is Discord's limit over all routes.
var globalLimit = limit{count: 50, per: time.Second}

// rateLimits are the buckets of all routes. Server.mu guards them.
type rateLimits struct {
	buckets map[string]*bucket
	global  bucket
}

// A bucket counts requests in a window that begins with its first one.
type bucket struct {
	used  int
	reset time.Time
}

func newRateLimits() rateLimits { return rateLimits{buckets: make(map[string]*bucket)} }

// take reports whether a request fits, and the time until the window ends.
func (b *bucket) take(l limit, now time.Time) (ok bool, wait time.Duration) {
	if !now.Before(b.reset) {
		b.used, b.reset = 0, now.Add(l.per)
	}
	if b.used < l.count {
		b.used++
		return true, b.reset.Sub(now)
	}
	return false, b.reset.Sub(now)
}

// take counts an exchange. It returns the headers for its answer, or the 429 in its place.
func (r *rateLimits) take(x *exchange, now time.Time, on bool) (http.Header, *answer) {
	l := x.route.limit
	if !on || l.count == 0 {
		return http.Header{}, nil
	}
	b := r.bucket(x, now)
	ok, wait := b.take(l, now)
	header := http.Header{}
	set := func(name, value string) { header["X-RateLimit-"+name] = []string{value} }
	set("Limit", strconv.Itoa(l.count))
	set("Remaining", strconv.Itoa(l.count-b.used))
	set("Reset", seconds(time.Duration(b.reset.UnixMilli())*time.Millisecond))
	set("Reset-After", seconds(wait))
	set("Bucket", bucketHash(x.route))
	if !ok {
		set("Scope", "user")
		return nil, tooMany(header, wait, false)
	}
	if x.isInteraction() {
		return header, nil
	}
	if ok, wait := r.global.take(globalLimit, now); !ok {
		b.used--
		header = http.Header{"X-RateLimit-Global": {"true"}, "X-RateLimit-Scope": {"global"}}
		return nil, tooMany(header, wait, true)
	}
	return header, nil
}

// bucket returns the bucket of the route and its top-level resource.
func (r *rateLimits) bucket(x *exchange, now time.Time) *bucket {
	key := strings.Join([]string{x.route.method, x.route.path,
		x.params["channel"], x.params["guild"], x.params["webhook"], x.params["token"]}, "|")
	b := r.buckets[key]
	if b == nil {
		if len(r.buckets) >= maxBuckets {
			r.sweep(now)
		}
		b = new(bucket)
		r.buckets[key] = b
	}
	return b
}

// maxBuckets is when ended windows are swept out; interaction tokens make new buckets all the time.
const maxBuckets = 4096

func (r *rateLimits) sweep(now time.Time) {
	for key, b := range r.buckets {
		if !now.Before(b.reset) {
			delete(r.buckets, key)
		}
	}
}

// isInteraction reports whether the request answers an interaction: such requests are exempt from
// the global limit.
func (x *exchange) isInteraction() bool {
	return strings.HasPrefix(x.route.path, "/interactions/") || x.params["webhook"] == x.world.bot.ID
}

// tooMany is the documented 429.
func tooMany(header http.Header, wait time.Duration, global bool) *answer {
	header.Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	body := map[string]any{
		"message": "You are being rate limited.", "global": global,
		"retry_after": math.Ceil(wait.Seconds()*1000) / 1000,
	}
	return &answer{status: http.StatusTooManyRequests, header: header, body: marshal(body)}
}

// seconds formats a duration as seconds with three decimals, rounded up so that nobody comes back
// too early.
func seconds(d time.Duration) string {
	return strconv.FormatFloat(math.Ceil(float64(d)/float64(time.Millisecond))/1000, 'f', 3, 64)
}

// bucketHash names a route's bucket, without the top-level resource.
func bucketHash(r *route) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(r.method + r.path))
	return fmt.Sprintf("%016x%08x", h.Sum64(), uint32(h.Sum64()>>16))
}
