package rest

import (
	"crypto/sha256"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

const (
	// maxUnauthorized is how many answers 401 in a row mean that the token is refused. One alone
	// has been seen to be a mistake of Discord's.
	maxUnauthorized = 3

	// askAgain is how often a refused token is tried again.
	askAgain = time.Minute

	// maxGone is how many webhooks are remembered that do not exist. Interactions whose tokens
	// have expired are among them.
	maxGone = 1024

	// firstBlock is how long Cloudflare's first block is waited out when it does not say; each
	// one that follows takes twice as long, up to longestBlock.
	firstBlock   = time.Minute
	longestBlock = 10 * time.Minute
)

// refusals are the answers that nobody has to ask for again.
type refusals struct {
	mu           sync.Mutex // guards what follows
	unauthorized int        // answers 401 in a row
	triedAt      time.Time  // when a refused token was last tried
	gone         *simplelru.LRU[[16]byte, struct{}]
	blocked      time.Time // until when Cloudflare blocks the host
	blocks       int       // in a row
}

func newRefusals() refusals {
	gone, err := simplelru.NewLRU[[16]byte, struct{}](maxGone, nil)
	if err != nil { // only for a size that is not positive
		panic(err)
	}
	return refusals{gone: gone}
}

// check returns why a call must not be sent.
func (f *refusals) check(c *call, now time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c.usesToken && f.unauthorized >= maxUnauthorized {
		if now.Sub(f.triedAt) < askAgain {
			return ErrUnauthorized
		}
		f.triedAt = now
	}
	if c.webhook && f.gone.Contains(nameOf(c.key.major)) {
		return ErrWebhookGone
	}
	return nil
}

// blockedFor returns how long Cloudflare will go on to block the host.
func (f *refusals) blockedFor(now time.Time) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return max(f.blocked.Sub(now), 0)
}

// block notes a block of Cloudflare's. retryAfter is 0 if it does not say for how long. Answers to
// requests that were under way together count once.
func (f *refusals) block(now time.Time, retryAfter time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now.Before(f.blocked) {
		return
	}
	wait := min(firstBlock<<min(f.blocks, 10), longestBlock)
	if retryAfter > 0 {
		wait = retryAfter
	}
	f.blocks++
	f.blocked = now.Add(wait)
}

// answered notes an answer of Discord's own. refused is true when the token has just become
// a refused one.
func (f *refusals) answered(c *call, status int, webhookGone bool, now time.Time) (refused bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.blocks = 0
	if webhookGone {
		f.gone.Add(nameOf(c.key.major), struct{}{})
	}
	if !c.usesToken {
		return false
	}
	if status != 401 {
		f.unauthorized = 0
		return false
	}
	f.unauthorized++
	f.triedAt = now
	return f.unauthorized == maxUnauthorized
}

// nameOf is a hash, so that no token is kept in memory for longer than it is used.
func nameOf(major string) (name [16]byte) {
	sum := sha256.Sum256([]byte(major))
	copy(name[:], sum[:])
	return name
}
