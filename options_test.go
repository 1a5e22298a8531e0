package botwright_test

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
)

const someToken = "MTAwMDAwMDAwMDAwMDAwMDAw.Gabcde.abcdefghijklmnopqrstuvwxyz0123456789"

func TestNewRefuses(t *testing.T) {
	tests := []struct {
		name  string
		token string
		opts  []botwright.Option
		want  []string // all of these must be named
	}{
		{"no token", "", nil, []string{"token", "empty"}},
		{"only Bot", "Bot ", nil, []string{"token", "empty"}},
		{"spaces", "a.b.c d", nil, []string{"token", "malformed"}},
		{"newline", someToken + "\n", nil, []string{"token", "newline", "TrimSpace"}},
		{"quotes", `"` + someToken + `"`, nil, []string{"token", "quotes"}},
		{"bearer", "Bearer " + someToken, nil, []string{"token", "Bearer"}},
		{"content alone", someToken, []botwright.Option{botwright.WithIntents(discordgo.IntentMessageContent)},
			[]string{"WithIntents", "WithPrivilegedIntents"}},
		{"not privileged", someToken, []botwright.Option{botwright.WithPrivilegedIntents(
			discordgo.IntentGuilds | discordgo.IntentMessageContent)},
			[]string{"WithPrivilegedIntents", "not privileged (discordgo.IntentGuilds)"}},
		{"no privileged intent", someToken, []botwright.Option{botwright.WithPrivilegedIntents(0)},
			[]string{"WithPrivilegedIntents", "no intent"}},
		{"client secret", "abcdefghijklmnopqrstuvwxyz012345", nil, []string{"token", "malformed"}},
		{"negative shards", someToken, []botwright.Option{botwright.WithShards(-1)}, []string{"WithShards", "-1"}},
		{"shard out of range", someToken, []botwright.Option{botwright.WithShards(2, 2)}, []string{"WithShards", "shard 2"}},
		{"negative shard", someToken, []botwright.Option{botwright.WithShards(2, -1)}, []string{"WithShards", "shard -1"}},
		{"shard twice", someToken, []botwright.Option{botwright.WithShards(2, 1, 1)}, []string{"WithShards", "twice"}},
		{"ids without count", someToken, []botwright.Option{botwright.WithShards(0, 0)}, []string{"WithShards", "count"}},
		{"API without scheme", someToken, []botwright.Option{botwright.WithAPI("discord.com")}, []string{"WithAPI", "discord.com"}},
		{"API of another scheme", someToken, []botwright.Option{botwright.WithAPI("ftp://discord.com")}, []string{"WithAPI"}},
		{"API garbage", someToken, []botwright.Option{botwright.WithAPI("http://[::1")}, []string{"WithAPI"}},
		{"API with query", someToken, []botwright.Option{botwright.WithAPI("http://host/?x=1")}, []string{"WithAPI"}},
		{"nil dialer", someToken, []botwright.Option{botwright.WithDialer(nil)}, []string{"WithDialer"}},
		{"no compression", someToken, []botwright.Option{botwright.WithCompression("gzip")}, []string{"WithCompression", "gzip"}},
		{"nil client", someToken, []botwright.Option{botwright.WithHTTPClient(nil)}, []string{"WithHTTPClient"}},
		{"nil logger", someToken, []botwright.Option{botwright.WithLogger(nil)}, []string{"WithLogger"}},
		{"nil error handler", someToken, []botwright.Option{botwright.WithErrorHandler(nil)}, []string{"WithErrorHandler"}},
		{"READY forwarded", someToken, []botwright.Option{botwright.WithSessionEvents("READY")}, []string{"WithSessionEvents", "READY"}},
		{"struct's name forwarded", someToken, []botwright.Option{botwright.WithSessionEvents("MessageCreate")},
			[]string{"WithSessionEvents", `write "MESSAGE_CREATE"`}},
		{"nil session config", someToken, []botwright.Option{botwright.WithSessionConfig(nil)}, []string{"WithSessionConfig"}},
		{"nil clock", someToken, []botwright.Option{botwright.WithClock(nil)}, []string{"WithClock"}},
		{"no time", someToken, []botwright.Option{botwright.WithShutdownTimeout(0)}, []string{"WithShutdownTimeout"}},
		{"nil option", someToken, []botwright.Option{nil}, []string{"option is nil"}},
		{"everything at once", "", []botwright.Option{
			botwright.WithShards(-1), botwright.WithAPI("x"), botwright.WithLogger(nil),
		}, []string{"token", "WithShards", "WithAPI", "WithLogger"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bot, err := botwright.New(tt.token, tt.opts...)
			if err == nil || bot != nil {
				t.Fatal("it was accepted")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not name %q: %v", want, err)
				}
			}
			if len(tt.token) > 10 && strings.Contains(err.Error(), tt.token) {
				t.Errorf("the error shows the token: %v", err)
			}
		})
	}
}

