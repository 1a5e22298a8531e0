package runner

import "fmt"

// prepare feeds State and those who wait for members, and shows an event to those who expect it,
// before handlers get it. It runs in the order of the shard's events.
func (r *Runner[E]) prepare(w work[E]) (goOn bool) {
	ended := true
	defer func() {
		if ended { // a filter has ended the goroutine: the queue goes on without the event
			r.endWork(&w)
			r.ReportAside(w.event, fmt.Errorf("filter of Expect or Next: %w", ErrGoexit))
		}
	}()
	if err := r.Protect(func() error { return w.feed() }); err != nil {
		r.ReportAside(w.event, err)
	}
	if w.feeds {
		r.cfg.Ticket(w.event).tracker.Fed(r.cfg.About(w.event).Sequence)
	}
	if w.shows {
		r.show(&w)
	}
	goOn = w.kind != ends && w.kind != upkeep
	if !goOn {
		r.endWork(&w)
	}
	ended = false
	return goOn
}

// feed hands an event to those who wait for members, and to State.
func (w *work[E]) feed() error {
	switch {
	case w.kind == upkeep:
		w.upkeep()
	case w.feeds:
		return w.shard.cfg.Feed(w.event, w.kind == together || w.kind == alone || w.shows)
	}
	return nil
}

func (r *Runner[E]) show(w *work[E]) {
	r.Board.Show(r.cfg.About(w.event).Type, r.cfg.Ticket(w.event).arrived, w.event)
}

// endWork notes that a part of an event has come to its end.
func (r *Runner[E]) endWork(w *work[E]) {
	if !w.isUpkeep() {
		r.cfg.Ticket(w.event).Release()
	}
}
