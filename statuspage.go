package botwright

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/rest"
	"github.com/botwright/botwright/internal/status"
)

// sample takes what the page draws as a line, if it is time for it.
func (a *admin) sample() {
	a.sampler.Take(time.Now(), func() []status.Sample {
		var samples []status.Sample
		for _, st := range a.bot.Shards() {
			samples = append(samples, status.Sample{
				Shard: st.ID, Events: st.Events, Latency: st.Latency})
		}
		return samples
	})
}

// statusPage gathers what the page shows.
func (a *admin) statusPage() status.Page {
	a.sample()
	b := a.bot
	page := status.Page{
		Name: "Bot", Version: moduleVersion(modulePath), Time: time.Now(), Started: b.started,
		ShardCount: b.totalShards(), Processes: []status.Process{a.process()},
		History: a.sampler.History(), Meters: b.meters(),
	}
	if user := b.selfUser(); user != "" {
		page.Name = user
	}
	page.Totals = totals(page.Processes)
	for _, st := range b.Shards() {
		page.Totals.Events += st.Events
	}
	used := b.memory.Read()
	page.Totals.Memory, page.Totals.MemoryLimit = float64(used.Used), float64(used.Limit.Max)
	page.Totals.Goroutines = used.Goroutines
	report := b.health.Report()
	for _, c := range report.Checks {
		page.Checks = append(page.Checks, pageCheck(c))
	}
	for _, alert := range slices.Backward(b.health.RecentAlerts()) {
		page.Alerts = append(page.Alerts, status.Alert{Time: alert.Time, Kind: string(alert.Kind),
			Status: string(alert.Status()), Text: alert.String()})
	}
	page.Caches, page.Slow = b.pageCaches(), slowest(b.profiler.Snapshot())
	page.Status = b.overall(report, page.Totals)
	return page
}

// recovering reports whether all that is not healthy was found well by its last run, which has yet
// to be confirmed.
func (r HealthReport) recovering() bool {
	for _, c := range r.Checks {
		if c.Status.Worse(Healthy) && !c.recovering() {
			return false
		}
	}
	return true
}

func (c CheckReport) recovering() bool {
	last := len(c.History) - 1
	return c.Status.Worse(Healthy) && last >= 0 && c.History[last] == Healthy
}

// overall is the status in a word. What the checks have not noticed yet, the shards show.
func (b *Bot) overall(report HealthReport, t status.Totals) string {
	b.mu.Lock()
	state := b.state
	b.mu.Unlock()
	switch {
	case state == botStopping:
		return "stopping"
	case report.Status.Worse(Healthy):
		if report.recovering() {
			return "recovering"
		}
		return string(report.Status)
	case !b.ready.Load():
		return "starting"
	case t.Ready < t.Shards:
		return string(Degraded)
	}
	return string(Healthy)
}

func (a *admin) process() status.Process {
	host, err := os.Hostname()
	if err != nil {
		host = "this process"
	}
	p := status.Process{Name: cmp.Or(a.bot.cfg.health.Name, host), Shards: []status.Shard{}}
	for _, st := range a.bot.Shards() {
		p.Shards = append(p.Shards, a.pageShard(st))
	}
	return p
}

func (a *admin) pageShard(st ShardStatus) status.Shard {
	rate, silent := a.sampler.Rate(st.ID)
	s := status.Shard{
		ID: st.ID, State: string(st.State), Since: unix(st.Since),
		Latency: float64(st.AverageLatency.Microseconds()) / 1000, Rate: rate,
	}
	s.Down, s.Retry = unix(st.DownSince), unix(st.RetryAt)
	s.Guilds, s.Unavailable = a.bot.countGuilds(st)
	if st.State != ShardReady { // nothing reaches them
		s.Guilds, s.Unavailable = 0, s.Guilds+s.Unavailable
	}
	s.Silent = silent && st.State == ShardReady && s.Guilds > 0
	if st.Err != nil {
		s.Error = st.Err.Error()
	}
	return s
}

// countGuilds returns how many guilds a shard has. To a bot without the intent GUILDS Discord
// lists them as unavailable and never says more.
func (b *Bot) countGuilds(st ShardStatus) (available, unavailable int) {
	if b.intents&discordgo.IntentGuilds == 0 {
		return st.Guilds + st.UnavailableGuilds, 0
	}
	return st.Guilds, st.UnavailableGuilds
}

// shardDetail gathers what is shown of one shard.
func (a *admin) shardDetail(id int) (status.Detail, bool) {
	for _, st := range a.bot.Shards() {
		if st.ID != id {
			continue
		}
		return status.Detail{
			Shard: a.pageShard(st), History: a.sampler.ShardHistory(id), Sequence: st.Sequence,
			Events: st.Events, Session: unix(st.SessionSince), LastACK: unix(st.LastACK),
			Counters: map[string]int{"Identifies": int(st.Identifies), "Resumes": int(st.Resumes),
				"Failed dials": int(st.FailedDials)}, //nolint:gosec // not that many
			Closes: st.Disconnects,
		}, true
	}
	return status.Detail{}, false
}

