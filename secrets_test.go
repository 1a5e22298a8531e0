package botwright_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
	"github.com/botwright/botwright/internal/testkit"
)

// Whoever has the token of a webhook or an interaction can post in its name: what the bot reports,
// logs and serves shows none. Every route and way to fail is in internal/redact.
func TestNoTokenInErrorsAndLogs(t *testing.T) {
	t.Parallel()
	const hookToken = "MARKER-webhook_token"
	srv := newServer(t, discordtest.Config{})
	var logs testkit.Log
	log := slog.New(slog.NewJSONHandler(&logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	reg := prometheus.NewRegistry()
	bot := newBot(t, srv, botwright.WithLogger(log), botwright.WithMetrics(reg),
		botwright.WithHTTPClient(&http.Client{Timeout: time.Second}),
		botwright.WithAdmin(botwright.AdminConfig{Addr: "127.0.0.1:0"}))
	bot.Use(botwright.Logging(log))
	handled := make(chan error, 1)
	botwright.On(bot, func(ctx context.Context, s *discordgo.Session, i *discordgo.InteractionCreate) error {
		_, err := s.WebhookExecute("123", hookToken, true, &discordgo.WebhookParams{Content: "x"}, discordgo.WithContext(ctx))
		_, err2 := s.FollowupMessageCreate(i.Interaction, true, &discordgo.WebhookParams{Content: "x"}, discordgo.WithContext(ctx))
		// A client of the program's own knows nothing of secrets; what is reported does.
		_, err3 := s.WebhookExecute("123", hookToken, true, &discordgo.WebhookParams{Content: "x"},
			discordgo.WithContext(ctx), discordgo.WithClient(&http.Client{Transport: roundTripper(
				func(*http.Request) (*http.Response, error) { return nil, errors.New("no route") })}))
		err = errors.Join(err, err2, err3)
		handled <- err
		return err
	})
	open(t, bot)
	g := srv.Guilds()[0]
	secrets := []string{"MARKER", srv.Token}
	for name, fault := range map[string]discordtest.RESTFault{
		"reset":      {Reset: true},
		"timeout":    {Delay: time.Minute},
		"redirect":   {Status: http.StatusTemporaryRedirect, Header: http.Header{"Location": {"http://[bad"}}},
		"rate limit": *discordtest.RateLimited(time.Hour, "user"),
		"gateway":    *discordtest.BadGateway(),
	} {
		remove := srv.FailREST(func(*http.Request) *discordtest.RESTFault { return &fault })
		in := srv.SlashCommand(g.ID, g.Channels[0].ID, g.Members[0].User.ID, "fail")
		if in.Err() != nil {
			t.Fatal(in.Err())
		}
		secrets = append(secrets, in.Token)
		if err := receive(t, handled); strings.Count(err.Error(), "\n") != 2 {
			t.Errorf("%s: not everything has failed: %v", name, err)
		}
		remove()
	}
	outputs := map[string]string{"report": bot.Report().String()}
	for _, path := range []string{"/", "/status.json", "/healthz", "/metrics", "/debug/pprof/goroutine?debug=2"} {
		_, outputs[path] = ask(t, http.MethodGet, "http://"+bot.AdminAddr()+path)
	}
	if err := bot.Shutdown(testContext(t)); err != nil { // all is reported
		t.Error(err)
	}
	outputs["log"] = logs.String()
	if n := strings.Count(outputs["log"], "no route"); n < 10 {
		t.Errorf("the log has %d errors of handlers, want 10", n)
	}
	for what, text := range outputs {
		for _, secret := range secrets {
			if i := strings.Index(text, secret); i >= 0 {
				t.Errorf("%s shows a token: %s", what, text[max(0, i-200):min(len(text), i+100)])
			}
		}
	}
}
