package interaction

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/bwmarrin/discordgo"
)

// An exchange is one request of the handler, and what is sent in its place.
type exchange struct {
	t     *Transport
	r     *http.Request
	route route
	a     *Answer
	body  payload
}

// respond handles a callback, with the turn.
func (x *exchange) respond() (*http.Response, error) {
	switch s, _ := x.a.now(); s {
	case open:
		return x.first()
	case loading, quiet:
		return x.instead(s)
	case lost:
		return nil, ErrExpired
	default:
		return nil, ErrAnswered
	}
}

// first sends a callback as it is.
func (x *exchange) first() (*http.Response, error) {
	resp, err := x.send(x.r.Method, x.r.URL.Path, x.r.URL.RawQuery, x.body)
	switch {
	case errors.Is(err, ErrAnswered) && x.a.unsure:
		x.a.deferred()
		s, _ := x.a.now()
		return x.instead(s)
	case errors.Is(err, ErrAnswered), err == nil && succeeded(resp):
		x.a.become(answered)
	case errors.Is(err, ErrExpired):
		x.a.become(lost)
	}
	return resp, err
}

// instead does what is left to do for a callback after a deferral: see the table in the package
// documentation.
func (x *exchange) instead(s state) (*http.Response, error) {
	c, err := x.body.callback()
	if err != nil {
		return nil, err
	}
	seen := s == loading && c.ephemeral == x.a.ephemeral // by those it is meant for
	switch c.kind {
	case discordgo.InteractionResponseChannelMessageWithSource:
		if seen {
			return x.edit(c)
		}
		return x.message(s, c)
	case discordgo.InteractionResponseUpdateMessage:
		if s == quiet {
			return x.edit(c)
		}
	case discordgo.InteractionResponseDeferredChannelMessageWithSource:
		if seen {
			return x.done()
		}
		return x.promise(s, c)
	case discordgo.InteractionResponseDeferredMessageUpdate:
		if s == quiet {
			return x.done()
		}
	}
	return nil, ErrDeferred
}

// done answers a callback that there is nothing left to do for as Discord does.
func (x *exchange) done() (*http.Response, error) {
	x.a.become(answered)
	return local(x.r, http.StatusNoContent), nil
}

// edit makes a response of the placeholder, or of the message that was clicked.
func (x *exchange) edit(c callback) (*http.Response, error) {
	message, err := c.message.withEphemeral(false)
	if err != nil {
		return nil, err
	}
	resp, err := x.send(http.MethodPatch, x.webhookPath("@original"), "", message)
	if err != nil || !succeeded(resp) {
		return resp, err
	}
	_ = resp.Body.Close()
	return x.done()
}

// message sends a response as a new message.
func (x *exchange) message(s state, c callback) (*http.Response, error) {
	if resp, err := x.clear(s); resp != nil || err != nil {
		return resp, err
	}
	resp, err := x.create(c.message)
	if err != nil || !succeeded(resp) {
		return resp, err
	}
	_ = resp.Body.Close()
	return x.done()
}

// promise notes that the handler will make a new message by editing its response.
func (x *exchange) promise(s state, c callback) (*http.Response, error) {
	if resp, err := x.clear(s); resp != nil || err != nil {
		return resp, err
	}
	x.a.ephemeral = c.ephemeral
	x.a.become(promised)
	return local(x.r, http.StatusNoContent), nil
}

// clear deletes the placeholder, if there is one. A response is one that did not succeed.
func (x *exchange) clear(s state) (*http.Response, error) {
	if s != loading {
		return nil, nil
	}
	resp, err := x.send(http.MethodDelete, x.webhookPath("@original"), "", payload{})
	if err != nil || !succeeded(resp) {
		return resp, err
	}
	_ = resp.Body.Close()
	x.a.become(quiet)
	return nil, nil
}

// create sends a new message, which from then on is @original.
func (x *exchange) create(message payload) (*http.Response, error) {
	resp, err := x.send(http.MethodPost, x.webhookPath(""), "wait=true", message)
	if err != nil || !succeeded(resp) {
		return resp, err
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		return nil, fmt.Errorf("read the message that was made: %w", err)
	}
	var made struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(body, &made); err != nil {
		return nil, fmt.Errorf("decode the message that was made: %w", err)
	}
	x.a.replaceOriginal(made.ID)
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// webhook handles an edit or message after a deferral, with the turn.
func (x *exchange) webhook() (*http.Response, error) {
	s, _ := x.a.now()
	creates := x.r.Method == http.MethodPost && !x.route.original
	changes := x.route.original && x.r.Method != http.MethodGet
	if s == promised && (creates || changes) {
		return x.keep()
	}
	x.restore()
	resp, err := x.pass()
	if (s == loading || s == quiet) && (creates || changes) && err == nil && succeeded(resp) {
		x.a.become(answered)
	}
	return resp, err
}

// keep makes the message that was promised from the first edit or message.
func (x *exchange) keep() (*http.Response, error) {
	if x.r.Method == http.MethodDelete {
		return x.done() // there was none yet
	}
	flagged, err := x.body.withEphemeral(x.a.ephemeral)
	if err != nil {
		return nil, err
	}
	resp, err := x.create(flagged)
	if err == nil && succeeded(resp) {
		x.a.become(answered)
	}
	return resp, err
}

// restore undoes readPayload.
func (x *exchange) restore() {
	if x.r.Body == nil {
		return
	}
	r := x.r.Clone(x.r.Context())
	x.body.put(r)
	x.r = r
}

// pass sends a request as it is, except for what stands in for @original.
func (x *exchange) pass() (*http.Response, error) {
	_, original := x.a.now()
	if !x.route.original || original == "" {
		return x.t.Next.RoundTrip(x.r)
	}
	r := x.r.Clone(x.r.Context())
	r.URL.Path, r.URL.RawPath = x.webhookPath(original), ""
	return x.t.Next.RoundTrip(r)
}

// webhookPath is that of a message of the interaction, or of making one.
func (x *exchange) webhookPath(message string) string {
	path := x.route.base + "/webhooks/" + x.a.app + "/" + x.a.token
	if message != "" {
		path += "/messages/" + message
	}
	return path
}

// send sends a request in place of the handler's. It returns a response that succeeded; the caller
// closes it.
func (x *exchange) send(method, path, query string, p payload) (*http.Response, error) {
	r := x.r.Clone(x.r.Context())
	r.Method = method
	r.URL.Path, r.URL.RawPath, r.URL.RawQuery = path, "", query
	p.put(r)
	resp, err := x.t.Next.RoundTrip(r)
	if err != nil || succeeded(resp) {
		return resp, err
	}
	err = failure(resp)
	_ = resp.Body.Close()
	return nil, err
}
