package discordtest

import (
	"slices"
)

func (x *exchange) createMessage() (any, error) {
	c, err := x.channel()
	if err != nil {
		return nil, err
	}
	d, err := x.draft()
	if err != nil {
		return nil, err
	}
	if d.empty() {
		return nil, errEmptyMessage
	}
	if m := x.sameNonceLocked(c, x.world.bot, d); m != nil {
		return m, nil
	}
	m := x.newMessageLocked(c, x.world.bot, d)
	x.postLocked(c, m)
	return m, nil
}

func (x *exchange) getMessage() (any, error) {
	_, m, err := x.message()
	if err != nil {
		return nil, err
	}
	return m, nil
}

// listMessages returns the newest message first, around, before or after another.
func (x *exchange) listMessages() (any, error) {
	c, err := x.channel()
	if err != nil {
		return nil, err
	}
	q, limit := x.req.URL.Query(), x.number("limit", 50, 1, 100)
	seen := slices.DeleteFunc(slices.Clone(c.messages), (*message).ephemeral)
	at := func(id string) int {
		i, _ := slices.BinarySearchFunc(seen, id, compareMessage)
		return i
	}
	switch {
	case q.Get("before") != "":
		seen = seen[:at(q.Get("before"))]
	case q.Get("after") != "":
		i := at(q.Get("after"))
		for i < len(seen) && compareIDs(seen[i].ID, q.Get("after")) <= 0 {
			i++
		}
		seen = seen[i:min(len(seen), i+limit)]
	case q.Get("around") != "":
		i := max(at(q.Get("around"))-limit/2, 0)
		seen = seen[i:min(len(seen), i+limit)]
	}
	seen = slices.Clone(seen[max(len(seen)-limit, 0):])
	slices.Reverse(seen)
	return seen, nil
}

func (x *exchange) editMessage() (any, error) {
	c, m, err := x.message()
	if err != nil {
		return nil, err
	}
	if m.Author.ID != x.world.bot.ID {
		return nil, errNotAuthor
	}
	d, err := x.draft()
	if err != nil {
		return nil, err
	}
	x.rewriteLocked(c, m, d)
	return m, nil
}

func (x *exchange) deleteMessage() (any, error) {
	c, m, err := x.message()
	if err != nil {
		return nil, err
	}
	x.removeMessageLocked(c, m)
	return nil, nil
}

func (x *exchange) bulkDelete() (any, error) {
	c, err := x.channel()
	if err != nil {
		return nil, err
	}
	var in struct {
		Messages []string `json:"messages"`
	}
	if err := x.decode(&in); err != nil {
		return nil, err
	}
	if len(in.Messages) < 2 || len(in.Messages) > 100 {
		return nil, formError("messages", "BASE_TYPE_BAD_LENGTH", "Must be between 2 and 100 in length.")
	}
	gone := []string{}
	for _, id := range in.Messages {
		if c.drop(id) {
			gone = append(gone, id)
		}
	}
	x.emitLocked(c.GuildID, "MESSAGE_DELETE_BULK",
		inGuild(c, map[string]any{"ids": gone, "channel_id": c.ID}))
	return nil, nil
}

func (x *exchange) pin() (any, error)   { return x.setPinned(true) }
func (x *exchange) unpin() (any, error) { return x.setPinned(false) }

func (x *exchange) setPinned(on bool) (any, error) {
	c, m, err := x.message()
	if err != nil {
		return nil, err
	}
	m.Pinned = on
	x.emitLocked(c.GuildID, "CHANNEL_PINS_UPDATE",
		inGuild(c, map[string]any{"channel_id": c.ID, "last_pin_timestamp": timestamp(x.nowLocked())}))
	return nil, nil
}

func (x *exchange) listPins() (any, error) {
	c, err := x.channel()
	if err != nil {
		return nil, err
	}
	pins := []*message{}
	for _, m := range slices.Backward(c.messages) {
		if m.Pinned {
			pins = append(pins, m)
		}
	}
	return pins, nil
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
