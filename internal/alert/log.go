package alert

import (
	"context"
	"log/slog"
	"time"

	"github.com/botwright/botwright/internal/health"
)

// Log logs a notice, a line per problem: what is unhealthy at error level, what is degraded at warn
// level, what is resolved at info level.
func Log(ctx context.Context, log *slog.Logger, n health.Notice) {
	for _, p := range n.Problems {
		level := slog.LevelInfo
		switch {
		case n.Kind == health.Resolved:
		case p.Status == health.Unhealthy:
			level = slog.LevelError
		case p.Status == health.Degraded:
			level = slog.LevelWarn
		}
		attrs := []slog.Attr{slog.String("kind", string(n.Kind)), slog.String("check", p.Check),
			slog.String("status", string(p.Status))}
		if len(p.Shards) > 0 {
			attrs = append(attrs, slog.String("shards", health.Ranges(p.Shards)))
		}
		if p.TotalShards > 1 {
			attrs = append(attrs, slog.Int("total_shards", p.TotalShards))
		}
		if p.Flapping {
			attrs = append(attrs, slog.Bool("flapping", true))
		}
		if n.Kind == health.Resolved {
			attrs = append(attrs, slog.String("after", p.Duration.Round(time.Second).String()))
		} else {
			attrs = append(attrs, slog.String("message", p.Message), slog.Time("since", p.Since))
		}
		log.LogAttrs(ctx, level, "health alert", attrs...)
	}
}
