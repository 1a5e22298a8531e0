package botwright_test

import (
	"context"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

func TestObserved(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewPedanticRegistry()
	srv := newServer(t, discordtest.Config{})
	bot := newBot(t, srv, botwright.WithMetrics(reg))
	ran := make(chan bool, 1)
	botwright.On(bot, func(context.Context, *discordgo.Session, *discordgo.MessageCreate) error {
		ran <- true
		return nil
	}, botwright.Debounce(time.Millisecond, botwright.ByChannel))
	cache := botwright.NewTTLCache(botwright.TTLCacheConfig[string, int]{MaxSize: 10})
	bot.ObserveCache("users", cache.Stats)
	debouncer := botwright.NewDebouncer[string](botwright.DebouncerConfig{Wait: time.Hour})
	defer debouncer.Close()
	bot.ObserveDebouncer("roles", debouncer.Stats)
	open(t, bot)

	cache.Set("a", 1)
	cache.Get("a")
	cache.Get("b")
	cache.Get("a")
	cache.Delete("a")
	cache.Set("c", 1)
	debouncer.Trigger("x", func() {})
	debouncer.Trigger("x", func() {})
	say(t, srv, "hi")
	receive(t, ran)
	for _, want := range []struct {
		n      float64
		name   string
		labels []string
	}{
		{2, "discord_cache_requests_total", []string{"cache", "users", "result", "hit"}},
		{1, "discord_cache_requests_total", []string{"cache", "users", "result", "miss"}},
		{1, "discord_cache_entries", []string{"cache", "users"}},
		{10, "discord_cache_max_entries", []string{"cache", "users"}},
		{1, "discord_cache_evictions_total", []string{"cache", "users", "reason", "deleted"}},
		{2, "discord_debounce_calls_total", []string{"name", "roles"}},
		{0, "discord_debounce_fires_total", []string{"name", "roles"}},
		{1, "discord_debounce_fires_total", []string{"name", "handlers"}},
	} {
		if got := metric(t, reg, want.name, want.labels...); got != want.n {
			t.Errorf("%s%q is %v, want %v", want.name, want.labels, got, want.n)
		}
	}
	caches := bot.Report().Caches
	if len(caches) != 1 || caches[0].Name != "users" || caches[0].Entries != 1 ||
		caches[0].HitRatio < 0.66 || caches[0].HitRatio > 0.67 {
		t.Errorf("caches in the report: %+v", caches)
	}
	wantPanic(t, "pass a name", func() { bot.ObserveCache("", cache.Stats) })
	wantPanic(t, "pass a name", func() { bot.ObserveDebouncer("x", nil) })
	wantPanic(t, "taken", func() { bot.ObserveCache("users", cache.Stats) })
	wantPanic(t, "taken", func() { bot.ObserveDebouncer("handlers", debouncer.Stats) })
}
