package rest

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/botwright/botwright/internal/route"
)

// A messageAge is what decides about the limit of deleting a message, which Discord counts
// separately for new, old and other ones.
type messageAge uint8

const (
	anyAge messageAge = iota
	newMessage
	oldMessage
)

const (
	newFor  = 10 * time.Second    // after its creation a message is new
	oldFrom = 14 * 24 * time.Hour // and old from then on

	deleteMessage = http.MethodDelete + " /channels/{id}/messages/{id}"
)

// ageOf returns the age of the message that the path of a deletion ends with.
func ageOf(path string, now time.Time) messageAge {
	id, err := strconv.ParseInt(path[strings.LastIndexByte(path, '/')+1:], 10, 64)
	if err != nil {
		return anyAge
	}
	created := time.UnixMilli(id>>22 + discordEpoch)
	switch age := now.Sub(created); {
	case age < newFor:
		return newMessage
	case age >= oldFrom:
		return oldMessage
	}
	return anyAge
}

// discordEpoch is the first millisecond of 2015, from which snowflakes count.
const discordEpoch = 1_420_070_400_000

// interactionToken is how the token of an interaction begins: "interaction:" in base64. Those of
// webhooks do not.
const interactionToken = "aW50ZXJhY3Rpb246"

// majorOf returns the top-level resource of a path behind the API's version: a channel, a guild,
// or a webhook or interaction with its token. exempt reports whether the path is about an
// interaction, to which the global limit does not apply.
func majorOf(resource string) (major string, exempt bool) {
	kind, rest, _ := strings.Cut(resource, "/")
	id, tail, _ := strings.Cut(rest, "/")
	switch kind {
	case "channels", "guilds":
		return id, false
	case "webhooks", "interactions":
		token, _, _ := strings.Cut(tail, "/")
		if token == "" {
			return id, false
		}
		return rest[:len(id)+1+len(token)],
			kind == "interactions" || strings.HasPrefix(token, interactionToken)
	}
	return "", false
}

// find makes the call's key. t.mu must be held.
func (t *table) find(c *call) {
	path := c.request.URL.EscapedPath()
	var buf [128]byte
	name := append(buf[:0], c.request.Method...)
	name = route.Append(append(name, ' '), path)
	r := t.routes[string(name)]
	if r == nil {
		r = &routeLimit{name: string(name[len(c.request.Method)+1:])}
		if len(t.routes) < maxRoutes {
			t.routes[string(name)] = r
		}
	}
	c.route, c.key.route = r, r
	c.key.major, c.exempt = majorOf(route.Resource(path))
	if string(name) == deleteMessage {
		c.key.age = ageOf(path, time.Now())
	}
}

// maxRoutes is more than Discord's API has. Templates of unknown paths count as one or few.
const maxRoutes = 1000
