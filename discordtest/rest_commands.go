package discordtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/bwmarrin/discordgo"
)

func commandRoutes(r router) {
	const application = "/applications/{application}"
	for _, scope := range []string{application, application + "/guilds/{guild}"} {
		r.on("GET", scope+"/commands", (*exchange).listCommands)
		r.on("PUT", scope+"/commands", (*exchange).overwriteCommands)
		r.on("POST", scope+"/commands", (*exchange).createCommand)
		r.on("GET", scope+"/commands/{command}", (*exchange).getCommand)
		r.on("PATCH", scope+"/commands/{command}", (*exchange).patchCommand)
		r.on("DELETE", scope+"/commands/{command}", (*exchange).deleteCommand)
	}
}

// A command is a registered application command: its definition as the client sent it, with the
// fields that Discord adds.
type command struct {
	id, name string
	kind     int
	fields   map[string]json.RawMessage
}

func (c *command) MarshalJSON() ([]byte, error) { return json.Marshal(c.fields) }

// merge stores the fields of a definition.
func (c *command) merge(raw []byte) error {
	var in struct {
		Name *string `json:"name"`
		Type *int    `json:"type"`
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &in) != nil || json.Unmarshal(raw, &fields) != nil || fields == nil {
		return errBadJSON
	}
	if c.fields == nil {
		c.fields = make(map[string]json.RawMessage)
	}
	maps.Copy(c.fields, fields)
	set(&c.name, in.Name)
	set(&c.kind, in.Type)
	return nil
}

// scope checks the application of the path and returns its guild's id, "" for global commands.
func (x *exchange) scope() (string, error) {
	if x.params["application"] != x.world.bot.ID {
		return "", &apiError{404, 10002, "Unknown Application", nil}
	}
	id, inGuild := x.params["guild"]
	if inGuild && x.world.guilds[id] == nil {
		return "", errUnknownGuild
	}
	return id, nil
}

// define returns the command of a definition. It keeps the id of an older one with the same name
// and type.
func (x *exchange) define(f *form, at, guildID string, raw []byte) (*command, error) {
	c := &command{kind: 1}
	if err := c.merge(raw); err != nil {
		return nil, err
	}
	c.check(f, at)
	c.id = x.newIDLocked()
	for _, old := range x.world.commands[guildID] {
		if old.name == c.name && old.kind == c.kind {
			c.id = old.id
		}
	}
	x.stamp(c, guildID)
	return c, nil
}

// stamp sets the fields that Discord adds.
func (x *exchange) stamp(c *command, guildID string) {
	c.fields["id"], c.fields["version"] = marshal(c.id), marshal(x.newIDLocked())
	c.fields["application_id"], c.fields["type"] = marshal(x.world.bot.ID), marshal(c.kind)
	if guildID != "" {
		c.fields["guild_id"] = marshal(guildID)
	}
}

func (x *exchange) listCommands() (any, error) {
	id, err := x.scope()
	if err != nil {
		return nil, err
	}
	return append([]*command{}, x.world.commands[id]...), nil
}

func (x *exchange) overwriteCommands() (any, error) {
	id, err := x.scope()
	if err != nil {
		return nil, err
	}
	var in []json.RawMessage
	if err := x.decode(&in); err != nil {
		return nil, err
	}
	var f form
	next := []*command{}
	for i, raw := range in {
		c, err := x.define(&f, fmt.Sprintf("%d.", i), id, raw)
		if err != nil {
			return nil, err
		}
		next = append(next, c)
	}
	if err := countCommands(&f, next); err != nil {
		return nil, err
	}
	if err := f.err(); err != nil {
		return nil, err
	}
	opensActivity := func(c *command) bool { return c.kind == entryPoint }
	if slices.ContainsFunc(x.world.commands[id], opensActivity) &&
		!slices.ContainsFunc(next, opensActivity) {
		return nil, errEntryPointMissing
	}
	x.world.commands[id] = next
	return next, nil
}

func (x *exchange) createCommand() (any, error) {
	id, err := x.scope()
	if err != nil {
		return nil, err
	}
	var f form
	c, err := x.define(&f, "", id, x.body)
	if err != nil {
		return nil, err
	}
	if err := f.err(); err != nil {
		return nil, err
	}
	all := x.world.commands[id]
	if i := slices.IndexFunc(all, func(o *command) bool { return o.id == c.id }); i >= 0 {
		all[i] = c
		return c, nil
	}
	all = append(slices.Clip(all), c)
	if err := countCommands(&f, all); err != nil {
		return nil, err
	}
	x.world.commands[id] = all
	return created{c}, nil
}

// command returns the scope of the path and the place of its command.
func (x *exchange) command() (guildID string, i int, err error) {
	guildID, err = x.scope()
	if err != nil {
		return "", 0, err
	}
	named := func(c *command) bool { return c.id == x.params["command"] }
	i = slices.IndexFunc(x.world.commands[guildID], named)
	if i < 0 {
		return "", 0, errUnknownCommand
	}
	return guildID, i, nil
}

func (x *exchange) getCommand() (any, error) {
	id, i, err := x.command()
	if err != nil {
		return nil, err
	}
	return x.world.commands[id][i], nil
}

func (x *exchange) patchCommand() (any, error) {
	id, i, err := x.command()
	if err != nil {
		return nil, err
	}
	old := x.world.commands[id][i]
	c := &command{id: old.id, name: old.name, kind: old.kind, fields: maps.Clone(old.fields)}
	if err := c.merge(x.body); err != nil {
		return nil, err
	}
	var f form
	c.check(&f, "")
	if err := f.err(); err != nil {
		return nil, err
	}
	x.stamp(c, id)
	x.world.commands[id] = slices.Clone(x.world.commands[id])
	x.world.commands[id][i] = c
	return c, nil
}

func (x *exchange) deleteCommand() (any, error) {
	id, i, err := x.command()
	if err != nil {
		return nil, err
	}
	x.world.commands[id] = slices.Delete(x.world.commands[id], i, i+1)
	return nil, nil
}

// RegisteredCommands returns the commands that the bot has registered in a guild, or globally if
// guildID is empty.
func (s *Server) RegisteredCommands(guildID string) []*discordgo.ApplicationCommand {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []*discordgo.ApplicationCommand{}
	for _, c := range s.world.commands[guildID] {
		public := new(discordgo.ApplicationCommand)
		if json.Unmarshal(marshal(c), public) == nil {
			out = append(out, public)
		}
	}
	return out
}
