package runner

import (
	"context"
	"fmt"

	"github.com/botwright/botwright/internal/dispatch"
)

// handle does a piece of work. It runs on the queue's goroutines. An event one of whose handlers
// was cut off stays unhandled.
func (r *Runner[E]) handle(run *dispatch.Run[work[E]], w work[E]) {
	if !r.cfg.Ticket(w.event).owned() {
		return
	}
	if w.shows && r.cfg.Ticket(w.event).isInteraction() { // others were shown before
		r.show(&w)
	}
	r.handleRest(run, w, false)
}

// handleRest does what is left of it. If a handler ends the goroutine, another one goes on with
// those after it, before the queue has its worker back: the order of events stays.
func (r *Runner[E]) handleRest(run *dispatch.Run[work[E]], w work[E], cut bool) {
	ended := true
	defer func() {
		if ended {
			r.handleElsewhere(run, w, cut)
		}
	}()
	switch kind := w.kind; kind {
	case together:
		for len(w.handlers) > 0 {
			h := w.handlers[0]
			w.handlers = w.handlers[1:]
			cut = r.call(run, h, w.event, r.cfg.Follow.Begin) || cut
		}
	case alone:
		w.kind = done
		if w.orderErr != nil {
			r.report(withHandler(r.ctx, w.alone.Name), w.event, w.orderErr)
		}
		cut = r.call(run, w.alone, w.event, r.cfg.Follow.Begin)
	case forward:
		w.kind = done
		r.cfg.Ticket(w.event).Claim()
		w.shard.cfg.Forward(w.event)
	}
	ticket := r.cfg.Ticket(w.event)
	if !cut {
		ticket.Release()
	}
	ended = false
	if ticket.end() {
		r.reportUnclaimed(w.event)
	}
	if r.cfg.Follow.Ended != nil {
		r.cfg.Follow.Ended(w.event)
	}
}

// handleElsewhere does not let handleRest's variables escape.
func (r *Runner[E]) handleElsewhere(run *dispatch.Run[work[E]], w work[E], cut bool) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.handleRest(run, w, cut)
	}()
	<-done
}

// Call calls a handler with an event on the caller's goroutine, under watch, and reports its error
// or panic. It is true if the handler was cut off: it failed after the context of all handlers had
// ended, or was not called because the event is another process's by now. begin may be nil.
func (r *Runner[E]) Call(h *Handler[E], e E, begin Begin[E]) (cut bool) {
	return !r.cfg.Ticket(e).owned() || r.call(nil, h, e, begin)
}

// Later returns a handler that calls next, for a middleware that holds events back. It has the name
// of the handler whose call ctx is of, which is returned as well; nil if there is none.
func (r *Runner[E]) Later(ctx context.Context, next Func[E]) (later, of *Handler[E]) {
	later = &Handler[E]{Name: "debounced handler", run: next}
	if of = r.watchdog.handlerOf(ctx); of != nil {
		later.Name = of.Name
	}
	return later, of
}

func (r *Runner[E]) call(
	run *dispatch.Run[work[E]], h *Handler[E], e E, begin Begin[E],
) (cut bool) {
	if h.removed.Load() {
		return false
	}
	c := r.watchdog.begin(r.ctx, h, e, run)
	defer r.watchdog.end(r.ctx, c)
	ctx, end := c.ctx, noEnd
	if begin != nil {
		ctx, end = begin(ctx, h, e)
	}
	ended := true
	defer func() {
		if ended { // not in this goroutine, which the error handler might want to end as well
			r.failures.Add(1)
			end(ErrGoexit)
			r.ReportAside(e, fmt.Errorf("handler %s: %w", h.Name, ErrGoexit))
		}
	}()
	err := r.Protect(func() error { return h.run(ctx, e) })
	ended = false
	end(err)
	if err != nil {
		r.failures.Add(1)
		r.report(withHandler(ctx, h.Name), e, err)
		return r.ctx.Err() != nil
	}
	return false
}

func noEnd(error) {}
