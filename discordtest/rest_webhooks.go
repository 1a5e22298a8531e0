package discordtest

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/bwmarrin/discordgo"
)

func webhookRoutes(r router) {
	const manage = discordgo.PermissionManageWebhooks
	r.on("GET", "/channels/{channel}/webhooks", (*exchange).listWebhooks, manage)
	r.on("POST", "/channels/{channel}/webhooks", (*exchange).createWebhook, manage)
	r.on("GET", "/guilds/{guild}/webhooks", (*exchange).listGuildWebhooks, manage)
	r.on("GET", "/webhooks/{webhook}", (*exchange).getWebhook, manage)
	r.on("PATCH", "/webhooks/{webhook}", (*exchange).patchWebhook, manage)
	r.on("DELETE", "/webhooks/{webhook}", (*exchange).deleteWebhook, manage)
	const hook = "/webhooks/{webhook}/{token}"
	r.on("GET", hook, (*exchange).getWebhook).limited(limitWebhooks).anyone()
	r.on("POST", hook, (*exchange).executeWebhook).limited(limitWebhooks).anyone()
	r.on("PATCH", hook, (*exchange).patchWebhook).limited(limitWebhooks).anyone()
	r.on("DELETE", hook, (*exchange).deleteWebhook).limited(limitWebhooks).anyone()
	const posted = hook + "/messages/{message}"
	r.on("GET", posted, (*exchange).getWebhookMessage).limited(limitWebhooks).anyone()
	r.on("PATCH", posted, (*exchange).editWebhookMessage).limited(limitWebhooks).anyone()
	r.on("DELETE", posted, (*exchange).deleteWebhookMessage).limited(limitWebhooks).anyone()
}

// A webhook posts into a channel for whoever knows its token.
type webhook struct {
	ID        string  `json:"id"`
	Type      int     `json:"type"`
	GuildID   string  `json:"guild_id"`
	ChannelID string  `json:"channel_id"`
	Name      string  `json:"name"`
	Avatar    *string `json:"avatar"`
	Token     string  `json:"token"`
	AppID     *string `json:"application_id"`
	URL       string  `json:"url"`
}

// AddWebhook makes a webhook in a channel. Its URL is the server's URL + "/api/webhooks/" + ID +
// "/" + Token.
func (s *Server) AddWebhook(channelID, name string) (*discordgo.Webhook, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.world.channel(channelID)
	if err != nil {
		return nil, err
	}
	w := s.addWebhookLocked(c, name)
	return &discordgo.Webhook{
		ID: w.ID, Type: discordgo.WebhookTypeIncoming, GuildID: w.GuildID, ChannelID: w.ChannelID,
		Name: w.Name, Token: w.Token,
	}, nil
}

func (s *Server) addWebhookLocked(c *channel, name string) *webhook {
	w := &webhook{
		ID: s.newIDLocked(), Type: 1, GuildID: c.GuildID, ChannelID: c.ID, Name: name,
		Token: strconv.FormatUint(rand.Uint64(), 36) + strconv.FormatUint(rand.Uint64(), 36),
	}
	w.URL = s.URL + "/api/webhooks/" + w.ID + "/" + w.Token
	s.world.webhooks[w.ID] = w
	s.webhooksChangedLocked(c)
	return w
}

func (s *Server) webhooksChangedLocked(c *channel) {
	event := map[string]string{"guild_id": c.GuildID, "channel_id": c.ID}
	s.emitLocked(c.GuildID, "WEBHOOKS_UPDATE", event)
}

func (x *exchange) createWebhook() (any, error) {
	c, err := x.channel()
	if err != nil {
		return nil, err
	}
	var in struct {
		Name string `json:"name"`
	}
	if err := x.decode(&in); err != nil {
		return nil, err
	}
	var f form
	if f.text("name", in.Name, 1, 80); f.tree != nil {
		return nil, f.err()
	}
	if len(x.webhooksOf(func(w *webhook) bool { return w.ChannelID == c.ID })) >= maxWebhooks {
		return nil, &apiError{400, 30007, "Maximum number of webhooks reached (15)", nil}
	}
	w := x.addWebhookLocked(c, in.Name)
	w.AppID = &x.world.bot.ID
	x.auditLocked(c.GuildID, discordgo.AuditLogActionWebhookCreate, w.ID, auditChange{"name", nil, w.Name})
	return w, nil
}

// maxWebhooks is Discord's limit for a channel.
const maxWebhooks = 15

// webhooksOf returns some of the webhooks, oldest first.
func (x *exchange) webhooksOf(want func(*webhook) bool) []*webhook {
	out := []*webhook{}
	for _, id := range slices.SortedFunc(maps.Keys(x.world.webhooks), compareIDs) {
		if w := x.world.webhooks[id]; want(w) {
			out = append(out, w)
		}
	}
	return out
}

func (x *exchange) listWebhooks() (any, error) {
	c, err := x.channel()
	if err != nil {
		return nil, err
	}
	return x.webhooksOf(func(w *webhook) bool { return w.ChannelID == c.ID }), nil
}

func (x *exchange) listGuildWebhooks() (any, error) {
	g, err := x.guild()
	if err != nil {
		return nil, err
	}
	return x.webhooksOf(func(w *webhook) bool { return w.GuildID == g.id }), nil
}

