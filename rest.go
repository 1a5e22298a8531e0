package botwright

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/bucketlock"
	"github.com/botwright/botwright/internal/locator"
	"github.com/botwright/botwright/internal/redact"
	"github.com/botwright/botwright/internal/rest"
)

// RESTConfig says how requests to Discord's API are sent; see [WithREST] and [NewTransport]. Zero
// fields have their defaults.
type RESTConfig struct {
	// Base sends the requests. Default: the transport of [WithHTTPClient], else
	// [http.DefaultTransport].
	Base http.RoundTripper

	// GlobalLimit is how many requests may be sent in a second over all routes. Default: 50, which
	// is what Discord allows a bot; Discord raises it for some very large ones. [NoLimit] disables
	// the limit.
	GlobalLimit int

	// ProxyLimits leaves the limits of routes and the global limit to a proxy in front of Discord;
	// see [WithAPI]. The transport still waits after an answer with status 429, and still retries
	// failed requests.
	ProxyLimits bool

	// MaxWait is how long a call whose context has no deadline waits for a single limit. If the
	// wait would be longer, the call returns a [*RateLimitError] at once. Default: 1m. Discord's
	// documented limits last seconds; others last an hour, such as the one for creating roles.
	MaxWait time.Duration

	// Timeout bounds each attempt, from sending the request to the last byte of the answer.
	// Default: the timeout of [WithHTTPClient], else 20 s, which is discordgo's.
	Timeout time.Duration
}

// problem returns what is wrong with the configuration, or "".
func (c RESTConfig) problem() string {
	if c.GlobalLimit < NoLimit {
		return "GlobalLimit is negative: use NoLimit to disable it"
	}
	return negative(map[string]int64{"MaxWait": int64(c.MaxWait), "Timeout": int64(c.Timeout)})
}

func (c RESTConfig) internal(base http.RoundTripper) rest.Config {
	return rest.Config{Next: base, Global: c.GlobalLimit, NoLimits: c.ProxyLimits,
		MaxWait: c.MaxWait, Timeout: c.Timeout}
}

// WithREST changes how the bot sends requests to Discord's API. All its sessions share one
// transport, which keeps Discord's limits; see [Transport].
func WithREST(cfg RESTConfig) Option {
	return func(c *config) {
		if p := cfg.problem(); p != "" {
			c.problem("WithREST", "%s", p)
		}
		c.rest = cfg
	}
}

// setREST fills in what other options say.
func (c *config) setREST() {
	if c.rest.Base == nil {
		c.rest.Base = c.httpClient.Transport
	}
	if c.rest.Base == nil {
		c.rest.Base = http.DefaultTransport
	}
	if c.rest.Timeout == 0 {
		c.rest.Timeout = c.httpClient.Timeout
	}
}

// newREST returns the transport that all sessions share.
func (b *Bot) newREST() *rest.Transport {
	cfg := b.cfg.rest.internal(&locator.Transport{Base: b.cfg.api,
		Next:  b.metrics.transport(b.traffic.Transport(b.cfg.api.Host, b.cfg.rest.Base)),
		Calls: &b.stats.calls})
	cfg.Refused = b.tokenRefused
	cfg.Waited = b.metrics.restWaited
	cfg.Park = b.runner.Park
	b.cfg.traceREST(&cfg)
	return rest.New(cfg)
}

// tokenRefused ends the bot: no request and no connection will succeed again.
func (b *Bot) tokenRefused() {
	if f := b.currentFleet(); f != nil {
		b.fail(f, ErrUnauthorized)
	}
}

// A Transport is an http.RoundTripper that sends requests to Discord's API within Discord's
// limits. A [Bot] has its own; [NewTransport] makes one for a bare discordgo session. Its methods
// may be called from any goroutine. For all requests together:
//
//   - The limits of routes are learned from Discord's answers. As many requests as a limit allows
//     are sent at once, in the order in which they were made. The transport keeps the global limit
//     before Discord has to enforce it. Answers to interactions are exempt from it and never wait
//     for each other.
//   - A call ends when its context does; pass it with discordgo.WithContext. If the wait for a
//     limit would outlast the context's deadline, the call returns a [*RateLimitError] at once.
//   - While a call waits for a limit, its handler does not occupy a worker of the event queue, if
//     the call was made with the handler's context.
//   - A request that fails with a status of 500 or above, or without an answer, is sent again, up
//     to five times, if that is safe. It is for any method except POST, and for creating a message,
//     which carries a nonce that Discord enforces. Then the call returns a [*RequestError].
//   - Invalid requests (status 401, 403 and 429) are counted as Discord counts them, over 10
//     minutes. Before there are enough to get the host blocked, calls are slowed down and then
//     refused, those of [Low] priority first; see [InvalidRequestsError].
//   - Requests to a webhook that Discord does not know return [ErrWebhookGone] without being sent.
//     After Discord has refused the token three times in a row, calls return [ErrUnauthorized] and
//     [Bot.Run] ends.
type Transport struct {
	rest *rest.Transport
	next http.RoundTripper
}

// NewTransport returns a Transport for sessions that are not a Bot's. It panics if cfg is invalid.
func NewTransport(cfg RESTConfig) *Transport {
	mustBe("NewTransport", cfg.problem())
	base := cfg.Base
	if base == nil {
		base = http.DefaultTransport
	}
	return newTransport(rest.New(cfg.internal(base)))
}

