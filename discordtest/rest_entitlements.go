package discordtest

import "slices"

func entitlementRoutes(r router) {
	const application = "/applications/{application}"
	r.on("GET", application+"/skus", (*exchange).listSKUs)
	r.on("GET", application+"/entitlements", (*exchange).listEntitlements)
	r.on("POST", application+"/entitlements", (*exchange).createEntitlement)
	r.on("GET", application+"/entitlements/{entitlement}", (*exchange).getEntitlement)
	r.on("DELETE", application+"/entitlements/{entitlement}", (*exchange).deleteEntitlement)
	r.on("POST", application+"/entitlements/{entitlement}/consume", (*exchange).consumeEntitlement)
	r.on("GET", "/skus/{sku}/subscriptions", (*exchange).listSubscriptions)
}

// maxEntitlements is how many the server keeps; the oldest go first.
const maxEntitlements = 1000

// listSKUs has none: what there is to buy is set in the developer portal.
func (x *exchange) listSKUs() (any, error) {
	_, err := x.scope()
	return []any{}, err
}

// listSubscriptions has none, because nobody pays.
func (x *exchange) listSubscriptions() (any, error) { return []any{}, nil }

func (x *exchange) listEntitlements() (any, error) {
	if _, err := x.scope(); err != nil {
		return nil, err
	}
	q := x.req.URL.Query()
	out := []document{}
	for _, d := range x.world.entitlements {
		if (q.Get("user_id") == "" || d["user_id"] == q.Get("user_id")) &&
			(q.Get("guild_id") == "" || d["guild_id"] == q.Get("guild_id")) {
			out = append(out, d)
		}
	}
	return out[:min(len(out), x.number("limit", 100, 1, 100))], nil
}

// createEntitlement makes one for tests, which is the only kind that a bot can make.
func (x *exchange) createEntitlement() (any, error) {
	if _, err := x.scope(); err != nil {
		return nil, err
	}
	in := document{}
	err := x.fill(in, true, field{name: "sku_id", required: true}, field{name: "owner_id", required: true},
		field{name: "owner_type", kind: numberField, required: true, low: 1, high: 2})
	if err != nil {
		return nil, err
	}
	d := document{
		"id": x.newIDLocked(), "sku_id": in["sku_id"], "application_id": x.world.bot.ID, "type": 4,
		"deleted": false, "consumed": false, "starts_at": nil, "ends_at": nil,
	}
	if in["owner_type"] == 1.0 {
		d["guild_id"] = in["owner_id"]
	} else {
		d["user_id"] = in["owner_id"]
	}
	if len(x.world.entitlements) >= maxEntitlements {
		x.world.entitlements = slices.Clone(x.world.entitlements[maxEntitlements/2:])
	}
	x.world.entitlements = append(x.world.entitlements, d)
	x.emitLocked("", "ENTITLEMENT_CREATE", d)
	return d, nil
}

// entitlement returns the entitlement of the path.
func (x *exchange) entitlement() (document, error) {
	if _, err := x.scope(); err != nil {
		return nil, err
	}
	d := x.world.entitlements.find(x.params["entitlement"])
	if d == nil {
		return nil, &apiError{404, 10073, "Unknown Entitlement", nil}
	}
	return d, nil
}

func (x *exchange) getEntitlement() (any, error) { return x.entitlement() }

func (x *exchange) deleteEntitlement() (any, error) {
	d, err := x.entitlement()
	if err != nil {
		return nil, err
	}
	d["deleted"] = true
	x.world.entitlements.drop(d.id())
	x.emitLocked("", "ENTITLEMENT_DELETE", d)
	return nil, nil
}

func (x *exchange) consumeEntitlement() (any, error) {
	d, err := x.entitlement()
	if err != nil {
		return nil, err
	}
	d["consumed"] = true
	x.emitLocked("", "ENTITLEMENT_UPDATE", d)
	return nil, nil
}
