package discordtest

func (x *exchange) getGateway() (any, error) {
	return map[string]string{"url": "ws://" + x.host + gatewayPath}, nil
}

func (x *exchange) getGatewayBot() (any, error) {
	now := x.nowLocked()
	x.gate.refresh(now)
	return map[string]any{
		"url": "ws://" + x.host + gatewayPath, "shards": x.cfg.Shards,
		"session_start_limit": map[string]any{
			"total": x.gate.total, "remaining": x.gate.remaining,
			"reset_after":     x.gate.resetAfter(now).Milliseconds(),
			"max_concurrency": x.cfg.MaxConcurrency,
		},
	}, nil
}

func (x *exchange) getApplication() (any, error) {
	return map[string]any{
		"id": x.world.bot.ID, "name": deref(x.world.bot.GlobalName), "icon": nil, "description": "",
		"bot_public": true, "bot_require_code_grant": false, "verify_key": "",
		"flags": x.applicationFlags(), "bot": x.world.bot, "approximate_guild_count": len(x.world.guilds),
	}, nil
}
