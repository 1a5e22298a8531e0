package discordtest

import (
	"slices"
	"time"

	"github.com/bwmarrin/discordgo"
)

func messageRoutes(r router) {
	const messages = "/channels/{channel}/messages"
	const message = messages + "/{message}"
	r.on("GET", messages, (*exchange).listMessages)
	r.on("POST", messages, (*exchange).createMessage, discordgo.PermissionSendMessages).limited(limitMessages)
	r.on("POST", messages+"/bulk-delete", (*exchange).bulkDelete, discordgo.PermissionManageMessages)
	r.on("GET", message, (*exchange).getMessage, discordgo.PermissionReadMessageHistory)
	r.on("PATCH", message, (*exchange).editMessage).limited(limitMessages)
	r.on("DELETE", message, (*exchange).deleteMessage).limited(limitMessages)
	r.on("POST", message+"/crosspost", (*exchange).crosspost)
	r.on("POST", "/channels/{channel}/followers", (*exchange).follow)
}

func (x *exchange) createMessage() (any, error) {
	c, err := x.channel()
	if err != nil {
		return nil, err
	}
	if !c.speaks() {
		return nil, &apiError{400, 50008, "Cannot send messages in a non-text channel", nil}
	}
	d, err := x.draft()
	if err != nil {
		return nil, err
	}
	if d.empty() {
		return nil, errEmptyMessage
	}
	if err := d.allowed(x, c); err != nil {
		return nil, err
	}
	if m := x.sameNonceLocked(c, x.world.bot, d); m != nil {
		return m, nil
	}
	m := x.newMessageLocked(c, x.world.bot, d)
	x.postLocked(c, m)
	return m, nil
}

// allowed returns the error for a draft with parts that the bot may not send in the channel.
func (d *draft) allowed(x *exchange, c *channel) error {
	var need permissions
	if isSet(d.Embeds) {
		need |= discordgo.PermissionEmbedLinks
	}
	if len(d.files) > 0 {
		need |= discordgo.PermissionAttachFiles
	}
	if d.Poll != nil {
		need |= discordgo.PermissionSendPolls
	}
	if d.TTS {
		need |= discordgo.PermissionSendTTSMessages
	}
	if err := x.mayIn(c, need); err != nil {
		return err
	}
	if c.isThread() && c.Metadata.Archived && c.Metadata.Locked {
		return x.mayIn(c, discordgo.PermissionManageThreads)
	}
	if isSet(d.MessageReference) && !x.botIn(c).has(discordgo.PermissionReadMessageHistory) {
		return &apiError{403, 160002, "Cannot reply without permission to read message history", nil}
	}
	return nil
}

func (x *exchange) getMessage() (any, error) {
	_, m, err := x.message()
	if err != nil {
		return nil, err
	}
	return m, nil
}

// listMessages returns the newest message first, around, before or after another.
func (x *exchange) listMessages() (any, error) {
	c, err := x.channel()
	if err != nil {
		return nil, err
	}
	if !x.botIn(c).has(discordgo.PermissionReadMessageHistory) {
		return []*message{}, nil
	}
	q, limit := x.req.URL.Query(), x.number("limit", 50, 1, 100)
	seen := slices.DeleteFunc(slices.Clone(c.messages), (*message).ephemeral)
	at := func(id string) int {
		i, _ := slices.BinarySearchFunc(seen, id, compareMessage)
		return i
	}
	switch {
	case q.Get("before") != "":
		seen = seen[:at(q.Get("before"))]
	case q.Get("after") != "":
		i := at(q.Get("after"))
		for i < len(seen) && compareIDs(seen[i].ID, q.Get("after")) <= 0 {
			i++
		}
		seen = seen[i:min(len(seen), i+limit)]
	case q.Get("around") != "":
		i := max(at(q.Get("around"))-limit/2, 0)
		seen = seen[i:min(len(seen), i+limit)]
	}
	seen = slices.Clone(seen[max(len(seen)-limit, 0):])
	slices.Reverse(seen)
	return seen, nil
}

