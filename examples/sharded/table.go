package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/botwright/botwright"
)

// A table shows the status of shards: on a terminal a table that is drawn over itself, elsewhere a
// line each time.
type table struct {
	out   io.Writer
	live  bool
	lines int // drawn before
}

func newTable(out *os.File) *table {
	info, err := out.Stat()
	return &table{out: out, live: err == nil && info.Mode()&os.ModeCharDevice != 0}
}

// show shows the shards until ctx is done, and returns their last status.
func (t *table) show(
	ctx context.Context, shards func() []botwright.ShardStatus,
) []botwright.ShardStatus {
	tick := time.NewTicker(refresh)
	defer tick.Stop()
	for last := shards(); ; last = shards() {
		if len(last) > 0 {
			t.draw(last)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return last
		}
	}
}

func (t *table) draw(shards []botwright.ShardStatus) {
	if !t.live {
		fmt.Fprintln(t.out, line(shards))
		return
	}
	var b strings.Builder
	if t.lines > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", t.lines) // up again
	}
	const endLine = "\x1b[K\n" // without what was there before
	fmt.Fprintf(&b, "%5s  %-11s  %7s  %6s  %7s  %8s  %7s  %s%s",
		"SHARD", "STATE", "LATENCY", "GUILDS", "EVENTS", "EVENTS/S", "RESUMES", "ERROR", endLine)
	for _, s := range shards {
		trouble := ""
		if s.Err != nil {
			trouble = s.Err.Error()
		}
		fmt.Fprintf(&b, "%5d  %s%-11s\x1b[0m  %7s  %6d  %7d  %8.1f  %7d  %.40s%s", s.ID,
			color(s.State), s.State, s.Latency.Round(10*time.Microsecond), s.Guilds, s.Events,
			s.EventRate, s.Resumes, trouble, endLine)
	}
	fmt.Fprint(&b, line(shards), endLine)
	t.lines = len(shards) + 2
	_, _ = io.WriteString(t.out, b.String())
}

// line is all shards in one line.
func line(shards []botwright.ShardStatus) string {
	ready, guilds, events := 0, 0, uint64(0)
	var others []string
	for _, s := range shards {
		guilds += s.Guilds
		events += s.Events
		if s.State == botwright.ShardReady {
			ready++
		} else {
			others = append(others, fmt.Sprintf("%d %s", s.ID, s.State))
		}
	}
	text := fmt.Sprintf("ready %d/%d, %d guilds, %d events", ready, len(shards), guilds, events)
	if len(others) > 0 {
		text += "; shard " + strings.Join(others, ", ")
	}
	return text
}

// color returns the escape sequence for a state's color.
func color(s botwright.ShardState) string {
	switch s {
	case botwright.ShardReady:
		return "\x1b[32m"
	case botwright.ShardFatal, botwright.ShardClosed, botwright.ShardBackoff:
		return "\x1b[31m"
	}
	return "\x1b[33m"
}
