package botwright

import (
	"cmp"
	"fmt"
	"time"

	"github.com/botwright/botwright/internal/dispatch"
)

// The ages of the oldest waiting event at which the check queue changes. A person who waits for an
// answer looks again after seconds, and has gone after half a minute.
const (
	oldestDegraded  = 5 * time.Second
	oldestUnhealthy = 30 * time.Second
)

// oldest returns for how long the event has waited that waits longest, 0 if none does.
func (b *Bot) oldest() time.Duration {
	w, ok := b.queue.Oldest()
	if !ok {
		return 0
	}
	return time.Since(w.Received)
}

// judgeOldest judges for how long the oldest event has waited, and says who is to blame.
func (b *Bot) judgeOldest() (status HealthStatus, message string) {
	w, ok := b.queue.Oldest()
	if !ok {
		return Healthy, ""
	}
	age := time.Since(w.Received)
	switch {
	case age > oldestUnhealthy:
		status = Unhealthy
	case age > oldestDegraded:
		status = Degraded
	default:
		return Healthy, ""
	}
	return status, fmt.Sprintf("an event has waited for %v%s", age.Round(time.Second), b.blame(w))
}

// blame says what an event waits for, as far as that can be told.
func (b *Bot) blame(w dispatch.Waiting[work]) string {
	e := w.Value.event
	if e == nil { // upkeep of State
		return ""
	}
	of := fmt.Sprintf(" (%s of %s)", e.Type, keyText(e))
	switch {
	case w.Parked:
		return of + ", for the MaxConcurrent of its handler"
	case w.Before != nil && w.Before.event != nil:
		return of + ", behind the handler " + b.watchdog.handlerOf(w.Before.event)
	}
	return fmt.Sprintf("%s, for a worker; its guild has %d of them and %d events", of,
		w.GuildWorkers, w.GuildEvents)
}

// handlerOf returns the name of the handler that an event is at.
func (w *watchdog) handlerOf(e *Event) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	name := ""
	for _, c := range w.calls {
		if c.event == e {
			name = c.registration.name
		}
	}
	return cmp.Or(name, "before it")
}
