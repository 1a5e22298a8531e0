package rest

import "context"

// A Step is a part of a call that Config.Trace is told of.
type Step int

// Steps. A call has any number of waits and attempts, one after the other.
const (
	StepCall    Step = iota // all of it, from RoundTrip's begin to the answer
	StepWait                // for a limit, or before another attempt
	StepAttempt             // from sending the request to the headers of the answer
)

// Why a call waits, beside the scopes of limits.
const (
	waitInvalid = "invalid_requests" // too many requests failed in the last 10 minutes
	waitRetry   = "retry"            // an attempt has failed
)

// A Span is a step of a call.
type Span struct {
	Step
	Method, Route string
	Reason        string // of a wait: the scope of the limit, or "invalid_requests" or "retry"
	Attempt       int    // from 1; 0 for a whole call
}

// A Result is how a step ended.
type Result struct {
	Status int    // of the answer; 0 if there was none
	Scope  string // of an answer of status 429: whose limit it is
	Err    error
}

// noEnd ends what nobody follows.
func noEnd(Result) {}

// begin begins a step. What belongs to it is given the context.
func (c *call) begin(ctx context.Context, step Step, reason string) (context.Context, func(Result)) {
	if c.trace == nil {
		return ctx, noEnd
	}
	s := Span{Step: step, Method: c.request.Method, Route: c.route.name, Reason: reason}
	if step != StepCall {
		s.Attempt = c.attempts
		if step == StepWait {
			s.Attempt++ // the one that it waits for
		}
	}
	return c.trace(ctx, s)
}

// wait parks the call until resume is called.
func (c *call) wait(ctx context.Context, reason string) (resume func(error)) {
	unpark := c.park(ctx)
	_, end := c.begin(ctx, StepWait, reason)
	return func(err error) {
		end(Result{Err: err})
		unpark()
	}
}

// statusOf returns how a call ended, for its last span.
func statusOf(err error) (r Result) {
	r.Err = err
	switch e := err.(type) { //nolint:errorlint // these are this package's own, not wrapped yet
	case *RequestError:
		r.Status = e.Status
	case *RateLimitError:
		r.Scope = e.Scope
	}
	return r
}
