// Package bucketlock lets REST calls of one discordgo bucket overlap.
//
// discordgo holds a bucket's mutex from before a request is sent until its answer is there
// (ratelimit.go, LockBucketObject and Release). Fifty edits of interactions, which all share one
// bucket, take fifty round trips; and a call that waits for a limit keeps all others of its
// bucket in a wait that no context ends. A [Transport] unlocks the mutex while the request is
// with the next transport and locks it again before discordgo goes on. discordgo's own fields
// are touched under the mutex as before.
//
// # Invariant
//
// Only a mutex is unlocked that the same call holds. Which one that is follows from the method
// and route, as long as one of discordgo's own methods made the request: they are found on the
// stack. A program that passes a bucket of its own to Session.RequestWithBucketID is left alone.
package bucketlock

import (
	"net/http"
	"runtime"
	"strings"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/route"
)

// A Transport is an http.RoundTripper for sessions that have Limiter as their Ratelimiter.
type Transport struct {
	Limiter *discordgo.RateLimiter
	Next    http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	key := keyOf(r)
	if key == "" || r.Response != nil || !calledByDiscordgo() {
		return t.Next.RoundTrip(r)
	}
	b := t.Limiter.GetBucket(key)
	b.Unlock()
	defer b.Lock()
	return t.Next.RoundTrip(r)
}

// A rule says how a route's bucket is named after its URL.
type rule int

const (
	none   rule = iota // not known, or nobody shares it
	whole              // the URL without its query
	exact              // the URL
	parent             // the URL up to and with its last slash
	role               // of a member: both ids are left out
	users              // one bucket for all users
	direct             // one for all direct messages that are begun
	token              // one for all webhooks and interactions
)

// ruleOf covers the routes that several calls share a bucket of and that bots use all the time.
func ruleOf(methodAndRoute string) rule {
	switch methodAndRoute {
	case "GET /channels/{id}", "PATCH /channels/{id}",
		"GET /channels/{id}/messages", "POST /channels/{id}/messages",
		"POST /channels/{id}/messages/bulk-delete", "POST /channels/{id}/typing",
		"GET /guilds/{id}", "PATCH /guilds/{id}", "GET /guilds/{id}/members",
		"GET /guilds/{id}/channels", "POST /guilds/{id}/channels",
		"GET /guilds/{id}/roles", "POST /guilds/{id}/roles":
		return whole
	case "POST /webhooks/{id}/{token}":
		return exact
	case "GET /channels/{id}/messages/{id}", "PATCH /channels/{id}/messages/{id}",
		"DELETE /channels/{id}/messages/{id}",
		"GET /guilds/{id}/members/{id}", "PUT /guilds/{id}/members/{id}",
		"PATCH /guilds/{id}/members/{id}", "DELETE /guilds/{id}/members/{id}",
		"PUT /guilds/{id}/bans/{id}", "DELETE /guilds/{id}/bans/{id}":
		return parent
	case "PUT /guilds/{id}/members/{id}/roles/{id}",
		"DELETE /guilds/{id}/members/{id}/roles/{id}":
		return role
	case "GET /users/{id}", "GET /users/@me":
		return users
	case "POST /users/@me/channels":
		return direct
	case "GET /webhooks/{id}/{token}", "PATCH /webhooks/{id}/{token}",
		"DELETE /webhooks/{id}/{token}",
		"GET /webhooks/{id}/{token}/messages/{id}",
		"PATCH /webhooks/{id}/{token}/messages/{id}",
		"DELETE /webhooks/{id}/{token}/messages/{id}",
		"GET /webhooks/{id}/{token}/messages/@original",
		"PATCH /webhooks/{id}/{token}/messages/@original":
		return token
	}
	return none
}

// keyOf returns the name of the bucket that discordgo holds for a request, "" if that is not
// known.
func keyOf(r *http.Request) string {
	var buf [128]byte
	name := append(append(buf[:0], r.Method...), ' ')
	rule := ruleOf(string(route.Append(name, r.URL.EscapedPath())))
	if rule == none {
		return ""
	}
	url := r.URL.String()
	if rule == exact {
		return url
	}
	url, _, _ = strings.Cut(url, "?")
	switch rule {
	case parent:
		return url[:strings.LastIndexByte(url, '/')+1]
	case role:
		member, _, _ := strings.Cut(url, "/roles/")
		return member[:strings.LastIndexByte(member, '/')+1] + "/roles/"
	case users:
		return discordgo.EndpointUsers
	case direct:
		return discordgo.EndpointUserChannels("")
	case token:
		if r.Header.Get("Content-Type") != "application/json" && r.Method == http.MethodPatch {
			return "" // with files each URL has its own
		}
		return discordgo.EndpointWebhookToken("", "")
	}
	return url
}

const (
	discordgoPackage = "github.com/bwmarrin/discordgo."
	requestMethod    = discordgoPackage + "(*Session).Request" // and what begins with it
)

// calledByDiscordgo reports whether the request that this goroutine makes was begun by a method of
// discordgo's other than those by which a program makes requests of its own.
func calledByDiscordgo() bool {
	var pcs [48]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	requesting := false
	for {
		f, more := frames.Next()
		switch {
		case strings.HasPrefix(f.Function, requestMethod):
			requesting = true
		case requesting:
			return strings.HasPrefix(f.Function, discordgoPackage)
		}
		if !more {
			return false
		}
	}
}
