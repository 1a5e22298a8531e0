package redact

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/bwmarrin/discordgo"
)

// A Transport is the outermost part of a session's HTTP client. It passes on all requests; what
// goes wrong with those that have a token in their URL it reports in its own way:
//
//   - An error becomes a response whose body cannot be read: discordgo returns the error of the
//     read as it is, where http.Client would wrap that of a RoundTripper with the URL.
//   - A status that is no success becomes a [*discordgo.RESTError] in the same way, whose Request
//     has neither the token nor headers. So a redirect is not followed.
//   - It waits out a 429 and tries again after a 502, because discordgo logs the URL when it does
//     that (restapi.go, RequestWithLockedBucket). A wait that the context's deadline, or the
//     client's timeout, does not leave time for is a [*discordgo.RateLimitError] at once.
type Transport struct {
	Next http.RoundTripper

	// RetryRateLimited and Retries are what the session's ShouldRetryOnRateLimit and
	// MaxRestRetries are. They must not be changed once the Transport is used.
	RetryRateLimited bool
	Retries          int
}

type bareKey struct{}

// Bare returns a context for requests that a [Transport] is to pass on as they are, because the
// caller keeps the token out of errors and has to know them apart.
func Bare(ctx context.Context) context.Context { return context.WithValue(ctx, bareKey{}, true) }

// maxFailure bounds what is read of an answer that says why it is no success.
const maxFailure = 64 << 10

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if !Secret(r.URL.Path) || r.Context().Value(bareKey{}) != nil {
		return t.Next.RoundTrip(r)
	}
	resp, err := t.try(r)
	if err != nil {
		return Failing(r, Error(err)), nil
	}
	return resp, nil
}

// CloseIdleConnections is what http.Client.CloseIdleConnections calls.
func (t *Transport) CloseIdleConnections() {
	if c, ok := t.Next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// try sends a request until there is a success, or an error that says why there is none.
func (t *Transport) try(r *http.Request) (*http.Response, error) {
	for retries := 0; ; {
		resp, err := t.Next.RoundTrip(r)
		if err != nil {
			shown := harmless(r)
			return nil, &url.Error{Op: shown.Method, URL: shown.URL.String(), Err: err}
		}
		if resp.StatusCode >= 200 && resp.StatusCode < 300 {
			return resp, nil
		}
		failure, err := read(r, resp)
		if err != nil {
			return nil, err
		}
		again, err := repeatable(r)
		if err != nil {
			return nil, failure
		}
		switch resp.StatusCode {
		case http.StatusTooManyRequests:
			limited, ok := rateLimit(failure)
			if !ok {
				return nil, failure // of Cloudflare, which is not over in a moment
			}
			if !t.RetryRateLimited || !wait(r, limited.RetryAfter) {
				return nil, cmp.Or(context.Cause(r.Context()), error(limited))
			}
		case http.StatusBadGateway:
			if retries >= t.Retries || r.Context().Err() != nil {
				return nil, failure
			}
			retries++
		default:
			return nil, failure
		}
		r = again
	}
}

// read makes an error of an answer that is no success.
func read(r *http.Request, resp *http.Response) (*discordgo.RESTError, error) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxFailure))
	_ = resp.Body.Close()
	if err != nil {
		return nil, err
	}
	shown := *resp
	shown.Request, shown.Body, shown.Header = harmless(r), http.NoBody, resp.Header.Clone()
	shown.Header.Del("Location")
	failure := &discordgo.RESTError{
		Request: shown.Request, Response: &shown, ResponseBody: []byte(Text(string(body)))}
	var message discordgo.APIErrorMessage
	if json.Unmarshal(failure.ResponseBody, &message) == nil {
		failure.Message = &message
	}
	return failure, nil
}

// harmless returns a copy of a request to show: without the token, the headers and the body.
func harmless(r *http.Request) *http.Request {
	return &http.Request{
		Method: r.Method, Host: r.Host, Header: make(http.Header),
		URL: &url.URL{Scheme: r.URL.Scheme, Host: r.URL.Host, Path: Text(r.URL.Path)},
	}
}

// repeatable returns the request with its body from the start.
func repeatable(r *http.Request) (*http.Request, error) {
	again := r.Clone(r.Context())
	if r.Body == nil || r.Body == http.NoBody {
		return again, nil
	}
	if r.GetBody == nil {
		return nil, fmt.Errorf("the body of %s %s cannot be sent again", r.Method, Text(r.URL.Path))
	}
	var err error
	again.Body, err = r.GetBody()
	return again, err
}

// rateLimit reads a 429 as discordgo does; it is false for one that is not Discord's.
func rateLimit(failure *discordgo.RESTError) (*discordgo.RateLimitError, bool) {
	var limit discordgo.TooManyRequests
	ok := json.Unmarshal(failure.ResponseBody, &limit) == nil
	return &discordgo.RateLimitError{RateLimit: &discordgo.RateLimit{
		TooManyRequests: &limit, URL: failure.Request.URL.String(),
	}}, ok
}

// wait is false if the request's context does not leave time for it.
func wait(r *http.Request, d time.Duration) bool {
	ctx := r.Context()
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= d {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Failing returns a response that yields err to whoever reads it, which discordgo does first of
// all.
func Failing(r *http.Request, err error) *http.Response {
	const status = http.StatusBadRequest
	return &http.Response{
		Status: fmt.Sprintf("%d %s", status, http.StatusText(status)), StatusCode: status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: make(http.Header), ContentLength: -1, Request: r,
		Body: io.NopCloser(failingReader{err}),
	}
}

type failingReader struct{ err error }

func (f failingReader) Read([]byte) (int, error) { return 0, f.err }