func (x *exchange) editMessage() (any, error) {
	c, m, err := x.message()
	if err != nil {
		return nil, err
	}
	if m.Author.ID != x.world.bot.ID {
		return nil, errNotAuthor
	}
	d, err := x.draft()
	if err != nil {
		return nil, err
	}
	x.rewriteLocked(c, m, d)
	return m, nil
}

func (x *exchange) deleteMessage() (any, error) {
	c, m, err := x.message()
	if err != nil {
		return nil, err
	}
	if m.Author.ID != x.world.bot.ID {
		if err := x.mayIn(c, discordgo.PermissionManageMessages); err != nil {
			return nil, err
		}
	}
	x.removeMessageLocked(c, m)
	if m.Author.ID != x.world.bot.ID {
		x.auditLocked(c.GuildID, discordgo.AuditLogActionMessageDelete, m.Author.ID)
	}
	return nil, nil
}

func (x *exchange) bulkDelete() (any, error) {
	c, err := x.channel()
	if err != nil {
		return nil, err
	}
	var in struct {
		Messages []string `json:"messages"`
	}
	if err := x.decode(&in); err != nil {
		return nil, err
	}
	var f form
	if f.length("messages", len(in.Messages), 2, 100); f.tree != nil {
		return nil, f.err()
	}
	for _, id := range in.Messages {
		if born, ok := snowflakeTime(id); !ok || x.nowLocked().Sub(born) > maxBulkAge {
			return nil, &apiError{400, 50034, "You can only bulk delete messages that are under 14 days old.", nil}
		}
	}
	gone := []string{}
	for _, id := range in.Messages {
		if c.drop(id) {
			gone = append(gone, id)
		}
	}
	x.emitInLocked(c, "MESSAGE_DELETE_BULK",
		inGuild(c, map[string]any{"ids": gone, "channel_id": c.ID}))
	x.auditLocked(c.GuildID, discordgo.AuditLogActionMessageBulkDelete, c.ID)
	return nil, nil
}

// maxBulkAge is how old messages may be to be deleted together.
const maxBulkAge = 14 * 24 * time.Hour

// crosspost publishes a message of an announcement channel.
func (x *exchange) crosspost() (any, error) {
	c, m, err := x.message()
	if err != nil {
		return nil, err
	}
	if c.Type != discordgo.ChannelTypeGuildNews {
		return nil, errWrongChannel
	}
	need := permissions(discordgo.PermissionSendMessages)
	if m.Author.ID != x.world.bot.ID {
		need = discordgo.PermissionManageMessages
	}
	if err := x.mayIn(c, need); err != nil {
		return nil, err
	}
	if m.Flags&flagCrossposted != 0 {
		return nil, &apiError{400, 40033, "This message has already been crossposted.", nil}
	}
	m.Flags |= flagCrossposted
	x.publishLocked("MESSAGE_UPDATE", c, m)
	return m, nil
}

// follow makes a webhook that would bring the messages of an announcement channel into another.
func (x *exchange) follow() (any, error) {
	c, err := x.channel()
	if err != nil {
		return nil, err
	}
	if c.Type != discordgo.ChannelTypeGuildNews {
		return nil, errWrongChannel
	}
	var in struct {
		ID string `json:"webhook_channel_id"`
	}
	if err := x.decode(&in); err != nil {
		return nil, err
	}
	to := x.world.channels[in.ID]
	if to == nil {
		return nil, errUnknownChannel
	}
	if err := x.mayIn(to, discordgo.PermissionManageWebhooks); err != nil {
		return nil, err
	}
	w := x.addWebhookLocked(to, c.Name)
	w.Type = 2
	return map[string]string{"channel_id": c.ID, "webhook_id": w.ID}, nil
}
