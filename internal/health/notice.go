package health

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// A Kind is what a Notice is about.
type Kind string

// Kinds.
const (
	Firing    Kind = "firing"    // problems began or grew
	Repeating Kind = "repeating" // problems are still there
	Resolved  Kind = "resolved"  // problems ended
)

// A Notice says what has changed.
type Notice struct {
	Kind     Kind
	Time     time.Time
	Problems []Problem // what it is about
	Open     []Problem // all that there are now
}

// A Problem is a check that is not healthy, or was, on one or more shards.
type Problem struct {
	Check     string
	Shards    []int // in ascending order; empty if it is about the whole process
	Status    Status
	Value     float64
	Threshold float64
	Unit      string
	Message   string
	Since     time.Time     // the earliest one
	Duration  time.Duration // until it ended; 0 while it has not
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
	open := m.openLocked()
	m.mu.Unlock()
	var begun, ended []Problem
	for k, p := range open {
		if before, ok := m.told[k]; !ok || p.Status.Worse(before.Status) {
			begun = append(begun, p)
		}
	}
	for k, p := range m.told {
		if _, ok := open[k]; !ok {
			p.Duration = now.Sub(p.Since)
			ended = append(ended, p)
		}
	}
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
	m.remember(open)
	return repeat || len(begun)+len(ended) > 0
}

func (m *Monitor) notify(n Notice, open []Problem, now time.Time) {
	if len(n.Problems) == 0 {
		return
	}
	m.lastTold = now
	n.Time, n.Problems, n.Open = now, group(n.Problems), group(open)
	m.cfg.Notify(n)
}

// remember keeps what was told. A problem that got better and is not over keeps its old status,
// so that it is not told again when it gets worse again.
func (m *Monitor) remember(open map[key]Problem) {
	for k, p := range open {
		if before, ok := m.told[k]; ok {
			p.Since = before.Since
			if before.Status.Worse(p.Status) {
				p.Status = before.Status
			}
			open[k] = p
		}
	}
	m.told = open
}

// openLocked returns the problems, one per series.
func (m *Monitor) openLocked() map[key]Problem {
	open := make(map[key]Problem)
	for _, c := range m.checks {
		for shard, s := range c.series {
			if s.problem() {
				open[key{c.Name, shard}] = c.problem(s)
			}
		}
	}
	return open
}

// group makes one problem of those of the same check and status, worst first.
func group(problems []Problem) []Problem {
	slices.SortFunc(problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(b.Status.rank(), a.Status.rank()),
			cmp.Compare(a.Check, b.Check), slices.Compare(a.Shards, b.Shards))
	})
	var groups []Problem
	for len(problems) > 0 {
		same := 1
		for same < len(problems) && problems[same].Check == problems[0].Check &&
			problems[same].Status == problems[0].Status {
			same++
		}
		groups = append(groups, merge(problems[:same]))
		problems = problems[same:]
	}
	return groups
}

// merge makes one problem of several. It has the value of the worst one.
func merge(problems []Problem) Problem {
	merged := problems[0]
	merged.Shards = nil
	for _, p := range problems {
		merged.Shards = append(merged.Shards, p.Shards...)
		merged.Value = max(merged.Value, p.Value)
		merged.Duration = max(merged.Duration, p.Duration)
		if p.Since.Before(merged.Since) {
			merged.Since = p.Since
		}
	}
	merged.Message = mergeMessages(problems)
	return merged
}

// maxMessages is how many different messages of one group are told.
const maxMessages = 3

func mergeMessages(problems []Problem) string {
	shards := make(map[string][]int)
	for _, p := range problems {
		shards[p.Message] = append(shards[p.Message], p.Shards...)
	}
	if len(shards) == 1 {
		return problems[0].Message
	}
	messages := slices.SortedFunc(maps.Keys(shards), func(a, b string) int {
		return cmp.Or(len(shards[b])-len(shards[a]), slices.Compare(shards[a], shards[b]))
	})
	var parts []string
	for _, message := range messages[:min(len(messages), maxMessages)] {
		if len(shards[message]) > 0 {
			message = Ranges(shards[message]) + ": " + message
		}
		parts = append(parts, message)
	}
	if more := len(messages) - maxMessages; more > 0 {
		parts = append(parts, fmt.Sprintf("%d more", more))
	}
	return strings.Join(parts, "\n")
}

// Ranges writes sorted numbers for people: "3–17, 20". Two in a row are no range.
func Ranges(numbers []int) string {
	var parts []string
	for i := 0; i < len(numbers); {
		last := i
		for last+1 < len(numbers) && numbers[last+1] == numbers[last]+1 {
			last++
		}
		if last < i+2 {
			last = i
			parts = append(parts, fmt.Sprint(numbers[i]))
		} else {
			parts = append(parts, fmt.Sprintf("%d–%d", numbers[i], numbers[last]))
		}
		i = last + 1
	}
	return strings.Join(parts, ", ")
}