func totals(processes []status.Process) status.Totals {
	var t status.Totals
	measured := 0
	for _, p := range processes {
		for _, s := range p.Shards {
			t.Shards++
			t.Guilds += s.Guilds
			t.Unavailable += s.Unavailable
			t.Rate += s.Rate
			if s.State == string(ShardReady) {
				t.Ready++
			}
			if s.Latency > 0 {
				t.Latency += s.Latency
				measured++
			}
		}
	}
	t.Latency /= float64(max(measured, 1))
	return t
}

func pageCheck(c CheckReport) status.Check {
	check := status.Check{Name: c.Name, Status: string(c.Status), Message: c.Message,
		Recovering: c.recovering(),
		Duration:   float64(c.Duration.Microseconds()) / 1000}
	if len(c.Shards) > 0 {
		check.Name = Problem{Check: c.Name, Shards: c.Shards}.Subject()
	}
	if c.Threshold > 0 {
		check.Value, check.Limit = quantity(c.Value, c.Unit), quantity(c.Threshold, c.Unit)
	}
	for _, s := range c.History {
		check.History = append(check.History, string(s))
	}
	return check
}

func (b *Bot) pageCaches() []status.Cache {
	var caches []status.Cache
	for _, c := range b.cacheReports() {
		caches = append(caches, status.Cache{
			Name: c.Name, Entries: c.Entries, Limit: c.MaxSize, Hits: c.HitRatio})
	}
	return caches
}

// maxSlow is how many operations are shown: the rest is not slow.
const maxSlow = 8

// slowest returns the operations that take longest, by what all but a hundredth of calls take.
func slowest(all []OperationStats) []status.Slow {
	slices.SortFunc(all, func(a, b OperationStats) int { return cmp.Compare(b.P99, a.P99) })
	var slow []status.Slow
	for _, o := range all[:min(len(all), maxSlow)] {
		ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
		slow = append(slow, status.Slow{
			Name: o.Name, Count: o.Count, P50: ms(o.P50), P99: ms(o.P99), Max: ms(o.Max)})
	}
	return slow
}

// meters are what the bot can use up.
func (b *Bot) meters() []status.Meter {
	st, limits := b.queue.Stats(), b.cfg.queue
	meters := []status.Meter{
		meter("Queued events", float64(st.Events), float64(limits.MaxEvents),
			fmt.Sprintf("%d of %d", st.Events, limits.MaxEvents)),
		meter("Queued bytes", float64(st.Bytes), float64(limits.MaxBytes),
			quantity(float64(st.Bytes), "bytes")+" of "+quantity(float64(limits.MaxBytes), "bytes")),
		meter("Handlers running", float64(st.Running), float64(limits.MaxInFlight),
			fmt.Sprintf("%d of %d", st.Running, limits.MaxInFlight)),
		meter("Oldest waiting event", b.oldest().Seconds(), oldestUnhealthy.Seconds(),
			b.oldest().Round(time.Millisecond).String()),
	}
	if r := b.memory.Read(); r.Limit.Max > 0 {
		meters = append(meters, meter("Memory", float64(r.Used), float64(r.Limit.Max),
			quantity(float64(r.Used), "bytes")+" of "+quantity(float64(r.Limit.Max), "bytes")))
	}
	if n := b.rest.Stats().Invalid; n > 0 {
		meters = append(meters, meter("Invalid requests in 10 min", float64(n), rest.InvalidLimit,
			fmt.Sprintf("%d of %d", n, rest.InvalidLimit)))
	}
	if budget := b.gate.Budget(); budget.Total > 0 {
		spent := budget.Total - budget.Remaining
		meters = append(meters, meter("Identifies today", float64(spent), float64(budget.Total),
			fmt.Sprintf("%d of %d", spent, budget.Total)))
	}
	return meters
}

// Shares of a meter at which it changes its colour.
const (
	meterDegraded  = 0.8
	meterUnhealthy = 0.95
)

func meter(name string, used, limit float64, text string) status.Meter {
	m := status.Meter{Name: name, Used: used / max(limit, 1), Text: text, Level: string(Healthy)}
	switch {
	case m.Used >= meterUnhealthy:
		m.Level = string(Unhealthy)
	case m.Used >= meterDegraded:
		m.Level = string(Degraded)
	}
	return m
}

func (b *Bot) totalShards() int {
	if f := b.currentFleet(); f != nil {
		return f.count
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

// unix is 0 for no time.
func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}
