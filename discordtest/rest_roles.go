package discordtest

import "slices"

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

func (x *exchange) createRole() (any, error) {
	g, err := x.guild()
	if err != nil {
		return nil, err
	}
	var in roleEdit
	if err := x.decode(&in); err != nil {
		return nil, err
	}
	r := in.apply(&role{ID: x.newIDLocked(), Name: "new role", Position: 1, Permissions: "0"})
	g.roles = append(slices.Clip(g.roles), r)
	x.emitLocked(g.id, "GUILD_ROLE_CREATE", map[string]any{"guild_id": g.id, "role": r})
	return r, nil
}

func (x *exchange) patchRole() (any, error) {
	g, i, err := x.role()
	if err != nil {
		return nil, err
	}
	var in roleEdit
	if err := x.decode(&in); err != nil {
		return nil, err
	}
	return x.replaceRoleLocked(g, i, in.apply(g.roles[i])), nil
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
		x.replaceRoleLocked(g, i, (&roleEdit{Position: e.Position}).apply(g.roles[i]))
	}
	return g.roles, nil
}

func (x *exchange) deleteRole() (any, error) {
	g, i, err := x.role()
	if err != nil {
		return nil, err
	}
	id := g.roles[i].ID
	g.roles = slices.Delete(slices.Clone(g.roles), i, i+1)
	for user, m := range g.members {
		if slices.Contains(m.Roles, id) {
			g.members[user] = m.withRole(id, false)
		}
	}
	x.emitLocked(g.id, "GUILD_ROLE_DELETE", map[string]any{"guild_id": g.id, "role_id": id})
	return nil, nil
}
