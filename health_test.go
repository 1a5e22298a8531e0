package botwright_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
	"github.com/botwright/botwright/internal/health"
)

var updateAlerts = flag.Bool("update-alerts", false, "write testdata/alerts")

// alerts is an Alerter that hands on what it is told.
type alerts chan botwright.Alert

func (a alerts) Alert(_ context.Context, alert botwright.Alert) error {
	a <- alert
	return nil
}

// fastHealth is a config whose checks run all the time.
func fastHealth(alerters ...botwright.Alerter) botwright.HealthConfig {
	return botwright.HealthConfig{
		Interval: 20 * time.Millisecond, Group: 100 * time.Millisecond, Name: "test",
		Alerters: alerters, Without: []string{"rest"}, // which would run into rate limits
	}
}

func TestWatchIsCalledOnce(t *testing.T) {
	t.Parallel()
	session, err := discordgo.New("Bot " + someToken)
	if err != nil {
		t.Fatal(err)
	}
	health, err := botwright.NewHealth(botwright.HealthConfig{Without: []string{"cache", "rest"}})
	if err != nil {
		t.Fatal(err)
	}
	wantPanic(t, "no session", func() { health.Watch() })
	health.Watch(session)
	wantPanic(t, "called twice", func() { health.Watch(session) })

	bot, err := botwright.New(someToken)
	if err != nil {
		t.Fatal(err)
	}
	wantPanic(t, "the Health of a Bot", func() { bot.Health().Watch(session) })
}

// A bot whose shards all lose their connection tells so through a webhook, though its own
// sessions are down, and tells when they are back.
func TestAlertsWhileEveryShardIsDown(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{MaxConcurrency: 4})
	hook := newHook(t)
	told := make(alerts, 10)
	cfg := fastHealth(told, &botwright.WebhookAlerter{URL: hook.url})
	cfg.Without = slices.DeleteFunc(slices.Clone(builtin), func(s string) bool { return s == "gateway" })
	cfg.MaxLatency = time.Hour // the machine may be busy
	bot := newBot(t, srv, botwright.WithShards(4), botwright.WithHealth(cfg))
	open(t, bot)

	srv.RefuseGateway(true)
	srv.RefuseResume(true)
	for _, c := range srv.Connections() {
		c.Reset()
	}
	fired := receive(t, told)
	for fired.Kind != botwright.AlertFiring || len(fired.Open) == 0 || len(fired.Open[0].Shards) != 4 {
		fired = receive(t, told) // the first readings may have been between two resets
	}
	if p := fired.Open[0]; p.Check != "gateway" || p.Status != botwright.Unhealthy ||
		p.Subject() != "gateway (4 of 4 shards: 0–3)" {
		t.Errorf("alert %v", fired)
	}
	if m := receive(t, hook.messages); m.Embeds[0].Title != "Bot Health Alert" ||
		m.Embeds[0].Color != 0xFF0000 || !strings.HasPrefix(m.Embeds[0].Fields[0].Name, "gateway (") {
		t.Errorf("the webhook got %+v", m)
	}
	if r := bot.Health().Report(); r.Status != botwright.Unhealthy {
		t.Errorf("report: %+v", r)
	}

	// They come back by themselves. RestartShard would drop those again that are back already, and
	// that is flapping.
	srv.RefuseGateway(false)
	srv.RefuseResume(false)
	resolved := receive(t, told)
	for resolved.Kind != botwright.AlertResolved || len(resolved.Open) != 0 {
		resolved = receive(t, told)
	}
	if p := resolved.Problems[0]; p.Duration <= 0 || !strings.Contains(p.String(), "healthy again after") {
		t.Errorf("resolved: %v", resolved)
	}
	m := receive(t, hook.messages)
	for m.Embeds[0].Description != "Everything is healthy." {
		m = receive(t, hook.messages) // they need not come back together
	}
	if m.Embeds[0].Title != "Bot Health Resolved" || m.Embeds[0].Color != 0x2ECC71 {
		t.Errorf("the webhook got %+v", m)
	}
}

