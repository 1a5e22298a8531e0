package botwright_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/bwmarrin/discordgo"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

const adminToken = "admin-token-0123456789"

// ask sends a request and returns the answer's status and text.
func ask(t *testing.T, method, url string, header ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(testContext(t), method, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	http.DefaultClient.CloseIdleConnections()
	return resp.StatusCode, string(body)
}

func TestAdmin(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{MaxConcurrency: 2})
	registry := prometheus.NewRegistry()
	registry.MustRegister(prometheus.NewGauge(prometheus.GaugeOpts{Name: "some_load", Help: "Some load."}))
	bot := newBot(t, srv, botwright.WithShards(2), botwright.WithAdmin(botwright.AdminConfig{
		Addr: "127.0.0.1:0", Gatherer: registry}))
	if bot.AdminAddr() != "" {
		t.Errorf("it listens before Open on %s", bot.AdminAddr())
	}
	open(t, bot)
	url := "http://" + bot.AdminAddr()
	tests := []struct {
		method, path string
		code         int
		want         string
	}{
		{"GET", "/livez", 200, "ok"},
		{"GET", "/readyz", 200, "ok"},
		{"GET", "/readyz?verbose", 200, "shard 1 ready since"},
		{"GET", "/healthz", 200, `"name": "gateway"`},
		{"GET", "/status.json", 200, `"shard_count":2`},
		{"GET", "/", 200, "<title>testbot · status</title>"},
		{"GET", "/shards/1", 200, `"state":"ready"`},
		{"GET", "/shards/7", 404, "no such shard"},
		{"GET", "/shards/x", 404, "no such shard"},
		{"GET", "/metrics", 200, "some_load 0"},
		{"GET", "/debug/pprof/", 200, "goroutine"},
		{"GET", "/debug/pprof/goroutine?debug=1", 200, "goroutine profile"},
		{"GET", "/debug/pprof/heap", 200, ""},
		{"GET", "/debug/pprof/trace?seconds=0.01", 200, ""},
		{"GET", "/debug/pprof/profile?seconds=1000", 400, "between"},
		{"GET", "/debug/pprof/cmdline", 404, "no such profile"},
		{"POST", "/shards/1/restart", 200, `"state": "ready"`},
		{"POST", "/shards/7/restart", 404, "no such shard"},
		{"POST", "/shards/x/restart", 400, "a number"},
		{"GET", "/shards/1/restart", 405, ""},
		{"GET", "/nothing", 404, ""},
	}
	for _, tt := range tests {
		code, body := ask(t, tt.method, url+tt.path)
		if code != tt.code || !strings.Contains(body, tt.want) {
			t.Errorf("%s %s: %d %.300s", tt.method, tt.path, code, body)
		}
	}
	if n := len(srv.Resumes()); n != 1 {
		t.Errorf("%d shards have resumed, want the one that was restarted", n)
	}
}

// Without a token only those on this machine may ask, and no web page in their name.
func TestAdminRefusesStrangers(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	bot := newBot(t, srv, botwright.WithAdmin(botwright.AdminConfig{Addr: "127.0.0.1:0"}))
	open(t, bot)
	url := "http://" + bot.AdminAddr()
	if code, _ := ask(t, "GET", url+"/status.json", "Host", "evil.example"); code != http.StatusForbidden {
		t.Errorf("a request for another host: %d", code)
	}
	if code, _ := ask(t, "GET", url+"/status.json", "Host", "localhost:80"); code != http.StatusOK {
		t.Errorf("a request for localhost: %d", code)
	}
	for _, header := range [][]string{{"Origin", "https://evil.example"}, {"Sec-Fetch-Site", "cross-site"}} {
		if code, _ := ask(t, "POST", url+"/shards/0/restart", header...); code != http.StatusForbidden {
			t.Errorf("a request of another page (%s): %d", header[0], code)
		}
	}
	if n := len(srv.Resumes()); n != 0 {
		t.Error("a shard was restarted")
	}
	if code, _ := ask(t, "GET", url+"/", "X-Long", strings.Repeat("x", 64<<10)); code != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a request with too large a header: %d", code)
	}
}