func TestNewAccepts(t *testing.T) {
	for _, token := range []string{someToken, "Bot " + someToken} {
		bot, err := botwright.New(token,
			botwright.WithShards(4, 3, 1), botwright.WithAPI("http://127.0.0.1:1/proxy/"),
			botwright.WithLogger(slog.New(slog.DiscardHandler)),
			botwright.WithIntents(discordgo.IntentGuilds))
		if err != nil {
			t.Fatal(err)
		}
		if got := bot.Session().Token; got != "Bot "+someToken {
			t.Errorf("the session's token is %q", got)
		}
	}
}

// A negative number is a mistake: a part's constructor panics, and New returns what is wrong.
func TestNegativeNumbers(t *testing.T) {
	type (
		debouncer = botwright.DebouncerConfig
		cooldown  = botwright.CooldownConfig
		profiler  = botwright.ProfilerConfig
		queue     = botwright.QueueConfig
		resources = botwright.ResourceConfig
		rests     = botwright.RESTConfig
		health    = botwright.HealthConfig
		policy    = botwright.StatePolicy
	)
	each(t, "NewDebouncer: ", func(cfg debouncer) { botwright.NewDebouncer[string](cfg) }, nil,
		map[string]debouncer{"Wait": {Wait: -1}, "MaxWait": {MaxWait: -1},
			"MaxKeys": {MaxKeys: -1}, "MaxInFlight": {MaxInFlight: -1}})
	each(t, "DebounceWith: ", func(cfg debouncer) { botwright.DebounceWith(cfg, botwright.ByGuild) }, nil,
		map[string]debouncer{"Wait": {Wait: -1}})
	each(t, "CooldownWith: ", func(cfg cooldown) { cfg.Rate = 1; botwright.CooldownWith(cfg, botwright.ByGuild) }, nil,
		map[string]cooldown{"Burst": {Burst: -1}, "MaxKeys": {MaxKeys: -1}})
	each(t, "NewTTLCache: ", func(cfg cacheConfig) { botwright.NewTTLCache(cfg) }, nil,
		map[string]cacheConfig{"TTL": {TTL: -2}, "MaxSize": {MaxSize: -1},
			"ErrorTTL": {ErrorTTL: -1}, "FinishLoads": {FinishLoads: -1}})
	each(t, "NewProfiler: ", func(cfg profiler) { botwright.NewProfiler(cfg) }, botwright.WithProfiler,
		map[string]profiler{"Slow": {Slow: -1}, "CaptureEvery": {CaptureEvery: -1},
			"MaxCaptureBytes": {MaxCaptureBytes: -1}, "MaxNames": {MaxNames: -1}})
	each(t, "NewTransport: ", func(cfg rests) { botwright.NewTransport(cfg) }, botwright.WithREST,
		map[string]rests{"GlobalLimit": {GlobalLimit: -2}, "MaxWait": {MaxWait: -1}, "Timeout": {Timeout: -1}})
	each(t, "", nil, botwright.WithQueue, map[string]queue{
		"MaxEvents": {MaxEvents: -1}, "MaxBytes": {MaxBytes: -1}, "MaxInFlight": {MaxInFlight: -1}})
	each(t, "", nil, botwright.WithResources,
		map[string]resources{"Interval": {Interval: -1}, "MaxMemory": {MaxMemory: -1}})
	each(t, "", nil, botwright.WithState, map[string]policy{
		"MembersPerGuild": {MembersPerGuild: -2}, "MessagesPerChannel": {MessagesPerChannel: -2},
		"MemberLifetime": {MemberLifetime: -1}, "MessageLifetime": {MessageLifetime: -1},
		"ThreadLifetime": {ThreadLifetime: -1}, "SweepInterval": {SweepInterval: -1}})
	healths := map[string]health{
		"Interval": {Interval: -1}, "Timeout": {Timeout: -1}, "Group": {Group: -1}, "Repeat": {Repeat: -1},
		"Startup": {Startup: -1}, "MaxLatency": {MaxLatency: -1}, "MaxRESTLatency": {MaxRESTLatency: -1},
		"Failures": {Failures: -1}, "Window": {Window: -1}, "Successes": {Successes: -1},
		"MaxMemory": {MaxMemory: -1}, "MaxCacheEntries": {MaxCacheEntries: -1}, "MaxQueue": {MaxQueue: -1},
		"MaxHandlerErrors": {MaxHandlerErrors: -1}, "MinIdentifies": {MinIdentifies: -1},
	}
	each(t, "", nil, botwright.WithHealth, healths)
	for field, cfg := range healths {
		if _, err := botwright.NewHealth(cfg); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("NewHealth: error %v does not name %s", err, field)
		}
	}
	wantPanic(t, "NewMetrics: ", func() { botwright.NewMetrics(botwright.MetricsConfig{Namespace: "a b"}) })
}

