package discordtest

import "github.com/bwmarrin/discordgo"

func guildRoutes(r router) {
	const guild, manage = "/guilds/{guild}", discordgo.PermissionManageGuild
	r.on("GET", guild, (*exchange).getGuild)
	r.on("PATCH", guild, (*exchange).patchGuild, manage)
	r.on("GET", guild+"/preview", (*exchange).getPreview)
	r.on("GET", guild+"/widget", (*exchange).getWidget, manage)
	r.on("PATCH", guild+"/widget", (*exchange).patchWidget, manage)
	r.on("GET", guild+"/onboarding", (*exchange).getOnboarding)
	r.on("PUT", guild+"/onboarding", (*exchange).putOnboarding, manage, discordgo.PermissionManageRoles)
	r.on("GET", "/voice/regions", (*exchange).listRegions)
}

func (x *exchange) getGuild() (any, error) {
	g, err := x.guild()
	if err != nil {
		return nil, err
	}
	type counted struct {
		guildObject
		Members   int `json:"approximate_member_count,omitempty"`
		Presences int `json:"approximate_presence_count,omitempty"`
	}
	out := counted{guildObject: g.object()}
	if x.req.URL.Query().Get("with_counts") == "true" {
		out.Members, out.Presences = len(g.order), len(g.presences)
	}
	return out, nil
}

func (x *exchange) patchGuild() (any, error) {
	g, err := x.guild()
	if err != nil {
		return nil, err
	}
	in := struct {
		Name string `json:"name"`
		guildSettings
	}{g.name, g.settings}
	if err := x.decode(&in); err != nil {
		return nil, err
	}
	var f form
	f.text("name", in.Name, 2, 100)
	if err := f.err(); err != nil {
		return nil, err
	}
	before := g.name
	g.name, g.settings = in.Name, in.guildSettings
	x.emitLocked(g.id, "GUILD_UPDATE", g.object())
	x.auditLocked(g.id, discordgo.AuditLogActionGuildUpdate, g.id, auditChange{"name", before, g.name})
	return g.object(), nil
}

func (x *exchange) getPreview() (any, error) {
	g, err := x.guild()
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"id": g.id, "name": g.name, "icon": g.settings.Icon, "splash": nil, "discovery_splash": nil,
		"emojis": g.emojis.list(), "stickers": g.stickers.list(), "features": []string{},
		"approximate_member_count": len(g.order), "approximate_presence_count": len(g.presences),
		"description": g.settings.Description,
	}, nil
}

func (x *exchange) getWidget() (any, error) {
	g, err := x.guild()
	if err != nil {
		return nil, err
	}
	if g.widget == nil {
		g.widget = document{"enabled": false, "channel_id": nil}
	}
	return g.widget, nil
}

func (x *exchange) patchWidget() (any, error) {
	if _, err := x.getWidget(); err != nil {
		return nil, err
	}
	g := x.world.guilds[x.params["guild"]]
	err := x.fill(g.widget, false, field{name: "enabled", kind: boolField}, field{name: "channel_id"})
	return g.widget, err
}

func (x *exchange) getOnboarding() (any, error) {
	g, err := x.guild()
	if err != nil {
		return nil, err
	}
	if g.onboarding == nil {
		g.onboarding = document{
			"guild_id": g.id, "prompts": []any{}, "default_channel_ids": []any{}, "enabled": false, "mode": 0,
		}
	}
	return g.onboarding, nil
}

func (x *exchange) putOnboarding() (any, error) {
	if _, err := x.getOnboarding(); err != nil {
		return nil, err
	}
	g := x.world.guilds[x.params["guild"]]
	err := x.fill(g.onboarding, false,
		field{name: "prompts", kind: listField, high: 50}, field{name: "default_channel_ids", kind: listField},
		field{name: "enabled", kind: boolField}, field{name: "mode", kind: numberField, high: 1})
	return g.onboarding, err
}

// listRegions is asked for by discordgo with two slashes in front.
func (x *exchange) listRegions() (any, error) {
	return []map[string]any{
		{"id": "rotterdam", "name": "Rotterdam", "optimal": true, "deprecated": false, "custom": false},
		{"id": "us-east", "name": "US East", "optimal": false, "deprecated": false, "custom": false},
	}, nil
}
