package botwright_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/botwright/botwright"
)

// A bot that checks itself, tells a channel when something is wrong, and has a status page on
// http://127.0.0.1:9180/.
func ExampleWithHealth() {
	bot, err := botwright.New(someToken,
		botwright.WithHealth(botwright.HealthConfig{
			Alerters: []botwright.Alerter{
				botwright.SlogAlerter{},
				&botwright.WebhookAlerter{URL: "https://discord.com/api/webhooks/1/token"},
			},
		}),
		botwright.WithAdmin(botwright.AdminConfig{}))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range bot.Health().Report().Checks {
		fmt.Println(c.Name, c.Status)
	}
	// Output:
	// gateway pending
	// rest pending
	// queue pending
	// handlers pending
	// invalid_requests pending
	// identify pending
	// memory pending
	// cache pending
}

// A check of the program's own: an error means that it is unhealthy.
func ExampleHealth_Register() {
	health, err := botwright.NewHealth(botwright.HealthConfig{Without: []string{"memory"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	ping := func(context.Context) error { return errors.New("connection refused") } // as of a sql.DB
	health.Register("database", func(ctx context.Context) (botwright.CheckResult, error) {
		return botwright.CheckResult{}, ping(ctx)
	}, botwright.CheckEvery(30*time.Second))
	health.Register("backlog", func(context.Context) (botwright.CheckResult, error) {
		return botwright.CheckResult{Value: 7, Threshold: 100, Unit: "jobs", Message: "7 jobs wait"}, nil
	})
	report := health.Check(context.Background())
	fmt.Println(report.Status)
	for _, c := range report.Checks {
		fmt.Printf("%s %s: %s\n", c.Name, c.Status, c.Message)
	}
	// Output:
	// unhealthy
	// database unhealthy: connection refused
	// backlog healthy: 7 jobs wait
}

// A check that must not wait is a problem with its first bad reading; a built-in one that is noisy
// here needs five of ten.
func ExampleCheckFailures() {
	health, err := botwright.NewHealth(botwright.HealthConfig{
		Checks: map[string][]botwright.CheckOption{"memory": {botwright.CheckFailures(5, 10)}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	down := func(context.Context) (botwright.CheckResult, error) {
		return botwright.CheckResult{}, errors.New("no payment can be made")
	}
	health.Register("payments", down, botwright.CheckFailures(1, 1))
	health.Register("search", down) // two of three
	report := health.Check(context.Background())
	for _, p := range report.Problems {
		fmt.Println(p)
	}
	// Output:
	// payments unhealthy: no payment can be made
}

// A discordgo session that no Bot runs can be watched too.
func ExampleHealth_Watch() {
	session, err := discordgo.New("Bot " + someToken)
	if err != nil {
		fmt.Println(err)
		return
	}
	health, err := botwright.NewHealth(botwright.HealthConfig{Without: []string{"memory", "rest"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	health.Watch(session)
	for _, c := range health.Check(context.Background()).Checks {
		fmt.Printf("%s %s: %s\n", c.Name, c.Status, c.Message)
	}
	// Output:
	// gateway unhealthy: not connected
	// cache healthy: State has 0 entries
}

// An alert that a webhook is sent. Here Discord is a server that prints what it gets.
func ExampleWebhookAlerter() {
	discord := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(os.Stdout, r.Body)
	}))
	defer discord.Close()
	alerter := &botwright.WebhookAlerter{URL: discord.URL + "/api/webhooks/1/token"}
	err := alerter.Alert(context.Background(), botwright.Alert{
		Kind: botwright.AlertResolved,
		Time: time.Date(2026, 11, 23, 18, 0, 0, 0, time.UTC),
		Problems: []botwright.Problem{{
			Check: "gateway", Shards: []int{3, 4, 5, 9}, Duration: 4 * time.Minute}},
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// {"embeds":[{"title":"Bot Health Resolved","description":"Everything is healthy.","color":3066993,"fields":[{"name":"gateway (shards 3–5, 9)","value":"healthy again after 4m0s","inline":true}],"timestamp":"2026-11-23T18:00:00Z"}],"allowed_mentions":{"parse":[]}}
}

func ExampleSlogAlerter() {
	log := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == "since" {
				return slog.Attr{}
			}
			return a
		}}))
	err := botwright.SlogAlerter{Logger: log}.Alert(context.Background(), botwright.Alert{
		Kind: botwright.AlertFiring,
		Problems: []botwright.Problem{{
			Check: "gateway", Shards: []int{0, 1, 2}, Status: botwright.Unhealthy, Message: "backoff"}},
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// level=ERROR msg="health alert" kind=firing check=gateway status=unhealthy shards=0–2 message=backoff
}

// The handler can be mounted on a server that the program has already.
func ExampleBot_AdminHandler() {
	bot, err := botwright.New(someToken, botwright.WithAdmin(botwright.AdminConfig{
		Addr: "none", Token: "0123456789abcdef", Gatherer: prometheus.NewRegistry()}))
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("/bot/", http.StripPrefix("/bot", bot.AdminHandler()))

	for _, token := range []string{"", "0123456789abcdef"} {
		r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/bot/livez", http.NoBody)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		fmt.Println(w.Code)
	}
	// Output:
	// 401
	// 200
}

func ExampleStatusCommands() {
	commands := botwright.StatusCommands()
	bot, err := botwright.New(someToken, botwright.WithCommands(commands...))
	if err != nil {
		fmt.Println(err)
		return
	}
	bot.HandleStatusCommands()
	for _, c := range commands {
		fmt.Printf("/%s: %s\n", c.Name, c.Description)
	}
	// Output:
	// /ping: How fast the bot answers, and which shard this server is on
	// /shards: How the bot's shards are
}