// An orderly stop is no outage, and neither is a start.
func TestStartAndStopAreQuiet(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	told := make(alerts, 10)
	bot := newBot(t, srv, botwright.WithHealth(fastHealth(told)))
	checked := make(chan botwright.HealthReport, 100)
	bot.Health().Register("start", func(context.Context) (botwright.CheckResult, error) {
		select {
		case checked <- bot.Health().Report():
		default:
		}
		return botwright.CheckResult{}, nil
	})
	srv.RefuseGateway(true)
	ctx, cancel := context.WithCancel(testContext(t))
	ran := make(chan error, 1)
	go func() { ran <- bot.Run(ctx) }()
	err := srv.Wait(testContext(t), func() bool { return len(srv.Requests()) > 0 })
	if err != nil {
		t.Fatal(err)
	}
	srv.RefuseGateway(false)
	for range 10 {
		if r := receive(t, checked); len(r.Problems) > 0 {
			t.Errorf("problems after the start: %v", r.Problems)
		}
	}
	cancel()
	if err := receive(t, ran); err != nil {
		t.Error(err)
	}
	if len(told) > 0 {
		t.Errorf("told: %v", <-told)
	}
}

// A start that takes too long is told of.
func TestStartThatTakesTooLong(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	srv.RefuseGateway(true)
	told := make(alerts, 10)
	cfg := fastHealth(told)
	cfg.Startup = 200 * time.Millisecond
	bot := newBot(t, srv, botwright.WithHealth(cfg))
	ctx, cancel := context.WithCancel(testContext(t))
	ran := make(chan error, 1)
	go func() { ran <- bot.Run(ctx) }()
	if a := receive(t, told); a.Kind != botwright.AlertFiring || a.Problems[0].Check != "gateway" {
		t.Errorf("told %v", a)
	}
	cancel()
	if err := receive(t, ran); err != nil {
		t.Error(err)
	}
}

func TestChecksOfABot(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	bot := newBot(t, srv)
	bot.Health().Register("database", func(context.Context) (botwright.CheckResult, error) {
		return botwright.CheckResult{Message: "connected"}, nil
	})
	open(t, bot)
	report := bot.Health().Check(testContext(t))
	var names []string
	for _, c := range report.Checks {
		names = append(names, c.Name)
		if c.Status != botwright.Healthy || c.LastRun.IsZero() {
			t.Errorf("%s is %s: %s", c.Name, c.Status, c.Message)
		}
	}
	want := []string{"gateway", "rest", "queue", "handlers", "invalid_requests", "identify", "memory", "cache", "database"}
	if !report.Healthy() || !slices.Equal(names, want) {
		t.Errorf("%s: %v", report.Status, names)
	}

}

// The rest check learns from the calls that are made anyway, and asks only when there are none.
func TestRESTCheckLearnsFromTraffic(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	bot := newBot(t, srv, botwright.WithHealth(botwright.HealthConfig{
		Without: slices.DeleteFunc(slices.Clone(builtin), func(s string) bool { return s == "rest" })}))
	asked := func() (n int) {
		for _, r := range srv.Requests() {
			if strings.HasSuffix(r.Path, "/users/@me") {
				n++
			}
		}
		return n
	}
	check := func() botwright.CheckReport {
		bot.Health().Check(testContext(t))
		bot.Health().Check(testContext(t))
		return bot.Health().Report().Checks[0]
	}
	if c := check(); c.Status != botwright.Healthy || asked() != 1 {
		t.Errorf("without traffic: asked %d times, %+v", asked(), c)
	}
	channel := srv.Guilds()[0].Channels[0].ID
	call := func() { _, _ = bot.Session().Channel(channel, discordgo.WithRestRetries(0)) }
	for range 5 {
		call()
	}
	if c := check(); c.Status != botwright.Healthy || asked() != 1 || !strings.Contains(c.Message, "6 calls in a minute") {
		t.Errorf("with traffic: asked %d times, %+v", asked(), c)
	}
	remove := srv.FailREST(func(r *http.Request) *discordtest.RESTFault {
		if strings.Contains(r.URL.Path, "/channels/") {
			return &discordtest.RESTFault{Status: http.StatusServiceUnavailable}
		}
		return nil
	})
	defer remove()
	for range 10 {
		call()
	}
	if c := check(); c.Status != botwright.Unhealthy || asked() != 1 || !strings.Contains(c.Message, "calls in a minute failed") {
		t.Errorf("with faults: asked %d times, %+v", asked(), c)
	}
}

