package botwright_test

import (
	"context"
	"errors"

	"flag"
	"fmt"

	"net/http"
	"net/url"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/expfmt"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

var update = flag.Bool("update", false, "write the golden files")

// TestMetricsCatalogue holds names, types, labels and help of all metrics against
// testdata/metrics.golden, on which dashboards and alerts rely.
func TestMetricsCatalogue(t *testing.T) {
	t.Parallel()
	old := debug.SetMemoryLimit(1 << 40) // no limit in effect, but one to be exported
	defer debug.SetMemoryLimit(old)
	srv := newServer(t, discordtest.Config{})
	reg := prometheus.NewPedanticRegistry()
	bot := newBot(t, srv, botwright.WithMetrics(reg), botwright.WithHealth(botwright.HealthConfig{
		Alerters: []botwright.Alerter{botwright.SlogAlerter{}}, Without: []string{"rest"}}))
	botwright.On(bot, answerInteraction)
	open(t, bot)
	bot.Health().Check(testContext(t))
	defer srv.FailREST(func(r *http.Request) *discordtest.RESTFault {
		if r.Method == http.MethodGet {
			return discordtest.RateLimited(0, "shared")
		}
		return nil
	})()
	_, err := bot.Session().Channel("1", discordgo.WithRetryOnRatelimit(false))
	if err == nil {
		t.Error("the rate limit was not reported")
	}
	_ = bot.Profiler().Do(t.Context(), "work", func(context.Context) error { return nil })
	bot.ObserveCache("users", botwright.NewTTLCache(botwright.TTLCacheConfig[string, int]{}).Stats)
	useCommand(t, srv, "ping")
	srv.Conn(0).RequestHeartbeat()
	waitMetric(t, reg, 1, "discord_interactions_total")
	poll(t, func() bool { return bot.Shards()[0].Latency > 0 })

	golden(t, "testdata/metrics.golden", catalogue(t, reg))
	problems, err := testutil.GatherAndLint(reg)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("promlint: %s: %s", p.Metric, p.Text)
	}
	described := make(chan *prometheus.Desc, 1000)
	botwright.MetricsOf(bot).Describe(described)
	close(described)
	text := catalogue(t, reg)
	for d := range described { // their String is all that descriptors tell
		_, name, _ := strings.Cut(d.String(), `fqName: "`)
		name, _, _ = strings.Cut(name, `"`)
		if !strings.Contains(text, "\n"+name+" ") {
			t.Errorf("%s is described and not in the catalogue: this test must make it happen", name)
		}
	}
}

// catalogue lists the metrics that a registry has.
func catalogue(t *testing.T, reg prometheus.Gatherer) string {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("# The metrics of a bot; go test -run TestMetricsCatalogue -update writes this file.\n")
	for _, f := range families {
		var labels, buckets []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, l.GetName())
		}
		for _, bucket := range f.GetMetric()[0].GetHistogram().GetBucket() {
			buckets = append(buckets, fmt.Sprint(bucket.GetUpperBound()))
		}
		fmt.Fprintf(&b, "\n%s %s {%s}\n    %s\n", f.GetName(),
			strings.ToLower(f.GetType().String()), strings.Join(labels, ", "), f.GetHelp())
		if buckets != nil {
			native := ""
			if f.GetMetric()[0].GetHistogram().GetZeroThreshold() > 0 {
				native = "native, and "
			}
			fmt.Fprintf(&b, "    %sbuckets %s\n", native, strings.Join(buckets, " "))
		}
	}
	return b.String()
}

// golden compares with a file.
func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("not what %s has; if it is meant, run the test with -update:\n%s", name, got)
	}
}

func answerInteraction(
	ctx context.Context, s *discordgo.Session, i *discordgo.InteractionCreate,
) error {
	return s.InteractionRespond(i.Interaction, &discordgo.InteractionResponse{
		Type: discordgo.InteractionResponseChannelMessageWithSource,
		Data: &discordgo.InteractionResponseData{Content: "pong"},
	}, discordgo.WithContext(ctx))
}

// useCommand lets somebody use a command and waits for the answer.
func useCommand(t *testing.T, srv *discordtest.Server, name string) {
	t.Helper()
	g := srv.Guilds()[0]
	in := srv.SlashCommand(g.ID, g.Channels[0].ID, g.Members[0].User.ID, name)
	if _, err := in.Response(testContext(t)); err != nil {
		t.Fatal(err)
	}
}

