package botwright

import "github.com/botwright/botwright/internal/frame"

// NewEvent returns an event as the gateway delivers it.
func NewEvent(eventType, raw string) *Event {
	route := frame.RouteOf(eventType, []byte(raw))
	return &Event{
		Type: eventType, raw: []byte(raw), GuildID: string(route.Guild),
		ChannelID: string(route.Channel), UserID: string(route.User),
	}
}
