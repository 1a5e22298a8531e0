package discordtest

func gatewayRoutes(r router) {
	r.on("GET", "/gateway", (*exchange).getGateway).limited(limitNone).anyone()
	r.on("GET", "/gateway/bot", (*exchange).getGatewayBot)
}

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