// waitMetric waits until the sum of a metric's series with the given labels is want.
func waitMetric(
	t *testing.T, reg prometheus.Gatherer, want float64, name string, labels ...string,
) {
	t.Helper()
	var got float64
	defer func() {
		if got != want {
			t.Errorf("%s%q is %v, want %v", name, labels, got, want)
		}
	}()
	poll(t, func() bool {
		got = metric(t, reg, name, labels...)
		return got == want
	})
}

// poll waits for what the fake Discord knows nothing of: that the bot has taken in an answer.
func poll(t *testing.T, cond func() bool) {
	t.Helper()
	tick, end := time.NewTicker(time.Millisecond), testContext(t)
	defer tick.Stop()
	for !cond() {
		select {
		case <-tick.C:
		case <-end.Done():
			t.Fatal("it did not come to be")
		}
	}
}

// metric returns the sum of the series that have the labels, given as a name, its value, and so on.
func metric(t *testing.T, reg prometheus.Gatherer, name string, labels ...string) (sum float64) {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
	series:
		for _, m := range f.GetMetric() {
			have := make(map[string]string)
			for _, l := range m.GetLabel() {
				have[l.GetName()] = l.GetValue()
			}
			for pair := range slices.Chunk(labels, 2) {
				if have[pair[0]] != pair[1] {
					continue series
				}
			}
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() +
				float64(m.GetHistogram().GetSampleCount())
		}
	}
	return sum
}

func TestMetricsCountWhatHappens(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{MaxConcurrency: 2})
	reg := prometheus.NewPedanticRegistry()
	bot := newBot(t, srv, botwright.WithMetrics(reg), botwright.WithShards(2),
		botwright.WithIntents(discordgo.IntentsAll))
	botwright.On(bot, failInManyWays)
	botwright.On(bot, answerInteraction, botwright.Command("ping"))
	open(t, bot)
	g := srv.Guilds()[0]
	// Five messages, and the answer to the command is one.
	for _, text := range []string{"fine", "error", "panic", "timeout", "fine"} {
		say(t, srv, text)
	}
	useCommand(t, srv, "ping")
	if err := srv.DispatchShard(0, "BRAND_NEW_EVENT", map[string]string{}); err != nil {
		t.Fatal(err)
	}
	if err := bot.Session().UpdateGameStatus(0, "chess"); err != nil {
		t.Fatal(err)
	}
	bot.Health().Check(testContext(t))

	const handler = "botwright_test.failInManyWays"
	for _, want := range []struct {
		n      float64
		name   string
		labels []string
	}{
		{6, "discord_gateway_events_total", []string{"event", "MESSAGE_CREATE"}},
		{1, "discord_gateway_events_total", []string{"event", "other"}},
		{6, "discord_handler_duration_seconds", []string{"handler", handler, "event", "MESSAGE_CREATE"}},
		{6, "discord_handler_queue_wait_seconds", []string{"handler", handler}},
		{1, "discord_handler_errors_total", []string{"handler", handler, "kind", "error"}},
		{1, "discord_handler_errors_total", []string{"handler", handler, "kind", "panic"}},
		{1, "discord_handler_errors_total", []string{"handler", handler, "kind", "timeout"}},
		{1, "discord_interactions_total", []string{"type", "command", "command", "ping", "outcome", "answered"}},
		{1, "discord_interaction_ack_seconds", []string{"command", "ping"}},
		{1, "discord_rest_requests_total", []string{"method", "POST", "status", "204",
			"route", "/interactions/{id}/{token}/callback"}},
		{1, "discord_rest_request_duration_seconds", []string{"route", "/gateway/bot"}},
		{0, "discord_rest_inflight", nil},
		{2, "discord_shards_ready", nil},
		{2, "discord_shards_configured", nil},
		{1, "discord_shard_up", []string{"shard", "1"}},
		{2, "discord_shards", []string{"state", "ready"}},
		{2, "discord_shards", nil},
		{2, "discord_shard_connects_total", []string{"kind", "identify"}},
		{0, "discord_gateway_disconnects_total", []string{"code", "4000"}},
		{0, "discord_shard_losses_total", []string{"shard", "0"}},
		{0, "discord_shard_failed_dials_total", []string{"shard", "0"}},
		{0, "discord_rest_invalid_requests_total", []string{"reason", "cloudflare"}},
		{0, "discord_interactions_total", []string{"command", "ping", "outcome", "unanswered"}},
		{float64(len(srv.Guilds())), "discord_shard_guilds", nil},
		{2, "discord_identify_wait_seconds", nil},
		{998, "discord_session_starts_remaining", nil},
		{1, "discord_gateway_commands_total", []string{"op", "presence_update"}},
		{1, "discord_health_check_status", []string{"check", "gateway"}}, // not one per shard
	} {
		waitMetric(t, reg, want.n, want.name, want.labels...)
	}

	srv.Conn(0).Close(4000, "")
	waitMetric(t, reg, 1, "discord_gateway_disconnects_total", "code", "4000")
	waitMetric(t, reg, 1, "discord_shard_losses_total", "shard", "0")
	waitMetric(t, reg, 1, "discord_shard_connects_total", "shard", "0", "kind", "resume")

	defer srv.FailREST(func(r *http.Request) *discordtest.RESTFault {
		if strings.HasSuffix(r.URL.Path, "/callback") {
			return &discordtest.RESTFault{Status: http.StatusNotFound, Body: `{"code":10062}`}
		}
		return discordtest.RateLimited(0, "global")
	})()
	srv.SlashCommand(g.ID, g.Channels[0].ID, g.Members[0].User.ID, "ping")
	waitMetric(t, reg, 1, "discord_interactions_total", "outcome", "refused")
	_, _ = bot.Session().User("@me", discordgo.WithContext(botwright.NoWait(t.Context())))
	waitMetric(t, reg, 1, "discord_rest_ratelimited_total", "route", "/users/@me", "scope", "global")
	waitMetric(t, reg, 1, "discord_rest_invalid_requests_total", "reason", "429")
}

