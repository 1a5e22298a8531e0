package health

import (
	"context"
	"maps"
	"slices"
	"time"
)

// A Kind is what a Notice is about.
type Kind string

// Kinds.
const (
	Firing    Kind = "firing"    // problems began or grew
	Repeating Kind = "repeating" // problems are still there
	Resolved  Kind = "resolved"  // problems ended

	Fatal Kind = "fatal" // it is over: the process stops
)

// A Notice says what has changed. Its problems have one series each; see [Group].
type Notice struct {
	Kind     Kind
	Time     time.Time
	Problems []Problem // what it is about
	Open     []Problem // all that there are now
}

// A Problem is a check that is not healthy, or was, on one or more shards.
type Problem struct {
	Check       string
	Shards      []int  // in ascending order; empty if it is about the whole process
	TotalShards int    // that the check looks at
	Status      Status // now
	Worst       Status // since it began
	Flapping    bool   // it stands for what comes and goes
	First       bool   // nobody was told before that it is as bad as Worst
	Value       float64
	Threshold   float64
	Unit        string
	Message     string
	Since       time.Time     // the earliest one
	Duration    time.Duration // until it ended; 0 while it has not
}

// reportEvery is how often the state of things is reported without a change, and checkEvery how
// often it is looked whether a quiet time is over or a repetition is due.
const (
	reportEvery = time.Minute
	checkEvery  = 15 * time.Second
)

// notices sends notices until ctx is done.
func (m *Monitor) notices(ctx context.Context) {
	look := time.NewTicker(min(checkEvery, m.cfg.Repeat))
	defer look.Stop()
	report := time.NewTicker(reportEvery)
	defer report.Stop()
	var grouped <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-m.kick:
			if grouped == nil {
				grouped = time.After(m.cfg.Group)
			}
			continue
		case <-grouped:
			grouped = nil
		case <-look.C:
			if grouped != nil {
				continue // what is being gathered goes out together
			}
		case <-report.C:
			m.cfg.Report(m.Report())
			continue
		}
		if m.tell(time.Now()) {
			m.cfg.Report(m.Report())
		}
	}
}

// tell sends what nobody was told yet, and reports whether there was anything.
func (m *Monitor) tell(now time.Time) bool {
	if m.cfg.Quiet != nil && m.cfg.Quiet() {
		return false
	}
	m.mu.Lock()
	open := m.openLocked(now)
	begun, ended := m.newsLocked(open, now)
	m.rememberLocked(open)
	m.mu.Unlock()
	all := slices.Collect(maps.Values(open))
	repeat := len(begun)+len(ended) == 0 && len(open) > 0 && now.Sub(m.lastTold) >= m.cfg.Repeat
	for _, n := range []Notice{
		{Kind: Resolved, Problems: ended}, {Kind: Firing, Problems: begun},
	} {
		m.notify(n, all, now)
	}
	if repeat {
		m.notify(Notice{Kind: Repeating, Problems: all}, all, now)
	}
	return repeat || len(begun)+len(ended) > 0
}

// newsLocked returns what has begun or grown and what has ended since it was told.
func (m *Monitor) newsLocked(open map[key]Problem, now time.Time) (begun, ended []Problem) {
	for k, p := range open {
		before, known := m.told[k]
		spreads := p.Flapping && p.Value >= 2*max(before.Value, 1)
		if known && !p.Status.Worse(before.Status) && !spreads {
			continue
		}
		flap := key{k.check, flapShard}
		if _, flaps := open[flap]; !flaps && p.Status == Degraded && m.told[flap].Flapping {
			p.Worst = p.Status // it was worse as a part of that
			open[k] = p
			continue // what is left of it is told with the end of the flapping
		}
		p.First = !known || p.Worst.Worse(before.Worst)
		begun = append(begun, p)
	}
	for k, p := range m.told {
		if _, is := open[k]; is {
			continue
		}
		if m.restored[k] && !m.settledLocked(k) {
			open[k] = p // as far as anybody knows
			continue
		}
		until, over := now, true
		if _, flaps := open[key{k.check, flapShard}]; flaps {
			if until, over = m.overLocked(k, now); until.Sub(p.Since) < calm {
				continue // it goes on as a part of that
			}
		}
		if !over {
			open[k] = p
			continue
		}
		p.Status, p.Duration = Healthy, until.Sub(p.Since)
		ended = append(ended, p)
	}
	return begun, ended
}

func (m *Monitor) notify(n Notice, open []Problem, now time.Time) {
	if len(n.Problems) == 0 {
		return
	}
	m.lastTold = now
	n.Time, n.Open = now, open
	m.cfg.Notify(n)
}

// rememberLocked keeps what is told. A problem that got better and is not over keeps its old
// status, so that it is not told again when it gets worse again; so does flapping its extent.
func (m *Monitor) rememberLocked(open map[key]Problem) {
	told := make(map[key]Problem, len(open))
	for k, p := range open {
		if before, ok := m.told[k]; ok {
			p.Since = before.Since
			p.Worst = worse(p.Status, before.Worst)
			p.Status = worse(p.Status, before.Status)
			if p.Flapping {
				p.Value = max(p.Value, before.Value)
			}
		}
		told[k] = p
	}
	m.told = told
	maps.DeleteFunc(m.restored, func(k key, _ bool) bool {
		_, is := told[k]
		return !is || m.settledLocked(k)
	})
}

// openLocked returns the problems, one per series, and one per check that flaps.
func (m *Monitor) openLocked(now time.Time) map[key]Problem {
	open := make(map[key]Problem)
	for _, c := range m.checks {
		c.flap.settle(now)
		for shard, s := range c.series {
			if s.problem() && !c.flap.covers(shard, s, now) {
				open[key{c.Name, shard}] = c.problem(s)
			}
		}
		if c.flap.active {
			open[key{c.Name, flapShard}] = c.flapping()
		}
	}
	maps.Copy(open, m.announced)
	return open
}
