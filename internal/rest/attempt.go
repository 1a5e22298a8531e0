package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"time"
)

const (
	// maxAttempts is how often a request is sent at most.
	maxAttempts = 5

	// firstPause is the upper bound of the pause before the second attempt; it doubles up to
	// longestPause.
	firstPause   = 250 * time.Millisecond
	longestPause = 5 * time.Second

	// shortestPause is waited after a 429 even if it asks for less.
	shortestPause = 50 * time.Millisecond

	// maxBody is more than the largest answer of Discord's, 1,000 members in a few MB.
	maxBody = 64 << 20

	// maxFailure bounds what is read of an answer that is not passed on.
	maxFailure = 64 << 10
)

// An timeoutError is the cause of an attempt that took too long.
type timeoutError struct{ after time.Duration }

func (e *timeoutError) Error() string { return fmt.Sprintf("no answer within %v", e.after) }

// Timeout implements net.Error's.
func (e *timeoutError) Timeout() bool { return true }

// attempt sends the call's request once and decides what becomes of the call.
func (t *Transport) attempt(c *call) (outcome, error) {
	ctx, end := c.begin(c.request.Context(), StepAttempt, "")
	resp, err := t.sendOnce(ctx, c) //nolint:bodyclose // judge passes the answer on, or closes it
	result := Result{Err: err}
	if err == nil {
		if result.Status = resp.StatusCode; result.Status == http.StatusTooManyRequests {
			result.Scope = scopeOf(resp.Header)
		}
	}
	end(result)
	return t.judge(c, resp, err)
}

// sendOnce sends the call's request. The answer's body ends the attempt when it is closed.
func (t *Transport) sendOnce(ctx context.Context, c *call) (resp *http.Response, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, t.cfg.Timeout, &t.late)
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("the HTTP transport panicked: %v\n%s", v, debug.Stack())
		}
		if err != nil {
			if cause := context.Cause(ctx); cause != nil {
				err = cause
			}
			cancel()
		}
	}()
	c.watch = nil
	traced := ctx
	if t.trips.measure() {
		c.watch = new(stopwatch)
		traced = c.watch.start(ctx)
	}
	r := c.request.WithContext(traced)
	if c.content != nil {
		c.setContent(r)
	}
	resp, err = t.cfg.Next.RoundTrip(r)
	if err == nil && resp == nil {
		err = errors.New("the HTTP transport returned neither an answer nor an error")
	}
	if err != nil {
		return nil, err
	}
	c.body = body{ctx: ctx, cancel: cancel, source: resp.Body, left: maxBody}
	resp.Body = &c.body
	return resp, nil
}

// A body is an answer's body within the bounds of its attempt.
type body struct {
	ctx    context.Context
	cancel context.CancelFunc
	source io.ReadCloser
	left   int64
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("the answer has more than %d bytes", maxBody)
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.source.Read(p)
	b.left -= int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		if cause := context.Cause(b.ctx); cause != nil {
			err = cause
		}
	}
	return n, err
}

// Close implements io.Closer.
func (b *body) Close() error {
	b.cancel()
	return b.source.Close()
}

// An outcome is what an attempt came to: an answer for the caller, or a pause before another
// attempt.
type outcome struct {
	resp  *http.Response
	pause time.Duration
}

// judge decides what becomes of a call after an attempt.
func (t *Transport) judge(
	c *call, resp *http.Response, err error,
) (outcome, error) {
	switch {
	case err != nil:
		t.answered(c, nil)
		return t.unanswered(c, err)
	case resp.StatusCode == http.StatusTooManyRequests:
		return t.limited(c, resp)
	case resp.StatusCode >= 500:
		t.answered(c, resp)
		discard(resp)
		failed := &RequestError{Method: c.request.Method, Route: c.route.name,
			Status: resp.StatusCode, Attempts: c.attempts}
		if !c.retryable {
			return outcome{}, failed
		}
		return c.again(failed)
	}
	t.answered(c, resp)
	if err := t.note(c, resp); err != nil {
		return outcome{}, err
	}
	for _, name := range limitHeaders {
		delete(resp.Header, name)
	}
	return outcome{resp: resp}, nil
}

// limitHeaders would have discordgo wait for limits that have been waited for here.
var limitHeaders = [...]string{"X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset",
	"X-Ratelimit-Reset-After", "X-Ratelimit-Bucket", "X-Ratelimit-Global", "X-Ratelimit-Scope"}

// unanswered decides about an attempt that got no answer.
func (t *Transport) unanswered(c *call, err error) (outcome, error) {
	if ctx := c.request.Context(); ctx.Err() != nil {
		return outcome{}, context.Cause(ctx)
	}
	failed := &RequestError{Method: c.request.Method, Route: c.route.name,
		Attempts: c.attempts, Err: err}
	if !c.retryable && !neverSent(err) {
		return outcome{}, failed
	}
	return c.again(failed)
}

