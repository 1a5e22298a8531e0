package botwright_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"reflect"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
	"github.com/botwright/botwright/internal/testkit"
)

func TestReport(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{MaxConcurrency: 2})
	bot := newBot(t, srv, botwright.WithShards(2), botwright.WithIntents(discordgo.IntentsAll))
	if r := bot.Report(); r.Uptime != 0 || r.Shards != 0 || r.Events != 0 || r.APICalls != 0 {
		t.Errorf("before Open: %+v", r)
	}
	began, release := make(chan bool, 1), make(chan bool)
	botwright.On(bot, func(context.Context, *discordgo.Session, *discordgo.MessageCreate) error {
		began <- true
		<-release
		return nil
	})
	open(t, bot)
	defer close(release)
	guilds := srv.Guilds()
	users := 0
	for _, g := range guilds {
		users += len(g.Members) + 1 // and the bot
	}
	poll(t, func() bool { return bot.Report().Guilds == len(guilds) })
	say(t, srv, "hi")
	receive(t, began)

	r := bot.Report()
	if r.Shards != 2 || r.ShardsReady != 2 || r.Users != users || r.UnavailableGuilds != 0 {
		t.Errorf("%d of %d shards, %d guilds (%d unavailable), %d users; want %d users",
			r.ShardsReady, r.Shards, r.Guilds, r.UnavailableGuilds, r.Users, users)
	}
	if r.Uptime <= 0 || r.Events < 3 || r.APICalls != uint64(len(srv.Requests())) {
		t.Errorf("up %v, %d events, %d API calls", r.Uptime, r.Events, r.APICalls)
	}
	if r.Queue.Running != 1 || r.Queue.Bytes == 0 {
		t.Errorf("queue %+v", r.Queue)
	}
	if r.Resources.Heap == 0 || r.Resources.Goroutines == 0 {
		t.Errorf("resources %+v", r.Resources)
	}

	if _, err := srv.AddMember(guilds[0].ID); err != nil {
		t.Fatal(err)
	}
	poll(t, func() bool { return bot.Report().Users == users+1 })
	if err := srv.RemoveMember(guilds[0].ID, guilds[0].Members[0].User.ID); err != nil {
		t.Fatal(err)
	}
	poll(t, func() bool { return bot.Report().Users == users })
	if err := srv.SetUnavailable(guilds[0].ID, true); err != nil {
		t.Fatal(err)
	}
	poll(t, func() bool { return bot.Report().UnavailableGuilds == 1 })
	if got := bot.Report().Users; got != users {
		t.Errorf("%d users during a guild's outage, want %d", got, users)
	}
	if err := srv.RemoveGuild(guilds[1].ID); err != nil {
		t.Fatal(err)
	}
	poll(t, func() bool { return bot.Report().Users == users-len(guilds[1].Members)-1 })
}

// someReport is what a bot might report.
func someReport() botwright.Report {
	return botwright.Report{
		Time: time.Unix(0, 0).UTC(), Uptime: 3*time.Hour + 12*time.Minute,
		Shards: 4, ShardsReady: 3, Guilds: 10_240, UnavailableGuilds: 2, Users: 1_204_551,
		Events: 8_123_456, EventsPerSecond: 412.34, APICalls: 12_345,
		Queue:  botwright.QueueStatus{Events: 15, Running: 3, Bytes: 4096},
		Caches: []botwright.CacheReport{{Name: "users", Entries: 900, MaxSize: 1000, HitRatio: 0.877}},
		Resources: botwright.Resources{
			RSS: 312 << 20, Heap: 201 << 20, GoTotal: 280 << 20,
			MemoryUsed: 312 << 20, MemoryLimit: 512 << 20,
			UserCPU: 12 * time.Minute, SystemCPU: time.Minute, CPUPercent: 14.25,
			Goroutines: 153, GCs: 900, GCPause: time.Second,
		},
	}
}

