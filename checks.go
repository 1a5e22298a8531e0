package botwright

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/gateway"
	"github.com/botwright/botwright/internal/health"
	"github.com/botwright/botwright/internal/rest"
)

// Names of the built-in checks.
const (
	checkGateway  = "gateway"
	checkMemory   = "memory"
	checkCache    = "cache"
	checkREST     = "rest"
	checkInvalid  = "invalid_requests"
	checkIdentify = "identify"
	checkQueue    = "queue"
	checkHandlers = "handlers"
	checkSessions = "sessions"
	checkCaptures = "captures"
)

func builtinChecks() []string {
	return []string{checkGateway, checkMemory, checkCache, checkREST, checkInvalid, checkIdentify,
		checkQueue, checkHandlers, checkSessions, checkCaptures}
}

// builtin adds a check that only reads memory, unless it is to be left out.
func (h *Health) builtin(name string, check CheckFunc) {
	if slices.Contains(h.cfg.Without, name) {
		return
	}
	h.Register(name, check, append([]CheckOption{
		CheckEvery(min(cheapInterval, h.cfg.Interval))}, h.cfg.Checks[name]...)...)
}

// builtinShards adds a check that returns a reading per shard.
func (h *Health) builtinShards(name string, read func() []health.Reading) {
	if slices.Contains(h.cfg.Without, name) {
		return
	}
	c := health.Check{
		Name: name, Interval: min(cheapInterval, h.cfg.Interval),
		Run: func(context.Context) ([]health.Reading, error) { return read(), nil },
	}
	setOptions(&c, h.cfg.Checks[name])
	h.monitor.Register(c)
}

// Watch adds the checks gateway, cache and rest for discordgo sessions that no [Bot] runs, one per
// shard. It panics if there are none, and when called a second time.
func (h *Health) Watch(sessions ...*discordgo.Session) {
	if len(sessions) == 0 || slices.Contains(sessions, nil) {
		panic("botwright: Watch was given no session, or a nil one: pass those of all shards")
	}
	if h.watching.Swap(true) {
		panic("botwright: Watch was called twice, or for the Health of a Bot, which has those " +
			"checks: call it once, with the sessions of all shards")
	}
	sessions = slices.Clone(sessions)
	h.builtinShards(checkGateway, func() []health.Reading {
		readings := make([]health.Reading, len(sessions))
		for i, s := range sessions {
			readings[i] = h.sessionReading(s)
		}
		return readings
	})
	h.builtin(checkCache, func(context.Context) (CheckResult, error) {
		return h.judgeCaches([]CacheReport{{Name: "State", Entries: stateEntries(sessions)}}), nil
	})
	h.watchREST(&restCheck{health: h, session: sessions[0]})
}

// judgeCaches compares each cache with its own limit, or with MaxCacheEntries if it has none. One
// that is as full as it may be is well.
func (h *Health) judgeCaches(caches []CacheReport) CheckResult {
	r := CheckResult{Unit: "entries", Message: "no caches"}
	worst := -1.0
	for _, c := range caches {
		limit := cmp.Or(c.MaxSize, h.cfg.MaxCacheEntries)
		if share := float64(c.Entries) / float64(limit); share > worst {
			worst = share
			r.Value, r.Threshold = float64(c.Entries), float64(limit)
			r.Message = fmt.Sprintf("%s has %d entries", c.Name, c.Entries)
		}
	}
	if worst > 1 {
		r.Status = Degraded
		r.Message += fmt.Sprintf(", more than %.0f: give it a MaxSize, or a TTL with WithCache",
			r.Threshold)
	}
	return r
}

// stateEntries counts the members and presences that the sessions' States hold: discordgo never
// lets go of one. Guilds, channels and roles are as many as there are.
func stateEntries(sessions []*discordgo.Session) int {
	n := 0
	for _, s := range sessions {
		s.State.RLock()
		for _, g := range s.State.Guilds {
			n += len(g.Members) + len(g.Presences)
		}
		s.State.RUnlock()
	}
	return n
}

// nearLimit is the share of the memory limit at which the process is as good as dead.
const nearLimit = 0.95