func TestAdminToken(t *testing.T) {
	srv := newServer(t, discordtest.Config{})
	for _, openProbes := range []bool{false, true} {
		bot := newBot(t, srv, botwright.WithAdmin(botwright.AdminConfig{
			Addr: "0.0.0.0:0", Token: adminToken, OpenProbes: openProbes}))
		admin := httptest.NewServer(bot.AdminHandler())
		basic := func(password string) string {
			r := httptest.NewRequestWithContext(t.Context(), "GET", "/", http.NoBody)
			r.SetBasicAuth("me", password)
			return r.Header.Get("Authorization")
		}
		tests := []struct {
			path, authorization string
			open                bool
		}{
			{"/", "", false}, {"/status.json", "", false}, {"/debug/pprof/heap", "", false}, {"/metrics", "", false},
			{"/events", "", false},
			{"/livez", "", openProbes}, {"/readyz", "", openProbes}, {"/readyz?verbose", "", false},
			{"/status.json", "Bearer " + adminToken, true}, {"/status.json", basic(adminToken), true},
			{"/status.json", "Bearer wrong", false}, {"/status.json", "Bearer " + adminToken + "x", false},
			{"/status.json", basic("wrong"), false}, {"/status.json", "Bearer ", false},
		}
		for _, tt := range tests {
			code, _ := ask(t, "GET", admin.URL+tt.path, "Authorization", tt.authorization)
			if (code != http.StatusUnauthorized) != tt.open {
				t.Errorf("GET %s with %q: %d", tt.path, tt.authorization, code)
			}
		}
		admin.Close()
	}
}

// A program with a server of its own wants the token and no port.
func TestAdminWithoutAPort(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	bot := newBot(t, newServer(t, discordtest.Config{}), botwright.WithMetrics(registry),
		botwright.WithAdmin(botwright.AdminConfig{Addr: "none", Token: adminToken}))
	open(t, bot)
	if addr := bot.AdminAddr(); addr != "" {
		t.Errorf("it listens on %s", addr)
	}
	own := httptest.NewServer(bot.AdminHandler())
	defer own.Close()
	for token, want := range map[string]int{adminToken: http.StatusOK, "wrong": http.StatusUnauthorized} {
		if code, _ := ask(t, "GET", own.URL+"/status.json", "Authorization", "Bearer "+token); code != want {
			t.Errorf("token %q: %d", token, code)
		}
	}
	if n := metric(t, registry, "discord_admin_failed_logins_total"); n != 1 {
		t.Errorf("%v failed logins were counted", n)
	}
}

// A handler on a server of the program's own knows as little as the bot's own server whom a name
// that leads here belongs to.
func TestMountedAdminRefusesStrangers(t *testing.T) {
	t.Parallel()
	bot := newBot(t, newServer(t, discordtest.Config{}))
	own := httptest.NewServer(bot.AdminHandler())
	defer own.Close()
	for header, want := range map[[2]string]int{
		{"Host", "rebound.example"}:      http.StatusForbidden,
		{"Host", "localhost"}:            http.StatusOK,
		{"Sec-Fetch-Site", "cross-site"}: http.StatusForbidden,
		{"Sec-Fetch-Site", "none"}:       http.StatusOK,
	} {
		if code, _ := ask(t, "GET", own.URL+"/status.json", header[:]...); code != want {
			t.Errorf("%s: %d, want %d", header, code, want)
		}
	}
}

