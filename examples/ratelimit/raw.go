package main

import (
	"net/http"
	"net/url"
	"strings"
)

// toServer returns a transport that sends what is meant for Discord to the server at base.
func toServer(base string) http.RoundTripper {
	u, err := url.Parse(base)
	if err != nil {
		panic(err) // discordtest's URLs are valid
	}
	return redirect{u}
}

type redirect struct{ base *url.URL }

// RoundTrip implements http.RoundTripper.
func (t redirect) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host = t.base.Scheme, t.base.Host
	return http.DefaultTransport.RoundTrip(r)
}

// bar draws a share as 20 characters.
func bar(part int64, whole int) string {
	return strings.Repeat("█", int(20*part)/max(whole, 1))
}