func TestHandlerErrorsAreUnhealthy(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	log := newErrorLog()
	bot := newBot(t, srv, botwright.WithErrorHandler(log.handle),
		botwright.WithIntents(discordgo.IntentGuildMessages|discordgo.IntentMessageContent))
	handled := make(chan struct{}, 100)
	botwright.On(bot, func(context.Context, *discordgo.Session, *discordgo.MessageCreate) error {
		handled <- struct{}{}
		return errors.New("the database is full")
	})
	open(t, bot)
	bot.Health().Check(testContext(t))
	for range 20 {
		say(t, srv, "hello")
		receive(t, handled)
	}
	bot.Health().Check(testContext(t))
	report := bot.Health().Check(testContext(t))
	for _, c := range report.Checks {
		if c.Name == "handlers" && c.Status != botwright.Unhealthy {
			t.Errorf("handlers: %+v", c)
		}
	}
}

func TestBareSession(t *testing.T) {
	health, err := botwright.NewHealth(botwright.HealthConfig{
		Alerters: []botwright.Alerter{}, Without: []string{"rest"}, MaxCacheEntries: 2})
	if err != nil {
		t.Fatal(err)
	}
	s, err := discordgo.New("Bot " + someToken)
	if err != nil {
		t.Fatal(err)
	}
	health.Watch(s)
	status := func(name string) botwright.CheckReport {
		health.Check(t.Context())
		report := health.Check(t.Context())
		i := slices.IndexFunc(report.Checks, func(c botwright.CheckReport) bool { return c.Name == name })
		return report.Checks[i]
	}
	if c := status("gateway"); c.Status != botwright.Unhealthy || c.Message != "not connected" {
		t.Errorf("not open: %+v", c)
	}
	now := time.Now()
	s.DataReady, s.LastHeartbeatSent, s.LastHeartbeatAck = true, now.Add(-300*time.Millisecond), now
	if c := status("gateway"); c.Status != botwright.Healthy || c.Value != 0.3 {
		t.Errorf("open: %+v", c)
	}
	s.LastHeartbeatSent = now.Add(-1500 * time.Millisecond)
	if c := status("gateway"); c.Status != botwright.Degraded {
		t.Errorf("slow: %+v", c)
	}
	s.LastHeartbeatAck, s.LastHeartbeatSent = now.Add(-time.Hour), now.Add(-time.Hour)
	if c := status("gateway"); c.Status != botwright.Unhealthy {
		t.Errorf("dead: %+v", c)
	}
	if c := status("cache"); c.Status != botwright.Healthy {
		t.Errorf("empty: %+v", c)
	}
	s.State.Guilds = []*discordgo.Guild{{ID: "1", Channels: make([]*discordgo.Channel, 50),
		Members: make([]*discordgo.Member, 6)}}
	if c := status("cache"); c.Status != botwright.Degraded || c.Value != 6 {
		t.Errorf("full: %+v", c)
	}
}

func TestHealthConfigRefuses(t *testing.T) {
	t.Setenv("HEALTH_WEBHOOK", "")
	tests := []struct {
		cfg  botwright.HealthConfig
		want string
	}{
		{botwright.HealthConfig{Interval: -1}, "Interval must not be negative"},
		{botwright.HealthConfig{Failures: 3, Window: 2}, "cannot be"},
		{botwright.HealthConfig{Window: 65}, "cannot be"},
		{botwright.HealthConfig{MaxMemory: 2}, "not a share"},
		{botwright.HealthConfig{Checks: map[string][]botwright.CheckOption{"gatewy": nil}}, `no built-in check "gatewy"`},
		{botwright.HealthConfig{Without: []string{"gatewy"}}, `no check "gatewy"`},
		{botwright.HealthConfig{Alerters: []botwright.Alerter{nil}}, "nil"},
		{botwright.HealthConfig{Alerters: []botwright.Alerter{&botwright.WebhookAlerter{}}}, "HEALTH_WEBHOOK"},
		{botwright.HealthConfig{Alerters: []botwright.Alerter{&botwright.WebhookAlerter{URL: "https://discord.com/secret"}}},
			"not that of a webhook"},
	}
	for _, tt := range tests {
		_, alone := botwright.NewHealth(tt.cfg)
		_, inBot := botwright.New(someToken, botwright.WithHealth(tt.cfg))
		for _, err := range []error{alone, inBot} {
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%+v: %v", tt.cfg, err)
			}
		}
	}
	health, err := botwright.NewHealth(botwright.HealthConfig{})
	if err != nil {
		t.Fatal(err)
	}
	check := func(context.Context) (botwright.CheckResult, error) { return botwright.CheckResult{}, nil }
	wantPanic(t, "no name", func() { health.Register("", check) })
	wantPanic(t, "no name", func() { health.Register("x", nil) })
	wantPanic(t, "there is already", func() { health.Register("memory", check) })
	wantPanic(t, "no session", func() { health.Watch() })
	wantPanic(t, "positive", func() { botwright.CheckEvery(0) })
	wantPanic(t, "positive", func() { botwright.CheckTimeout(0) })
	wantPanic(t, "window", func() { botwright.CheckFailures(3, 2) })
}

