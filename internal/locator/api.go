package locator

import (
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
)

// A Transport sends what is meant for Discord's API to another base URL.
type Transport struct {
	Base  *url.URL
	Next  http.RoundTripper
	Calls *atomic.Uint64 // requests, to Discord or elsewhere
}

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	t.Calls.Add(1)
	if r.URL.Host != "discord.com" || !strings.HasPrefix(r.URL.Path, "/api/") {
		return t.Next.RoundTrip(r)
	}
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host, r.Host = t.Base.Scheme, t.Base.Host, ""
	if t.Base.Path != "" {
		r.URL.RawPath = t.Base.EscapedPath() + r.URL.EscapedPath()
		r.URL.Path = t.Base.Path + r.URL.Path
	}
	return t.Next.RoundTrip(r)
}