func TestRateLimitScopes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		header http.Header
		want   string
	}{
		{http.Header{"X-Ratelimit-Scope": {"user"}}, "user"},
		{http.Header{"X-Ratelimit-Scope": {"shared"}}, "shared"},
		{http.Header{"X-Ratelimit-Scope": {"global"}}, "global"},
		{http.Header{"X-Ratelimit-Global": {"true"}}, "global"},
		{http.Header{"X-Ratelimit-Limit": {"5"}}, "user"},
		{http.Header{"X-Ratelimit-Limit": {"5"}, "X-Ratelimit-Scope": {"new"}}, "user"},
		{http.Header{"Content-Type": {"text/html"}}, "cloudflare"},
	} {
		reg := prometheus.NewPedanticRegistry()
		m := botwright.NewMetrics(botwright.MetricsConfig{})
		reg.MustRegister(m)
		transport := m.RoundTripper(roundTripper(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 429, Header: tt.header, Body: http.NoBody}, nil
		}))
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://discord.com/api/v9/users/@me", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if metric(t, reg, "discord_rest_ratelimited_total", "scope", tt.want) != 1 {
			t.Errorf("a 429 with %v is not of scope %s", tt.header, tt.want)
		}
	}
}

func failInManyWays(_ context.Context, _ *discordgo.Session, m *discordgo.MessageCreate) error {
	switch m.Content {
	case "error":
		return errors.New("failed")
	case "panic":
		panic("failed")
	case "timeout":
		return fmt.Errorf("failed: %w", botwright.ErrHandlerTimeout)
	}
	return nil
}

