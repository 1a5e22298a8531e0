package browsertest_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

// A bot whose shard breaks shows so on its page, and that it is well again.
func TestBot(t *testing.T) {
	srv, err := discordtest.New(discordtest.Config{MaxConcurrency: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	bot, err := botwright.New(srv.Token, botwright.WithAPI(srv.URL), botwright.WithShards(4),
		botwright.WithLogger(slog.New(slog.DiscardHandler)),
		botwright.WithHealth(botwright.HealthConfig{Interval: 200 * time.Millisecond, Without: []string{"rest"},
			Group: 200 * time.Millisecond, Alerters: []botwright.Alerter{}}),
		botwright.WithAdmin(botwright.AdminConfig{Addr: "127.0.0.1:0"}))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := bot.Open(ctx); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := bot.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	}()
	b := newBrowser(t, 1200, 900)
	url := "http://" + bot.AdminAddr()
	b.open(url)
	b.wait(`document.querySelectorAll('.tile[data-look=ready]').length === 4`)

	srv.RefuseGateway(true)
	srv.RefuseResume(true)
	srv.Conn(2).Reset()
	b.wait(`document.querySelector('[data-shard="2"]').dataset.look !== "ready"`)
	b.wait(`document.querySelector("#alerts").innerText.includes("gateway (1 of 4 shards: 2) unhealthy")`)
	b.wait(`document.querySelector("#headline").textContent === "There is a problem"`)

	srv.RefuseGateway(true) // attempt after attempt fails, and it is down for as long as before
	b.wait(`(() => {
		document.querySelector('[data-shard="2"]').focus();
		const tip = document.querySelector("#tip").innerText;
		return /Down for\s*[3-9] s/.test(tip) && /Next try/.test(tip);
	})()`)

	srv.RefuseGateway(false)
	srv.RefuseResume(false)
	if err := bot.RestartShard(ctx, 2); err != nil {
		t.Fatal(err)
	}
	b.wait(`document.querySelector("#alerts").innerText.includes("gateway (1 of 4 shards: 2) healthy again after")`)
	b.wait(`document.querySelector("#headline").textContent === "Everything is running"`)
	b.clean(url)
}
