package botwright

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/botwright/botwright/internal/access"
	"github.com/botwright/botwright/internal/pprofhttp"
	"github.com/botwright/botwright/internal/status"
)

// AdminConfig configures the server for those who run the bot. Each zero field is its default.
type AdminConfig struct {
	// Addr is where it listens. The default is 127.0.0.1:9180: loopback, because the server shows
	// and can do what is nobody else's business, and a port where exporters of metrics usually
	// are. With port 0 it takes a free one, see [Bot.AdminAddr]. With "none" it opens no port:
	// the rest of the configuration is for [Bot.AdminHandler] on a server of the program's own.
	Addr string

	// Token is what every request must have: as "Authorization: Bearer <token>", or as the
	// password that a browser asks for, with any user name. It is required if Addr is not a
	// loopback address, and has at least 16 characters.
	Token string

	// OpenProbes lets /livez and /readyz, without details, be asked without the token: the kubelet
	// has none.
	OpenProbes bool

	// Gatherer is what /metrics shows. The default is the registry of [WithMetrics]. A registerer
	// from prometheus.WrapRegistererWith is none: set the registry that it wraps. Without a
	// Gatherer /metrics is a 404 that says so.
	Gatherer prometheus.Gatherer
}

// Addresses with a meaning of their own: see AdminConfig.
const (
	defaultAdminAddr = "127.0.0.1:9180"
	noAdminAddr      = "none"
)

// minAdminToken is the length of a token that nobody guesses.
const minAdminToken = 16

// WithAdmin has the bot serve [Bot.AdminHandler] from Open until everything else is shut down.
func WithAdmin(cfg AdminConfig) Option {
	return func(c *config) {
		if cfg.Addr == "" {
			cfg.Addr = defaultAdminAddr
		}
		host, _, err := net.SplitHostPort(cfg.Addr)
		switch {
		case cfg.Addr == noAdminAddr:
		case err != nil:
			c.problem("WithAdmin", "%q is no address to listen on, such as %s: %w",
				cfg.Addr, defaultAdminAddr, err)
		case cfg.Token == "" && !access.Loopback(host):
			c.problem("WithAdmin", "%q can be reached from outside: set a Token, or listen on %s",
				cfg.Addr, defaultAdminAddr)
		}
		if n := len(cfg.Token); n > 0 && n < minAdminToken {
			c.problem("WithAdmin", "the Token has %d characters: take at least %d random ones",
				n, minAdminToken)
		}
		c.admin, c.adminSet, c.openAdmin = cfg, true, openAdmin
	}
}

// AdminHandler returns a handler to mount on a server of the program's own:
//
//	/                     the status page
//	/livez                200 unless this process is wedged; Discord's outages do not count
//	/readyz               200 if every shard is ready; ?verbose lists them
//	/healthz              the [HealthReport] as JSON; 503 if it is unhealthy
//	/status.json          what the page shows, as JSON
//	/metrics              see [AdminConfig]
//	/debug/pprof/         profiles, for go tool pprof
//	/shards/{id}          a shard's details as JSON
//	/shards/{id}/restart  POST: see [Bot.RestartShard]
//
// It asks for the Token of [WithAdmin]; to have one without the bot's own server, set Addr to
// "none". Without a token it answers only who asks for localhost or a loopback address, except
// /livez and /readyz. Requests that a page of another site has a browser send are refused. To
// mount it below a path, use [http.StripPrefix].
func (b *Bot) AdminHandler() http.Handler { return b.adminServer().handler }

// AdminAddr returns the address that the server of [WithAdmin] listens on; "" before Open.
func (b *Bot) AdminAddr() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.adminListener == nil {
		return ""
	}
	return b.adminListener.Addr().String()
}

// An admin is the server for operators, and the handler that it serves.
type admin struct {
	bot     *Bot
	cfg     AdminConfig
	handler http.Handler
	page    *status.Server
	live    liveness
	sampler status.Sampler
	stop    chan struct{} // closed when the server stops: streams end
}

// openAdmin opens the admin server's port and serves on it until all else has been shut down. Like
// what AdminHandler returns, it is reached from there and from WithAdmin alone, so that programs
// that use neither are linked without it: the templates of the page would keep every method of
// every type, 5 MB of the smallest bot.
func openAdmin(ctx context.Context, b *Bot) error {
	a := b.adminServer()
	listener, err := a.listen(ctx)
	if err != nil {
		return err
	}
	if !b.startTask("admin server", func(ctx context.Context) { a.run(ctx, listener) }) {
		_ = listener.Close()
		return ErrShutdown
	}
	return nil
}

// adminServer returns the bot's admin, which is made when it is first asked for.
func (b *Bot) adminServer() *admin {
	b.adminOnce.Do(func() { b.admin = newAdmin(b) })
	return b.admin
}

func newAdmin(b *Bot) *admin {
	a := &admin{bot: b, cfg: b.cfg.admin, stop: make(chan struct{})}
	a.live.touch = func() { // takes every lock that the bot's work depends on
		b.Shards()
		b.queue.Stats()
		b.gate.Budget()
		b.health.Report()
	}
	a.page = status.New(status.Source{Page: a.statusPage, Shard: a.shardDetail})
	a.handler = a.routes()
	return a
}

