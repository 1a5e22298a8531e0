package botwright

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/botwright/botwright/internal/access"
	"github.com/botwright/botwright/internal/admin"
	"github.com/botwright/botwright/internal/build"
	"github.com/botwright/botwright/internal/checks"
	"github.com/botwright/botwright/internal/status"
)

// AdminConfig configures the admin server; see [WithAdmin]. Zero fields have their defaults.
type AdminConfig struct {
	// Addr is the address to listen on. Default: 127.0.0.1:9180. It is loopback because the server
	// shows and does what only operators should, and the port is in the range of metrics exporters.
	// With port 0 the system picks one; see [Bot.AdminAddr]. With "none" no port is opened, and the
	// rest of the configuration applies to [Bot.AdminHandler] on a server of your own.
	Addr string

	// Token must be sent with every request, as "Authorization: Bearer <token>" or as the password
	// that a browser asks for, with any user name. It is required if Addr is not a loopback
	// address, and must have at least 16 characters.
	Token string

	// OpenProbes serves /livez and /readyz without the token and without details, because the
	// kubelet has no token.
	OpenProbes bool

	// Gatherer is what /metrics shows. Default: the registry of [WithMetrics]. If that is a
	// registerer from prometheus.WrapRegistererWith, set the registry that it wraps. Without a
	// Gatherer /metrics returns 404 and says so.
	Gatherer prometheus.Gatherer
}

// Addresses with a meaning of their own: see AdminConfig.
const (
	defaultAdminAddr = "127.0.0.1:9180"
	noAdminAddr      = "none"
)

// minAdminToken is the length of a token that nobody guesses.
const minAdminToken = 16

// WithAdmin serves [Bot.AdminHandler], from Open until everything else has shut down.
func WithAdmin(cfg AdminConfig) Option {
	return func(c *config) {
		if cfg.Addr == "" {
			cfg.Addr = defaultAdminAddr
		}
		host, _, err := net.SplitHostPort(cfg.Addr)
		switch {
		case cfg.Addr == noAdminAddr:
		case err != nil:
			c.problem("WithAdmin", "%q is not an address to listen on, such as %s: %w",
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

// AdminHandler returns a handler that you can mount on your own server:
//
//	/                     the status page
//	/livez                200 unless this process is stuck; Discord's outages do not count
//	/readyz               200 if every shard is ready; ?verbose lists them
//	/healthz              the [HealthReport] as JSON; 503 if it is unhealthy
//	/status.json          what the page shows, as JSON
//	/metrics              see [AdminConfig]
//	/debug/pprof/         profiles, for go tool pprof
//	/shards/{id}          a shard's details as JSON
//	/shards/{id}/restart  POST: see [Bot.RestartShard]
//
// It requires the Token of [WithAdmin]. To have a token without the bot's own server, set Addr to
// "none". Without a token it answers only requests for localhost or a loopback address, except for
// /livez and /readyz. It refuses requests that a page of another site makes a browser send. To
// mount it below a path, use http.StripPrefix.
func (b *Bot) AdminHandler() http.Handler { return b.adminServer().Handler() }

// AdminAddr returns the address that the server of [WithAdmin] listens on; "" before Open.
func (b *Bot) AdminAddr() string {
	if addr := b.adminAddr.Load(); addr != nil {
		return (*addr).String()
	}
	return ""
}

// openAdmin opens the admin server's port, if it is to have one, and serves until all else has been
// shut down. Like what AdminHandler returns, it is reached from there and from WithAdmin alone, so
// that programs that use neither are linked without it: the templates of the page would keep every
// method of every type, 5 MB of the smallest bot.
func openAdmin(ctx context.Context, b *Bot) error {
	s := b.adminServer()
	if b.cfg.admin.Addr != noAdminAddr {
		addr, err := s.Listen(ctx, b.cfg.admin.Addr)
		if err != nil {
			return err
		}
		b.adminAddr.Store(&addr)
	}
	if !b.startTask("admin server", s.Run) {
		s.Close()
		return ErrShutdown
	}
	return nil
}

// adminServer returns the bot's admin server, which is made when it is first asked for.
func (b *Bot) adminServer() *admin.Server {
	b.adminOnce.Do(func() {
		cfg := b.cfg.admin
		b.admin = admin.New(admin.Config{
			Token: cfg.Token, OpenProbes: cfg.OpenProbes, Logger: b.cfg.logger,
			View:   &status.View{Shards: b.gatewayStatuses, Facts: b.facts},
			Shards: b.gatewayStatuses, Stopping: b.stopping,
			Health: b.healthNow, Restart: b.restartOwn,
			Gatherer: cfg.Gatherer, Exemplars: b.cfg.tracer != nil, NoGatherer: b.cfg.noGatherer(),
			FailedLogin: func() { b.stats.failedLogins.Add(1) },
			Touch: func() {
				b.Shards()
				b.runner.Stats()
				b.gate.Budget()
				b.health.Report()
			},
		})
	})
	return b.admin
}

// noGatherer says why /metrics shows nothing.
func (c *config) noGatherer() string {
	if c.registerer == nil {
		return "there are no metrics: see botwright.WithMetrics"
	}
	return "the registerer of WithMetrics can register metrics and not gather them, as those of " +
		"prometheus.WrapRegistererWith: set AdminConfig.Gatherer to the registry"
}

// healthNow returns what the checks have found. Where nobody has them run, it runs them.
func (b *Bot) healthNow(ctx context.Context) (report any, unhealthy bool) {
	r := b.health.Report()
	oldest := r.Time
	for _, c := range r.Checks {
		if c.LastRun.Before(oldest) {
			oldest = c.LastRun
		}
	}
	if !b.cfg.checksRun() && time.Since(oldest) > checks.CheapInterval {
		r = b.health.Check(ctx)
	}
	return r, r.Status == Unhealthy
}

// restartOwn is RestartShard for a shard that the process may not have.
func (b *Bot) restartOwn(ctx context.Context, id int) (ok bool, err error) {
	err = b.RestartShard(ctx, id)
	return !errors.Is(err, ErrNotOwned), err
}

// facts gathers what the status page shows.
func (b *Bot) facts() status.Facts {
	f := status.Facts{
		Name: cmp.Or(b.selfUser(), "Bot"), Version: build.Read().Botwright,
		Started: b.started, ShardCount: b.totalShards(),
		Stopping: b.stopping(), WasReady: b.ready.Load(),
		Health: b.health.monitor.Report(), Alerts: b.health.recentNotices(),
		Queue: b.runner.Stats(), QueueLimits: b.cfg.queue.internal(),
		Oldest: b.oldest(), MaxOldest: checks.MaxOldest,
		Memory: b.memory.Read(), Invalid: b.rest.Stats().Invalid, Identifies: b.gate.Budget(),
		Operations: b.profiler.operations.Snapshot(),
	}
	host, err := os.Hostname()
	if err != nil {
		host = "this process"
	}
	f.Process = cmp.Or(b.cfg.health.Name, host)
	for _, c := range b.cacheReports() {
		f.Caches = append(f.Caches, status.Cache{
			Name: c.Name, Entries: c.Entries, Limit: c.MaxSize, Hits: c.HitRatio})
	}
	return f
}

func (b *Bot) stopping() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state == botStopping
}

func (b *Bot) totalShards() int {
	if f := b.currentFleet(); f != nil {
		return f.Count
	}
	return 0
}

// selfUser returns the bot's name once it is known.
func (b *Bot) selfUser() string {
	s := b.session.State
	s.RLock()
	defer s.RUnlock()
	if s.User == nil {
		return ""
	}
	return s.User.Username
}
