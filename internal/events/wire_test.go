package events_test

import (
	"testing"

	"github.com/botwright/botwright/internal/events"
)

func TestWireName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"MessageCreate": "MESSAGE_CREATE", "Ready": "READY",
		"ApplicationCommandPermissionsUpdate": "APPLICATION_COMMAND_PERMISSIONS_UPDATE",
	} {
		if got := events.WireName(name); got != want || !events.IsWireName(got) {
			t.Errorf("WireName(%q) = %q", name, got)
		}
		if events.IsWireName(name) {
			t.Errorf("%q passes for a name on the wire", name)
		}
	}
	for _, name := range []string{"", "*", "message_create", "MESSAGE CREATE"} {
		if events.IsWireName(name) {
			t.Errorf("%q passes for a name on the wire", name)
		}
	}
}

func TestHasBefore(t *testing.T) {
	t.Parallel()
	for eventType, want := range map[string]bool{
		"MESSAGE_UPDATE": true, "GUILD_DELETE": true, "MESSAGE_CREATE": false,
		"PRESENCES_REPLACE": false, "NO_SUCH_EVENT": false,
	} {
		if got := events.HasBefore(eventType); got != want {
			t.Errorf("HasBefore(%s) = %v", eventType, got)
		}
	}
}
