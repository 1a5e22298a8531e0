package frame

import "strings"

// A Route holds the ids by which an event is routed, as bytes of the payload. An id that the
// event has not is nil.
type Route struct {
	Guild, Channel, User []byte
}

// RouteOf reads the ids of an event of the given type from its d.
func RouteOf(eventType string, d []byte) Route {
	r, _ := routeOf(eventType, d)
	return r
}

// Read is [Whole] and [RouteOf] in one pass.
func Read(eventType string, data []byte) (d []byte, r Route, ok bool) {
	if r, ok = routeOf(eventType, data); ok {
		return data, r, true
	}
	if d, ok = Whole(data); !ok {
		return d, Route{}, false
	}
	return d, RouteOf(eventType, d), true
}

// routeOf also reports whether d is one well-formed object; if not, it may be one all the same.
func routeOf(eventType string, d []byte) (r Route, whole bool) {
	own := ownID(eventType)
	rank := 0 // of what named the user: the member, the user, their id
	user := func(v []byte, from int) {
		if id := id(v); id != nil && from >= rank {
			r.User, rank = id, from
		}
	}
	it, ok := object(d)
	if !ok {
		return r, false
	}
	for it.key() {
		switch string(it.name) {
		case "author", "user":
			v, _ := it.find("id")
			user(v, 2)
			continue
		case "member":
			// The member of an interaction carries the user; that of a message does not.
			v, _ := it.find("user", "id")
			user(v, 1)
			continue
		}
		if !it.value() {
			break
		}
		switch v := it.val; string(it.name) {
		case "guild_id":
			r.Guild = id(v)
		case "channel_id":
			if r.Channel == nil || own != ownChannel {
				r.Channel = id(v)
			}
		case "id":
			switch own {
			case ownGuild:
				r.Guild = id(v)
			case ownChannel:
				r.Channel = id(v)
			case ownUser:
				user(v, 3)
			}
		case "user_id":
			user(v, 3)
		}
	}
	return r, it.done() && !it.loose
}

// What the plain "id" of an event names.
type ownedID int

const (
	ownNothing ownedID = iota
	ownGuild
	ownChannel
	ownUser
)

func ownID(eventType string) ownedID {
	switch eventType {
	case "GUILD_CREATE", "GUILD_UPDATE", "GUILD_DELETE":
		return ownGuild
	case "CHANNEL_CREATE", "CHANNEL_UPDATE", "CHANNEL_DELETE",
		"THREAD_CREATE", "THREAD_UPDATE", "THREAD_DELETE", "THREAD_MEMBERS_UPDATE",
		"VOICE_CHANNEL_STATUS_UPDATE", "VOICE_CHANNEL_START_TIME_UPDATE":
		return ownChannel
	case "USER_UPDATE":
		return ownUser
	}
	return ownNothing
}

func id(v []byte) []byte {
	s, ok := Text(v)
	if !ok {
		return nil
	}
	if _, ok := ParseSnowflake(s); !ok {
		return nil
	}
	return s
}

// Owner returns the number of the guild that an event belongs to, or of the channel for direct
// messages; 0 where there is neither.
func (r Route) Owner() uint64 {
	if id, ok := ParseSnowflake(r.Guild); ok {
		return id
	}
	id, _ := ParseSnowflake(r.Channel)
	return id
}

// Key returns the number by which events of a type are kept in order: the channel for messages,
// reactions and typing, the guild for everything else that has one, and 0 where there is
// neither.
func (r Route) Key(eventType string) uint64 {
	ids := [2][]byte{r.Guild, r.Channel}
	if strings.HasPrefix(eventType, "MESSAGE_") || eventType == "TYPING_START" {
		ids[0], ids[1] = ids[1], ids[0]
	}
	for _, s := range ids {
		if key, ok := ParseSnowflake(s); ok {
			return key
		}
	}
	return 0
}
