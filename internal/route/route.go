// Package route gives the requests to Discord's API names of which there are only so many.
package route

import "strings"

// Other is the route of a request whose path is none of Discord's.
const Other = "other"

// maxSegments is more than the longest of Discord's paths has.
const maxSegments = 12

// Template returns the route of a request by its path: what comes behind /api/v10, with a
// placeholder for every id, token, emoji and code. A segment stays as it is only if it is a word of
// Discord's own paths and no value can stand in its place, so that nothing which a user or a peer
// invents becomes part of a route.
func Template(path string) string {
	var buf [128]byte
	return string(Append(buf[:0], path))
}

// Append appends what Template returns to b.
func Append(b []byte, path string) []byte {
	begin := len(b)
	rest := strings.Trim(Resource(path), "/")
	var values []string // what the next segments are, whatever they look like
	for n := 0; n == 0 || rest != ""; n++ {
		var s string
		s, rest, _ = strings.Cut(rest, "/")
		known := true
		switch {
		case len(values) > 0:
			s, values = values[0], values[1:]
		case isWord(s):
			values = valuesAfter(s)
		case isID(s):
			s, known = "{id}", false
		default:
			s, known = "{value}", false
		}
		if (n == 0 && !known) || n == maxSegments {
			return append(b[:begin], Other...)
		}
		b = append(append(b, '/'), s...)
	}
	return b
}

// Resource returns what comes behind /api/v10 in a path, or /api without a version. A proxy
// may have put a prefix before that.
func Resource(path string) string {
	_, path, _ = strings.Cut(path, "/api/")
	version, rest, _ := strings.Cut(path, "/")
	if len(version) > 1 && version[0] == 'v' && isID(version[1:]) {
		return rest
	}
	return path
}

func isID(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// valuesAfter returns the placeholders of what follows a word and need not be a number.
func valuesAfter(word string) []string {
	switch word {
	case "interactions", "webhooks":
		return []string{"{id}", "{token}"}
	case "invites", "templates":
		return []string{"{code}"}
	case "reactions":
		return []string{"{emoji}"}
	}
	return nil
}

// isWord reports whether s is a fixed part of one of the paths in Discord's documentation.
func isWord(s string) bool {
	switch s {
	case "@me", "@original", "active", "activity-instances", "answers", "applications",
		"archived", "audit-logs", "auto-moderation", "bans", "bot", "bulk-ban", "bulk-delete",
		"callback", "channels", "commands", "connections", "consume", "crosspost", "current-user",
		"emojis", "entitlements", "events", "expire", "followers", "gateway", "github", "guilds",
		"incident-actions", "integrations", "interactions", "invites", "lobbies", "member",
		"member-counts", "members", "messages", "metadata", "nick", "oauth2", "onboarding",
		"permissions", "pins", "polls", "preview", "private", "prune", "public", "reactions",
		"recipients", "regions", "role-connection", "role-connections", "roles", "rules",
		"scheduled-events", "search", "send-soundboard-sound", "skus", "slack",
		"soundboard-default-sounds", "soundboard-sounds", "stage-instances", "sticker-packs",
		"stickers", "subscriptions", "templates", "thread-members", "threads", "token",
		"typing", "users", "vanity-url", "voice", "voice-states", "voice-status", "webhooks",
		"welcome-screen", "widget", "widget.json", "widget.png":
		return true
	}
	return false
}
