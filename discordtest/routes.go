package discordtest

import "time"

// Limits of routes. Discord does not document them; these are of the order that its headers show.
var (
	limitDefault   = limit{count: 10, per: time.Second}
	limitMessages  = limit{count: 5, per: 5 * time.Second}
	limitReactions = limit{count: 1, per: 250 * time.Millisecond}
	limitWebhooks  = limit{count: 5, per: 2 * time.Second}
	limitNone      = limit{}
)

// newRouter returns every route that the server knows.
//
//nolint:funlen // a table
func newRouter() router {
	r := make(router)
	on := func(method, path string, handle func(*exchange) (any, error)) *route {
		rt := &route{method: method, path: path, handle: handle, limit: limitDefault}
		r.add(rt)
		return rt
	}
	limited := func(l limit, method, path string, handle func(*exchange) (any, error)) {
		on(method, path, handle).limit = l
	}
	open := func(l limit, method, path string, handle func(*exchange) (any, error)) {
		rt := on(method, path, handle)
		rt.limit, rt.open = l, true
	}

	open(limitNone, "GET", "/gateway", (*exchange).getGateway)
	on("GET", "/gateway/bot", (*exchange).getGatewayBot)
	on("GET", "/applications/@me", (*exchange).getApplication)
	on("GET", "/oauth2/applications/@me", (*exchange).getApplication)

	on("GET", "/users/@me", (*exchange).getMe)
	on("PATCH", "/users/@me", (*exchange).patchMe)
	on("GET", "/users/@me/guilds", (*exchange).listMyGuilds)
	on("DELETE", "/users/@me/guilds/{guild}", (*exchange).leaveGuild)
	on("POST", "/users/@me/channels", (*exchange).createDM)
	on("GET", "/users/{user}", (*exchange).getUser)

	on("GET", "/channels/{channel}", (*exchange).getChannel)
	on("PATCH", "/channels/{channel}", (*exchange).patchChannel)
	on("DELETE", "/channels/{channel}", (*exchange).deleteChannel)
	on("POST", "/channels/{channel}/typing", (*exchange).triggerTyping)
	on("GET", "/channels/{channel}/webhooks", (*exchange).listWebhooks)
	on("POST", "/channels/{channel}/webhooks", (*exchange).createWebhook)

	on("GET", "/channels/{channel}/messages", (*exchange).listMessages)
	limited(limitMessages, "POST", "/channels/{channel}/messages", (*exchange).createMessage)
	on("POST", "/channels/{channel}/messages/bulk-delete", (*exchange).bulkDelete)
	on("GET", "/channels/{channel}/messages/pins", (*exchange).listPinItems)
	on("PUT", "/channels/{channel}/messages/pins/{message}", (*exchange).pin)
	on("DELETE", "/channels/{channel}/messages/pins/{message}", (*exchange).unpin)
	on("GET", "/channels/{channel}/messages/{message}", (*exchange).getMessage)
	limited(limitMessages, "PATCH", "/channels/{channel}/messages/{message}", (*exchange).editMessage)
	limited(limitMessages, "DELETE", "/channels/{channel}/messages/{message}", (*exchange).deleteMessage)
	on("GET", "/channels/{channel}/pins", (*exchange).listPins)
	on("PUT", "/channels/{channel}/pins/{message}", (*exchange).pin)
	on("DELETE", "/channels/{channel}/pins/{message}", (*exchange).unpin)

	const reactions = "/channels/{channel}/messages/{message}/reactions"
	limited(limitReactions, "PUT", reactions+"/{emoji}/{user}", (*exchange).addReaction)
	limited(limitReactions, "DELETE", reactions+"/{emoji}/{user}", (*exchange).removeReaction)
	limited(limitReactions, "DELETE", reactions+"/{emoji}", (*exchange).removeEmoji)
	limited(limitReactions, "DELETE", reactions, (*exchange).removeAllReactions)
	on("GET", reactions+"/{emoji}", (*exchange).listReactions)

	on("GET", "/guilds/{guild}", (*exchange).getGuild)
	on("PATCH", "/guilds/{guild}", (*exchange).patchGuild)
	on("GET", "/guilds/{guild}/channels", (*exchange).listChannels)
	on("POST", "/guilds/{guild}/channels", (*exchange).createChannel)
	on("GET", "/guilds/{guild}/members", (*exchange).listMembers)
	on("GET", "/guilds/{guild}/members/search", (*exchange).searchMembers)
	on("GET", "/guilds/{guild}/members/{user}", (*exchange).getMember)
	on("PATCH", "/guilds/{guild}/members/{user}", (*exchange).patchMember)
	on("DELETE", "/guilds/{guild}/members/{user}", (*exchange).kick)
	on("PUT", "/guilds/{guild}/members/{user}/roles/{role}", (*exchange).giveRole)
	on("DELETE", "/guilds/{guild}/members/{user}/roles/{role}", (*exchange).takeRole)
	on("GET", "/guilds/{guild}/bans", (*exchange).listBans)
	on("GET", "/guilds/{guild}/bans/{user}", (*exchange).getBan)
	on("PUT", "/guilds/{guild}/bans/{user}", (*exchange).ban)
	on("DELETE", "/guilds/{guild}/bans/{user}", (*exchange).unban)
	on("GET", "/guilds/{guild}/roles", (*exchange).listRoles)
	on("POST", "/guilds/{guild}/roles", (*exchange).createRole)
	on("PATCH", "/guilds/{guild}/roles", (*exchange).moveRoles)
	on("GET", "/guilds/{guild}/roles/{role}", (*exchange).getRole)
	on("PATCH", "/guilds/{guild}/roles/{role}", (*exchange).patchRole)
	on("DELETE", "/guilds/{guild}/roles/{role}", (*exchange).deleteRole)

	const application = "/applications/{application}"
	for _, scope := range []string{application, application + "/guilds/{guild}"} {
		on("GET", scope+"/commands", (*exchange).listCommands)
		on("PUT", scope+"/commands", (*exchange).overwriteCommands)
		on("POST", scope+"/commands", (*exchange).createCommand)
		on("GET", scope+"/commands/{command}", (*exchange).getCommand)
		on("PATCH", scope+"/commands/{command}", (*exchange).patchCommand)
		on("DELETE", scope+"/commands/{command}", (*exchange).deleteCommand)
	}

	open(limitNone, "POST", "/interactions/{interaction}/{token}/callback", (*exchange).respond)
	on("GET", "/webhooks/{webhook}", (*exchange).getWebhook)
	on("DELETE", "/webhooks/{webhook}", (*exchange).deleteWebhook)
	open(limitWebhooks, "GET", "/webhooks/{webhook}/{token}", (*exchange).getWebhook)
	open(limitWebhooks, "POST", "/webhooks/{webhook}/{token}", (*exchange).executeWebhook)
	const posted = "/webhooks/{webhook}/{token}/messages/{message}"
	open(limitWebhooks, "GET", posted, (*exchange).getWebhookMessage)
	open(limitWebhooks, "PATCH", posted, (*exchange).editWebhookMessage)
	open(limitWebhooks, "DELETE", posted, (*exchange).deleteWebhookMessage)
	return r
}
