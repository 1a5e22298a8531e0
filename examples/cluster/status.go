package main

import (
	"fmt"
	"slices"
)

// A status is what the table shows.
type status struct {
	processes  []line
	sent       int // numbers
	handled    int // of those, at least once
	lost       int // not handled though a later one of the shard was
	again      int // handled once more, because the process could not save that it had
	identifies int
}

// A line is a process.
type line struct {
	pid            int
	version, state string
	shards         []int
	events         int
}

func (w *world) status() status {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := status{identifies: len(w.discord.Identifies())}
	for shard, handled := range w.handled {
		last := 0
		for number, times := range handled {
			last = max(last, number)
			s.again += times - 1
		}
		s.sent += w.sent[shard]
		s.handled += len(handled)
		s.lost += last - len(handled)
	}
	for _, p := range w.processes {
		l := line{pid: p.cmd.Process.Pid, version: p.version, state: p.state, events: p.events}
		for shard, owner := range w.owner {
			if owner == p && (p.state == "runs" || p.state == "leaves") {
				l.shards = append(l.shards, shard)
			}
		}
		slices.Sort(l.shards)
		s.processes = append(s.processes, l)
	}
	return s
}

// summary prints the last status and returns an error if a number was lost.
func (w *world) summary() error {
	s := w.status()
	fmt.Println(s)
	if s.lost > 0 {
		return fmt.Errorf("%d numbers were lost", s.lost)
	}
	return nil
}

func (s status) String() string {
	return fmt.Sprintf("%d sent, %d handled, %d lost, %d handled again, %d IDENTIFYs",
		s.sent, s.handled, s.lost, s.again, s.identifies)
}
