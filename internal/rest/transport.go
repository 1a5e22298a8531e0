package rest

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Config configures a Transport. Next is required; every zero field is its default.
type Config struct {
	Next http.RoundTripper

	// Global is how many requests may be sent in a second over all routes; negative: any number.
	// Default: 50, which is what Discord allows a bot.
	Global int

	// NoLimits leaves the limits of routes and the global limit to a proxy behind Next. Answers
	// of status 429 are waited out all the same.
	NoLimits bool

	// MaxWait is how long a call whose context has no deadline waits for a limit to end that
	// Discord has set. Default: 1 minute; Discord's documented windows last seconds.
	MaxWait time.Duration

	// Timeout bounds each attempt, from sending the request to the last byte of the answer.
	// Default: 20s, as discordgo's.
	Timeout time.Duration

	// Refused is called when Discord has refused the token several times in a row. It must not
	// block.
	Refused func()

	// Waited is called with how long a request has waited for limits, if it had to. It must not
	// block.
	Waited func(ctx context.Context, method, route string, d time.Duration)

	// Trace is called when a step of a call begins. What belongs to the step, as waits and attempts
	// do to a call, and Next's request to an attempt, is given the context that it returns; end is
	// called once. Neither may block. Default: nothing, at no cost.
	Trace func(ctx context.Context, s Span) (_ context.Context, end func(Result))

	// Park is called with a request's context before it begins to wait, and what it returns when
	// the wait is over: whoever has lent the caller a place can give it to another meanwhile. It
	// must not block. Default: nothing.
	Park func(ctx context.Context) (resume func())
}

// A Transport is an http.RoundTripper that keeps to Discord's limits. Its methods may be called
// from any goroutine.
type Transport struct {
	cfg      Config
	global   *global
	budget   budget
	refusals refusals
	late     timeoutError
	trips    trips

	mu    sync.Mutex // guards what follows
	table table
}

// New returns a Transport that has sent nothing yet.
func New(cfg Config) *Transport {
	if cfg.Global == 0 {
		cfg.Global = 50
	}
	if cfg.MaxWait == 0 {
		cfg.MaxWait = time.Minute
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 20 * time.Second
	}
	if cfg.Park == nil {
		cfg.Park = func(context.Context) func() { return func() {} }
	}
	return &Transport{cfg: cfg, global: newGlobal(max(cfg.Global, 1)), refusals: newRefusals(),
		late: timeoutError{cfg.Timeout}, table: newTable()}
}

// A call is one use of RoundTrip.
type call struct {
	request   *http.Request
	park      func(context.Context) (resume func())
	trace     func(context.Context, Span) (context.Context, func(Result))
	key       key
	route     *routeLimit
	bucket    *bucket // from its admission to its answer
	exempt    bool    // from the global limit
	webhook   bool    // it names a webhook or interaction by its token
	usesToken bool    // it fails if the bot's token is wrong
	retryable bool    // sending it twice does no harm
	noWait    bool
	level     Level
	deadline  time.Time // zero: none
	attempts  int

	slot *slot // of the global limit
	use  uint64

	content []byte     // what is sent in place of the request's body; nil: that body
	reader  content    // of content
	body    body       // of the answer
	watch   *stopwatch // nil: the attempt is not timed
}

// RoundTrip implements http.RoundTripper. Besides the errors of this package it returns the
// cause of the request's context. An answer of status 429 or of 500 and above is never
// returned; all others are, without their rate-limit headers.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	c := t.newCall(r)
	if c.trace == nil {
		return t.send(c)
	}
	ctx, end := c.begin(r.Context(), StepCall, "")
	c.request = r.WithContext(ctx)
	resp, err := t.send(c)
	result := statusOf(err)
	if err == nil {
		result.Status = resp.StatusCode
	}
	end(result)
	return resp, err
}

// send sends the call's request until there is an answer for the caller, or none to be had.
func (t *Transport) send(c *call) (*http.Response, error) {
	err := t.refusals.check(c, time.Now())
	for again := false; err == nil; again = true {
		if err = t.pass(c, again); err != nil {
			break
		}
		c.attempts++
		var o outcome
		if o, err = t.attempt(c); o.resp != nil {
			return o.resp, nil
		}
		if err == nil {
			err = t.sleep(c, o.pause, waitRetry)
		}
		if err == nil {
			err = c.rewind()
		}
	}
	closeBody(c.request)
	return nil, err
}

func (t *Transport) newCall(r *http.Request) *call {
	c := &call{request: r, park: t.cfg.Park, trace: t.cfg.Trace,
		level: levelOf(r.Context()), noWait: !mayWait(r.Context())}
	c.deadline, _ = r.Context().Deadline()
	t.mu.Lock()
	t.table.find(c)
	t.mu.Unlock()
	c.webhook = strings.HasPrefix(c.route.name, "/webhooks/{id}/{token}") ||
		strings.HasPrefix(c.route.name, "/interactions/")
	c.usesToken = !c.webhook && r.Header.Get("Authorization") != ""
	c.retryable = r.Method != http.MethodPost && r.Method != ""
	if r.Method == http.MethodPost && c.route.name == createMessage {
		c.retryable = c.addNonce()
	}
	return c
}

