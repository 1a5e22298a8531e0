package botwright

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/botwright/botwright/internal/webhook"
)

// webhookEnv is the environment variable that has the URL of a WebhookAlerter without one.
const webhookEnv = "HEALTH_WEBHOOK"

// A WebhookAlerter posts alerts to a Discord webhook, as an embed: red for what is unhealthy, amber
// for what is degraded, green for what is resolved, with a field per check. It does not use the
// bot's sessions, so that it works while all of them are down. Texts are cut to Discord's limits.
//
// A 429 is waited out; what may pass is tried again for half a minute; when Discord does not
// know the webhook (404 or 401) it gives up for good and logs that once.
//
// Do not copy it or change a field after its first use.
type WebhookAlerter struct {
	// URL of the webhook, from the channel's settings. It is a secret, and is never logged. It
	// must be https, except on a loopback address. The default is the value of the environment
	// variable HEALTH_WEBHOOK.
	URL string

	// Edit keeps one message up to date, which says how things are, instead of posting a
	// message per alert. It is edited after each change and once a minute.
	Edit bool
	// MessageID is the message to edit. Without it one is posted, and its id logged.
	MessageID string

	// MentionRoles and MentionUsers are the ids of whom to notify when something is unhealthy.
	// Nobody else is ever notified.
	MentionRoles, MentionUsers []string

	// Client is for requests to Discord. Redirects are errors whatever it says about them:
	// followed, they would lose the message and show the URL. The default is a client of its
	// own.
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
			w.err = errors.New("WebhookAlerter: there is no URL: set it or " + webhookEnv)
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
	m := webhook.Message{Embeds: []webhook.Embed{alertEmbed(a)}}
	if a.Kind == AlertFiring && a.Status() == Unhealthy {
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
		Embeds: []webhook.Embed{reportEmbed(r)}})
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

func alertEmbed(a Alert) webhook.Embed {
	titles := map[AlertKind]string{
		AlertFiring:    "Bot Health Alert",
		AlertRepeating: "Bot Health Alert, still open",
		AlertResolved:  "Bot Health Resolved",
	}
	e := webhook.Embed{Title: titles[a.Kind], Color: statusColor(a.Status()), Timestamp: a.Time.UTC()}
	for _, p := range a.Problems {
		value := p.text()
		if a.Kind == AlertResolved {
			value = "healthy again after " + p.Duration.Round(time.Second).String()
		}
		e.Fields = append(e.Fields, webhook.Field{Name: p.Subject(), Value: value, Inline: true})
	}
	if open := len(a.Open); a.Kind == AlertResolved {
		e.Description = "Everything is healthy."
		if open > 0 {
			e.Description = "Still open: " + Alert{Problems: a.Open}.String()
		}
	}
	if a.Name != "" {
		e.Footer = &webhook.Footer{Text: a.Name}
	}
	return e
}

// text is a problem for people: what, how much, since when. Discord shows the time as theirs.
func (p Problem) text() string {
	lines := []string{p.Message}
	if p.Threshold > 0 {
		lines = append(lines, fmt.Sprintf("%s, the limit is %s",
			quantity(p.Value, p.Unit), quantity(p.Threshold, p.Unit)))
	}
	return strings.TrimSpace(strings.Join(append(lines,
		fmt.Sprintf("since <t:%d:R>", p.Since.Unix())), "\n"))
}

func reportEmbed(r HealthReport) webhook.Embed {
	e := webhook.Embed{Title: "Bot Status", Color: statusColor(r.Status), Timestamp: r.Time.UTC(),
		Description: "Everything is healthy."}
	if !r.Healthy() {
		e.Description = "Something is " + string(r.Status) + "."
	}
	marks := map[HealthStatus]string{Healthy: "🟢", Degraded: "🟠", Unhealthy: "🔴", Pending: "⚪"}
	for _, c := range r.Checks {
		name := c.Name
		if len(c.Shards) > 0 {
			name = Problem{Check: c.Name, Shards: c.Shards}.Subject()
		}
		e.Fields = append(e.Fields, webhook.Field{
			Name: marks[c.Status] + " " + name, Value: c.Message, Inline: true})
	}
	return e
}

func statusColor(s HealthStatus) int {
	switch s {
	case Unhealthy:
		return 0xFF0000
	case Degraded:
		return 0xFFBF00
	case Healthy:
		return 0x2ECC71
	}
	return 0x95A5A6
}

// quantity writes a value with its unit for people.
func quantity(v float64, unit string) string {
	switch unit {
	case "s":
		return time.Duration(v * float64(time.Second)).Round(time.Millisecond).String()
	case "bytes":
		return fmt.Sprintf("%.0f MiB", v/(1<<20))
	case "share":
		return fmt.Sprintf("%.0f %%", math.Round(v*100))
	case "":
		return fmt.Sprintf("%g", v)
	}
	return fmt.Sprintf("%g %s", v, unit)
}

var _ interface {
	Alerter
	HealthReporter
} = (*WebhookAlerter)(nil)
