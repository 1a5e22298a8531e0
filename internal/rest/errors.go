package rest

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// ErrUnauthorized says that Discord has refused the bot's token several times in a row.
var ErrUnauthorized = errors.New("the bot's token is refused by Discord (status 401)")

// ErrWebhookGone says that Discord has said before that a webhook, or the token of an interaction,
// does not exist any more.
var ErrWebhookGone = errors.New("the webhook no longer exists, or the interaction's token has " +
	"expired: Discord has said so before, and restricts bots that ask again")

// A RateLimitError says that a request was not sent, or not sent again, because of a rate limit.
type RateLimitError struct {
	Method string
	Route  string // such as /channels/{id}/messages

	// Scope is whose limit it is: "user" for the route's, "shared" for one that others have used
	// up, "global" for the bot's over all routes, "cloudflare" if the host is blocked.
	Scope string

	// RetryAfter is how long it takes until a request can be sent.
	RetryAfter time.Duration

	// Sent reports whether Discord answered 429; otherwise the request stayed here.
	Sent bool
}

func (e *RateLimitError) Error() string {
	limit := "the rate limit of " + e.Method + " " + e.Route
	switch e.Scope {
	case scopeGlobal:
		limit = "the global rate limit"
	case scopeShared:
		limit = "the shared rate limit of " + e.Method + " " + e.Route
	case scopeCloudflare:
		limit = "Cloudflare's block of this host"
	}
	return fmt.Sprintf("%s allows no request for %v", limit,
		max(e.RetryAfter, time.Millisecond).Round(time.Millisecond))
}

// An InvalidRequestsError says that a request was not sent because too many requests of the last
// 10 minutes were answered with 401, 403 or 429. Discord blocks hosts that go on.
type InvalidRequestsError struct {
	Used, Limit int           // of the last 10 minutes
	RetryAfter  time.Duration // until the oldest of them no longer count
}

func (e *InvalidRequestsError) Error() string {
	return fmt.Sprintf("%d of the last 10 minutes' requests were answered with 401, 403 or 429, "+
		"and Discord blocks a host at %d: the request was not sent; find out which route fails "+
		"from the metric rest_requests_total", e.Used, e.Limit)
}

// A RequestError says that a request got no answer, or one with a status of 500 or above, in as
// many attempts as were made. Discord may have carried it out all the same.
type RequestError struct {
	Method   string
	Route    string // such as /channels/{id}/messages
	Status   int    // of the last answer; 0 without one
	Attempts int
	Err      error // why there was no answer; nil with one
}

func (e *RequestError) Error() string {
	what := fmt.Sprintf("Discord answered %d %s", e.Status, http.StatusText(e.Status))
	if e.Err != nil {
		what = e.Err.Error()
	}
	attempts := ""
	if e.Attempts > 1 {
		attempts = fmt.Sprintf(" (%d attempts)", e.Attempts)
	}
	return fmt.Sprintf("%s %s: %s%s", e.Method, e.Route, what, attempts)
}

// Unwrap returns why there was no answer.
func (e *RequestError) Unwrap() error { return e.Err }

// Timeout reports whether no answer came in time.
func (e *RequestError) Timeout() bool {
	var t interface{ Timeout() bool }
	return errors.As(e.Err, &t) && t.Timeout()
}

// What the scope of a limit can be.
const (
	scopeUser       = "user"
	scopeGlobal     = "global"
	scopeShared     = "shared"
	scopeCloudflare = "cloudflare"
)
