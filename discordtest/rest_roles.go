package discordtest

import (
	"slices"

	"github.com/bwmarrin/discordgo"
)

func roleRoutes(r router) {
	const roles, manage = "/guilds/{guild}/roles", discordgo.PermissionManageRoles
	r.on("GET", roles, (*exchange).listRoles)
	r.on("POST", roles, (*exchange).createRole, manage)
	r.on("PATCH", roles, (*exchange).moveRoles, manage)
	r.on("GET", roles+"/{role}", (*exchange).getRole)
	r.on("PATCH", roles+"/{role}", (*exchange).patchRole, manage)
	r.on("DELETE", roles+"/{role}", (*exchange).deleteRole, manage)
	const given = "/guilds/{guild}/members/{user}/roles/{role}"
	r.on("PUT", given, (*exchange).giveRole, manage)
	r.on("DELETE", given, (*exchange).takeRole, manage)
}

// roleEdit are the fields of a role that can be set.
type roleEdit struct {
	ID          string  `json:"id"`
	Name        *string `json:"name"`
	Color       *int    `json:"color"`
	Hoist       *bool   `json:"hoist"`
	Position    *int    `json:"position"`
	Permissions *string `json:"permissions"`
	Mentionable *bool   `json:"mentionable"`
}

// apply returns a changed copy: roles are shared with what is being sent.
func (e *roleEdit) apply(r *role) *role {
	out := *r
	set(&out.Name, e.Name)
	set(&out.Color, e.Color)
	set(&out.Hoist, e.Hoist)
	set(&out.Position, e.Position)
	set(&out.Permissions, e.Permissions)
	set(&out.Mentionable, e.Mentionable)
	return &out
}

func (x *exchange) listRoles() (any, error) {
	g, err := x.guild()
	if err != nil {
		return nil, err
	}
	return g.roles, nil
}

// role returns the guild of the path and the place of its role.
func (x *exchange) role() (*guild, int, error) {
	g, err := x.guild()
	if err != nil {
		return nil, 0, err
	}
	i := slices.IndexFunc(g.roles, func(r *role) bool { return r.ID == x.params["role"] })
	if i < 0 {
		return nil, 0, errUnknownRole
	}
	return g, i, nil
}

func (x *exchange) getRole() (any, error) {
	g, i, err := x.role()
	if err != nil {
		return nil, err
	}
	return g.roles[i], nil
}

// check holds an edit against Discord's limits, and against what the bot may do itself.
func (e *roleEdit) check(x *exchange, g *guild) error {
	var f form
	if e.Name != nil {
		f.text("name", *e.Name, 1, 100)
	}
	if e.Color != nil {
		f.number("color", float64(*e.Color), 0, 0xffffff)
	}
	if err := f.err(); err != nil {
		return err
	}
	if e.Permissions != nil && !x.botMay(g).has(parsePermissions(*e.Permissions)) {
		return errMissingPermissions // nobody gives what they do not have
	}
	return nil
}

func (x *exchange) createRole() (any, error) {
	g, err := x.guild()
	if err != nil {
		return nil, err
	}
	var in roleEdit
	if err := x.decode(&in); err != nil {
		return nil, err
	}
	if err := in.check(x, g); err != nil {
		return nil, err
	}
	if len(g.roles) >= maxRoles {
		return nil, &apiError{400, 30005, "Maximum number of guild roles reached (250)", nil}
	}
	r := in.apply(&role{ID: x.newIDLocked(), Name: "new role", Position: 1, Permissions: "0"})
	x.addRoleLocked(g, r)
	x.auditLocked(g.id, discordgo.AuditLogActionRoleCreate, r.ID, auditChange{"name", nil, r.Name})
	return r, nil
}

// maxRoles is Discord's limit for a guild.
const maxRoles = 250

func (s *Server) addRoleLocked(g *guild, r *role) {
	g.roles = append(slices.Clip(g.roles), r)
	s.emitLocked(g.id, "GUILD_ROLE_CREATE", map[string]any{"guild_id": g.id, "role": r})
}

// manage returns the guild and the place of the role of the path, if the bot is above it.
func (x *exchange) manage() (*guild, int, error) {
	g, i, err := x.role()
	if err == nil && !x.above(g, g.roles[i]) {
		err = errMissingPermissions
	}
	return g, i, err
}