// pass waits until the call's next request may be sent. again says that it was sent before.
func (t *Transport) pass(c *call, again bool) error {
	start := time.Now()
	if err := t.passBlock(c); err != nil {
		return err
	}
	if !again {
		pause, err := t.budget.admit(c, time.Now())
		if err == nil {
			err = t.sleep(c, pause, waitInvalid)
		}
		if err != nil {
			return err
		}
	}
	if !t.cfg.NoLimits {
		if err := t.passLimits(c, again); err != nil {
			return err
		}
	}
	if waited := time.Since(start); waited >= time.Millisecond && t.cfg.Waited != nil {
		t.cfg.Waited(c.request.Context(), c.request.Method, c.route.name, waited)
	}
	return nil
}

func (t *Transport) passLimits(c *call, again bool) error {
	t.mu.Lock()
	b := t.bucketLocked(c)
	if err := b.take(c, b, again); err != nil {
		return err
	}
	c.bucket = b
	if c.exempt || t.cfg.Global < 0 {
		return nil
	}
	t.global.mu.Lock()
	err := t.global.take(c, t.global, again)
	if err != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		b.undo(c)
		b.pumpLocked(b)
		c.bucket = nil
	}
	return err
}

// passBlock waits for the end of a block of Cloudflare's, which no request passes.
func (t *Transport) passBlock(c *call) error {
	for {
		now := time.Now()
		wait := t.refusals.blockedFor(now)
		if wait == 0 {
			return nil
		}
		if c.noWait || (c.deadline.IsZero() && wait > t.cfg.MaxWait) ||
			(!c.deadline.IsZero() && now.Add(wait).After(c.deadline)) {
			return &RateLimitError{Method: c.request.Method, Route: c.route.name,
				Scope: scopeCloudflare, RetryAfter: wait, Sent: c.attempts > 0}
		}
		if err := t.sleep(c, wait, scopeCloudflare); err != nil {
			return err
		}
	}
}

func (t *Transport) bucketLocked(c *call) *bucket {
	if b, ok := t.table.buckets.Get(c.key); ok {
		return b
	}
	t.table.sweep(time.Now())
	b := &bucket{route: c.route, maxWait: t.cfg.MaxWait, left: max(c.route.limit, 0)}
	b.gate.mu = &t.mu
	t.table.buckets.Add(key{c.key.route, strings.Clone(c.key.major), c.key.age}, b)
	return b
}

// sleep waits for d, unless the call's context ends before.
func (t *Transport) sleep(c *call, d time.Duration, reason string) (err error) {
	if d <= 0 {
		return nil
	}
	ctx := c.request.Context()
	resume := c.wait(ctx, reason)
	defer func() { resume(err) }()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// answered tells the gates that the call's request is no longer under way. resp is nil if there
// was no answer.
func (t *Transport) answered(c *call, resp *http.Response) {
	now := time.Now()
	if trip := c.watch.stop(now); resp != nil && trip > 0 {
		t.trips.add(trip)
	}
	half := t.trips.half()
	if c.slot != nil {
		t.global.answered(c, now, half)
	}
	if c.bucket == nil {
		return
	}
	var l limits
	if resp != nil {
		l = limitsOf(resp)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	c.bucket.answered(l, now, half)
	c.bucket.pumpLocked(c.bucket)
	c.bucket = nil
}

// Stats describes a Transport.
type Stats struct {
	Buckets int // in use
	Waiting int // calls that wait for a bucket or the global limit
	Global  int // requests that may be sent at once over all routes
	Invalid int // requests of the last 10 minutes that count as invalid

	InvalidElsewhere int           // those of the bot's other processes
	Blocked          time.Duration // how long Cloudflare goes on to block the host
}

// Stats returns a snapshot.
func (t *Transport) Stats() Stats {
	now := time.Now()
	st := Stats{Invalid: t.budget.used(now), Blocked: t.refusals.blockedFor(now),
		InvalidElsewhere: t.budget.elsewhere()}
	t.global.mu.Lock()
	st.Waiting = t.global.line.before(Low)
	for _, s := range t.global.slots {
		if !now.Before(s.free) && !now.Before(t.global.blocked) {
			st.Global++
		}
	}
	t.global.mu.Unlock()
	t.mu.Lock()
	defer t.mu.Unlock()
	st.Buckets = t.table.buckets.Len()
	for _, b := range t.table.buckets.Values() {
		st.Waiting += b.line.before(Low)
	}
	return st
}

func closeBody(r *http.Request) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
}
