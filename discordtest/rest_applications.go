package discordtest

import (
	"encoding/json"

	"github.com/bwmarrin/discordgo"
)

func applicationRoutes(r router) {
	for _, me := range []string{"/applications/@me", "/oauth2/applications/@me"} {
		r.on("GET", me, (*exchange).getApplication)
	}
	const metadata = "/applications/{application}/role-connections/metadata"
	r.on("GET", metadata, (*exchange).listConnections)
	r.on("PUT", metadata, (*exchange).putConnections)

	const integrations, manage = "/guilds/{guild}/integrations", discordgo.PermissionManageGuild
	r.on("GET", integrations, (*exchange).listIntegrations, manage)
	r.on("DELETE", integrations+"/{integration}", (*exchange).deleteIntegration, manage)

	// The developer portal's, with a token of a person.
	const portal = "/oauth2/applications"
	r.on("GET", portal, (*exchange).notForBots)
	r.on("POST", portal, (*exchange).notForBots)
	r.on("GET", portal+"/{application}", (*exchange).notForBots)
	r.on("PUT", portal+"/{application}", (*exchange).notForBots)
	r.on("DELETE", portal+"/{application}", (*exchange).notForBots)
	r.on("POST", portal+"/{application}/bot", (*exchange).notForBots)
	r.on("GET", portal+"/{application}/assets", (*exchange).notForBots)
}

func (x *exchange) getApplication() (any, error) {
	return map[string]any{
		"id": x.world.bot.ID, "name": deref(x.world.bot.GlobalName), "icon": nil, "description": "",
		"bot_public": true, "bot_require_code_grant": false, "verify_key": "",
		"flags": x.applicationFlags(), "bot": x.world.bot, "approximate_guild_count": len(x.world.guilds),
	}, nil
}

// listConnections lists what roles can ask of accounts that users have linked.
func (x *exchange) listConnections() (any, error) {
	if _, err := x.scope(); err != nil {
		return nil, err
	}
	return append([]json.RawMessage{}, x.world.connections...), nil
}

func (x *exchange) putConnections() (any, error) {
	if _, err := x.scope(); err != nil {
		return nil, err
	}
	var in []json.RawMessage
	if err := x.decode(&in); err != nil {
		return nil, err
	}
	var f form
	if f.length("_body", len(in), 0, 5); f.tree != nil {
		return nil, f.err()
	}
	x.world.connections = in
	return x.listConnections()
}

// listIntegrations lists the bot itself.
func (x *exchange) listIntegrations() (any, error) {
	g, err := x.guild()
	if err != nil {
		return nil, err
	}
	bot := x.world.bot
	name := deref(bot.GlobalName)
	return []map[string]any{{
		"id": g.members[bot.ID].Roles[0], "name": name, "type": "discord", "enabled": true,
		"account":     map[string]any{"id": bot.ID, "name": name},
		"application": map[string]any{"id": bot.ID, "name": name, "description": "", "bot": bot},
	}}, nil
}

// deleteIntegration knows the bot's own, whose end is that the bot leaves.
func (x *exchange) deleteIntegration() (any, error) {
	g, err := x.guild()
	if err != nil {
		return nil, err
	}
	if x.params["integration"] != g.members[x.world.bot.ID].Roles[0] {
		return nil, &apiError{404, 10005, "Unknown Integration", nil}
	}
	x.removeGuildLocked(g)
	return nil, nil
}
