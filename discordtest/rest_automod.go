package discordtest

import (
	"fmt"

	"github.com/bwmarrin/discordgo"
)

func automodRoutes(r router) {
	const rules, manage = "/guilds/{guild}/auto-moderation/rules", discordgo.PermissionManageGuild
	r.on("GET", rules, (*exchange).listRules, manage)
	r.on("POST", rules, (*exchange).createRule, manage)
	r.on("GET", rules+"/{rule}", (*exchange).getRule, manage)
	r.on("PATCH", rules+"/{rule}", (*exchange).patchRule, manage)
	r.on("DELETE", rules+"/{rule}", (*exchange).deleteRule, manage)
}

func ruleFields() []field {
	return []field{
		{name: "name", required: true, low: 1, high: 100},
		{name: "event_type", kind: numberField, required: true, low: 1, high: 2},
		{name: "trigger_type", kind: numberField, required: true, low: 1, high: 6},
		{name: "trigger_metadata", kind: objectField}, {name: "enabled", kind: boolField},
		{name: "actions", kind: listField, required: true, low: 1, high: 5},
		{name: "exempt_roles", kind: listField, high: 20}, {name: "exempt_channels", kind: listField, high: 50},
	}
}

// maxRules is how many rules a guild has of one trigger.
func maxRules(trigger any) int {
	if fmt.Sprint(trigger) == "1" { // keywords
		return 6
	}
	return 1
}

func (x *exchange) listRules() (any, error) {
	g, err := x.guild()
	if err != nil {
		return nil, err
	}
	return g.rules.list(), nil
}

// rule returns the guild and rule of the path.
func (x *exchange) rule() (*guild, document, error) {
	g, err := x.guild()
	if err != nil {
		return nil, nil, err
	}
	d := g.rules.find(x.params["rule"])
	if d == nil {
		return nil, nil, &apiError{404, 10066, "Unknown auto moderation rule", nil}
	}
	return g, d, nil
}

func (x *exchange) getRule() (any, error) {
	_, d, err := x.rule()
	return d, err
}

// createRule keeps a rule; it is not carried out.
func (x *exchange) createRule() (any, error) {
	g, err := x.guild()
	if err != nil {
		return nil, err
	}
	d := document{
		"id": x.newIDLocked(), "guild_id": g.id, "creator_id": x.world.bot.ID, "enabled": false,
		"trigger_metadata": map[string]any{}, "exempt_roles": []any{}, "exempt_channels": []any{},
	}
	if err := x.fill(d, true, ruleFields()...); err != nil {
		return nil, err
	}
	same := 0
	for _, old := range g.rules {
		if fmt.Sprint(old["trigger_type"]) == fmt.Sprint(d["trigger_type"]) {
			same++
		}
	}
	if same >= maxRules(d["trigger_type"]) {
		return nil, formError("trigger_type", "AUTO_MODERATION_MAX_RULES_OF_TYPE_EXCEEDED",
			"Maximum number of rules of this type reached.")
	}
	g.rules = append(g.rules, d)
	x.emitRule("AUTO_MODERATION_RULE_CREATE", g, d)
	x.auditLocked(g.id, discordgo.AuditLogActionAutoModerationRuleCreate, d.id(), auditChange{"name", nil, d["name"]})
	return d, nil
}

// emitRule tells of a rule, which only those hear who may manage the guild.
func (x *exchange) emitRule(typ string, g *guild, d document) {
	if x.botMay(g).has(discordgo.PermissionManageGuild) {
		x.emitLocked(g.id, typ, d)
	}
}

func (x *exchange) patchRule() (any, error) {
	g, d, err := x.rule()
	if err != nil {
		return nil, err
	}
	if err := x.fill(d, false, ruleFields()...); err != nil {
		return nil, err
	}
	x.emitRule("AUTO_MODERATION_RULE_UPDATE", g, d)
	x.auditLocked(g.id, discordgo.AuditLogActionAutoModerationRuleUpdate, d.id())
	return d, nil
}

func (x *exchange) deleteRule() (any, error) {
	g, d, err := x.rule()
	if err != nil {
		return nil, err
	}
	g.rules.drop(d.id())
	x.emitRule("AUTO_MODERATION_RULE_DELETE", g, d)
	x.auditLocked(g.id, discordgo.AuditLogActionAutoModerationRuleDelete, d.id(), auditChange{"name", d["name"], nil})
	return nil, nil
}
