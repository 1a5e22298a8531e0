// Package cooldown decides whether it is too soon for something again, for each of many keys.
package cooldown

import (
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/botwright/botwright/internal/ttl"
)

// Keys are the keys that were used of late. Make them with [New]. The methods may be called from
// any goroutine.
type Keys struct {
	limit rate.Limit
	burst int
	cache *ttl.Cache[string, *key]
}

type key struct {
	limiter *rate.Limiter
	told    atomic.Bool // that it is too soon, since it last was not
}

// New returns Keys each of which may be used that often in the long run, and burst times at once.
// At most maxKeys are remembered: beyond that, the one used longest ago begins afresh.
func New(limit rate.Limit, burst, maxKeys int) *Keys {
	return &Keys{limit: limit, burst: burst, cache: ttl.New(ttl.Config[string, *key]{
		// After that a key is as good as new.
		TTL:     max(seconds(float64(burst)/float64(limit)), time.Second),
		Sliding: true, MaxSize: maxKeys,
	})}
}

// Take uses a key now. If it is too soon, it returns how long to wait, and whether that is the first
// time since it was not.
func (k *Keys) Take(name string, now time.Time) (wait time.Duration, first bool) {
	x, found := k.cache.Get(name)
	if !found {
		x, _ = k.cache.GetOrSet(name, &key{limiter: rate.NewLimiter(k.limit, k.burst)})
	}
	if x.limiter.AllowN(now, 1) {
		x.told.Store(false)
		return 0, false
	}
	missing := 1 - x.limiter.TokensAt(now)
	return max(seconds(missing/float64(k.limit)), 1), !x.told.Swap(true)
}

// seconds returns s seconds as a duration, or thirty years if that is less.
func seconds(s float64) time.Duration {
	return time.Duration(min(s, 1e9) * float64(time.Second))
}
