package discordtest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/bwmarrin/discordgo"
)

func overwriteRoutes(r router) {
	const overwrite, manage = "/channels/{channel}/permissions/{target}", discordgo.PermissionManageRoles
	r.on("PUT", overwrite, (*exchange).setOverwrite, manage)
	r.on("DELETE", overwrite, (*exchange).deleteOverwrite, manage)
}

// overwriteEdit is an overwrite as a bot sends it; its permissions may be numbers.
type overwriteEdit struct {
	ID    string                            `json:"id"`
	Type  discordgo.PermissionOverwriteType `json:"type"`
	Allow json.RawMessage                   `json:"allow"`
	Deny  json.RawMessage                   `json:"deny"`
}

func (o *overwriteEdit) check(f *form, at string) {
	if _, ok := snowflakeTime(o.ID); !ok {
		f.wrong(at+"id", "NUMBER_TYPE_COERCE", fmt.Sprintf("Value %q is not snowflake.", o.ID))
	}
	choices(f, at+"type", o.Type, discordgo.PermissionOverwriteTypeRole, discordgo.PermissionOverwriteTypeMember)
}

func (o *overwriteEdit) overwrite() overwrite {
	bits := func(raw json.RawMessage) string {
		return parsePermissions(strings.Trim(string(raw), `"`)).String()
	}
	return overwrite{ID: o.ID, Type: o.Type, Allow: bits(o.Allow), Deny: bits(o.Deny)}
}

func (x *exchange) setOverwrite() (any, error) {
	c, err := x.channel()
	if err != nil {
		return nil, err
	}
	g := x.world.guilds[c.GuildID]
	if g == nil || c.isThread() {
		return nil, errWrongChannel
	}
	var in overwriteEdit
	if err := x.decode(&in); err != nil {
		return nil, err
	}
	in.ID = x.params["target"]
	var f form
	if in.check(&f, ""); f.tree != nil {
		return nil, f.err()
	}
	if g.role(in.ID) == nil && x.world.users[in.ID] == nil {
		return nil, &apiError{404, 10009, "Unknown Overwrite", nil}
	}
	o := in.overwrite()
	if may := x.botIn(c); !may.has(parsePermissions(o.Allow) | parsePermissions(o.Deny)) {
		return nil, errMissingPermissions // nobody gives or takes what they do not have
	}
	x.overwriteLocked(c, o)
	x.auditLocked(g.id, discordgo.AuditLogActionChannelOverwriteUpdate, c.ID)
	return nil, nil
}

func (x *exchange) deleteOverwrite() (any, error) {
	c, err := x.channel()
	if err != nil {
		return nil, err
	}
	id := x.params["target"]
	n := len(c.PermissionOverwrites)
	c.PermissionOverwrites = slices.DeleteFunc(slices.Clone(c.PermissionOverwrites),
		func(o overwrite) bool { return o.ID == id })
	if len(c.PermissionOverwrites) == n {
		return nil, &apiError{404, 10009, "Unknown Overwrite", nil}
	}
	x.emitLocked(c.GuildID, "CHANNEL_UPDATE", c)
	x.auditLocked(c.GuildID, discordgo.AuditLogActionChannelOverwriteDelete, c.ID)
	return nil, nil
}
