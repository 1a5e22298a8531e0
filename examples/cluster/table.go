package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// A table shows the processes: on a terminal it is drawn over itself, elsewhere it is a line each
// time.
type table struct {
	out   io.Writer
	live  bool
	lines int // drawn before
}

func newTable(out *os.File) *table {
	info, err := out.Stat()
	return &table{out: out, live: err == nil && info.Mode()&os.ModeCharDevice != 0}
}

// show shows the status every second until ctx is done.
func (t *table) show(ctx context.Context, now func() status) {
	ticks := time.NewTicker(time.Second)
	defer ticks.Stop()
	for {
		select {
		case <-ticks.C:
			t.draw(now())
		case <-ctx.Done():
			return
		}
	}
}

func (t *table) draw(s status) {
	var b strings.Builder
	if !t.live {
		for _, p := range s.processes {
			fmt.Fprintf(&b, "%s %s %v; ", p.version, p.state, p.shards)
		}
		fmt.Fprintln(t.out, b.String()+s.String())
		return
	}
	if t.lines > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", t.lines) // up again
	}
	const endLine = "\x1b[K\n" // without what was there before
	fmt.Fprintf(&b, "%8s  %-7s  %-6s  %7s  %s%s", "PROCESS", "VERSION", "STATE", "EVENTS", "SHARDS", endLine)
	for _, p := range s.processes {
		fmt.Fprintf(&b, "%8d  %-7s  %s%-6s\x1b[0m  %7d  %s%s", p.pid, p.version,
			color(p.state), p.state, p.events, strings.Trim(fmt.Sprint(p.shards), "[]"), endLine)
	}
	fmt.Fprint(&b, s, endLine)
	t.lines = len(s.processes) + 2
	_, _ = io.WriteString(t.out, b.String())
}

// color returns the escape sequence for a state's color.
func color(state string) string {
	switch state {
	case "runs":
		return "\x1b[32m"
	case "killed", "failed":
		return "\x1b[31m"
	}
	return "\x1b[33m"
}
