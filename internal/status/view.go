package status

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/botwright/botwright/internal/alert"
	"github.com/botwright/botwright/internal/dispatch"
	"github.com/botwright/botwright/internal/gateway"
	"github.com/botwright/botwright/internal/health"
	"github.com/botwright/botwright/internal/memory"
	"github.com/botwright/botwright/internal/profile"
	"github.com/botwright/botwright/internal/rest"
)

// Facts are what a page is made of: what the parts of the bot say of themselves.
type Facts struct {
	Name       string
	Version    string
	Process    string
	Started    time.Time
	ShardCount int // over all processes; 0 if not known yet
	Stopping   bool
	WasReady   bool // all shards were, once

	Health health.Report
	Alerts []health.Notice // grouped, oldest first

	Queue       dispatch.Stats
	QueueLimits dispatch.Config
	Oldest      time.Duration // for which the oldest event waits
	MaxOldest   time.Duration // from which on that is unhealthy

	Memory     memory.Reading
	Invalid    int // requests of the last 10 minutes that Discord counts as invalid
	Identifies gateway.Budget
	Caches     []Cache
	Operations []profile.Stats
}

// A View makes pages of facts. Its fields must be set before use; its methods may be called from
// any goroutine.
type View struct {
	Shards func() []gateway.Status // of this process
	Facts  func() Facts

	sampler Sampler
}

// Sample takes what the page draws as a line, if it is time for it.
func (v *View) Sample() {
	v.sampler.Take(time.Now(), func() []Sample {
		var samples []Sample
		for _, st := range v.Shards() {
			samples = append(samples, Sample{
				Shard: st.ShardID, Events: st.Events, Latency: st.Latency})
		}
		return samples
	})
}

// Page returns what is to be shown now.
func (v *View) Page() Page {
	v.Sample()
	f, shards := v.Facts(), v.Shards()
	process := Process{Name: f.Process, Shards: []Shard{}}
	for _, st := range shards {
		process.Shards = append(process.Shards, v.shard(st))
	}
	page := Page{
		Name: f.Name, Version: f.Version, Time: time.Now(), Started: f.Started,
		ShardCount: f.ShardCount, Processes: []Process{process},
		History: v.sampler.History(), Meters: f.meters(),
		Caches: f.Caches, Slow: slowest(f.Operations),
	}
	page.Totals = totals(page.Processes)
	for _, st := range shards {
		page.Totals.Events += st.Events
	}
	page.Totals.Memory, page.Totals.MemoryLimit = float64(f.Memory.Used), float64(f.Memory.Limit.Max)
	page.Totals.Goroutines = f.Memory.Goroutines
	for _, c := range f.Health.Checks {
		page.Checks = append(page.Checks, pageCheck(c))
	}
	for _, n := range slices.Backward(f.Alerts) {
		page.Alerts = append(page.Alerts, Alert{Time: n.Time, Kind: string(n.Kind),
			Status: string(alert.Status(n)), Text: alert.Lines(n.Problems)})
	}
	page.Status = f.overall(page.Totals)
	return page
}

// Shard returns what is shown of one shard, and false if this process does not have it.
func (v *View) Shard(id int) (Detail, bool) {
	for _, st := range v.Shards() {
		if st.ShardID != id {
			continue
		}
		return Detail{
			Shard: v.shard(st), History: v.sampler.ShardHistory(id), Sequence: st.Sequence,
			Events: st.Events, Session: unix(st.SessionSince), LastACK: unix(st.LastACK),
			Counters: map[string]int{"Identifies": int(st.Identifies), "Resumes": int(st.Resumes),
				"Failed dials": int(st.FailedDials)}, //nolint:gosec // not that many
			Closes: st.Disconnects,
		}, true
	}
	return Detail{}, false
}

func (v *View) shard(st gateway.Status) Shard {
	s := Shard{
		ID: st.ShardID, State: st.State.String(), Since: unix(st.Since),
		Down: unix(st.DownSince), Retry: unix(st.RetryAt),
		Latency: float64(st.AverageLatency.Microseconds()) / 1000, Rate: v.sampler.Rate(st.ShardID),
		Guilds: st.Guilds, Unavailable: st.Unavailable,
	}
	if st.State != gateway.Ready { // nothing reaches them
		s.Guilds, s.Unavailable = 0, s.Guilds+s.Unavailable
	}
	s.Quiet = st.State == gateway.Ready && s.Guilds > 0 && time.Since(lastEvent(st)) >= quietAfter
	if st.Err != nil {
		s.Error = st.Err.Error()
	}
	return s
}

