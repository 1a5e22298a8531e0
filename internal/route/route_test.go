package route_test

import (
	"strings"
	"testing"

	"github.com/botwright/botwright/internal/route"
)

func TestTemplate(t *testing.T) {
	tests := []struct{ path, want string }{
		{"/api/v9/gateway/bot", "/gateway/bot"},
		{"/api/gateway", "/gateway"},
		{"/proxy/api/v10/users/@me", "/users/@me"},
		{"/api/v9/users/80351110224678912", "/users/{id}"},
		{"/api/v9/channels/1/messages/2", "/channels/{id}/messages/{id}"},
		{"/api/v9/channels/1/messages/", "/channels/{id}/messages"},
		{"/api/v9/channels/1/messages/2/reactions/🔥/@me", "/channels/{id}/messages/{id}/reactions/{emoji}/@me"},
		{"/api/v9/channels/1/messages/2/reactions/guilds:3", "/channels/{id}/messages/{id}/reactions/{emoji}"},
		{"/api/v9/webhooks/1/aW50ZXJhY3Rpb246MTpz/messages/@original", "/webhooks/{id}/{token}/messages/@original"},
		{"/api/v9/webhooks/1/messages/slack", "/webhooks/{id}/{token}/slack"},
		{"/api/v9/interactions/1/s3cr3t/callback", "/interactions/{id}/{token}/callback"},
		{"/api/v9/invites/guilds", "/invites/{code}"},
		{"/api/v9/guilds/templates/hgM48av5Q69A", "/guilds/templates/{code}"},
		{"/api/v9/applications/1/guilds/2/commands/3", "/applications/{id}/guilds/{id}/commands/{id}"},
		{"/api/v9/guilds/1/brand-new", "/guilds/{id}/{value}"},
		{"/api/v9/brand-new/1", route.Other},
		{"/api/v9/12/12", route.Other},
		{"/api/v9/", route.Other},
		{"/api/v9", route.Other},
		{"/", route.Other},
		{"", route.Other},
		{"/attachments/1/2/cat.png", route.Other},
		{"/api/v9" + strings.Repeat("/guilds", 13), route.Other},
	}
	for _, tt := range tests {
		if got := route.Template(tt.path); got != tt.want {
			t.Errorf("Template(%q) = %q, want %q", tt.path, got, tt.want)
		}
	}
}

// FuzzTemplate looks for a path of which something comes through that is no word of the API.
func FuzzTemplate(f *testing.F) {
	f.Add("/api/v9/webhooks/1/token/messages/2")
	f.Add("//api//v1//guilds//")
	f.Fuzz(func(t *testing.T, path string) {
		got := route.Template(path)
		if got == route.Other {
			return
		}
		for _, s := range strings.Split(got, "/")[1:] {
			if strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789@.-") != "" &&
				!strings.HasPrefix(s, "{") || len(s) > len("soundboard-default-sounds") {
				t.Errorf("Template(%q) = %q", path, got)
			}
		}
	})
}