func (a *admin) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.page.ServePage)
	mux.HandleFunc("GET /events", func(w http.ResponseWriter, r *http.Request) {
		a.page.ServeEvents(w, r, a.stop)
	})
	mux.HandleFunc("GET /status.json", a.page.ServeJSON)
	mux.HandleFunc("GET /shards/{id}", a.page.ServeShard)
	mux.HandleFunc("POST /shards/{id}/restart", a.restartShard)
	mux.HandleFunc("GET /livez", a.livez)
	mux.HandleFunc("GET /readyz", a.readyz)
	mux.HandleFunc("GET /healthz", a.healthz)
	mux.HandleFunc("GET /debug/pprof/{$}", pprofhttp.ServeIndex)
	mux.HandleFunc("GET /debug/pprof/{name}", pprofhttp.ServeProfile)
	mux.Handle("GET /metrics", a.metrics())
	guard := &access.Guard{
		Token: a.cfg.Token, Probes: []string{"/livez", "/readyz"}, OpenProbes: a.cfg.OpenProbes,
		Failed: func() { a.bot.stats.failedLogins.Add(1) }, Logger: a.bot.cfg.logger,
	}
	return a.secure(guard.Wrap(mux))
}

// metrics returns what serves /metrics, or says why there are none.
func (a *admin) metrics() http.Handler {
	if a.cfg.Gatherer != nil {
		return promhttp.HandlerFor(a.cfg.Gatherer, promhttp.HandlerOpts{
			// One broken collector must not hide the others.
			ErrorHandling: promhttp.ContinueOnError,
			ErrorLog:      slog.NewLogLogger(a.bot.cfg.logger.Handler(), slog.LevelError),
		})
	}
	reason := "there are no metrics: see botwright.WithMetrics"
	if a.bot.cfg.registerer != nil {
		reason = "the registerer of WithMetrics can register metrics and not gather them, as " +
			"those of prometheus.WrapRegistererWith: set AdminConfig.Gatherer to the registry"
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, reason, http.StatusNotFound)
	})
}

// Limits of the server.
const (
	adminReadTimeout  = 10 * time.Second // requests have no body to speak of
	adminWriteTimeout = 30 * time.Second // for an answer; long enough for RestartShard
	adminIdleTimeout  = 2 * time.Minute
	adminMaxHeader    = 16 << 10
	adminStopTimeout  = 2 * time.Second
)

// secure sets the headers and the deadline that every answer has. Streams and profiles, which
// may take longer, give each write one of its own.
func (a *admin) secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		// Not every server of the program's own can have deadlines; it has its own limits then.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(adminWriteTimeout))
		next.ServeHTTP(w, r)
	})
}

// livez says whether this process works at all. It is what restarts a process, so nothing counts
// that a restart does not mend.
func (a *admin) livez(w http.ResponseWriter, r *http.Request) {
	if !a.live.check(r.Context()) {
		http.Error(w, fmt.Sprintf("wedged: a lock has not been free for %v; "+
			"see /debug/pprof/goroutine?debug=2", livenessTimeout), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}

// readyz says whether every shard of this process is ready.
func (a *admin) readyz(w http.ResponseWriter, r *http.Request) {
	shards, ready := a.bot.Shards(), 0
	for _, s := range shards {
		if s.State == ShardReady {
			ready++
		}
	}
	code, text := http.StatusServiceUnavailable, "not ready"
	switch {
	case a.bot.stopping():
		text = "shutting down"
	case len(shards) > 0 && ready == len(shards):
		code, text = http.StatusOK, "ok"
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	fmt.Fprintln(w, text)
	if !r.URL.Query().Has("verbose") {
		return
	}
	fmt.Fprintf(w, "%d of %d shards ready\n", ready, len(shards))
	for _, s := range shards {
		fmt.Fprintf(w, "shard %d %s since %s\n", s.ID, s.State, s.Since.UTC().Format(time.RFC3339))
	}
}

// healthz shows what the checks have found. Where nobody has them run, it runs them.
func (a *admin) healthz(w http.ResponseWriter, r *http.Request) {
	report := a.bot.health.Report()
	if !a.bot.cfg.checksRun() && time.Since(a.oldestRun(report)) > cheapInterval {
		report = a.bot.health.Check(r.Context())
	}
	code := http.StatusOK
	if report.Status == Unhealthy {
		code = http.StatusServiceUnavailable
	}
	writeJSON(w, code, report)
}

func (a *admin) oldestRun(report HealthReport) time.Time {
	oldest := report.Time
	for _, c := range report.Checks {
		if c.LastRun.Before(oldest) {
			oldest = c.LastRun
		}
	}
	return oldest
}

// restartTimeout is how long an answer waits for the shard: a resume takes a second or two.
const restartTimeout = 20 * time.Second

func (a *admin) restartShard(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil {
		http.Error(w, "the shard's id is a number", http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), restartTimeout)
	defer cancel()
	a.bot.cfg.logger.Info("restart of a shard was asked for", "shard", id, "by", r.RemoteAddr)
	switch err := a.bot.RestartShard(ctx, id); {
	case errors.Is(err, ErrNotOwned):
		http.Error(w, "this process has no such shard", http.StatusNotFound)
	case err != nil:
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	default:
		writeJSON(w, http.StatusOK, map[string]any{"shard": id, "state": ShardReady})
	}
}

func writeJSON(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	_ = e.Encode(v) // what fails is the connection
}
