package botwright_test

import (
	"context"
	"testing"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

// The limit that the program sets is the one that everybody speaks of.
func TestMemoryLimitIsOne(t *testing.T) {
	t.Parallel()
	const limit = int64(1) << 40
	srv := newServer(t, discordtest.Config{})
	bot := newBot(t, srv, botwright.WithMemoryLimit(limit),
		botwright.WithHealth(botwright.HealthConfig{Alerters: []botwright.Alerter{}, Without: []string{"rest"}}))
	open(t, bot)
	poll(t, func() bool { return bot.MemoryPressure().Limit == limit })
	r := bot.Report().Resources
	if r.MemoryLimit != limit || r.LimitSource != "WithMemoryLimit" || r.MemoryUsed <= 0 {
		t.Errorf("the report has %+v", r)
	}
	for _, c := range bot.Health().Check(t.Context()).Checks {
		if c.Name == "memory" && c.Threshold != float64(limit)*0.8 {
			t.Errorf("the check has %v: %s", c.Threshold, c.Message)
		}
	}
}

// When handlers hang and the queue is full, memory is short and caches matter most.
func TestUpkeepWhileQueueIsFull(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{Guilds: 1})
	policy := botwright.StateFull()
	policy.MessagesPerChannel = 100
	expired := make(chan botwright.EvictReason, 1)
	cache := botwright.NewTTLCache(botwright.TTLCacheConfig[int, int]{
		TTL: 1, OnEvict: func(_, _ int, why botwright.EvictReason) { expired <- why }})
	bot := newBot(t, srv, botwright.WithIntents(discordgo.IntentsAll), botwright.WithState(policy),
		botwright.WithQueue(botwright.QueueConfig{MaxEvents: 8, Slow: -1}), botwright.WithCache("c", cache))
	release := make(chan bool)
	defer close(release)
	botwright.On(bot, func(context.Context, *discordgo.Session, *discordgo.MessageCreate) error {
		<-release
		return nil
	})
	open(t, bot)
	for range 20 {
		say(t, srv, "x")
	}
	poll(t, func() bool { return bot.Report().Queue.Blocked > 0 && bot.StateStats().Messages > 0 })

	cache.Set(1, 1)
	if why := receive(t, expired); why != botwright.EvictExpired {
		t.Errorf("evicted: %v", why)
	}
	if p := botwright.GuardMemory(bot, 100)(99); p.Shrinks != 1 || bot.StateStats().Messages > 0 {
		t.Errorf("%+v, and State has %v", p, bot.StateStats())
	}
}

func TestCachesAreJudgedEachByItsLimit(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		caches map[string]botwright.TTLCacheStats
		want   botwright.HealthStatus
		value  float64
	}{
		{"none", nil, botwright.Healthy, 0},
		{"full", map[string]botwright.TTLCacheStats{"a": {Entries: 500_000, MaxSize: 500_000}}, botwright.Healthy, 500_000},
		{"many", map[string]botwright.TTLCacheStats{"a": {Entries: 60_000}, "b": {Entries: 70_000}}, botwright.Healthy, 70_000},
		{"without bounds", map[string]botwright.TTLCacheStats{"a": {Entries: 1, MaxSize: 1}, "b": {Entries: 100_001}}, botwright.Degraded, 100_001},
		{"beyond its own", map[string]botwright.TTLCacheStats{"a": {Entries: 11, MaxSize: 10}, "b": {Entries: 70_000}}, botwright.Degraded, 11},
	}
	for _, tt := range tests {
		bot, err := botwright.New(someToken)
		if err != nil {
			t.Fatal(err)
		}
		for name, stats := range tt.caches {
			bot.ObserveCache(name, func() botwright.TTLCacheStats { return stats })
		}
		if r := botwright.Judge(bot, "cache"); r.Status != tt.want && (r.Status != "" || tt.want != botwright.Healthy) || r.Value != tt.value {
			t.Errorf("%s: %+v", tt.name, r)
		}
	}
}