// The webhook of the environment is used without being asked for, as many are used to.
func TestWebhookOfTheEnvironment(t *testing.T) {
	hook := newHook(t)
	t.Setenv("HEALTH_WEBHOOK", hook.url)
	health, err := botwright.NewHealth(botwright.HealthConfig{Interval: 10 * time.Millisecond,
		Group: time.Millisecond, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	health.Register("x", func(context.Context) (botwright.CheckResult, error) {
		return botwright.CheckResult{}, errors.New("broken")
	})
	ctx, cancel := context.WithCancel(testContext(t))
	var running sync.WaitGroup
	running.Go(func() { health.Run(ctx) })
	if m := receive(t, hook.messages); m.Embeds[0].Fields[0].Name != "x" || m.AllowedMentions.Parse == nil {
		t.Errorf("got %+v", m)
	}
	cancel()
	running.Wait()
}

// An alerter that panics, fails or hangs disturbs neither the checks nor the others.
func TestBadAlerters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := make(alerts, 10)
		var log bytes.Buffer
		health, err := botwright.NewHealth(botwright.HealthConfig{
			Alerters: []botwright.Alerter{alerterFunc(func(context.Context) error { panic("no") }),
				alerterFunc(func(context.Context) error { return errors.New("no luck") }),
				alerterFunc(func(ctx context.Context) error { <-ctx.Done(); return nil }), told},
			Logger: slog.New(slog.NewTextHandler(&log, nil)),
		})
		if err != nil {
			t.Fatal(err)
		}
		var mended atomic.Bool
		health.Register("x", func(context.Context) (botwright.CheckResult, error) {
			if !mended.Load() {
				return botwright.CheckResult{Status: botwright.Degraded, Message: "so so"}, nil
			}
			return botwright.CheckResult{}, nil
		})
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { health.Run(ctx) })
		if a := <-told; a.Kind != botwright.AlertFiring || a.Status() != botwright.Degraded {
			t.Errorf("got %v", a)
		}
		synctest.Wait()
		mended.Store(true)
		if a := <-told; a.Kind != botwright.AlertResolved || a.Status() != botwright.Healthy {
			t.Errorf("got %v", a)
		}
		if n := len(health.RecentAlerts()); n != 2 {
			t.Errorf("%d recent alerts", n)
		}
		cancel()
		running.Wait()
		for _, want := range []string{"an alerter panicked", "no luck"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("the log lacks %q: %s", want, &log)
			}
		}
	})
}

type alerterFunc func(context.Context) error

func (f alerterFunc) Alert(ctx context.Context, _ botwright.Alert) error { return f(ctx) }

// A hook is a Discord that has a webhook and nothing else.
type hook struct {
	url      string
	messages chan hookMessage
	bodies   chan []byte
	methods  chan string
	down     atomic.Bool // it answers 503
}

type hookMessage struct {
	Content string
	Embeds  []struct {
		Title, Description string
		Color              int
		Fields             []struct{ Name, Value string }
	}
	AllowedMentions struct{ Parse, Roles, Users []string } `json:"allowed_mentions"`
}

func newHook(t *testing.T) *hook {
	t.Helper()
	h := &hook{messages: make(chan hookMessage, 20), bodies: make(chan []byte, 20),
		methods: make(chan string, 20)}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if h.down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		var m hookMessage
		if err == nil {
			err = json.Unmarshal(body, &m)
		}
		if err != nil {
			t.Error(err)
		}
		h.messages <- m
		h.bodies <- body
		h.methods <- r.Method + " " + r.URL.Path
		fmt.Fprint(w, `{"id":"42"}`)
	}))
	t.Cleanup(srv.Close)
	h.url = srv.URL + "/api/webhooks/7/hook-secret"
	return h
}

