package alert

import (
	"fmt"
	"strings"

	"github.com/botwright/botwright/internal/health"
	"github.com/botwright/botwright/internal/webhook"
)

// Embed returns what a webhook shows of a notice. Its color is that of what is still open, so
// that good news does not hide bad ones.
func Embed(n health.Notice, name string) webhook.Embed {
	titles := map[health.Kind]string{
		health.Firing:    "Bot Health Alert",
		health.Repeating: "Bot Health Alert, still open",
		health.Resolved:  "Bot Health Resolved",
		health.Fatal:     "Bot Stopped",
	}
	e := webhook.Embed{Title: titles[n.Kind], Color: color(Status(n)), Timestamp: n.Time.UTC()}
	for _, p := range n.Problems {
		value := text(p)
		if n.Kind == health.Resolved {
			value = over(p)
			if p.First {
				value += fmt.Sprintf(", from <t:%d:t> to <t:%d:t>; it could not be told before",
					p.Since.Unix(), p.Since.Add(p.Duration).Unix())
			}
		}
		e.Fields = append(e.Fields, webhook.Field{Name: Subject(p), Value: value, Inline: true})
	}
	if n.Kind == health.Resolved {
		e.Description = "Everything is healthy."
		if len(n.Open) > 0 {
			e.Description = "Still open: " + Lines(n.Open)
		}
	}
	if name != "" {
		e.Footer = &webhook.Footer{Text: name}
	}
	return e
}

// Mentions reports whether somebody should be notified: when a problem is unhealthy that nobody
// was told of, or not that it is as bad.
func Mentions(n health.Notice) bool {
	if n.Kind == health.Fatal {
		return true
	}
	for _, p := range n.Problems {
		if p.First && p.Worst == health.Unhealthy {
			return true
		}
	}
	return false
}

// text is a problem for people: what, how much, since when. Discord shows the time as theirs.
func text(p health.Problem) string {
	lines := []string{p.Message}
	if p.Threshold > 0 {
		lines = append(lines, fmt.Sprintf("%s, the limit is %s",
			Quantity(p.Value, p.Unit), Quantity(p.Threshold, p.Unit)))
	}
	return strings.TrimSpace(strings.Join(append(lines,
		fmt.Sprintf("since <t:%d:R>", p.Since.Unix())), "\n"))
}

// ReportEmbed returns what a webhook shows of a report.
func ReportEmbed(r health.Report, name string) webhook.Embed {
	e := webhook.Embed{Title: "Bot Status", Color: color(r.Status), Timestamp: r.Time.UTC(),
		Description: "Everything is healthy."}
	if name != "" {
		e.Footer = &webhook.Footer{Text: name}
	}
	switch {
	case r.Stopped:
		e.Color = color(health.Pending)
		e.Description = fmt.Sprintf("The bot stopped <t:%d:R>, at <t:%[1]d:f>.", r.Time.Unix())
		if len(r.Open) > 0 {
			e.Description += "\nOpen by then: " + Lines(r.Open)
		}
		return e
	case r.Status.Worse(health.Healthy):
		e.Description = "Something is " + string(r.Status) + "."
	}
	marks := map[health.Status]string{health.Healthy: "🟢", health.Degraded: "🟠",
		health.Unhealthy: "🔴", health.Pending: "⚪"}
	for _, c := range r.Checks {
		subject := Subject(health.Problem{
			Check: c.Name, Shards: c.Shards, TotalShards: c.TotalShards})
		e.Fields = append(e.Fields, webhook.Field{
			Name: marks[c.Status] + " " + subject, Value: c.Message, Inline: true})
	}
	return e
}

func color(s health.Status) int {
	switch s {
	case health.Unhealthy:
		return 0xFF0000
	case health.Degraded:
		return 0xFFBF00
	case health.Healthy:
		return 0x2ECC71
	}
	return 0x95A5A6
}
