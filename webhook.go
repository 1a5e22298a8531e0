package botwright

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"

	"github.com/botwright/botwright/internal/alert"
	"github.com/botwright/botwright/internal/webhook"
)

// webhookEnv is the environment variable that has the URL of a WebhookAlerter without one.
const webhookEnv = "HEALTH_WEBHOOK"

// A WebhookAlerter posts alerts to a Discord webhook, as an embed with a field per check: red while
// something is unhealthy, amber while something is degraded, green when everything is healthy. It
// does not use the bot's sessions, so it works while all of them are down. Texts are cut to
// Discord's limits.
//
// It waits after a 429, and what Discord does not accept is kept and tried again; see [Alerter].
// Only if Discord says that the webhook does not exist (code 10015 or 50027) does it give up for
// good, and logs that once.
//
// Do not copy it or change a field after its first use.
type WebhookAlerter struct {
	// URL is the webhook's URL, from the channel's settings. It is a secret and is never logged. It
	// must be https, except on a loopback address. Default: the environment variable
	// HEALTH_WEBHOOK.
	URL string

	// Edit keeps one message up to date instead of posting a message per alert. It is edited after
	// each change and once a minute, and finally says when the bot stopped.
	Edit bool
	// MessageID is the message to edit. Without it, the alerter posts one and logs its id.
	MessageID string

	// MentionRoles and MentionUsers are the ids of roles and users to notify when something is
	// unhealthy, with the first delivered message about it. Nobody else is ever notified.
	MentionRoles, MentionUsers []string

	// Client sends the requests to Discord. Redirects are always errors, because following one
	// would lose the message and reveal the URL. Default: a client of its own.
	Client *http.Client

	once   sync.Once
	client *webhook.Client
	err    error
}

// prepare makes the client. The first call decides.
func (w *WebhookAlerter) prepare(log *slog.Logger) error {
	w.once.Do(func() {
		address := w.URL
		if address == "" {
			address = os.Getenv(webhookEnv)
		}
		if address == "" {
			w.err = errors.New("WebhookAlerter: the URL is empty: set it or " + webhookEnv)
			return
		}
		w.client, w.err = webhook.New(webhook.Config{
			URL: address, Client: w.Client, UserAgent: userAgent, Logger: log})
		if w.err != nil {
			w.err = fmt.Errorf("WebhookAlerter: %w", w.err)
		}
	})
	return w.err
}

// Alert implements [Alerter]: it returns when Discord has taken the message.
func (w *WebhookAlerter) Alert(ctx context.Context, a Alert) error {
	if err := w.prepare(slog.Default()); err != nil || w.Edit {
		return err
	}
	m := webhook.Message{Embeds: []webhook.Embed{alert.Embed(a.notice(), a.Name)}}
	if alert.Mentions(a.notice()) {
		w.mention(&m)
	}
	return w.client.Post(ctx, m)
}

// ReportHealth implements [HealthReporter]: with Edit set it updates the message.
func (w *WebhookAlerter) ReportHealth(ctx context.Context, r HealthReport) error {
	if err := w.prepare(slog.Default()); err != nil || !w.Edit {
		return err
	}
	return w.client.Edit(ctx, w.MessageID, webhook.Message{
		Embeds: []webhook.Embed{alert.ReportEmbed(r.internal(), r.Name)}})
}

func (w *WebhookAlerter) mention(m *webhook.Message) {
	var mentions []string
	for _, id := range w.MentionRoles {
		mentions = append(mentions, "<@&"+id+">")
	}
	for _, id := range w.MentionUsers {
		mentions = append(mentions, "<@"+id+">")
	}
	m.Content = strings.Join(mentions, " ")
	m.AllowedMentions.Roles, m.AllowedMentions.Users = w.MentionRoles, w.MentionUsers
}

var _ interface {
	Alerter
	HealthReporter
} = (*WebhookAlerter)(nil)