// again returns the pause before the next attempt, or failed if there is to be none.
func (c *call) again(failed error) (outcome, error) {
	limit := min(firstPause<<(c.attempts-1), longestPause)
	pause := rand.N(limit)
	if c.attempts >= maxAttempts || !c.replayable() ||
		(!c.deadline.IsZero() && time.Until(c.deadline) <= pause) {
		return outcome{}, failed
	}
	return outcome{pause: pause}, nil
}

// limited decides about an answer of status 429.
func (t *Transport) limited(c *call, resp *http.Response) (outcome, error) {
	scope := scopeOf(resp.Header)
	wait, known := retryAfter(resp)
	now := time.Now()
	if scope != scopeShared {
		t.budget.add(now)
	}
	bucket := c.bucket
	t.answered(c, resp)
	wait = max(wait, shortestPause<<(c.attempts-1))
	switch {
	case scope == scopeCloudflare && !known:
		t.refusals.block(now, 0)
		wait = t.refusals.blockedFor(now)
	case scope == scopeCloudflare:
		t.refusals.block(now, wait)
	case scope == scopeGlobal && !c.exempt && !t.cfg.NoLimits:
		t.global.block(now.Add(wait))
	case bucket != nil && scope != scopeGlobal:
		t.mu.Lock()
		bucket.block(now.Add(wait), scope)
		bucket.refuseLocked(bucket)
		t.mu.Unlock()
	}
	limited := &RateLimitError{Method: c.request.Method, Route: c.route.name,
		Scope: scope, RetryAfter: wait, Sent: true}
	if c.attempts >= maxAttempts || c.noWait || !c.replayable() ||
		(c.deadline.IsZero() && wait > t.cfg.MaxWait) ||
		(!c.deadline.IsZero() && now.Add(wait).After(c.deadline)) {
		return outcome{}, limited
	}
	if t.cfg.NoLimits || (scope == scopeGlobal && c.exempt) {
		return outcome{pause: wait}, nil // no gate waits for it
	}
	return outcome{}, nil
}

// scopeOf returns whose limit a 429 is about. Cloudflare, which stands before Discord, sets none
// of Discord's headers.
func scopeOf(h http.Header) string {
	switch s := h.Get("X-Ratelimit-Scope"); {
	case s == scopeUser, s == scopeGlobal, s == scopeShared:
		return s
	case h.Get("X-Ratelimit-Global") != "":
		return scopeGlobal
	case h.Get("X-Ratelimit-Limit") != "" || h.Get("X-Ratelimit-Bucket") != "":
		return scopeUser
	}
	return scopeCloudflare
}

// retryAfter reads how long a 429 asks to wait: from its body, which has fractions of a second,
// or else its header.
func retryAfter(resp *http.Response) (wait time.Duration, known bool) {
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxFailure))
	_ = resp.Body.Close()
	var answer struct {
		RetryAfter *float64 `json:"retry_after"`
	}
	if err == nil && json.Unmarshal(b, &answer) == nil && answer.RetryAfter != nil {
		after := min(max(*answer.RetryAfter, 0), maxRetryAfter.Seconds())
		return time.Duration(after * float64(time.Second)), true
	}
	return seconds(resp.Header.Get("Retry-After"))
}

// note remembers what an answer says of later requests.
func (t *Transport) note(c *call, resp *http.Response) error {
	now := time.Now()
	switch resp.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		t.budget.add(now)
	}
	gone := false
	if c.webhook && resp.StatusCode == http.StatusNotFound {
		var err error
		if gone, err = saysUnknownWebhook(resp); err != nil {
			return &RequestError{Method: c.request.Method, Route: c.route.name,
				Attempts: c.attempts, Err: err}
		}
	}
	if t.refusals.answered(c, resp.StatusCode, gone, now) && t.cfg.Refused != nil {
		t.cfg.Refused()
	}
	return nil
}

// unknownWebhook is Discord's code for a webhook that does not exist, or the token of an
// interaction that has expired.
const unknownWebhook = 10015

// saysUnknownWebhook looks at the body of an answer and puts it back.
func saysUnknownWebhook(resp *http.Response) (bool, error) {
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxFailure))
	_ = resp.Body.Close()
	if err != nil {
		return false, fmt.Errorf("read the answer: %w", err)
	}
	resp.Body = io.NopCloser(bytes.NewReader(b))
	var answer struct {
		Code int `json:"code"`
	}
	return json.Unmarshal(b, &answer) == nil && answer.Code == unknownWebhook, nil
}

// discard reads the rest of an answer, so that its connection can be used again.
func discard(resp *http.Response) {
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxFailure))
	_ = resp.Body.Close()
}