// TestMetricsAreBounded lets peers and programs invent names, and counts series.
func TestMetricsAreBounded(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewPedanticRegistry()
	m := botwright.NewMetrics(botwright.MetricsConfig{})
	reg.MustRegister(m)
	transport := m.RoundTripper(roundTripper(func(r *http.Request) (*http.Response, error) {
		status, _ := strconv.Atoi(r.Header.Get("Answer"))
		return &http.Response{StatusCode: status, Body: http.NoBody, Header: http.Header{
			"X-Ratelimit-Scope": {r.Header.Get("Answer")}}}, nil
	}))
	flood := func(from, to int) int {
		for i := from; i < to; i++ {
			id := strconv.Itoa(1_000_000_000_000_000_000 + i)
			m.FloodEvent("EVENT_"+id, `{}`)
			m.FloodEvent("INTERACTION_CREATE",
				`{"id":"`+id+`","type":2,"token":"t`+id+`","data":{"name":"n`+id+`"}}`)
			m.FloodHandler("handler"+id, "EVENT_"+id)
			for _, path := range []string{
				"/channels/" + id + "/messages/" + id, "/invites/x" + id, "/x" + id,
				"/webhooks/" + id + "/x" + id, "/interactions/" + id + "/x" + id + "/callback",
				"/channels/" + id + "/messages/" + id + "/reactions/x" + id + "/@me",
				strings.Repeat("/guilds/bans", i%7) + strings.Repeat("/users", i%11) + "/" + id,
			} {
				r, err := http.NewRequestWithContext(t.Context(), "M"+id, "https://discord.com/api/v9"+path, nil)
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Answer", strconv.Itoa(i))
				resp, err := transport.RoundTrip(r)
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
			}
		}
		n, err := testutil.GatherAndCount(reg)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for range 5000 { // more than are waited for
		m.FloodEvent("INTERACTION_CREATE", `{"id":"1","type":2,"data":{"name":"ping"}}`)
	}
	first := flood(0, 600)
	if more := flood(600, 1200); more != first {
		t.Errorf("%d series, and %d after twice as many names", first, more)
	}
	text, err := testutil.GatherAndFormat(reg, expfmt.TypeTextPlain)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "=\"1000000") || strings.Contains(string(text), "/x1") {
		t.Error("an id or a name has become a label")
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestUnansweredInteractions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		reg := prometheus.NewPedanticRegistry()
		m := botwright.NewMetrics(botwright.MetricsConfig{Namespace: "mine"})
		reg.MustRegister(m)
		m.FloodEvent("INTERACTION_CREATE", `{"id":"1","type":3,"data":{}}`)
		for range 5000 { // of which no more than 4096 are waited for
			m.FloodEvent("INTERACTION_CREATE", `{"id":"2","type":5,"data":{}}`)
		}
		const name = "mine_interactions_total"
		if n := metric(t, reg, name, "type", "component", "outcome", "unanswered"); n != 1 {
			t.Errorf("%v dropped, want 1", n)
		}
		time.Sleep(10*time.Second + 1)
		if n := metric(t, reg, name, "type", "modal", "outcome", "unanswered"); n == 0 {
			t.Error("an interaction that nobody answered was not counted")
		}
	})
}

func TestBrokenPartOfTheMetrics(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewPedanticRegistry()
	m := botwright.NewMetrics(botwright.MetricsConfig{})
	m.Add("broken", broken{})
	reg.MustRegister(m)
	for want := range 3 {
		if got := metric(t, reg, "discord_instrumentation_errors_total", "hook", "broken"); got != float64(want+1) {
			t.Errorf("collection %d: %v errors", want+1, got)
		}
	}
	if metric(t, reg, "discord_build_info") != 1 {
		t.Error("the other parts are missing")
	}
}

type broken struct{}

func (broken) Describe(chan<- *prometheus.Desc) {}

func (broken) Collect(chan<- prometheus.Metric) { panic("broken") }

func TestMetricsOfTwoBots(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewPedanticRegistry()
	labelled := func(name string) prometheus.Registerer {
		return prometheus.WrapRegistererWith(prometheus.Labels{"bot": name}, reg)
	}
	first, err := botwright.New(someToken, botwright.WithMetrics(labelled("a")))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := botwright.New(someToken, botwright.WithMetrics(labelled("b"))); err != nil {
		t.Errorf("a bot with a label of its own: %v", err)
	}
	if _, err := botwright.New(someToken, botwright.WithMetrics(labelled("a"))); err == nil ||
		!strings.Contains(err.Error(), "WrapRegistererWith") {
		t.Errorf("a second bot with the same metrics: %v", err)
	}
	if err := first.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := botwright.New(someToken, botwright.WithMetrics(labelled("a"))); err != nil {
		t.Errorf("a bot after the first: %v", err)
	}
}

func TestWatchBareSession(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	session, err := discordgo.New("Bot " + srv.Token)
	if err != nil {
		t.Fatal(err)
	}
	to, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	next := &http.Transport{}
	t.Cleanup(next.CloseIdleConnections)
	session.Client = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		r = r.Clone(r.Context())
		r.URL.Scheme, r.URL.Host, r.Host = to.Scheme, to.Host, to.Host
		return next.RoundTrip(r)
	})}
	reg := prometheus.NewPedanticRegistry()
	m := botwright.NewMetrics(botwright.MetricsConfig{})
	reg.MustRegister(m)
	m.Watch(session)
	session.AddHandler(func(s *discordgo.Session, i *discordgo.InteractionCreate) {
		if err := answerInteraction(context.Background(), s, i); err != nil {
			t.Error(err)
		}
	})
	if err := session.Open(); err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	useCommand(t, srv, "ping")
	waitMetric(t, reg, 1, "discord_interactions_total", "command", "ping", "outcome", "answered")
	waitMetric(t, reg, 1, "discord_gateway_events_total", "event", "READY")
	waitMetric(t, reg, 1, "discord_rest_requests_total", "route", "/gateway")
}

