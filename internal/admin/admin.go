// Package admin serves what those who run a bot ask for by HTTP: probes, the status page, health,
// metrics and profiles, and the restart of a shard.
//
// A [Server] is a handler first, for a server of the program's own. Run opens a port of its own and
// is the only goroutine that outlives a request, except for the one that finds out whether the
// process is wedged: that one hangs exactly as long as the process does.
package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/botwright/botwright/internal/access"
	"github.com/botwright/botwright/internal/gateway"
	"github.com/botwright/botwright/internal/pprofhttp"
	"github.com/botwright/botwright/internal/status"
)

// Config says what a Server serves, and to whom. The functions may be called from any goroutine.
type Config struct {
	Token      string // see access.Guard
	OpenProbes bool
	Logger     *slog.Logger

	View     *status.View
	Shards   func() []gateway.Status // of this process
	Stopping func() bool

	// Health returns what /healthz shows.
	Health func(context.Context) (report any, unhealthy bool)

	// Restart restarts a shard and waits until it is ready. ok is false if the process does not
	// have it.
	Restart func(ctx context.Context, id int) (ok bool, err error)

	Gatherer    prometheus.Gatherer // of /metrics; may be nil
	Exemplars   bool                // of /metrics, for who asks for the OpenMetrics format
	NoGatherer  string              // why it is nil
	FailedLogin func()              // called for each wrong token

	// Touch takes every lock that the bot's work depends on.
	Touch func()
}

// A Server answers operators. Its methods may be called from any goroutine.
type Server struct {
	cfg      Config
	page     *status.Server
	live     liveness
	handler  http.Handler
	listener net.Listener  // nil: no port of its own
	stop     chan struct{} // closed when the server stops: streams end
}

// New returns a Server without a port.
func New(cfg Config) *Server {
	s := &Server{cfg: cfg, live: liveness{touch: cfg.Touch}, stop: make(chan struct{})}
	s.page = status.New(status.Source{Page: cfg.View.Page, Shard: cfg.View.Shard})
	s.handler = s.routes()
	return s
}

// Handler returns what answers.
func (s *Server) Handler() http.Handler { return s.handler }

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.page.ServePage)
	mux.HandleFunc("GET /events", func(w http.ResponseWriter, r *http.Request) {
		s.page.ServeEvents(w, r, s.stop)
	})
	mux.HandleFunc("GET /status.json", s.page.ServeJSON)
	mux.HandleFunc("GET /shards/{id}", s.page.ServeShard)
	mux.HandleFunc("POST /shards/{id}/restart", s.restart)
	mux.HandleFunc("GET /livez", s.livez)
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /debug/pprof/{$}", pprofhttp.ServeIndex)
	mux.HandleFunc("GET /debug/pprof/{name}", pprofhttp.ServeProfile)
	mux.Handle("GET /metrics", s.metrics())
	guard := &access.Guard{
		Token: s.cfg.Token, Probes: []string{"/livez", "/readyz"}, OpenProbes: s.cfg.OpenProbes,
		Failed: s.cfg.FailedLogin, Logger: s.cfg.Logger,
	}
	return secure(guard.Wrap(mux))
}

// metrics returns what serves /metrics, or says why there are none.
func (s *Server) metrics() http.Handler {
	if s.cfg.Gatherer != nil {
		return promhttp.HandlerFor(s.cfg.Gatherer, promhttp.HandlerOpts{
			// One broken collector must not hide the others.
			ErrorHandling: promhttp.ContinueOnError,
			ErrorLog:      slog.NewLogLogger(s.cfg.Logger.Handler(), slog.LevelError),
			// Only where there are exemplars: the format writes the bound of a bucket as le="1.0".
			EnableOpenMetrics: s.cfg.Exemplars,
		})
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, s.cfg.NoGatherer, http.StatusNotFound)
	})
}

// secure sets the headers and the deadline that every answer has. Streams and profiles, which
// may take longer, give each write one of its own.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		// Not every server of the program's own can have deadlines; it has its own limits then.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
		next.ServeHTTP(w, r)
	})
}

// livez says whether this process works at all. It is what restarts a process, so nothing counts
// that a restart does not repair.
func (s *Server) livez(w http.ResponseWriter, r *http.Request) {
	if !s.live.check(r.Context()) {
		http.Error(w, fmt.Sprintf("stuck: a lock has not been free for %v; "+
			"see /debug/pprof/goroutine?debug=2", livenessTimeout), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}

// readyz says whether every shard of this process is ready.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	shards, ready := s.cfg.Shards(), 0
	for _, st := range shards {
		if st.State == gateway.Ready {
			ready++
		}
	}
	code, text := http.StatusServiceUnavailable, "not ready"
	switch {
	case s.cfg.Stopping():
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
	for _, st := range shards {
		fmt.Fprintf(w, "shard %d %s since %s\n", st.ShardID, st.State,
			st.Since.UTC().Format(time.RFC3339))
	}
}

// healthz shows what the checks have found.
func (s *Server) healthz(w http.ResponseWriter, r *http.Request) {
	report, unhealthy := s.cfg.Health(r.Context())
	code := http.StatusOK
	if unhealthy {
		code = http.StatusServiceUnavailable
	}
	writeJSON(w, code, report)
}

// restartTimeout is how long an answer waits for the shard: a resume takes a second or two.
const restartTimeout = 20 * time.Second

func (s *Server) restart(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil {
		http.Error(w, "the shard's id is a number", http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), restartTimeout)
	defer cancel()
	s.cfg.Logger.Info("shard restart requested", "shard", id, "by", r.RemoteAddr)
	switch ok, err := s.cfg.Restart(ctx, id); {
	case !ok:
		http.Error(w, "this process has no such shard", http.StatusNotFound)
	case err != nil:
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	default:
		writeJSON(w, http.StatusOK, map[string]any{
			"shard": id, "state": gateway.Ready.String()})
	}
}

func writeJSON(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	_ = e.Encode(v) // what fails is the connection
}