// each checks that the constructor and the option, if any, refuse each config and name its field.
func each[C any](t *testing.T, name string, constructor func(C), option func(C) botwright.Option, cfgs map[string]C) {
	t.Helper()
	for field, cfg := range cfgs {
		if constructor != nil {
			wantPanic(t, name+field, func() { constructor(cfg) })
		}
		if option == nil {
			continue
		}
		if _, err := botwright.New(someToken, option(cfg)); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%T: error %v does not name %s", cfg, err, field)
		}
	}
}

// Of an option that is given twice the last counts, and what it asks for is run once.
func TestOptionsGivenTwice(t *testing.T) {
	store := newMemoryStore()
	guilds := func(members int) botwright.StatePolicy {
		return botwright.StatePolicy{Guilds: true, MembersPerGuild: members}
	}
	tests := map[string]struct{ first, last botwright.Option }{
		"WithShards":           {botwright.WithShards(4, 1), botwright.WithShards(2)},
		"WithIntents":          {botwright.WithIntents(1), botwright.WithIntents(513)},
		"WithAPI":              {botwright.WithAPI("http://a"), botwright.WithAPI("http://b")},
		"WithHTTPClient":       {botwright.WithHTTPClient(&http.Client{Timeout: 1}), botwright.WithHTTPClient(&http.Client{Timeout: 2})},
		"WithCompression":      {botwright.WithCompression("none"), botwright.WithCompression("zlib-stream")},
		"WithShutdownTimeout":  {botwright.WithShutdownTimeout(1), botwright.WithShutdownTimeout(2)},
		"WithMetricsNamespace": {botwright.WithMetricsNamespace("a"), botwright.WithMetricsNamespace("b")},
		"WithMemoryLimit":      {botwright.WithMemoryLimit(1), botwright.WithMemoryLimit(2)},
		"WithReportEvery":      {botwright.WithReportEvery(1), botwright.WithReportEvery(2)},
		"WithAutoReshard":      {botwright.WithAutoReshard(), botwright.WithAutoReshard()},
		"WithREST":             {botwright.WithREST(botwright.RESTConfig{MaxWait: 1}), botwright.WithREST(botwright.RESTConfig{})},
		"WithAdmin": {
			botwright.WithAdmin(botwright.AdminConfig{Addr: "127.0.0.1:1"}), botwright.WithAdmin(botwright.AdminConfig{}),
		},
		"WithHealth":    {botwright.WithHealth(botwright.HealthConfig{Interval: 1}), botwright.WithHealth(botwright.HealthConfig{})},
		"WithQueue":     {botwright.WithQueue(botwright.QueueConfig{MaxEvents: 1}), botwright.WithQueue(botwright.QueueConfig{})},
		"WithState":     {botwright.WithState(guilds(1)), botwright.WithState(guilds(2))},
		"WithProfiler":  {botwright.WithProfiler(botwright.ProfilerConfig{Slow: 1}), botwright.WithProfiler(botwright.ProfilerConfig{})},
		"WithResources": {botwright.WithResources(botwright.ResourceConfig{MaxMemory: 1}), botwright.WithResources(botwright.ResourceConfig{})},
		"WithSessionStore": {
			botwright.WithSessionStore(newMemoryStore()), botwright.WithSessionStore(store),
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			once, err := botwright.New(someToken, tt.last)
			if err != nil {
				t.Fatal(err)
			}
			twice, err := botwright.New(someToken, tt.first, tt.last)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := botwright.Settings(twice), botwright.Settings(once); got != want {
				t.Errorf("given twice:\n%s\nthe last alone:\n%s", got, want)
			}
		})
	}
}

func TestShardID(t *testing.T) {
	tests := []struct {
		guild string
		count int
		want  int
		fails bool
	}{
		{"0", 1, 0, false},
		{"41771983423143937", 1, 0, false},
		{"41771983423143937", 2, 0, false},
		{"613425648685547541", 16, 8, false},
		{"18446744073709551615", 1000, 103, false}, // 2^42-1 mod 1000
		{"9223372036854775808", 7, 4, false},       // 2^41 mod 7
		{"", 1, 0, true}, {"-1", 1, 0, true}, {"12a", 1, 0, true}, {" 1", 1, 0, true},
		{"18446744073709551616", 1, 0, true}, {"1", 0, 0, true}, {"1", -2, 0, true},
	}
	for _, tt := range tests {
		got, err := botwright.ShardID(tt.guild, tt.count)
		if (err != nil) != tt.fails || got != tt.want {
			t.Errorf("ShardID(%q, %d) = %d, %v; want %d", tt.guild, tt.count, got, err, tt.want)
		}
	}
}
