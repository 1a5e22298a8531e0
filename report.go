package botwright

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"sync/atomic"
	"time"

	"github.com/botwright/botwright/internal/resource"
	"github.com/botwright/botwright/internal/tick"
)

// A Report summarizes how a bot is doing. It prints as a few lines for people, and can be logged
// with slog and encoded as JSON.
type Report struct {
	Time   time.Time     `json:"time"`
	Uptime time.Duration `json:"uptime_ns"` // since Open

	Shards      int `json:"shards"` // of this process
	ShardsReady int `json:"shards_ready"`

	// ReadyIn estimates how long the shards that are not ready will take if nothing is wrong with
	// them. Discord lets only a few of them identify at a time.
	ReadyIn time.Duration `json:"ready_in_ns"`

	Guilds            int `json:"guilds"`
	UnavailableGuilds int `json:"unavailable_guilds"`

	// Users is the total number of members of all guilds; a user in two guilds counts twice.
	// Discord sends the numbers with each guild. Later joins and leaves are counted if the bot has
	// the intent for members.
	Users int `json:"users"`

	Events          uint64  `json:"events"`            // received, wanted or not
	EventsPerSecond float64 `json:"events_per_second"` // the sum of all ShardStatus.EventRate
	APICalls        uint64  `json:"api_calls"`         // requests to Discord's REST API, each attempt

	REST      RESTStats     `json:"rest"`
	Queue     QueueStatus   `json:"queue"`
	Caches    []CacheReport `json:"caches"` // see Bot.ObserveCache
	State     StateStats    `json:"state"`
	Resources Resources     `json:"resources"`

	Cluster *ClusterStatus `json:"cluster,omitempty"` // nil without WithCluster
}

// Report returns a snapshot. CPUPercent is an average over the time since the last Report that is at
// least a second old, or since Open. It does not wait for the network or a handler.
func (b *Bot) Report() Report {
	r := Report{
		Time: time.Now(), Events: b.stats.events.Load(), APICalls: b.stats.calls.Load(),
		REST:   restStats(b.rest.Stats()),
		Caches: b.cacheReports(), State: b.StateStats(), Resources: b.readResources(),
		Users: b.users(), Queue: b.Queue(), Cluster: b.cluster(),
	}
	if f := b.currentFleet(); f != nil {
		r.Shards, r.ShardsReady, r.ReadyIn = len(f.All()), f.Ready(), f.TimeLeft()
		for _, s := range f.All() {
			st := s.Status()
			r.Guilds += st.Guilds
			r.UnavailableGuilds += st.Unavailable
			r.EventsPerSecond += s.silence.Rate()
		}
	}
	r.Resources.CPUPercent = b.stats.cpu.Percent(r.Resources.UserCPU + r.Resources.SystemCPU)
	r.Uptime = b.stats.uptime(r.Time)
	return r
}

// users returns the sum of all members of the guilds of this process.
func (b *Bot) users() int {
	n := 0
	for _, s := range b.ownShards() {
		n += s.census.Members()
	}
	return n
}

// String returns three lines for people, and one for each cache.
func (r Report) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "up %v, %d of %d shards ready", r.Uptime.Round(time.Second),
		r.ShardsReady, r.Shards)
	if r.ReadyIn > 0 {
		fmt.Fprintf(&s, " (about %.0f s left)", r.ReadyIn.Seconds())
	}
	fmt.Fprintf(&s, ", %d guilds", r.Guilds)
	if r.UnavailableGuilds > 0 {
		fmt.Fprintf(&s, " (and %d unavailable)", r.UnavailableGuilds)
	}
	fmt.Fprintf(&s, ", %d users\n", r.Users)
	fmt.Fprintf(&s, "%d events (%.1f/s), %d waiting, %d in handlers, %d API calls\n",
		r.Events, r.EventsPerSecond, r.Queue.waiting(), r.Queue.Running, r.APICalls)
	if r.Cluster != nil {
		fmt.Fprintln(&s, r.Cluster)
	}
	for _, c := range r.Caches {
		fmt.Fprintf(&s, "cache %s: %d of %d entries, %.1f %% hits\n",
			c.Name, c.Entries, c.MaxSize, c.HitRatio*100)
	}
	s.WriteString(r.Resources.String())
	return s.String()
}

// LogValue implements slog.LogValuer.
func (r Report) LogValue() slog.Value {
	var caches []any
	for _, c := range r.Caches {
		caches = append(caches, slog.Group(c.Name, slog.Int("entries", c.Entries),
			slog.Float64("hit_ratio", math.Round(c.HitRatio*1000)/1000)))
	}
	return slog.GroupValue(
		slog.String("uptime", r.Uptime.Round(time.Second).String()),
		slog.Int("shards", r.Shards), slog.Int("shards_ready", r.ShardsReady),
		slog.Int("guilds", r.Guilds), slog.Int("unavailable_guilds", r.UnavailableGuilds),
		slog.Int("users", r.Users),
		slog.Uint64("events", r.Events), slog.Float64("events_per_second", tenths(r.EventsPerSecond)),
		slog.Uint64("api_calls", r.APICalls),
		slog.Int("waiting", r.Queue.waiting()), slog.Int("running", r.Queue.Running),
		slog.Group("caches", caches...),
		slog.Any("resources", r.Resources),
	)
}

// WithReportEvery logs a [Report] at info level every d while the bot is open. 30s is usual.
// Default: no reports.
func WithReportEvery(d time.Duration) Option {
	return func(c *config) {
		if d <= 0 {
			c.problem("WithReportEvery", "%v is not a positive duration", d)
			return
		}
		c.reportEvery = d
	}
}

func logReports(ctx context.Context, b *Bot) {
	tick.Every(ctx, b.cfg.reportEvery, func() { b.cfg.logger.Info("report", "bot", b.Report()) })
}

// stats is what a bot counts for its reports.
type stats struct {
	events       atomic.Uint64
	calls        atomic.Uint64 // REST
	failedLogins atomic.Uint64 // at the admin server
	opened       atomic.Int64  // Unix time, ns; 0: not yet
	cpu          resource.CPUMeter
}

// start notes that the bot is being opened.
func (s *stats) start() {
	s.opened.Store(time.Now().UnixNano())
	s.cpu.Start()
}

func (s *stats) uptime(now time.Time) time.Duration {
	if opened := s.opened.Load(); opened != 0 {
		return now.Sub(time.Unix(0, opened))
	}
	return 0
}