func TestReportFormats(t *testing.T) {
	t.Parallel()
	r := someReport()
	const text = `up 3h12m0s, 3 of 4 shards ready, 10240 guilds (and 2 unavailable), 1204551 users
8123456 events (412.3/s), 12 waiting, 3 in handlers, 12345 API calls
cache users: 900 of 1000 entries, 87.7 % hits
memory 312 MiB of 512 MiB (heap 201 MiB), CPU 14.2 % (user 12m0s, system 1m0s), 153 goroutines`
	if got := r.String(); got != text {
		t.Errorf("String:\n%s\nwant:\n%s", got, text)
	}
	r.ReadyIn = 10 * time.Second
	if got := r.String(); !strings.Contains(got, "3 of 4 shards ready (about 10 s left), 10240 guilds") {
		t.Errorf("String while it starts: %s", got)
	}
	r.Resources.MemoryUsed, r.Resources.MemoryLimit, r.UnavailableGuilds = 280<<20, 0, 0
	if got := r.String(); !strings.Contains(got, "memory 280 MiB (heap") || strings.Contains(got, "unavailable") {
		t.Errorf("String without what is not known: %s", got)
	}

	r = someReport()
	encoded, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var decoded botwright.Report
	if err := json.Unmarshal(encoded, &decoded); err != nil || !reflect.DeepEqual(decoded, r) {
		t.Errorf("JSON there and back: %+v, %v", decoded, err)
	}

	var out bytes.Buffer
	slog.New(slog.NewTextHandler(&out, nil)).Info("report", "bot", r)
	for _, want := range []string{"bot.uptime=3h12m0s", "bot.guilds=10240", "bot.events_per_second=412.3",
		"bot.waiting=12", "bot.caches.users.hit_ratio=0.877", "bot.resources.rss_bytes=327155712", "bot.resources.cpu_percent=14.3"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the log has no %s: %s", want, out.String())
		}
	}
}

func TestWithReportEvery(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	log := &testkit.Log{}
	bot := newBot(t, srv, botwright.WithLogger(log.Text()), botwright.WithReportEvery(time.Millisecond))
	open(t, bot)
	poll(t, func() bool { return strings.Count(log.String(), "msg=report bot.uptime=") >= 2 })
}

func TestResourcesAreWatched(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	log := &testkit.Log{}
	bot := newBot(t, srv, botwright.WithLogger(log.Text()), botwright.WithResources(
		botwright.ResourceConfig{Interval: time.Millisecond, MaxMemory: 1}))
	open(t, bot)
	poll(t, func() bool { return strings.Count(log.String(), "msg=resources process.rss_bytes=") >= 3 })
	if n := strings.Count(log.String(), "memory is high"); n != 1 {
		t.Errorf("%d warnings, want 1:\n%s", n, log.String())
	}
	if !bot.Report().Resources.MemoryHigh {
		t.Error("the report does not say that memory is high")
	}
}

func TestMemoryLimitInReport(t *testing.T) {
	old := debug.SetMemoryLimit(1 << 40)
	defer debug.SetMemoryLimit(old)
	bot, err := botwright.New(someToken)
	if err != nil {
		t.Fatal(err)
	}
	r := bot.Report().Resources
	if r.MemoryLimit == 0 || r.MemoryLimit > 1<<40 || r.LimitSource == "" || r.MemoryHigh {
		t.Errorf("limit %d by %q, high %v", r.MemoryLimit, r.LimitSource, r.MemoryHigh)
	}
}

func TestObservabilityOptionsRefuse(t *testing.T) {
	t.Parallel()
	for name, opt := range map[string]botwright.Option{
		"WithMetrics":     botwright.WithMetrics(nil),
		"WithReportEvery": botwright.WithReportEvery(0),
	} {
		if _, err := botwright.New(someToken, opt); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error %v does not name it", name, err)
		}
	}
}

// TestGuildCountsAgree has a bot that is not told which guilds are available.
func TestGuildCountsAgree(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{Guilds: 3})
	bot := newBot(t, srv, botwright.WithState(botwright.StateNone()),
		botwright.WithIntents(discordgo.IntentGuildMessages))
	open(t, bot)
	var guilds, unavailable int
	for _, s := range bot.Shards() {
		guilds += s.Guilds
		unavailable += s.UnavailableGuilds
	}
	if r := bot.Report(); guilds != 3 || r.Guilds != guilds || unavailable != 0 || r.UnavailableGuilds != 0 {
		t.Errorf("shards have %d guilds, %d unavailable; the report %d and %d",
			guilds, unavailable, r.Guilds, r.UnavailableGuilds)
	}
}
