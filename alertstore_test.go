package botwright_test

import (
	"strings"
	"testing"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

// hookHealth is a config that runs checks of a test's own all the time, and alerts webhooks.
func hookHealth(hooks ...string) botwright.HealthConfig {
	var alerters []botwright.Alerter
	for _, url := range hooks {
		alerters = append(alerters, &botwright.WebhookAlerter{URL: url})
	}
	cfg := fastHealth(alerters...)
	cfg.Without = builtin
	return cfg
}

// A bot is killed while two of its checks are unhealthy, of which one webhook was told and another
// one, which cannot be reached, was not. The next bot finds one of them healthy again.
func TestAlertsSurviveKill(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{Guilds: 1, MaxConcurrency: 4, IdentifyWindow: 1})
	path := sessionFile(t)
	told, away := newHook(t), newHook(t)
	away.down.Store(true)
	c := startChild(t, srv, path, told.url, away.url)
	first := receive(t, told.messages)
	if got := fieldsOf(first); first.Embeds[0].Title != "Bot Health Alert" || got != "database, disk" {
		t.Errorf("before the kill: %s of %s", first.Embeds[0].Title, got)
	}
	for what, n := c.read(); what != "undelivered" || n != 1; {
		what, n = c.read()
	}
	c.kill(func(string, int64) {})
	away.down.Store(false)

	next := newBot(t, srv, botwright.WithSessionStore(botwright.FileSessionStore(path)),
		botwright.WithHealth(hookHealth(told.url, away.url)))
	next.Health().Register("database", found(botwright.Healthy))
	next.Health().Register("disk", found(botwright.Unhealthy))
	open(t, next)
	over := receive(t, told.messages)
	if got := fieldsOf(over); over.Embeds[0].Title != "Bot Health Resolved" || got != "database" ||
		!strings.HasPrefix(over.Embeds[0].Fields[0].Value, "healthy again after") ||
		strings.Contains(over.Embeds[0].Fields[0].Value, "could not be told") {
		t.Errorf("after the kill: %+v", over.Embeds[0])
	}
	fired, resolved := "", ""
	for !strings.Contains(fired, "disk") || resolved != "database" {
		m := receive(t, away.messages) // the first may be both, on a slow machine
		if m.Embeds[0].Title == "Bot Health Alert" {
			fired += fieldsOf(m)
		} else {
			resolved += fieldsOf(m)
		}
	}
	shutdown(t, next)
	if n := len(told.messages) + len(away.messages); n > 0 {
		t.Errorf("%d messages more", n)
	}
}

func fieldsOf(m hookMessage) string {
	var names []string
	for _, f := range m.Embeds[0].Fields {
		names = append(names, f.Name)
	}
	return strings.Join(names, ", ")
}