// webhook returns the webhook of the path and checks the token, if the path has one.
func (x *exchange) webhook() (*webhook, *channel, error) {
	w := x.world.webhooks[x.params["webhook"]]
	if w == nil {
		return nil, nil, errUnknownWebhook
	}
	if token, ok := x.params["token"]; ok && token != w.Token {
		return nil, nil, errWebhookToken
	}
	c := x.world.channels[w.ChannelID]
	if x.params["token"] == "" {
		return w, c, x.mayIn(c, x.route.need)
	}
	return w, c, nil
}

func (x *exchange) patchWebhook() (any, error) {
	w, c, err := x.webhook()
	if err != nil {
		return nil, err
	}
	var in struct {
		Name      *string `json:"name"`
		Avatar    *string `json:"avatar"`
		ChannelID *string `json:"channel_id"`
	}
	if err := x.decode(&in); err != nil {
		return nil, err
	}
	if in.Name != nil {
		var f form
		if f.text("name", *in.Name, 1, 80); f.tree != nil {
			return nil, f.err()
		}
		w.Name = *in.Name
	}
	if in.Avatar != nil {
		w.Avatar = in.Avatar
	}
	if to := deref(in.ChannelID); to != "" && x.params["token"] == "" {
		if x.world.channels[to] == nil {
			return nil, errUnknownChannel
		}
		w.ChannelID = to
	}
	x.webhooksChangedLocked(c)
	x.auditLocked(c.GuildID, discordgo.AuditLogActionWebhookUpdate, w.ID)
	return w, nil
}

func (x *exchange) getWebhook() (any, error) {
	w, _, err := x.webhook()
	if err != nil {
		return nil, err
	}
	return w, nil
}

func (x *exchange) deleteWebhook() (any, error) {
	w, c, err := x.webhook()
	if err != nil {
		return nil, err
	}
	delete(x.world.webhooks, w.ID)
	x.webhooksChangedLocked(c)
	x.auditLocked(c.GuildID, discordgo.AuditLogActionWebhookDelete, w.ID, auditChange{"name", w.Name, nil})
	return nil, nil
}

// forInteraction reports whether the path is of an interaction: then the webhook is the
// application.
func (x *exchange) forInteraction() bool { return x.params["webhook"] == x.world.bot.ID }

// executeWebhook posts a message. Only with wait=true is it returned.
func (x *exchange) executeWebhook() (any, error) {
	if x.forInteraction() {
		return x.followUp()
	}
	w, c, err := x.webhook()
	if err != nil {
		return nil, err
	}
	d, err := x.draft()
	if err != nil {
		return nil, err
	}
	if d.empty() {
		return nil, errEmptyMessage
	}
	if c, err = x.webhookTarget(c, d); err != nil {
		return nil, err
	}
	author := &user{ID: w.ID, Username: w.Name, Discriminator: "0000", Bot: true}
	if d.Username != "" {
		author.Username = d.Username
	}
	m := x.newMessageLocked(c, author, d)
	m.WebhookID = w.ID
	x.postLocked(c, m)
	if x.req.URL.Query().Get("wait") != "true" {
		return nil, nil
	}
	return m, nil
}

var errNoThread = &apiError{
	400, 220001, "Webhooks posted to forum channels must have a thread_name or thread_id", nil,
}

// webhookTarget returns where a webhook's message goes: its channel, a thread of it that the query
// names, or a new thread of a forum.
func (x *exchange) webhookTarget(c *channel, d *draft) (*channel, error) {
	id := x.req.URL.Query().Get("thread_id")
	switch {
	case id != "":
		t := x.world.channels[id]
		if t == nil || !t.isThread() || deref(t.ParentID) != c.ID {
			return nil, errUnknownChannel
		}
		return t, nil
	case c.speaks():
		return c, nil
	case d.ThreadName == "":
		return nil, errNoThread
	}
	const kind = discordgo.ChannelTypeGuildPublicThread
	return x.startThreadLocked(c, x.newIDLocked(), kind, x.world.bot.ID, &threadStart{Name: d.ThreadName}), nil
}

// webhookMessage returns a message that the webhook of the path has posted.
func (x *exchange) webhookMessage() (*channel, *message, error) {
	w, c, err := x.webhook()
	if err != nil {
		return nil, nil, err
	}
	if c, err = x.webhookTarget(c, new(draft)); err != nil {
		return nil, nil, err
	}
	m := c.message(x.params["message"])
	if m == nil || m.WebhookID != w.ID {
		return nil, nil, errUnknownMessage
	}
	return c, m, nil
}

func (x *exchange) getWebhookMessage() (any, error) {
	if x.forInteraction() {
		_, m, err := x.answerMessage()
		if err != nil {
			return nil, err
		}
		return m, nil
	}
	_, m, err := x.webhookMessage()
	if err != nil {
		return nil, err
	}
	return m, nil
}

func (x *exchange) editWebhookMessage() (any, error) {
	if x.forInteraction() {
		return x.editAnswer()
	}
	c, m, err := x.webhookMessage()
	if err != nil {
		return nil, err
	}
	d, err := x.draft()
	if err != nil {
		return nil, err
	}
	x.rewriteLocked(c, m, d)
	return m, nil
}

func (x *exchange) deleteWebhookMessage() (any, error) {
	if x.forInteraction() {
		return x.deleteAnswer()
	}
	c, m, err := x.webhookMessage()
	if err != nil {
		return nil, err
	}
	x.removeMessageLocked(c, m)
	return nil, nil
}
