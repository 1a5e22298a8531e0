package redact

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/bwmarrin/discordgo"
)

// A Transport is the outermost part of a session's HTTP client. It passes on all requests; what
// goes wrong with those that have a token in their URL it reports in its own way:
//
//   - An error becomes a response whose body cannot be read: discordgo returns the error of the
//     read as it is, where http.Client would wrap that of a RoundTripper with the URL.
//   - A status that is not a success becomes a [*discordgo.RESTError] in the same way, whose
//     Request has neither the token nor headers. So a redirect is not followed.
type Transport struct{ Next http.RoundTripper }

type bareKey struct{}

// Bare returns a context for requests that a [Transport] is to pass on as they are, because the
// caller keeps the token out of errors and has to know them apart.
func Bare(ctx context.Context) context.Context { return context.WithValue(ctx, bareKey{}, true) }

// maxFailure bounds what is read of an answer that says why it is not a success.
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

// try sends a request and makes an error of every answer that is not a success.
func (t *Transport) try(r *http.Request) (*http.Response, error) {
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
	return nil, failure
}

// read makes an error of an answer that is not a success.
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