func newTransport(rt *rest.Transport) *Transport {
	return &Transport{rest: rt, next: &redact.Transport{Next: publicErrors{rt}}}
}

// RoundTrip implements [http.RoundTripper]. If a request whose URL has a token fails without an
// answer, RoundTrip returns an answer whose body cannot be read, because http.Client would put the
// URL into an error.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) { return t.next.RoundTrip(r) }

// Install makes a session send its requests through the Transport. It replaces the session's HTTP
// client by a copy without a timeout, and turns off discordgo's own retries. Call it before the
// session is used.
func (t *Transport) Install(s *discordgo.Session) { install(s, s.Client, t) }

// Stats returns a snapshot.
func (t *Transport) Stats() RESTStats { return restStats(t.rest.Stats()) }

// RESTStats describes the requests to Discord's API and how close they are to its limits.
type RESTStats struct {
	Waiting      int           `json:"waiting"`       // requests that wait for a limit
	Buckets      int           `json:"buckets"`       // limits of routes that are kept track of
	GlobalTokens int           `json:"global_tokens"` // requests that the global limit allows now
	Invalid      int           `json:"invalid"`       // requests of the last 10 minutes answered 401, 403 or 429
	Blocked      time.Duration `json:"blocked"`       // until Cloudflare's block of the host ends
}

func restStats(st rest.Stats) RESTStats {
	return RESTStats{Waiting: st.Waiting, Buckets: st.Buckets, GlobalTokens: st.Global,
		Invalid: st.Invalid, Blocked: st.Blocked}
}

// install gives a session a copy of client that sends through next.
func install(s *discordgo.Session, client *http.Client, next http.RoundTripper) {
	c := *client
	c.Timeout = 0 // it would count what a request waits for a limit; each attempt has its own
	c.Transport = &bucketlock.Transport{Limiter: s.Ratelimiter, Next: next}
	s.Client = &c
	s.MaxRestRetries, s.ShouldRetryOnRateLimit = 0, false
}

// publicErrors turns the errors of package rest into those of this package.
type publicErrors struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (p publicErrors) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := p.next.RoundTrip(r)
	if err != nil {
		return nil, publicError(err)
	}
	return resp, nil
}

func publicError(err error) error {
	if e, ok := errors.AsType[*rest.RateLimitError](err); ok {
		return (*RateLimitError)(e)
	}
	if e, ok := errors.AsType[*rest.InvalidRequestsError](err); ok {
		return (*InvalidRequestsError)(e)
	}
	if e, ok := errors.AsType[*rest.RequestError](err); ok {
		return (*RequestError)(e)
	}
	switch {
	case errors.Is(err, rest.ErrUnauthorized):
		return ErrUnauthorized
	case errors.Is(err, rest.ErrWebhookGone):
		return ErrWebhookGone
	}
	return err
}

// A RateLimitError says that a request was not sent, or not sent again, because of a rate limit.
type RateLimitError struct {
	Method string
	Route  string // such as /channels/{id}/messages

	// Scope is whose limit it is: "user" for the route's, "shared" for one that others have used
	// up, "global" for the bot's over all routes, "cloudflare" if the host is blocked.
	Scope string

	// RetryAfter is how long to wait until the request can be sent.
	RetryAfter time.Duration

	// Sent reports whether Discord answered 429. Otherwise the request was not sent.
	Sent bool
}

func (e *RateLimitError) Error() string { return (*rest.RateLimitError)(e).Error() }

// An InvalidRequestsError says that a request was not sent because too many requests of the last
// 10 minutes were answered with 401, 403 or 429. Discord blocks a host that sends 10,000 of them.
// Calls of [Low] priority are refused from 9,000 on, all others from 9,800.
type InvalidRequestsError struct {
	Used, Limit int           // of the last 10 minutes
	RetryAfter  time.Duration // until the oldest of them no longer count
}

func (e *InvalidRequestsError) Error() string { return (*rest.InvalidRequestsError)(e).Error() }

// A RequestError says that a request got no answer, or an answer with a status of 500 or above, in
// all of its attempts. Discord may have carried it out anyway.
type RequestError struct {
	Method   string
	Route    string // such as /channels/{id}/messages
	Status   int    // of the last answer; 0 if there was none
	Attempts int
	Err      error // why there was no answer; nil if there was one
}

func (e *RequestError) Error() string { return (*rest.RequestError)(e).Error() }

// Unwrap returns why there was no answer.
func (e *RequestError) Unwrap() error { return e.Err }

// Timeout reports whether no answer came in time.
func (e *RequestError) Timeout() bool { return (*rest.RequestError)(e).Timeout() }

// A PriorityLevel says which of the requests that wait for a limit go first.
type PriorityLevel int

// Levels of [Priority]. Requests without a level are between the two.
const (
	Low PriorityLevel = iota
	High
)

// Priority returns a context whose requests go ahead of others that wait for the same limit
// ([High]), or after them ([Low]). Use Low for what can be left undone, such as deleting old
// messages: when many requests fail, those are slowed down and refused first; see
// [InvalidRequestsError].
func Priority(ctx context.Context, level PriorityLevel) context.Context {
	if level == High {
		return rest.WithLevel(ctx, rest.High)
	}
	return rest.WithLevel(ctx, rest.Low)
}

// NoWait returns a context whose requests fail with a [*RateLimitError] instead of waiting for a
// limit.
func NoWait(ctx context.Context) context.Context { return rest.NoWait(ctx) }