func TestWebhookGolden(t *testing.T) {
	at := time.Date(2026, 11, 23, 18, 0, 0, 0, time.UTC)
	shards := botwright.Problem{Check: "gateway", Status: botwright.Unhealthy, Worst: botwright.Unhealthy,
		TotalShards: 64, First: true, Since: at.Add(-40 * time.Second),
		Message: "backoff: connection reset by peer"}
	for id := 3; id <= 17; id++ {
		shards.Shards = append(shards.Shards, id)
	}
	slow := botwright.Problem{Check: "rest", Status: botwright.Degraded, Since: at.Add(-time.Minute),
		Value: 7.4, Threshold: 5, Unit: "s", Message: "answered in 7.4s"}
	ended := shards
	ended.Status, ended.Duration, ended.First = botwright.Healthy, 250*time.Second, false
	again, untold := shards, ended
	again.First, untold.First = false, true
	flaps := shards
	flaps.Flapping, flaps.Message = true, "bad 23 times since 17:12 UTC, last: backoff"
	fatal := shards
	fatal.Shards, fatal.Message = []int{3}, "Discord does not accept the token"
	alert := func(kind botwright.AlertKind, open []botwright.Problem, problems ...botwright.Problem) botwright.Alert {
		return botwright.Alert{Kind: kind, Name: "host-1", Time: at, Problems: problems, Open: open}
	}
	tests := map[string]botwright.Alert{
		"firing":     alert(botwright.AlertFiring, nil, shards, slow),
		"degraded":   alert(botwright.AlertFiring, nil, slow),
		"repeating":  alert(botwright.AlertRepeating, nil, again),
		"resolved":   alert(botwright.AlertResolved, nil, ended),
		"untold":     alert(botwright.AlertResolved, nil, untold),
		"flapping":   alert(botwright.AlertFiring, []botwright.Problem{flaps}, flaps),
		"fatal":      alert(botwright.AlertFatal, []botwright.Problem{fatal}, fatal),
		"still_dead": alert(botwright.AlertResolved, []botwright.Problem{again}, ended),
		"still_open": alert(botwright.AlertResolved, []botwright.Problem{slow}, ended),
	}
	h := newHook(t)
	alerter := &botwright.WebhookAlerter{URL: h.url, MentionRoles: []string{"99"}}
	for name, a := range tests {
		t.Run(name, func(t *testing.T) {
			if err := alerter.Alert(t.Context(), a); err != nil {
				t.Fatal(err)
			}
			m := receive(t, h.messages)
			if mentions := strings.Contains(m.Content, "<@&99>"); mentions != slices.Contains([]string{"firing", "untold", "flapping", "fatal"}, name) {
				t.Errorf("content %q", m.Content)
			}
			goldenJSON(t, filepath.Join("testdata", "alerts", name+".json"), receive(t, h.bodies))
		})
	}
}

