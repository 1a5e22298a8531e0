package discordtest

import (
	"math/rand/v2"
	"strconv"

	"github.com/bwmarrin/discordgo"
)

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
	if in.Name == "" {
		return nil, formError("name", "BASE_TYPE_REQUIRED", "This field is required")
	}
	return x.addWebhookLocked(c, in.Name), nil
}

func (x *exchange) listWebhooks() (any, error) {
	c, err := x.channel()
	if err != nil {
		return nil, err
	}
	out := []*webhook{}
	for _, w := range x.world.webhooks {
		if w.ChannelID == c.ID {
			out = append(out, w)
		}
	}
	return out, nil
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
	return w, x.world.channels[w.ChannelID], nil
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

// webhookMessage returns a message that the webhook of the path has posted.
func (x *exchange) webhookMessage() (*channel, *message, error) {
	w, c, err := x.webhook()
	if err != nil {
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