func TestAdminConfigRefuses(t *testing.T) {
	tests := []struct {
		cfg  botwright.AdminConfig
		want string
	}{
		{botwright.AdminConfig{Addr: "localhost"}, "is not an address"},
		{botwright.AdminConfig{Addr: ":9180"}, "set a Token"},
		{botwright.AdminConfig{Addr: "0.0.0.0:9180"}, "set a Token"},
		{botwright.AdminConfig{Addr: "[::]:9180"}, "set a Token"},
		{botwright.AdminConfig{Addr: "bot.example:9180"}, "set a Token"},
		{botwright.AdminConfig{Token: "secret"}, "16"},
		{botwright.AdminConfig{Addr: "none", Token: "secret"}, "16"},
	}
	for _, tt := range tests {
		_, err := botwright.New(someToken, botwright.WithAdmin(tt.cfg))
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%+v: %v", tt.cfg, err)
		}
	}
	for _, cfg := range []botwright.AdminConfig{{}, {Addr: "localhost:0"}, {Addr: "[::1]:0"}, {Addr: ":0", Token: adminToken},
		{Addr: "none"}, {Addr: "none", Token: adminToken}} {
		if _, err := botwright.New(someToken, botwright.WithAdmin(cfg)); err != nil {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}

// A port that is taken is found when the bot opens, not when somebody needs the page.
func TestAdminPortTaken(t *testing.T) {
	t.Parallel()
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	bot := newBot(t, newServer(t, discordtest.Config{}),
		botwright.WithAdmin(botwright.AdminConfig{Addr: taken.Addr().String()}))
	if err := bot.Open(testContext(t)); err == nil || !strings.Contains(err.Error(), "admin server's port") {
		t.Errorf("Open: %v", err)
	}
}

// Probes tell a dead process from a dead Discord.
func TestProbesInAnOutage(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	told := make(alerts, 10)
	bot := newBot(t, srv, botwright.WithHealth(fastHealth(told)))
	admin := httptest.NewServer(bot.AdminHandler())
	defer admin.Close()
	if code, body := ask(t, "GET", admin.URL+"/readyz"); code != 503 || !strings.Contains(body, "not ready") {
		t.Errorf("/readyz before Open: %d %s", code, body)
	}
	open(t, bot)
	srv.Refuse(true)
	srv.Conn(0).Reset()
	receive(t, told)
	if code, _ := ask(t, "GET", admin.URL+"/livez"); code != 200 {
		t.Errorf("/livez in an outage: %d", code)
	}
	if code, body := ask(t, "GET", admin.URL+"/readyz?verbose"); code != 503 || !strings.Contains(body, "0 of 1 shards ready") {
		t.Errorf("/readyz in an outage: %d %s", code, body)
	}
	if code, _ := ask(t, "GET", admin.URL+"/healthz"); code != 503 {
		t.Errorf("/healthz in an outage: %d", code)
	}
	srv.Refuse(false)
}

// The page's events go on until the bot stops, and do not hold that up.
func TestAdminEvents(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	bot := newBot(t, srv, botwright.WithAdmin(botwright.AdminConfig{Addr: "127.0.0.1:0"}))
	open(t, bot)
	req, err := http.NewRequestWithContext(testContext(t), "GET", "http://"+bot.AdminAddr()+"/events", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req) // it unpacks by itself
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	event := make([]byte, len(`data: {"name":"`))
	if _, err := io.ReadFull(resp.Body, event); err != nil || string(event) != `data: {"name":"` {
		t.Errorf("event %q, %v", event, err)
	}
	if err := bot.Shutdown(testContext(t)); err != nil {
		t.Error(err)
	}
	if _, err := io.ReadAll(resp.Body); err != nil {
		t.Errorf("the stream ended with %v", err)
	}
	http.DefaultClient.CloseIdleConnections()
}

// No answer shows the bot's token, the server's own, or the webhook.
func TestNoSecretsInAnswers(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	hook := newHook(t)
	told := make(alerts, 10)
	registry := prometheus.NewRegistry()
	bot := newBot(t, srv, botwright.WithAdmin(botwright.AdminConfig{Addr: "127.0.0.1:0", Token: adminToken, Gatherer: registry}),
		botwright.WithHealth(fastHealth(told, &botwright.WebhookAlerter{URL: hook.url})))
	open(t, bot)
	srv.Refuse(true) // errors are where secrets come out
	srv.Conn(0).Reset()
	receive(t, told)
	bot.Health().Check(testContext(t))
	url := "http://" + bot.AdminAddr()
	var all bytes.Buffer
	for _, path := range []string{"/", "/livez", "/readyz?verbose", "/healthz", "/status.json", "/metrics", "/shards/0",
		"/debug/pprof/", "/debug/pprof/goroutine?debug=2", "/debug/pprof/allocs?debug=1", "/nothing"} {
		for _, method := range []string{"GET", "POST"} {
			_, body := ask(t, method, url+path, "Authorization", "Bearer "+adminToken)
			all.WriteString(body)
		}
		_, body := ask(t, "GET", url+path)
		all.WriteString(body)
	}
	for _, secret := range []string{srv.Token, adminToken, "hook-secret"} {
		if bytes.Contains(all.Bytes(), []byte(secret)) {
			t.Errorf("an answer shows %s", secret)
		}
	}
	srv.Refuse(false)
}

func TestStatusCommands(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{MaxConcurrency: 24})
	log := newErrorLog()
	bot := newBot(t, srv, botwright.WithShards(24), botwright.WithErrorHandler(log.handle))
	bot.HandleStatusCommands()
	commands := botwright.StatusCommands()
	if names := []string{commands[0].Name, commands[1].Name}; !slices.Equal(names, []string{"ping", "shards"}) {
		t.Errorf("commands %v", names)
	}
	open(t, bot)
	ctx := testContext(t)
	g := srv.Guilds()[1]
	user := g.Members[0].User.ID
	own, err := botwright.ShardID(g.ID, 24)
	if err != nil {
		t.Fatal(err)
	}

	ping := srv.SlashCommand(g.ID, g.Channels[0].ID, user, "ping")
	if err := srv.Wait(ctx, func() bool { return len(ping.Edits()) == 1 }); err != nil {
		t.Fatal(err)
	}
	text := ping.Edits()[0].Content
	if !strings.HasPrefix(text, fmt.Sprintf("**Pong** from shard %d of 24\nHeartbeat ", own)) || !strings.Contains(text, "round trip") {
		t.Errorf("/ping: %q", text)
	}

	shards := srv.SlashCommand(g.ID, g.Channels[0].ID, user, "shards")
	m, err := shards.Message(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(m.Content, fmt.Sprintf("> %5d  ready", own)) || !strings.Contains(m.Content, "24 of 24 ready, 3 servers") {
		t.Errorf("/shards: %s", m.Content)
	}
	if len(m.Content) > 2000 || len(m.Components) != 1 {
		t.Errorf("/shards has %d characters and %d rows of buttons", len(m.Content), len(m.Components))
	}
	row, err := json.Marshal(m.Components)
	if err != nil || !bytes.Contains(row, []byte("botwright:shards:1")) {
		t.Errorf("buttons: %s", row)
	}
	click := srv.Component(g.Channels[0].ID, m.ID, user, "botwright:shards:1")
	second, err := click.Message(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(second.Content, "   23  ready") || strings.Contains(second.Content, "    3  ready") {
		t.Errorf("the second page: %s", second.Content)
	}
	if len(log.all()) > 0 {
		t.Errorf("errors: %v", log.all())
	}
}

// The commands can be kept to some.
func TestStatusCommandsWithMiddleware(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	bot := newBot(t, srv)
	asked := make(chan string, 3)
	bot.HandleStatusCommands(botwright.Middleware(func(botwright.Handler) botwright.Handler {
		return func(_ context.Context, e *botwright.Event) error {
			asked <- e.UserID
			return e.Session.InteractionRespond(interaction(t, e), &discordgo.InteractionResponse{
				Type: discordgo.InteractionResponseChannelMessageWithSource,
				Data: &discordgo.InteractionResponseData{Content: "no"}})
		}
	}))
	open(t, bot)
	g := srv.Guilds()[0]
	in := srv.SlashCommand(g.ID, g.Channels[0].ID, g.Members[0].User.ID, "shards")
	if m, err := in.Message(testContext(t)); err != nil || m.Content != "no" {
		t.Errorf("answer %+v, %v", m, err)
	}
	if id := receive(t, asked); id != g.Members[0].User.ID {
		t.Errorf("asked by %s", id)
	}
}

func interaction(t *testing.T, e *botwright.Event) *discordgo.Interaction {
	t.Helper()
	p, err := e.Payload()
	if err != nil {
		t.Error(err)
	}
	return p.(*discordgo.InteractionCreate).Interaction
}

// What the bot measures is on the page and under /metrics without being named again.
func TestAdminShowsMeasurements(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	bot := newBot(t, srv, botwright.WithMetrics(prometheus.NewRegistry()),
		botwright.WithAdmin(botwright.AdminConfig{Addr: "127.0.0.1:0"}))
	cache := botwright.NewTTLCache(botwright.TTLCacheConfig[string, int]{MaxSize: 50})
	cache.Set("a", 1)
	bot.ObserveCache("profiles", cache.Stats)
	open(t, bot)
	err := bot.Profiler().Do(testContext(t), "leaderboard", func(context.Context) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + bot.AdminAddr()
	if _, body := ask(t, "GET", url+"/metrics"); !strings.Contains(body, "discord_shards_ready 1") {
		t.Errorf("/metrics: %.300s", body)
	}
	_, body := ask(t, "GET", url+"/status.json")
	for _, want := range []string{`"caches":[{"name":"profiles","entries":1,"limit":50`, `"slow":[{"name":"leaderboard","count":1`} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %s: %s", want, body)
		}
	}
}

func TestMetricsThatCannotBeGathered(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	wrapped := prometheus.WrapRegistererWith(prometheus.Labels{"bot": "a"}, registry)
	tests := []struct {
		name string
		opts []botwright.Option
		code int
		want string
	}{
		{"none", nil, http.StatusNotFound, "WithMetrics"},
		{"wrapped", []botwright.Option{botwright.WithMetrics(wrapped)}, http.StatusNotFound, "AdminConfig.Gatherer"},
		{"with a gatherer", []botwright.Option{
			botwright.WithMetrics(prometheus.WrapRegistererWith(prometheus.Labels{"bot": "b"}, registry)),
			botwright.WithAdmin(botwright.AdminConfig{Gatherer: registry}),
		}, http.StatusOK, `bot="b"`},
	}
	for _, tt := range tests {
		bot, err := botwright.New(someToken, tt.opts...)
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		bot.AdminHandler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://localhost/metrics", nil))
		if w.Code != tt.code || !strings.Contains(w.Body.String(), tt.want) {
			t.Errorf("%s: %d %.200s", tt.name, w.Code, w.Body)
		}
	}
}
