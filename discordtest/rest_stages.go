package discordtest

import "github.com/bwmarrin/discordgo"

func stageRoutes(r router) {
	const stage, moderator = "/stage-instances/{channel}", discordgo.PermissionManageChannels |
		discordgo.PermissionVoiceMuteMembers | discordgo.PermissionVoiceMoveMembers
	r.on("POST", "/stage-instances", (*exchange).openStage, moderator)
	r.on("GET", stage, (*exchange).getStage)
	r.on("PATCH", stage, (*exchange).patchStage, moderator)
	r.on("DELETE", stage, (*exchange).closeStage, moderator)
}

func stageFields() []field {
	return []field{
		{name: "topic", required: true, low: 1, high: 120},
		{name: "privacy_level", kind: numberField, low: 1, high: 2},
	}
}

func (x *exchange) openStage() (any, error) {
	var in struct {
		ChannelID string `json:"channel_id"`
	}
	if err := x.decode(&in); err != nil {
		return nil, err
	}
	x.params = map[string]string{"channel": in.ChannelID}
	c, err := x.channel()
	if err != nil {
		return nil, err
	}
	if c.Type != discordgo.ChannelTypeGuildStageVoice {
		return nil, errWrongChannel
	}
	g := x.world.guilds[c.GuildID]
	if g.stage(c.ID) != nil {
		return nil, &apiError{400, 150006, "The Stage is already open", nil}
	}
	d := document{
		"id": x.newIDLocked(), "guild_id": g.id, "channel_id": c.ID, "privacy_level": 2,
		"discoverable_disabled": true, "guild_scheduled_event_id": nil,
	}
	if err := x.fill(d, true, stageFields()...); err != nil {
		return nil, err
	}
	g.stages = append(g.stages, d)
	x.emitInLocked(c, "STAGE_INSTANCE_CREATE", d)
	x.auditLocked(g.id, discordgo.AuditLogActionStageInstanceCreate, d.id())
	return d, nil
}

// stage returns the open stage of a channel, or nil.
func (g *guild) stage(channelID string) document {
	for _, d := range g.stages {
		if d["channel_id"] == channelID {
			return d
		}
	}
	return nil
}

// stage returns the channel, guild and open stage of the path.
func (x *exchange) stage() (*channel, *guild, document, error) {
	c, err := x.channel()
	if err != nil {
		return nil, nil, nil, err
	}
	if g := x.world.guilds[c.GuildID]; g != nil {
		if d := g.stage(c.ID); d != nil {
			return c, g, d, nil
		}
	}
	return nil, nil, nil, &apiError{404, 10067, "Unknown Stage Instance", nil}
}

func (x *exchange) getStage() (any, error) {
	_, _, d, err := x.stage()
	return d, err
}

func (x *exchange) patchStage() (any, error) {
	c, g, d, err := x.stage()
	if err != nil {
		return nil, err
	}
	if err := x.fill(d, false, stageFields()...); err != nil {
		return nil, err
	}
	x.emitInLocked(c, "STAGE_INSTANCE_UPDATE", d)
	x.auditLocked(g.id, discordgo.AuditLogActionStageInstanceUpdate, d.id())
	return d, nil
}

func (x *exchange) closeStage() (any, error) {
	c, g, d, err := x.stage()
	if err != nil {
		return nil, err
	}
	g.stages.drop(d.id())
	x.emitInLocked(c, "STAGE_INSTANCE_DELETE", d)
	x.auditLocked(g.id, discordgo.AuditLogActionStageInstanceDelete, d.id())
	return nil, nil
}
