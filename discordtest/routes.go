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

// newRouter returns every route that the server knows. The file of each resource has its own.
func newRouter() router {
	r := make(router)
	for _, add := range []func(router){
		applicationRoutes, auditRoutes, automodRoutes, banRoutes, channelRoutes, emojiRoutes, entitlementRoutes,
		gatewayRoutes, guildRoutes, interactionRoutes, inviteRoutes, memberRoutes, overwriteRoutes, permitRoutes,
		commandRoutes, pinRoutes, messageRoutes, pollRoutes, pruneRoutes, reactionRoutes, roleRoutes,
		scheduledEventRoutes, stageRoutes, stickerRoutes, templateRoutes, threadRoutes, userRoutes, webhookRoutes,
	} {
		add(r)
	}
	return r
}

// on adds a route that needs permissions in the guild or channel of its path.
func (r router) on(method, path string, handle func(*exchange) (any, error), need ...permissions) *route {
	rt := &route{method: method, path: path, handle: handle, limit: limitDefault}
	for _, p := range need {
		rt.need |= p
	}
	r.add(rt)
	return rt
}

// limited sets another rate limit than the usual.
func (rt *route) limited(l limit) *route {
	rt.limit = l
	return rt
}

// anyone lets requests without the bot's token in.
func (rt *route) anyone() *route {
	rt.open = true
	return rt
}