// TestMetricsDoNotAllocate holds the cost of an event with metrics against that without.
func TestMetricsDoNotAllocate(t *testing.T) {
	bot, err := botwright.New(someToken, botwright.WithMetrics(prometheus.NewRegistry()))
	if err != nil {
		t.Fatal(err)
	}
	read := botwright.NewReader("MESSAGE_UPDATE", messageData, bot)
	if n := testing.AllocsPerRun(1000, read); n != 0 {
		t.Errorf("%v allocations for an event that nobody wants", n)
	}
	h := botwright.MetricsOf(bot).Measured(func(context.Context, *botwright.Event) error { return nil })
	e := botwright.SomeEvent("MESSAGE_CREATE", messageData)
	if n := testing.AllocsPerRun(1000, func() { _ = h(t.Context(), e) }); n != 0 {
		t.Errorf("%v allocations for a handled event", n)
	}
}

func TestMetricsCountInteractionsByHTTP(t *testing.T) {
	t.Parallel()
	srv, reg := newServer(t, discordtest.Config{}), prometheus.NewPedanticRegistry()
	bot := newBot(t, srv, botwright.WithMetrics(reg), botwright.WithErrorHandler(newErrorLog().handle))
	botwright.On(bot, answerInteraction)
	open(t, bot)
	discord := newSigner()
	h, err := bot.InteractionsHandler(discord.public())
	if err != nil {
		t.Fatal(err)
	}
	const discordEpoch = 1_420_070_400_000 // an id says how old an interaction is
	id := strconv.FormatInt((time.Now().UnixMilli()-discordEpoch)<<22, 10)
	body := `{"id":"` + id + `","type":2,"token":"unknown","application_id":"8","user":{"id":"5"},"data":{"id":"9","name":"ping","type":1}}`
	if resp := serve(h, discord.request([]byte(body), time.Now())); resp.StatusCode != http.StatusAccepted {
		t.Fatalf("status %d", resp.StatusCode)
	}
	// The fake Discord knows nothing of it.
	waitMetric(t, reg, 1, "discord_interactions_total", "command", "ping", "outcome", "refused")
}

func TestMetricsOfTheBot(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{Guilds: 2, Members: 3})
	reg := prometheus.NewPedanticRegistry()
	begin := time.Now()
	bot := newBot(t, srv, botwright.WithMetrics(reg),
		botwright.WithIntents(discordgo.IntentGuilds),
		botwright.WithState(botwright.StateFull()),
		botwright.WithQueue(botwright.QueueConfig{MaxEvents: 1234, MaxInFlight: 7}))
	open(t, bot)
	failure := errors.New("it failed")
	for _, name := range []string{"work", "\xff"} { // the second cannot be a label
		err := bot.Profiler().Do(t.Context(), name, func(context.Context) error { return failure })
		if !errors.Is(err, failure) {
			t.Error(err)
		}
	}
	waitMetric(t, reg, float64(bot.Report().Users), "discord_users")
	waitMetric(t, reg, 2, "discord_state_entries", "kind", "guilds")
	for name, want := range map[string]float64{
		"discord_handler_queue_max_events": 1234,
		"discord_handler_max_inflight":     7,
		"discord_memory_pressure_ratio":    0,
		"discord_operation_errors_total":   1,
	} {
		if got := metric(t, reg, name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if got := metric(t, reg, "discord_start_time_seconds"); got < float64(begin.UnixMilli())/1000-1 {
		t.Errorf("started at %v", got)
	}
	if bot.Report().Users == 0 {
		t.Error("no users")
	}
}

func TestWithMetricsNamespace(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	if _, err := botwright.New(someToken, botwright.WithMetrics(reg), botwright.WithMetricsNamespace("a-b")); err == nil {
		t.Error("a name that Prometheus does not take is taken")
	}
	bot := closedBot(t, botwright.WithMetrics(reg), botwright.WithMetricsNamespace("music"))
	descs := make(chan *prometheus.Desc, 1000)
	botwright.MetricsOf(bot).Describe(descs)
	if d := (<-descs).String(); !strings.Contains(d, `"music_`) {
		t.Errorf("described as %s", d)
	}
}
