package botwright

import (
	"cmp"
	"fmt"
	"time"

	"github.com/botwright/botwright/internal/checks"
	"github.com/botwright/botwright/internal/dispatch"
)

// oldest returns for how long the event has waited that waits longest, 0 if none does.
func (b *Bot) oldest() time.Duration {
	w, ok := b.queue.Oldest()
	if !ok {
		return 0
	}
	return time.Since(w.Received)
}

// oldestWaiting is the same for the check of the queue, with who is to blame.
func (b *Bot) oldestWaiting() checks.Oldest {
	w, ok := b.queue.Oldest()
	if !ok {
		return checks.Oldest{}
	}
	return checks.Oldest{Age: time.Since(w.Received), Blame: func() string { return b.blame(w) }}
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
