package botwright

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"sync"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/botwright/botwright/internal/build"
	"github.com/botwright/botwright/internal/metrics"
	"github.com/botwright/botwright/internal/runner"
)

// WithMetrics registers the bot's metrics with reg, until [Bot.Shutdown] is done. Their names begin
// with discord_; what each one means is in its help text. If two bots share a registry, wrap it for
// each with prometheus.WrapRegistererWith. A wrapped registry cannot be read: to serve /metrics,
// set the registry itself as the Gatherer of [AdminConfig].
//
// The number of series is bounded: by the program's handlers, commands and health checks, the
// shards, and Discord's event types and routes. A guild, user or channel is never a label.
func WithMetrics(reg prometheus.Registerer) Option {
	return func(c *config) {
		if reg == nil {
			c.problem("WithMetrics", "the registerer is nil: pass prometheus.NewRegistry(), or "+
				"leave the option out")
			return
		}
		c.registerer = reg
	}
}

// WithMetricsNamespace sets the first part of the names of the metrics of [WithMetrics]. Default:
// "discord", which the rules and dashboards of the examples expect.
func WithMetricsNamespace(namespace string) Option {
	return func(c *config) {
		if p := namespaceProblem(namespace); p != "" {
			c.problem("WithMetricsNamespace", "%s", p)
		}
		c.namespace = namespace
	}
}

var namespaceName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

func namespaceProblem(namespace string) string {
	if namespaceName.MatchString(namespace) {
		return ""
	}
	return fmt.Sprintf("%q cannot begin the name of a metric: use letters, digits and _", namespace)
}

// MetricsConfig configures [NewMetrics].
type MetricsConfig struct {
	// Namespace is the first part of the metrics' names. Default: "discord", so that dashboards
	// made for other libraries find some of what they look for.
	Namespace string

	// TraceID returns the id of the trace that a context belongs to, or "". Histograms show it as
	// an exemplar. Readers must ask for the OpenMetrics format; see
	// promhttp.HandlerOpts.EnableOpenMetrics. A bot takes it from [WithTracer]. Default: no
	// exemplars.
	TraceID func(ctx context.Context) string
}

// Metrics counts the events, interactions and requests of discordgo sessions for Prometheus: it
// is a prometheus.Collector, to be registered by the program. A [Bot] has its own, see
// [WithMetrics]; NewMetrics is for sessions without one. The methods may be called from any
// goroutine.
type Metrics struct {
	namespace string
	parts     *metrics.Parts
	counts    *metrics.Metrics
}

// metrics returns the configuration of a bot's own Metrics.
func (c *config) metrics() MetricsConfig {
	m := MetricsConfig{Namespace: c.namespace}
	if c.tracer != nil {
		m.TraceID = c.tracer.TraceID
	}
	return m
}

// NewMetrics returns Metrics that have counted nothing yet; see [Metrics.Watch]. It panics if
// the namespace cannot begin the name of a metric.
func NewMetrics(cfg MetricsConfig) *Metrics {
	if cfg.Namespace == "" {
		cfg.Namespace = "discord"
	}
	mustBe("NewMetrics", namespaceProblem(cfg.Namespace))
	m := &Metrics{
		namespace: cfg.Namespace,
		parts:     metrics.NewParts(cfg.Namespace),
		counts:    metrics.New(cfg.Namespace, cfg.TraceID),
	}
	m.parts.Add("build", metrics.NewBuild(cfg.Namespace, build.Read()))
	m.parts.Add("counts", m.counts)
	return m
}

// Describe implements prometheus.Collector.
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) { m.parts.Describe(ch) }

// Collect implements [prometheus.Collector]. If a part panics, only its own metrics are missing.
func (m *Metrics) Collect(ch chan<- prometheus.Metric) { m.parts.Collect(ch) }

// Watch counts the events, interactions and requests of a session that is not a Bot's. It replaces
// the session's HTTP client by a copy. Call it once, before the session is opened.
func (m *Metrics) Watch(s *discordgo.Session) {
	client := *s.Client
	client.Transport = m.RoundTripper(client.Transport)
	s.Client = &client
	s.AddHandler(func(_ *discordgo.Session, e *discordgo.Event) {
		if e.Type != "" {
			m.event([]byte(e.Type), e.RawData, time.Now())
		}
	})
}

// RoundTripper returns one that counts the requests it passes to next. A nil next is
// http.DefaultTransport.
func (m *Metrics) RoundTripper(next http.RoundTripper) http.RoundTripper {
	if next == nil {
		next = http.DefaultTransport
	}
	return m.counts.Transport(next)
}

// event counts an event; a nil m does nothing.
func (m *Metrics) event(eventType, d []byte, received time.Time) {
	if m == nil {
		return
	}
	m.counts.Event(eventType)
	if string(eventType) == interactionCreate {
		m.interaction(d, received)
	}
}

// interaction follows an interaction that was received; a nil m does nothing.
func (m *Metrics) interaction(d []byte, received time.Time) {
	if m != nil {
		m.counts.Interaction(d, received)
	}
}

// transport returns next, counted unless m is nil.
func (m *Metrics) transport(next http.RoundTripper) http.RoundTripper {
	if m == nil {
		return next
	}
	return m.RoundTripper(next)
}

