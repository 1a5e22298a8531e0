package runner

import (
	"cmp"
	"fmt"
	"time"

	"github.com/botwright/botwright/internal/dispatch"
)

// Oldest returns for how long the event has waited that waits longest, 0 if none does, and says
// what it waits for, as far as that can be told.
func (r *Runner[E]) Oldest() (waited time.Duration, why string) {
	w, ok := r.queue.Oldest()
	if !ok {
		return 0, ""
	}
	return time.Since(w.Received), r.blame(&w)
}

func (r *Runner[E]) blame(w *dispatch.Waiting[work[E]]) string {
	if w.Value.isUpkeep() {
		return ""
	}
	about := r.cfg.About(w.Value.event)
	of := fmt.Sprintf(" (%s of %s)", about.Type, about.place())
	switch {
	case w.Parked:
		return of + ", for the MaxConcurrent of its handler"
	case w.Before != nil && !w.Before.isUpkeep():
		return of + ", behind the handler " + r.watchdog.nameOf(w.Before.event)
	}
	return fmt.Sprintf("%s, for a worker; its guild has %d of them and %d events", of,
		w.GuildWorkers, w.GuildEvents)
}

// nameOf returns the name of the handler that an event is at.
func (w *watchdog[E]) nameOf(e E) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	name := ""
	for _, c := range w.calls {
		if c.handler != nil && c.event == e {
			name = c.handler.Name
		}
	}
	return cmp.Or(name, "before it")
}
