package memory

import (
	"log/slog"
	"runtime/debug"
	"sync"
)

// A step is what is done from a share of the limit on. There are few, far apart: each costs hits
// later.
type step struct {
	percent int64
	share   float64 // of caches to give up
}

// stepAt returns what is to be done.
func stepAt(r Reading) step {
	switch share := r.Share(); {
	case share >= 0.95:
		return step{95, 1}
	case share >= 0.9:
		return step{90, 0.5}
	case share >= 0.8:
		return step{80, 0.25}
	}
	return step{}
}

const (
	margin    = 5 // percent of the limit by which use grows before the guard tries again
	useful    = 1 // percent of the limit that a shrink must bring
	calmLooks = 6 // below all steps, before it is said that all is well: a minute
)

// GuardConfig configures a Guard.
type GuardConfig struct {
	Monitor *Monitor

	// Shrink gives up a share of what the caches hold and returns how many entries those were.
	Shrink func(share float64) (entries int)

	// Collect collects garbage. Default: debug.FreeOSMemory, because RSS may count.
	Collect func()

	Logger *slog.Logger
}

// A Guard shrinks caches before the process runs out of memory; see the package's documentation.
// Look is called by one goroutine, Pressure by any.
type Guard struct {
	cfg      GuardConfig
	gcs      uint64 // collections at the last look
	resigned int64  // what was used after a shrink that brought nothing; 0 for none
	told     int64  // the highest step that was logged since all was well
	calm     int    // looks below all steps since

	mu   sync.Mutex // guards what follows
	last Pressure
}

// A Pressure says how memory stands, as of the last look.
type Pressure struct {
	Limit   int64
	Used    int64
	Level   int    // 0, or the step in percent that was reached
	Shrinks uint64 // times that caches were shrunk
	Entries uint64 // that were given up in all
}

// NewGuard returns a Guard that has not looked yet.
func NewGuard(cfg GuardConfig) *Guard {
	if cfg.Collect == nil {
		cfg.Collect = debug.FreeOSMemory
	}
	return &Guard{cfg: cfg}
}

// Pressure returns how it stood at the last look.
func (g *Guard) Pressure() Pressure {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.last
}

// Look compares use with the limit, and has caches shrunk if that is due and helps. Without a
// limit it does nothing.
func (g *Guard) Look() {
	if g.cfg.Monitor.Limit().Max == 0 {
		return
	}
	r := g.cfg.Monitor.Read()
	if g.due(r) || g.unknown(r) {
		r = g.collected() // RSS holds garbage, and Live is as of the last collection
	}
	shrink := g.due(r)
	g.tell(r)
	entries := 0
	if shrink {
		r, entries = g.shrink(r)
	}
	g.gcs = r.GCs
	g.mu.Lock()
	defer g.mu.Unlock()
	g.last.Limit, g.last.Used, g.last.Level = r.Limit.Max, r.Used, int(stepAt(r).percent)
	if shrink {
		g.last.Shrinks++
		g.last.Entries += uint64(entries) //nolint:gosec // not negative
	}
}

// unknown reports whether what was made since the last collection decides about a step, and the
// runtime has had no reason to collect since the last look.
func (g *Guard) unknown(r Reading) bool {
	if r.GCs != g.gcs || stepAt(r).percent > 0 {
		return false
	}
	r.Used = r.Limit.counts(r.Usage, r.Uncollected())
	return stepAt(r).percent > 0
}

func (g *Guard) collected() Reading {
	g.cfg.Collect()
	return g.cfg.Monitor.Read()
}

// due reports whether something is to be given up: a step is reached, and what was done about it
// before, if anything, was of use or is long overtaken.
func (g *Guard) due(r Reading) bool {
	at := stepAt(r)
	if at.percent == 0 {
		g.resigned = 0
		return false
	}
	return g.resigned == 0 || r.Used >= g.resigned+r.Limit.Max/100*margin ||
		int(at.percent) > g.Pressure().Level
}

// shrink gives up what the step says, and sees whether it helped.
func (g *Guard) shrink(r Reading) (after Reading, entries int) {
	entries = g.cfg.Shrink(stepAt(r).share)
	after = g.collected()
	if entries > 0 && r.Used-after.Used >= r.Limit.Max/100*useful {
		g.resigned = 0
		return after, entries
	}
	if g.resigned == 0 {
		g.logger(after).Warn("shrinking caches does not free memory: something else uses it; "+
			"raise the limit, or find what grows in a heap profile", "entries", entries)
	}
	g.resigned = after.Used
	return after, entries
}

// tell logs what has changed: that a step is reached which was not before, and that all has been
// well for a while.
func (g *Guard) tell(r Reading) {
	at := stepAt(r)
	if at.percent > g.told {
		g.told = at.percent
		g.logger(r).Warn("memory is running out: shrinking caches and State",
			"percent", at.percent, "share", at.share)
	}
	if at.percent > 0 || g.told == 0 {
		g.calm = 0
		return
	}
	if g.calm++; g.calm >= calmLooks {
		g.told, g.calm = 0, 0
		g.logger(r).Info("there is enough memory again: caches may grow")
	}
}

func (g *Guard) logger(r Reading) *slog.Logger {
	return g.cfg.Logger.With("used_bytes", r.Used, "limit_bytes", r.Limit.Max,
		"limit", r.Limit.Source)
}
