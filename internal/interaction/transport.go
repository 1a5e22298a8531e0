package interaction

import (
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/botwright/botwright/internal/redact"
)

// A Transport is the part of a session's HTTP client that sees to the requests by which
// interactions are answered. All others it passes on.
type Transport struct {
	Answers *Answers

	// Fail makes the error that a caller gets for a failed request of the interaction with that
	// id.
	Fail func(id string, err error) error

	Next http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	to, ok := routeOf(r)
	if !ok || r.Context().Value(ownKey{}) != nil {
		return t.Next.RoundTrip(r)
	}
	a := t.Answers.find(to.token)
	if a == nil && to.interaction == "" {
		return t.Next.RoundTrip(r)
	}
	if a != nil {
		to.interaction = a.id
	}
	resp, err := t.answer(r, to, a)
	if err == nil && !succeeded(resp) {
		err = failure(resp)
		_ = resp.Body.Close()
	}
	if err != nil {
		return redact.Failing(r, t.Fail(to.interaction, err)), nil
	}
	return resp, nil
}

func (t *Transport) answer(r *http.Request, to route, a *Answer) (*http.Response, error) {
	if a == nil {
		return t.Next.RoundTrip(r)
	}
	x := &exchange{t: t, r: r, route: to, a: a}
	s, _ := a.now()
	if !to.callback && (s == open || s == answered || s == lost) {
		return x.pass() // edits and messages may overtake each other
	}
	var err error
	if x.body, err = readPayload(r); err != nil {
		return nil, err
	}
	if err := a.take(r.Context()); err != nil {
		return nil, err
	}
	defer a.give()
	if to.callback {
		return x.respond()
	}
	return x.webhook()
}

// A route is where a request about an interaction goes.
type route struct {
	base        string // the path before /interactions or /webhooks
	interaction string // its id, as far as it is known
	token       string
	callback    bool
	original    bool // it is about @original
}

// routeOf is false for requests that are about neither an interaction nor a webhook, which have
// the same routes.
func routeOf(r *http.Request) (route, bool) {
	if base, rest, ok := strings.Cut(r.URL.Path, "/interactions/"); ok {
		parts := strings.Split(rest, "/")
		if len(parts) != 3 || parts[2] != "callback" || r.Method != http.MethodPost {
			return route{}, false
		}
		return route{base: base, interaction: parts[0], token: parts[1], callback: true}, true
	}
	base, rest, ok := strings.Cut(r.URL.Path, "/webhooks/")
	if !ok {
		return route{}, false
	}
	parts := strings.Split(rest, "/")
	if len(parts) < 2 {
		return route{}, false
	}
	return route{
		base: base, interaction: idInToken(parts[1]), token: parts[1],
		original: len(parts) == 4 && parts[2] == "messages" && parts[3] == "@original",
	}, true
}

// idInToken reads the id of the interaction from its token; "" if it is that of a webhook.
func idInToken(token string) string {
	b, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(token, "="))
	if err != nil {
		return ""
	}
	rest, ok := strings.CutPrefix(string(b), "interaction:")
	if !ok {
		return ""
	}
	id, _, _ := strings.Cut(rest, ":")
	return id
}