// quietAfter is how long a ready shard with guilds may bring no event before it is marked: most
// guilds have a presence or a typing within that time, if those are asked for. A small bot is often
// quiet. Whether a shard has gone silent, which its own past decides, is for package silence to say.
const quietAfter = 2 * time.Minute

// lastEvent returns when a shard had its last event, or became ready.
func lastEvent(st gateway.Status) time.Time {
	if st.LastEvent.After(st.Since) {
		return st.LastEvent
	}
	return st.Since
}

// overall is the status in a word. What the checks have not noticed yet, the shards show.
func (f *Facts) overall(t Totals) string {
	switch {
	case f.Stopping:
		return "stopping"
	case f.Health.Status.Worse(health.Healthy):
		if f.Health.Recovering() {
			return "recovering"
		}
		return string(f.Health.Status)
	case !f.WasReady:
		return "starting"
	case t.Ready < t.Shards:
		return string(health.Degraded)
	}
	return string(health.Healthy)
}

func totals(processes []Process) Totals {
	var t Totals
	measured := 0
	for _, p := range processes {
		for _, s := range p.Shards {
			t.Shards++
			t.Guilds += s.Guilds
			t.Unavailable += s.Unavailable
			t.Rate += s.Rate
			if s.State == gateway.Ready.String() {
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

func pageCheck(c health.CheckReport) Check {
	check := Check{Name: c.Name, Status: string(c.Status), Message: c.Message,
		Recovering: c.Recovering(),
		Duration:   float64(c.Duration.Microseconds()) / 1000}
	if len(c.Shards) > 0 {
		check.Name = alert.Subject(health.Problem{Check: c.Name, Shards: c.Shards})
	}
	if c.Threshold > 0 {
		check.Value = alert.Quantity(c.Value, c.Unit)
		check.Limit = alert.Quantity(c.Threshold, c.Unit)
	}
	for _, s := range c.History {
		check.History = append(check.History, string(s))
	}
	return check
}

// maxSlow is how many operations are shown: the rest is not slow.
const maxSlow = 8

// slowest returns the operations that take longest, by what all but a hundredth of calls take.
func slowest(all []profile.Stats) []Slow {
	slices.SortFunc(all, func(a, b profile.Stats) int { return cmp.Compare(b.P99, a.P99) })
	var slow []Slow
	for _, o := range all[:min(len(all), maxSlow)] {
		us := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
		slow = append(slow, Slow{
			Name: o.Name, Count: o.Count, P50: us(o.P50), P99: us(o.P99), Max: us(o.Max)})
	}
	return slow
}

// meters are what the bot can use up.
func (f *Facts) meters() []Meter {
	st, limits := f.Queue, f.QueueLimits
	meters := []Meter{
		count("Queued events", st.Events, limits.MaxEvents),
		bytes("Queued bytes", st.Bytes, limits.MaxBytes),
		count("Handlers running", st.Running, limits.MaxInFlight),
		meter("Oldest waiting event", f.Oldest.Seconds(), f.MaxOldest.Seconds(),
			f.Oldest.Round(time.Millisecond).String()),
	}
	if f.Memory.Limit.Max > 0 {
		meters = append(meters, bytes("Memory", f.Memory.Used, f.Memory.Limit.Max))
	}
	if f.Invalid > 0 {
		meters = append(meters, count("Invalid requests in 10 min", f.Invalid, rest.InvalidLimit))
	}
	if b := f.Identifies; b.Total > 0 {
		meters = append(meters, count("Identifies today", b.Total-b.Remaining, b.Total))
	}
	return meters
}

func count(name string, used, limit int) Meter {
	return meter(name, float64(used), float64(limit), fmt.Sprintf("%d of %d", used, limit))
}

func bytes(name string, used, limit int64) Meter {
	return meter(name, float64(used), float64(limit), alert.Quantity(float64(used), "bytes")+
		" of "+alert.Quantity(float64(limit), "bytes"))
}

// Shares of a meter at which it changes its colour.
const (
	meterDegraded  = 0.8
	meterUnhealthy = 0.95
)

func meter(name string, used, limit float64, text string) Meter {
	m := Meter{Name: name, Used: used / max(limit, 1), Text: text, Level: string(health.Healthy)}
	switch {
	case m.Used >= meterUnhealthy:
		m.Level = string(health.Unhealthy)
	case m.Used >= meterDegraded:
		m.Level = string(health.Degraded)
	}
	return m
}

// unix is 0 for no time.
func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}