// restWaited notes how long a request waited for rate limits; a nil m does nothing.
func (m *Metrics) restWaited(ctx context.Context, method, route string, d time.Duration) {
	if m != nil {
		m.counts.RESTWaited(ctx, method, route, d)
	}
}

// identified notes how long a shard waited to identify; a nil m does nothing.
func (m *Metrics) identified(waited time.Duration) {
	if m != nil {
		m.counts.IdentifyWait(waited)
	}
}

// measure returns next, measured under the name of its registration.
func (m *Metrics) measure(
	r *registration, next runner.Func[*Event],
) runner.Func[*Event] {
	h := m.counts.Handler(r.Name, r.EventType)
	return func(ctx context.Context, e *Event) (err error) {
		wait, failure := time.Since(e.Received), metrics.Panic
		defer func() { h.Done(ctx, wait, time.Since(e.Received)-wait, failure) }()
		err = next(ctx, e)
		failure = failureOf(err)
		return err
	}
}

func failureOf(err error) metrics.Failure {
	if err == nil {
		return metrics.None
	}
	if _, panicked := errors.AsType[*PanicError](err); panicked {
		return metrics.Panic
	}
	if errors.Is(err, ErrHandlerTimeout) || errors.Is(err, context.DeadlineExceeded) {
		return metrics.Timeout
	}
	return metrics.Error
}

// registerMetrics adds what is read at scrape time and registers everything.
func (b *Bot) registerMetrics() error {
	if b.metrics == nil {
		return nil
	}
	parts, namespace := b.metrics.parts, b.metrics.namespace
	parts.Add("fleet", metrics.NewFleet(namespace, metrics.Fleet{
		Configured: b.cfg.shards(), Shards: b.shardCounts,
		Queue:  b.runner.Stats,
		Oldest: b.oldest,
		Budget: b.gate.Budget,
	}))
	parts.Add("bot", metrics.NewBot(namespace, metrics.Bot{
		Started: b.started,
		Limits:  b.cfg.queue.internal(),
		Users:   b.users,
		State:   func() metrics.State { return b.StateStats().metric() },
		Pressure: func() metrics.Pressure {
			p := b.MemoryPressure()
			return metrics.Pressure{Percent: p.Level, Shrinks: p.Shrinks}
		},
		Operations:   b.profiler.operations.Snapshot,
		FailedLogins: b.stats.failedLogins.Load,
	}))
	if b.cfg.cluster != nil {
		parts.Add("cluster", metrics.NewCluster(namespace, b.clusterMetrics))
	}
	parts.Add("ratelimits", metrics.NewRateLimits(namespace, b.rest.Stats))
	parts.Add("parts", metrics.NewObserved(namespace, metrics.Observed{
		Caches: b.cacheMetrics, Debouncers: b.debouncerMetrics}))
	parts.Add("resources", metrics.NewResources(namespace, b.memory))
	parts.Add("health", metrics.NewHealth(namespace, metrics.Health{
		Report: b.health.monitor.Report,
		Alerts: b.health.alertCounts, Storage: b.storageFailures,
	}))
	if err := b.cfg.registerer.Register(b.metrics); err != nil {
		return fmt.Errorf("botwright: WithMetrics: cannot register the metrics; two bots that "+
			"share a registry each need a prometheus.WrapRegistererWith: %w", err)
	}
	return nil
}

func (b *Bot) unregisterMetrics() {
	if b.metrics != nil {
		b.cfg.registerer.Unregister(b.metrics)
	}
}

// shards returns how many shards the program asks for in this process, 0 if that is for Discord or
// the cluster to say.
func (c *config) shards() int {
	if c.cluster != nil {
		return 0
	}
	if len(c.shardIDs) > 0 {
		return len(c.shardIDs)
	}
	return c.shardCount
}

// ObserveDebouncer shows a debouncer of yours in the bot's metrics, under a name. stats is
// [Debouncer.Stats] of that debouncer. The name "handlers" belongs to the [Debounce] middleware of
// all handlers. It panics if the name is empty or taken, or stats is nil.
func (b *Bot) ObserveDebouncer(name string, stats func() DebouncerStats) {
	b.debouncerStats.add("ObserveDebouncer", name, stats)
}

func (b *Bot) debouncerMetrics() map[string]metrics.Debouncer {
	all := make(map[string]metrics.Debouncer)
	for name, s := range b.debouncerStats.read() {
		all[name] = metrics.Debouncer(s)
	}
	return all
}

// observed are the figures of parts of a program that a bot shows, by name.
type observed[S any] struct {
	mu    sync.Mutex // guards what follows
	stats map[string]func() S
}

func (o *observed[S]) add(method, name string, stats func() S) {
	if name == "" || stats == nil {
		panic(fmt.Sprintf("botwright: %s(%q): pass a name and a function", method, name))
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.stats[name] != nil {
		panic(fmt.Sprintf("botwright: %s(%q): the name is taken: use another one", method, name))
	}
	if o.stats == nil {
		o.stats = make(map[string]func() S)
	}
	o.stats[name] = stats
}

// read calls the functions, without the lock: they are the program's.
func (o *observed[S]) read() map[string]S {
	o.mu.Lock()
	stats := maps.Clone(o.stats)
	o.mu.Unlock()
	all := make(map[string]S, len(stats))
	for name, f := range stats {
		all[name] = f()
	}
	return all
}
