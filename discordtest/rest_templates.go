package discordtest

import (
	"math/rand/v2"
	"strconv"

	"github.com/bwmarrin/discordgo"
)

func templateRoutes(r router) {
	const templates, manage = "/guilds/{guild}/templates", discordgo.PermissionManageGuild
	r.on("GET", "/guilds/templates/{code}", (*exchange).findTemplate)
	r.on("GET", templates, (*exchange).listTemplates, manage)
	r.on("POST", templates, (*exchange).createTemplate, manage)
	r.on("PUT", templates+"/{code}", (*exchange).syncTemplate, manage)
	r.on("PATCH", templates+"/{code}", (*exchange).patchTemplate, manage)
	r.on("DELETE", templates+"/{code}", (*exchange).deleteTemplate, manage)
}

var errUnknownTemplate = &apiError{404, 10057, "Unknown guild template", nil}

func templateFields() []field {
	return []field{{name: "name", required: true, low: 1, high: 100}, {name: "description", high: 120}}
}

func (x *exchange) findTemplate() (any, error) {
	for _, g := range x.world.guilds {
		if g.template["code"] == x.params["code"] {
			return g.template, nil
		}
	}
	return nil, errUnknownTemplate
}

func (x *exchange) listTemplates() (any, error) {
	g, err := x.guild()
	if err != nil {
		return nil, err
	}
	if g.template == nil {
		return []document{}, nil
	}
	return []document{g.template}, nil
}

// createTemplate makes the template of a guild, which has one at most.
func (x *exchange) createTemplate() (any, error) {
	g, err := x.guild()
	if err != nil {
		return nil, err
	}
	if g.template != nil {
		return nil, &apiError{400, 30031, "A server template already exists for this server", nil}
	}
	now := timestamp(x.nowLocked())
	d := document{
		"code": strconv.FormatUint(rand.Uint64()|1<<60, 36)[:12], "description": nil, "usage_count": 0,
		"creator_id": x.world.bot.ID, "creator": x.world.bot, "created_at": now, "updated_at": now,
		"source_guild_id": g.id, "is_dirty": nil,
	}
	if err := x.fill(d, true, templateFields()...); err != nil {
		return nil, err
	}
	g.template = d
	x.takeTemplate(g)
	return d, nil
}

// takeTemplate stores the present guild in its template.
func (x *exchange) takeTemplate(g *guild) {
	g.template["serialized_source_guild"] = map[string]any{
		"name": g.name, "preferred_locale": g.settings.PreferredLocale, "roles": g.roles, "channels": g.channels,
	}
	g.template["updated_at"] = timestamp(x.nowLocked())
}

// template returns the guild of the path, if it has the template of the path.
func (x *exchange) template() (*guild, error) {
	g, err := x.guild()
	if err == nil && g.template["code"] != x.params["code"] {
		err = errUnknownTemplate
	}
	return g, err
}

func (x *exchange) syncTemplate() (any, error) {
	g, err := x.template()
	if err != nil {
		return nil, err
	}
	x.takeTemplate(g)
	return g.template, nil
}

func (x *exchange) patchTemplate() (any, error) {
	g, err := x.template()
	if err != nil {
		return nil, err
	}
	return g.template, x.fill(g.template, false, templateFields()...)
}

func (x *exchange) deleteTemplate() (any, error) {
	g, err := x.template()
	if err != nil {
		return nil, err
	}
	gone := g.template
	g.template = nil
	return gone, nil
}