// checkMemory judges how much of its limit the process uses; see [WithMemoryLimit].
func (h *Health) checkMemory(context.Context) (CheckResult, error) {
	m := h.memory.Read()
	r := CheckResult{Value: float64(m.Used), Unit: "bytes"}
	if m.Limit.Max == 0 {
		r.Message = quantity(r.Value, r.Unit) + ", no limit"
		return r, nil
	}
	r.Threshold = float64(m.Limit.Max) * h.cfg.MaxMemory
	r.Message = fmt.Sprintf("%s of %s (%s)", quantity(r.Value, r.Unit),
		quantity(float64(m.Limit.Max), r.Unit), m.Limit.Source)
	switch share := m.Share(); {
	case share > max(nearLimit, h.cfg.MaxMemory):
		r.Status = Unhealthy
	case share > h.cfg.MaxMemory:
		r.Status = Degraded
	}
	return r, nil
}

// watchBot adds the checks of a bot.
func (h *Health) watchBot(b *Bot) {
	h.watching.Store(true)
	h.builtinShards(checkGateway, (&gatewayCheck{health: h, bot: b}).run)
	h.watchREST(&restCheck{health: h, session: b.probeSession(), traffic: &b.traffic})
	h.builtin(checkQueue, b.checkQueue)
	h.builtin(checkHandlers, (&handlerErrors{bot: b}).check)
	h.builtin(checkInvalid, func(context.Context) (CheckResult, error) {
		return judgeInvalid(b.rest.Stats()), nil
	})
	h.builtin(checkIdentify, b.checkIdentify)
	h.watchDisk(b)
	h.builtin(checkMemory, h.checkMemory)
	h.builtin(checkCache, func(context.Context) (CheckResult, error) {
		return h.judgeCaches(b.cacheReports()), nil
	})
}

// probeSession returns a session to ask Discord with, at any time: the bot's own is changed when
// the bot opens. It has the same client and limits.
func (b *Bot) probeSession() *discordgo.Session {
	return &discordgo.Session{
		Token: b.session.Token, Client: b.session.Client, Ratelimiter: b.session.Ratelimiter,
		UserAgent: b.session.UserAgent,
	}
}

// checkQueue judges how full the queue of events is, and for how long they wait. When it is full,
// the bot does not read.
func (b *Bot) checkQueue(context.Context) (CheckResult, error) {
	st, limits := b.queue.Stats(), b.cfg.queue
	used := max(float64(st.Events-st.Interactions)/float64(limits.MaxEvents),
		float64(st.Bytes)/float64(limits.MaxBytes))
	r := CheckResult{Value: used, Threshold: b.health.cfg.MaxQueue, Unit: "share",
		Message: fmt.Sprintf("%d events, %d being handled", st.Events, st.Running)}
	switch {
	case used >= 1:
		r.Status = Unhealthy
		r.Message += "; nothing more is read: handlers are too slow or too many events are wanted"
	case used >= r.Threshold:
		r.Status = Degraded
	}
	if status, message := b.judgeOldest(); message != "" {
		r.Message += "; " + message
		if status == Unhealthy || r.Status == "" {
			r.Status = status
		}
	}
	return r, nil
}

// watchDisk adds the checks of what a full disk stops, if the bot uses it.
func (h *Health) watchDisk(b *Bot) {
	if b.cfg.sessionStore != nil {
		h.builtin(checkSessions, b.checkSessions)
	}
	if b.profiler.cfg.CaptureDir != "" {
		h.builtin(checkCaptures, b.profiler.checkCaptures)
	}
}

// checkSessions judges whether sessions can be saved. While they cannot, a restart would identify.
func (b *Bot) checkSessions(context.Context) (CheckResult, error) {
	failure, _ := b.saver.Failure()
	if failure.Err == nil {
		return CheckResult{Message: "sessions are saved"}, nil
	}
	return CheckResult{Status: Degraded, Message: fmt.Sprintf("sessions cannot be saved since %s, "+
		"a restart would lose them: %s", failure.Since.UTC().Format("15:04:05 MST"),
		briefly(failure.Err))}, nil
}

