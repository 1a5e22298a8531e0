package discordtest

import (
	"slices"

	"github.com/bwmarrin/discordgo"
)

func pinRoutes(r router) {
	const channel, history = "/channels/{channel}", discordgo.PermissionReadMessageHistory
	r.on("GET", channel+"/pins", (*exchange).listPins, history)
	r.on("GET", channel+"/messages/pins", (*exchange).listPinItems, history)
	for _, pins := range []string{channel + "/pins", channel + "/messages/pins"} {
		r.on("PUT", pins+"/{message}", (*exchange).pin)
		r.on("DELETE", pins+"/{message}", (*exchange).unpin)
	}
}

func (x *exchange) pin() (any, error)   { return x.setPinned(true) }
func (x *exchange) unpin() (any, error) { return x.setPinned(false) }

func (x *exchange) setPinned(on bool) (any, error) {
	c, m, err := x.message()
	if err != nil {
		return nil, err
	}
	// Since 2026 there is a permission for pins alone.
	if may := x.botIn(c); !may.has(permissionPinMessages) && !may.has(discordgo.PermissionManageMessages) {
		return nil, errMissingPermissions
	}
	if on && !m.Pinned && len(c.pins()) >= maxPins {
		return nil, &apiError{400, 30003, "Maximum number of pinned messages reached (250)", nil}
	}
	m.Pinned = on
	x.emitInLocked(c, "CHANNEL_PINS_UPDATE",
		inGuild(c, map[string]any{"channel_id": c.ID, "last_pin_timestamp": timestamp(x.nowLocked())}))
	return nil, nil
}

// maxPins is Discord's limit for a channel.
const maxPins = 250

// pins returns what is pinned in a channel, newest first.
func (c *channel) pins() []*message {
	pins := []*message{}
	for _, m := range slices.Backward(c.messages) {
		if m.Pinned {
			pins = append(pins, m)
		}
	}
	return pins
}

func (x *exchange) listPins() (any, error) {
	c, err := x.channel()
	if err != nil {
		return nil, err
	}
	return c.pins(), nil
}

// listPinItems is listPins in the form of 2025.
func (x *exchange) listPinItems() (any, error) {
	pins, err := x.listPins()
	if err != nil {
		return nil, err
	}
	items := []map[string]any{}
	for _, m := range pins.([]*message) {
		items = append(items, map[string]any{"pinned_at": m.Timestamp, "message": m})
	}
	return map[string]any{"items": items, "has_more": false}, nil
}
