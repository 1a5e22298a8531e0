package gateway

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// An outage is the time that a shard is not ready, its start included. Two lines tell of it: one
// says that the connection was lost, however many attempts fail then, and one that it is back.
type outage struct {
	since    time.Time
	attempts int        // that have failed
	told     slog.Level // the highest so far
}

func newOutage() outage { return outage{since: time.Now(), told: slog.LevelDebug} }

// logEnd says why a connection has ended: once per outage, and again when it gets more serious.
func (s *Shard) logEnd(ctx context.Context, end ending, delay time.Duration) {
	if end.ready {
		s.down = newOutage()
		if !errors.Is(end.err, errRestart) {
			s.stats.losses.Add(1)
		}
	}
	s.down.attempts++
	level := end.level()
	attrs := []any{"error", end.err, "resumable", s.resumable(),
		"retry_in", delay.Round(time.Millisecond).String(), "attempt", s.down.attempts}
	switch {
	case level <= s.down.told:
		s.log.Debug("gateway connection failed again", attrs...)
	case end.ready:
		s.log.Log(ctx, level, "gateway connection lost", attrs...)
	default:
		s.log.Log(ctx, level, "gateway connection failed", attrs...)
	}
	s.down.told = max(s.down.told, level)
}

// logReady says that the shard is ready, and for how long it was not.
func (s *Shard) logReady(resumed bool) {
	level := slog.LevelInfo
	if !s.wasReady {
		level, s.wasReady = s.cfg.FirstReady, true
	}
	attrs := []any{"after", time.Since(s.down.since).Round(time.Millisecond).String(),
		"attempt", s.down.attempts + 1}
	if resumed {
		s.log.Log(context.Background(), level, "shard resumed", attrs...)
		return
	}
	s.log.Log(context.Background(), level, "shard ready", attrs...)
}