// storageFailures counts what could not be written, by what it was.
func (b *Bot) storageFailures() map[string]uint64 {
	_, sessions := b.saver.Failure()
	captures, _ := b.profiler.captureFailures()
	return map[string]uint64{checkSessions: sessions, checkCaptures: captures}
}

// checkIdentify judges what is left of the day's IDENTIFYs. When there are fewer than shards, a
// restart would not come back.
func (b *Bot) checkIdentify(context.Context) (CheckResult, error) {
	budget := b.gate.Budget()
	if budget.Total == 0 || time.Now().After(budget.ResetAt) {
		return CheckResult{Message: "nothing spent"}, nil
	}
	return judgeIdentify(budget, len(b.Shards()), b.health.cfg.MinIdentifies), nil
}

func judgeIdentify(budget gateway.Budget, shards int, least float64) CheckResult {
	r := CheckResult{Value: float64(budget.Remaining), Threshold: float64(budget.Total) * least,
		Unit: "identifies", Message: fmt.Sprintf("%d of %d left until %s", budget.Remaining,
			budget.Total, budget.ResetAt.UTC().Format("15:04 MST"))}
	switch {
	case budget.Exhausted || budget.Remaining < shards:
		r.Status = Unhealthy
		r.Message += "; do not restart: find out why sessions are lost"
	case r.Value < r.Threshold:
		r.Status = Degraded
	}
	return r
}

// handlerErrors judges the share of events that handlers fail at, over the last minutes.
type handlerErrors struct {
	bot *Bot

	mu      sync.Mutex // guards what follows
	samples []handlerSample
}

type handlerSample struct {
	at            time.Time
	events, fails uint64
}

const (
	handlerWindow  = 5 * time.Minute
	minFailures    = 10  // fewer may be anything
	mostlyFailures = 0.5 // the share at which the bot does not work
)

func (c *handlerErrors) check(context.Context) (CheckResult, error) {
	now := handlerSample{time.Now(), c.bot.queue.Stats().Finished, c.bot.failures.Load()}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.samples = append(c.samples, now)
	for len(c.samples) > 2 && now.at.Sub(c.samples[1].at) >= handlerWindow {
		c.samples = c.samples[1:]
	}
	first := c.samples[0]
	return judgeHandlers(now.events-first.events, now.fails-first.fails,
		c.bot.health.cfg.MaxHandlerErrors), nil
}

func judgeHandlers(events, fails uint64, most float64) CheckResult {
	share := min(float64(fails)/float64(max(events, 1)), 1)
	r := CheckResult{Value: share, Threshold: most, Unit: "share",
		Message: fmt.Sprintf("%d errors in %d events", fails, events)}
	switch {
	case fails < minFailures:
	case share >= max(mostlyFailures, most):
		r.Status = Unhealthy
	case share > most:
		r.Status = Degraded
	}
	return r
}

// Invalid requests in 10 minutes from which a bot is degraded and unhealthy: two and seven tenths of
// those for which Discord blocks a host.
const (
	invalidDegraded  = rest.InvalidLimit * 2 / 10
	invalidUnhealthy = rest.InvalidLimit * 7 / 10
)

// judgeInvalid judges the requests that Discord counts towards blocking the host.
func judgeInvalid(st rest.Stats) CheckResult {
	r := CheckResult{Value: float64(st.Invalid), Threshold: invalidDegraded, Unit: "requests",
		Message: fmt.Sprintf("%d of 10 minutes were answered with 401, 403 or 429", st.Invalid)}
	switch {
	case st.Blocked > 0:
		r.Status = Unhealthy
		r.Message = fmt.Sprintf("Cloudflare blocks this host, for %v more: stop what keeps sending "+
			"requests that fail", st.Blocked.Round(time.Second))
	case st.Invalid >= invalidUnhealthy:
		r.Status = Unhealthy
		r.Message += "; Discord is about to block this host"
	case st.Invalid >= invalidDegraded:
		r.Status = Degraded
	}
	return r
}