func TestStatusMessage(t *testing.T) {
	h := newHook(t)
	alerter := &botwright.WebhookAlerter{URL: h.url, Edit: true}
	if err := alerter.Alert(t.Context(), botwright.Alert{}); err != nil {
		t.Fatal(err)
	}
	report := botwright.HealthReport{Status: botwright.Degraded, Time: time.Date(2026, 11, 23, 18, 0, 0, 0, time.UTC),
		Checks: []botwright.CheckReport{
			{Name: "gateway", Status: botwright.Degraded, Shards: []int{1, 2, 3}, TotalShards: 16, Message: "high gateway latency"},
			{Name: "rest", Status: botwright.Healthy, Message: "answered in 80ms"}}}
	for _, want := range []string{"POST /api/webhooks/7/hook-secret", "PATCH /api/webhooks/7/hook-secret/messages/42"} {
		if err := alerter.ReportHealth(t.Context(), report); err != nil {
			t.Fatal(err)
		}
		if got := receive(t, h.methods); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	goldenJSON(t, filepath.Join("testdata", "alerts", "status.json"), receive(t, h.bodies))
	receive(t, h.bodies)
	report.Name, report.Stopped = "host-1", true
	if err := alerter.ReportHealth(t.Context(), report); err != nil {
		t.Fatal(err)
	}
	goldenJSON(t, filepath.Join("testdata", "alerts", "stopped.json"), receive(t, h.bodies))
}

// goldenJSON compares JSON with a file.
func goldenJSON(t *testing.T, file string, got []byte) {
	t.Helper()
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, got, "", "  "); err != nil {
		t.Fatal(err)
	}
	pretty.WriteByte('\n')
	if *updateAlerts {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, pretty.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(pretty.Bytes(), want) {
		t.Errorf("%s differs:\n%s", file, &pretty)
	}
}

// A shard that is lost again and again is not well, though it is up whenever somebody looks.
func TestShardLostTooOften(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	log := newLogRecorder()
	bot := newBot(t, srv, botwright.WithLogger(jsonLogger(log)), botwright.WithHealth(botwright.HealthConfig{
		Interval: time.Hour, Without: builtin[1:], Alerters: []botwright.Alerter{}}))
	open(t, bot)
	for n := range 6 {
		if r := bot.Health().Check(testContext(t)); !r.Healthy() {
			t.Errorf("after %d losses: %+v", n, r.Checks)
		}
		srv.Conn(0).Reconnect()
		for log.count("shard resumed") <= n {
			receive(t, log.more)
		}
	}
	for range 2 {
		bot.Health().Check(testContext(t))
	}
	if c := bot.Health().Report().Checks[0]; c.Status != botwright.Degraded || !strings.Contains(c.Message, "lost more than 5 times") {
		t.Errorf("after 6 losses: %+v", c)
	}
}

// A close code that is the end is told before the bot stops: one alert, one line.
func TestFatalShardIsTold(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{MaxConcurrency: 4})
	hook, status, told, log := newHook(t), newHook(t), make(alerts, 10), newLogRecorder()
	cfg := fastHealth(told, &botwright.WebhookAlerter{URL: hook.url, MentionRoles: []string{"9"}},
		&botwright.WebhookAlerter{URL: status.url, Edit: true})
	cfg.Group = time.Minute // the bot has stopped before a check is heard
	bot := newBot(t, srv, botwright.WithShards(4), botwright.WithLogger(jsonLogger(log)),
		botwright.WithHealth(cfg))
	ran := make(chan error, 1)
	go func() { ran <- bot.Run(testContext(t)) }()
	for log.count(`"msg":"ready"`) == 0 {
		receive(t, log.more)
	}
	for _, c := range srv.Connections() {
		c.Close(4014, "Disallowed intent(s).")
	}
	if err := receive(t, ran); !errors.As(err, new(*botwright.ShardError)) {
		t.Errorf("Run: %v", err)
	}
	if a := receive(t, told); a.Kind != botwright.AlertFatal || a.Status() != botwright.Unhealthy ||
		!strings.Contains(a.String(), "1 of 4 shards") || !strings.Contains(a.String(), "privileged") {
		t.Errorf("told %v", a)
	}
	if m := receive(t, hook.messages); m.Embeds[0].Title != "Bot Stopped" || m.Content != "<@&9>" {
		t.Errorf("posted %+v", m)
	}
	if len(told)+len(hook.messages) != 0 {
		t.Error("it was told twice")
	}
	if n := log.count(`"level":"ERROR","msg":"Discord refuses a shard for good`); n != 1 {
		t.Errorf("%d lines", n)
	}
	var last []byte
	for len(status.bodies) > 0 {
		last = <-status.bodies
	}
	if !bytes.Contains(last, []byte("The bot stopped")) || !bytes.Contains(last, []byte("privileged")) {
		t.Errorf("the status message says %s", last)
	}
}

// No field of a report is forgotten on the way to a program, or back to what writes it for Discord.
func TestReportsKeepEveryField(t *testing.T) {
	t.Parallel()
	want := health.Report{Stopped: true, Checks: make([]health.CheckReport, 1), Open: make([]health.Problem, 1)}
	fill(t, reflect.ValueOf(&want).Elem())
	if got := botwright.ThereAndBack(want); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// fill sets every field of a struct to something.
func fill(t *testing.T, v reflect.Value) {
	t.Helper()
	for i := range v.NumField() {
		switch f := v.Field(i); {
		case f.Type() == reflect.TypeFor[time.Time]():
			f.Set(reflect.ValueOf(time.Unix(int64(i)+1, 0)))
		case f.Kind() == reflect.String:
			f.SetString(v.Type().Field(i).Name)
		case f.CanInt():
			f.SetInt(int64(i) + 1)
		case f.CanFloat():
			f.SetFloat(float64(i) + 0.5)
		case f.Kind() == reflect.Bool:
			f.SetBool(true)
		case f.Type() == reflect.TypeFor[[]int]():
			f.Set(reflect.ValueOf([]int{i}))
		case f.Type() == reflect.TypeFor[[]health.Status]():
			f.Set(reflect.ValueOf([]health.Status{health.Degraded}))
		case f.Kind() == reflect.Slice && f.Len() == 1:
			fill(t, f.Index(0))
		default:
			t.Fatalf("%s.%s has a type that is not known here", v.Type(), v.Type().Field(i).Name)
		}
	}
}
