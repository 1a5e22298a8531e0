package browsertest_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/chromedp/chromedp"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

// runFor is how long a bot runs before it is photographed: some of its history can be seen then.
const runFor = 100 * time.Second

// TestImages runs bots in a fake Discord, breaks some of their shards, and writes what their pages
// look like to docs/images. It does so only with -update: see make images.
func TestImages(t *testing.T) {
	if !*update {
		return
	}
	t.Run("1 shard", func(t *testing.T) {
		url, _ := runBot(t, 1, 12)
		time.Sleep(runFor)
		photograph(t, url, "status-1", 1200, "light")
	})
	t.Run("16 shards", func(t *testing.T) {
		url, srv := runBot(t, 16, 240)
		time.Sleep(runFor)
		lose(srv, 3, 4, 5)
		time.Sleep(20 * time.Second) // until the checks are sure
		photograph(t, url, "status-16", 1200, "dark")
		photograph(t, url, "status-phone", 390, "light")
		b := newBrowser(t, 1200, 1000)
		b.open(url)
		b.run(chromedp.Click(`[data-shard="4"]`, chromedp.ByQuery))
		b.wait(`document.querySelector("#detail-body").innerText.includes("Next try")`)
		b.screenshot("status-shard")
	})
	t.Run("500 shards", func(t *testing.T) {
		url, srv := runBot(t, 500, 1500)
		time.Sleep(runFor)
		lose(srv, 8, 121, 122, 123, 307)
		time.Sleep(20 * time.Second)
		photograph(t, url, "status-500", 1200, "light")
	})
}

func photograph(t *testing.T, url, name string, width int64, scheme string) {
	t.Helper()
	b := newBrowser(t, width, 1000)
	b.open(url)
	b.scheme(scheme)
	b.wait(`document.querySelector("#live").innerText === "Live"`)
	b.screenshot(name)
}

// lose resets the connections of shards, which find no way back.
func lose(srv *discordtest.Server, shards ...int) {
	srv.RefuseGateway(true)
	srv.RefuseResume(true)
	for _, id := range shards {
		if c := srv.Conn(id); c != nil {
			c.Reset()
		}
	}
}

// runBot runs a bot with something to do, and returns the address of its page.
func runBot(t *testing.T, shards, guilds int) (url string, srv *discordtest.Server) {
	t.Helper()
	srv, err := discordtest.New(discordtest.Config{Guilds: guilds, Members: 12, MaxConcurrency: shards,
		HeartbeatInterval: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Close)
	// Discord is further away than this machine.
	t.Cleanup(srv.OnFrame(func(_ *discordtest.Conn, op int, _ json.RawMessage) bool {
		if op == 1 {
			time.Sleep(time.Duration(60+rand.IntN(50)) * time.Millisecond)
		}
		return false
	}))
	profiles := botwright.NewTTLCache(botwright.TTLCacheConfig[string, string]{MaxSize: 2000, TTL: time.Minute})
	bot, err := botwright.New(srv.Token, botwright.WithAPI(srv.URL), botwright.WithShards(shards),
		botwright.WithIntents(discordgo.IntentsAll), botwright.WithLogger(slog.New(slog.DiscardHandler)),
		botwright.WithCache("profiles", profiles), botwright.WithMemoryLimit(2<<30),
		botwright.WithHealth(botwright.HealthConfig{Name: "robin-0", Interval: 3 * time.Second,
			Group: time.Second, MaxLatency: 5 * time.Second, Alerters: []botwright.Alerter{}}),
		botwright.WithAdmin(botwright.AdminConfig{Addr: "127.0.0.1:0"}))
	if err != nil {
		t.Fatal(err)
	}
	botwright.On(bot, onMessage(profiles))
	botwright.On(bot, onReaction)
	ctx, cancel := context.WithCancel(context.Background())
	if err := bot.Open(ctx); err != nil {
		t.Fatal(err)
	}
	chatted := make(chan error, 1)
	go func() { chatted <- srv.Chat(ctx, discordtest.ChatConfig{Rate: 20 + float64(guilds)/10}) }()
	t.Cleanup(func() {
		cancel()
		stopCtx, stop := context.WithTimeout(context.Background(), time.Minute)
		defer stop()
		if err := errors.Join(<-chatted, bot.Shutdown(stopCtx)); err != nil {
			t.Error(err)
		}
	})
	return "http://" + bot.AdminAddr(), srv
}

func onMessage(profiles *botwright.TTLCache[string, string]) botwright.HandlerFunc[discordgo.MessageCreate] {
	return func(ctx context.Context, _ *discordgo.Session, m *discordgo.MessageCreate) error {
		_, err := profiles.Load(ctx, m.Author.ID, func(context.Context) (string, error) {
			time.Sleep(time.Duration(5+rand.IntN(30)) * time.Millisecond) // the database
			return m.Author.Username, nil
		})
		return err
	}
}

func onReaction(context.Context, *discordgo.Session, *discordgo.MessageReactionAdd) error {
	time.Sleep(time.Duration(rand.IntN(3)) * time.Millisecond)
	return nil
}
