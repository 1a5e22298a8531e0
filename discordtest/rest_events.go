package discordtest

import (
	"fmt"
	"time"

	"github.com/bwmarrin/discordgo"
)

func scheduledEventRoutes(r router) {
	const events = "/guilds/{guild}/scheduled-events"
	r.on("GET", events, (*exchange).listEvents)
	r.on("POST", events, (*exchange).createEvent, discordgo.PermissionCreateEvents)
	r.on("GET", events+"/{event}", (*exchange).getEvent)
	r.on("PATCH", events+"/{event}", (*exchange).patchEvent, discordgo.PermissionManageEvents)
	r.on("DELETE", events+"/{event}", (*exchange).deleteEvent, discordgo.PermissionManageEvents)
	r.on("GET", events+"/{event}/users", (*exchange).listEventUsers)
}

// maxEvents is Discord's limit of scheduled events that are not over.
const maxEvents = 100

func eventFields() []field {
	return []field{
		{name: "name", required: true, low: 1, high: 100}, {name: "description", high: 1000},
		{name: "channel_id"}, {name: "entity_metadata", kind: objectField}, {name: "image"},
		{name: "entity_type", kind: numberField, required: true, low: 1, high: 3},
		{name: "privacy_level", kind: numberField, required: true, low: 2, high: 2},
		{name: "scheduled_start_time", required: true}, {name: "scheduled_end_time"},
		{name: "status", kind: numberField, low: 1, high: 4},
	}
}

// checkEvent holds an event against what depends on its kind.
func (x *exchange) checkEvent(d document) error {
	var f form
	times := make(map[string]time.Time)
	for _, name := range []string{"scheduled_start_time", "scheduled_end_time"} {
		text, ok := d[name].(string)
		if !ok {
			continue
		}
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			f.wrong(name, "DATE_TIME_TYPE_PARSE", fmt.Sprintf("Could not parse %s. Should be ISO8601.", text))
		}
		times[name] = at
	}
	external := fmt.Sprint(d["entity_type"]) == fmt.Sprint(int(discordgo.GuildScheduledEventEntityTypeExternal))
	channel, _ := d["channel_id"].(string)
	place, _ := d["entity_metadata"].(map[string]any)
	switch {
	case external && d["scheduled_end_time"] == nil:
		f.required("scheduled_end_time")
	case external && place["location"] == nil:
		f.required("entity_metadata.location")
	case !external && x.world.channels[channel] == nil:
		f.required("channel_id")
	}
	start, end := times["scheduled_start_time"], times["scheduled_end_time"]
	if !end.IsZero() && !end.After(start) {
		f.wrong("scheduled_end_time", "GUILD_SCHEDULED_EVENT_SCHEDULE_PAST", "Cannot end before it starts.")
	}
	return f.err()
}

func (x *exchange) listEvents() (any, error) {
	g, err := x.guild()
	if err != nil {
		return nil, err
	}
	return g.events.list(), nil
}

// event returns the guild and scheduled event of the path.
func (x *exchange) event() (*guild, document, error) {
	g, err := x.guild()
	if err != nil {
		return nil, nil, err
	}
	d := g.events.find(x.params["event"])
	if d == nil {
		return nil, nil, &apiError{404, 10070, "Unknown Guild Scheduled Event", nil}
	}
	return g, d, nil
}

func (x *exchange) getEvent() (any, error) {
	_, d, err := x.event()
	return d, err
}

func (x *exchange) createEvent() (any, error) {
	g, err := x.guild()
	if err != nil {
		return nil, err
	}
	d := document{
		"id": x.newIDLocked(), "guild_id": g.id, "creator_id": x.world.bot.ID, "creator": x.world.bot,
		"status": 1, "user_count": 0, "channel_id": nil, "entity_id": nil, "entity_metadata": nil,
		"scheduled_end_time": nil, "description": nil, "image": nil,
	}
	if err := x.fill(d, true, eventFields()...); err != nil {
		return nil, err
	}
	if err := x.checkEvent(d); err != nil {
		return nil, err
	}
	if len(g.events) >= maxEvents {
		return nil, &apiError{400, 30038, "Maximum number of uncompleted guild scheduled events reached (100)", nil}
	}
	g.events = append(g.events, d)
	x.emitLocked(g.id, "GUILD_SCHEDULED_EVENT_CREATE", d)
	x.auditLocked(g.id, discordgo.AuditLogGuildScheduledEventCreate, d.id(), auditChange{"name", nil, d["name"]})
	return d, nil
}

func (x *exchange) patchEvent() (any, error) {
	g, d, err := x.event()
	if err != nil {
		return nil, err
	}
	next := d.clone()
	if err := x.fill(next, false, eventFields()...); err != nil {
		return nil, err
	}
	if err := x.checkEvent(next); err != nil {
		return nil, err
	}
	d.become(next)
	x.emitLocked(g.id, "GUILD_SCHEDULED_EVENT_UPDATE", d)
	x.auditLocked(g.id, discordgo.AuditLogGuildScheduledEventUpdate, d.id())
	if fmt.Sprint(d["status"]) == "3" || fmt.Sprint(d["status"]) == "4" { // completed or canceled
		g.events.drop(d.id())
	}
	return d, nil
}

func (x *exchange) deleteEvent() (any, error) {
	g, d, err := x.event()
	if err != nil {
		return nil, err
	}
	g.events.drop(d.id())
	x.emitLocked(g.id, "GUILD_SCHEDULED_EVENT_DELETE", d)
	x.auditLocked(g.id, discordgo.AuditLogGuildScheduledEventDelete, d.id(), auditChange{"name", d["name"], nil})
	return nil, nil
}

// listEventUsers has nobody: people do not subscribe to events of the server.
func (x *exchange) listEventUsers() (any, error) {
	if _, _, err := x.event(); err != nil {
		return nil, err
	}
	return []any{}, nil
}
