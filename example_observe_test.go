package botwright_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

// openExample opens a bot in a fake Discord of three guilds. The function ends both.
func openExample(opts ...botwright.Option) (bot *botwright.Bot, end func()) {
	srv, err := discordtest.New(discordtest.Config{})
	if err != nil {
		panic(err)
	}
	opts = append(opts, botwright.WithAPI(srv.URL), botwright.WithIntents(discordgo.IntentGuilds))
	bot, err = botwright.New(srv.Token, opts...)
	if err != nil {
		panic(err)
	}
	if err := bot.Open(context.Background()); err != nil {
		panic(err)
	}
	return bot, func() {
		if err := bot.Shutdown(context.Background()); err != nil {
			panic(err)
		}
		srv.Close()
	}
}

func ExampleWithMetrics() {
	reg := prometheus.NewRegistry() // for promhttp.HandlerFor
	_, end := openExample(botwright.WithMetrics(reg))
	defer end()

	families, err := reg.Gather()
	if err != nil {
		panic(err)
	}
	for _, f := range families {
		if f.GetName() == "discord_shards_ready" {
			fmt.Println(f.GetName(), f.GetMetric()[0].GetGauge().GetValue())
		}
	}
	// Output: discord_shards_ready 1
}

func ExampleWithMetricsNamespace() {
	reg := prometheus.NewRegistry()
	_, end := openExample(botwright.WithMetrics(reg), botwright.WithMetricsNamespace("music"))
	defer end()

	n, err := testutil.GatherAndCount(reg, "music_shards_ready", "discord_shards_ready")
	fmt.Println(n, err)
	// Output: 1 <nil>
}

func ExampleNewMetrics() {
	// A session without a Bot.
	session, err := discordgo.New("Bot " + someToken)
	if err != nil {
		panic(err)
	}
	session.Client = &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody}, nil
	})}

	metrics := botwright.NewMetrics(botwright.MetricsConfig{})
	reg := prometheus.NewRegistry()
	reg.MustRegister(metrics)
	metrics.Watch(session)

	if err := session.MessageReactionAdd("1", "2", "👍"); err != nil {
		panic(err)
	}
	n, err := testutil.GatherAndCount(reg, "discord_rest_requests_total")
	fmt.Println(n, err)
	// Output: 1 <nil>
}

func ExampleBot_Report() {
	bot, end := openExample()
	defer end()

	r := bot.Report() // prints as some lines, encodes as JSON, and can be logged with slog
	fmt.Println(r.ShardsReady, "of", r.Shards, "shards,", r.Guilds+r.UnavailableGuilds, "guilds")
	// Output: 1 of 1 shards, 3 guilds
}

func ExampleWithReportEvery() {
	_, err := botwright.New(someToken,
		botwright.WithReportEvery(30*time.Second),
		botwright.WithResources(botwright.ResourceConfig{MaxMemory: 400 << 20}))
	fmt.Println(err)
	// Output: <nil>
}

func ExampleBot_ObserveCache() {
	bot, err := botwright.New(someToken)
	if err != nil {
		panic(err)
	}
	names := botwright.NewTTLCache(botwright.TTLCacheConfig[string, string]{MaxSize: 1000})
	bot.ObserveCache("names", names.Stats)

	names.Set("1", "alice")
	names.Get("1")
	fmt.Printf("%+v\n", bot.Report().Caches)
	// Output: [{Name:names Entries:1 MaxSize:1000 HitRatio:1}]
}

func ExampleBot_ObserveDebouncer() {
	reg := prometheus.NewRegistry()
	bot, err := botwright.New(someToken, botwright.WithMetrics(reg))
	if err != nil {
		panic(err)
	}
	saves := botwright.NewDebouncer[string](botwright.DebouncerConfig{Wait: time.Minute})
	defer saves.Close()
	bot.ObserveDebouncer("saves", saves.Stats)

	n, err := testutil.GatherAndCount(reg, "discord_debounce_calls_total")
	fmt.Println(n, err) // saves, and handlers
	// Output: 2 <nil>
}

func ExampleProfiler_Do() {
	p := botwright.NewProfiler(botwright.ProfilerConfig{Slow: time.Second})
	for i := range 3 {
		err := p.Do(context.Background(), "save", func(context.Context) error {
			if i == 2 {
				return errors.New("disk full")
			}
			return nil
		})
		if err != nil {
			fmt.Println(err)
		}
	}
	for _, s := range p.Snapshot() {
		fmt.Println(s.Name, s.Count, "calls,", s.Errors, "errors")
	}
	// Output:
	// disk full
	// save 3 calls, 1 errors
}

func ExampleProfiler_Capture() {
	dir, err := os.MkdirTemp("", "captures")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	p := botwright.NewProfiler(botwright.ProfilerConfig{CaptureDir: dir, CPUProfile: -1})

	capture, err := p.Capture(context.Background())
	if err != nil {
		panic(err)
	}
	files, err := os.ReadDir(capture)
	for _, f := range files {
		fmt.Println(f.Name())
	}
	fmt.Println(err)
	// Output:
	// goroutines.txt
	// heap.pprof
	// <nil>
}

func ExampleWithProfiler() {
	bot, err := botwright.New(someToken,
		botwright.WithLogger(slog.New(slog.DiscardHandler)),
		botwright.WithProfiler(botwright.ProfilerConfig{CaptureDir: "captures"})) // every handler
	if err != nil {
		panic(err)
	}
	err = bot.Profiler().Do(context.Background(), "migrate", func(context.Context) error { return nil })
	fmt.Println(len(bot.Profiler().Snapshot()), err)
	// Output: 1 <nil>
}