func (x *exchange) patchRole() (any, error) {
	g, i, err := x.manage()
	if err != nil {
		return nil, err
	}
	var in roleEdit
	if err := x.decode(&in); err != nil {
		return nil, err
	}
	if err := in.check(x, g); err != nil {
		return nil, err
	}
	before := g.roles[i]
	r := x.replaceRoleLocked(g, i, in.apply(before))
	x.auditLocked(g.id, discordgo.AuditLogActionRoleUpdate, r.ID, auditChange{"name", before.Name, r.Name},
		auditChange{"color", before.Color, r.Color}, auditChange{"permissions", before.Permissions, r.Permissions})
	return r, nil
}

func (s *Server) replaceRoleLocked(g *guild, i int, r *role) *role {
	g.roles = slices.Clone(g.roles)
	g.roles[i] = r
	s.emitLocked(g.id, "GUILD_ROLE_UPDATE", map[string]any{"guild_id": g.id, "role": r})
	return r
}

// moveRoles changes the positions of several roles.
func (x *exchange) moveRoles() (any, error) {
	g, err := x.guild()
	if err != nil {
		return nil, err
	}
	var in []roleEdit
	if err := x.decode(&in); err != nil {
		return nil, err
	}
	for _, e := range in {
		i := slices.IndexFunc(g.roles, func(r *role) bool { return r.ID == e.ID })
		if i < 0 {
			return nil, errUnknownRole
		}
		to := g.roles[i].Position
		if set(&to, e.Position); !x.above(g, g.roles[i]) || !x.above(g, &role{Position: to}) {
			return nil, errMissingPermissions
		}
		x.replaceRoleLocked(g, i, (&roleEdit{Position: e.Position}).apply(g.roles[i]))
	}
	return g.roles, nil
}

func (x *exchange) deleteRole() (any, error) {
	g, i, err := x.manage()
	if err != nil {
		return nil, err
	}
	r := g.roles[i]
	if r.ID == g.id || r.Managed {
		return nil, errInvalidRole
	}
	g.roles = slices.Delete(slices.Clone(g.roles), i, i+1)
	for user, m := range g.members {
		if slices.Contains(m.Roles, r.ID) {
			g.members[user] = m.withRole(r.ID, false)
		}
	}
	for _, c := range g.channels {
		c.PermissionOverwrites = slices.DeleteFunc(slices.Clone(c.PermissionOverwrites),
			func(o overwrite) bool { return o.ID == r.ID })
	}
	x.emitLocked(g.id, "GUILD_ROLE_DELETE", map[string]any{"guild_id": g.id, "role_id": r.ID})
	x.auditLocked(g.id, discordgo.AuditLogActionRoleDelete, r.ID, auditChange{"name", r.Name, nil})
	return nil, nil
}

var errInvalidRole = &apiError{400, 50028, "Invalid Role", nil}

func (x *exchange) giveRole() (any, error) { return x.setRole(true) }
func (x *exchange) takeRole() (any, error) { return x.setRole(false) }

func (x *exchange) setRole(on bool) (any, error) {
	g, m, err := x.member()
	if err != nil {
		return nil, err
	}
	r := g.role(x.params["role"])
	switch {
	case r == nil:
		return nil, errUnknownRole
	case r.ID == g.id || r.Managed:
		return nil, errInvalidRole
	case !x.above(g, r):
		return nil, errMissingPermissions
	}
	if slices.Contains(m.Roles, r.ID) != on {
		x.replaceMemberLocked(g, m.withRole(r.ID, on))
		key := "$add"
		if !on {
			key = "$remove"
		}
		x.auditLocked(g.id, discordgo.AuditLogActionMemberRoleUpdate, m.User.ID, auditChange{key, nil, r.ID})
	}
	return nil, nil
}

// AddRole makes a role above the given number of roles, @everyone not counted: 0 puts it at the
// bottom, a large number on top. The bot cannot touch a role above its own, nor a member with one.
func (s *Server) AddRole(guildID, name string, allowed int64, above int) (*discordgo.Role, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.world.guild(guildID)
	if err != nil {
		return nil, err
	}
	r := &role{
		ID: s.newIDLocked(), Name: name, Permissions: permissions(allowed).String(),
		Position: min(max(above, 0), len(g.roles)-1) + 1,
	}
	for i, old := range g.roles {
		if old.Position >= r.Position {
			position := old.Position + 1
			s.replaceRoleLocked(g, i, (&roleEdit{Position: &position}).apply(old))
		}
	}
	s.addRoleLocked(g, r)
	return r.public(), nil
}
