package alert

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/botwright/botwright/internal/health"
)

// Subject returns what a problem is with: "gateway (15 of 64 shards: 3–17)".
func Subject(p health.Problem) string {
	name := p.Check
	if p.Flapping {
		name += " flapping"
	}
	n := len(p.Shards)
	switch {
	case n == 0:
		return name
	case p.TotalShards > 1:
		return fmt.Sprintf("%s (%d of %d shards: %s)", name, n, p.TotalShards,
			health.Ranges(p.Shards))
	case n == 1:
		return fmt.Sprintf("%s (shard %d)", name, p.Shards[0])
	}
	return fmt.Sprintf("%s (shards %s)", name, health.Ranges(p.Shards))
}

// Line returns a problem in a line: "gateway (15 of 64 shards: 3–17) unhealthy: backoff".
func Line(p health.Problem) string {
	if p.Duration > 0 {
		return Subject(p) + " " + over(p)
	}
	text := Subject(p) + " " + string(p.Status)
	if p.Message != "" {
		text += ": " + strings.ReplaceAll(p.Message, "\n", "; ")
	}
	return text
}

// Lines returns problems in a line.
func Lines(problems []health.Problem) string {
	parts := make([]string, len(problems))
	for i, p := range problems {
		parts[i] = Line(p)
	}
	return strings.Join(parts, "; ")
}

// over says that a problem has ended.
func over(p health.Problem) string {
	took := p.Duration.Round(time.Second)
	if p.Flapping {
		return fmt.Sprintf("steady again after %v", took)
	}
	return fmt.Sprintf("healthy again after %v", took)
}

// Status returns how things are: the worst of what is open and of what has begun.
func Status(n health.Notice) health.Status {
	worst := health.Healthy
	problems := n.Open
	if n.Kind != health.Resolved {
		problems = append(slices.Clip(problems), n.Problems...)
	}
	for _, p := range problems {
		if p.Status.Worse(worst) {
			worst = p.Status
		}
	}
	return worst
}

// Quantity writes a value with its unit for people.
func Quantity(v float64, unit string) string {
	switch unit {
	case "s":
		return time.Duration(v * float64(time.Second)).Round(time.Millisecond).String()
	case "bytes":
		return fmt.Sprintf("%.0f MiB", v/(1<<20))
	case "share":
		return fmt.Sprintf("%.0f %%", math.Round(v*100))
	case "":
		return fmt.Sprintf("%g", v)
	}
	return fmt.Sprintf("%g %s", v, unit)
}
