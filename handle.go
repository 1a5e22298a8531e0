package botwright

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"

	"github.com/botwright/botwright/internal/dispatch"
	"github.com/botwright/botwright/internal/gateway"
	"github.com/botwright/botwright/internal/redact"
)

// handle runs the handlers of one event. It runs on the queue's goroutines. An event one of whose
// handlers was cut off stays unhandled.
func (b *Bot) handle(run *dispatch.Run[work], w work) {
	if w.shows && w.event.Type == interactionCreate { // others were shown before
		b.board.Show(w.event.Type, w.event.arrived, w.event)
	}
	b.handleRest(run, w, false)
}

// handleRest runs the handlers that are left. If one ends the goroutine, another one goes on with
// those after it, before the queue has its worker back: the order of events stays.
func (b *Bot) handleRest(run *dispatch.Run[work], w work, cut bool) {
	ended := true
	defer func() {
		if ended {
			b.handleElsewhere(run, w, cut)
		}
	}()
	for len(w.handlers) > 0 {
		r := w.handlers[0]
		w.handlers = w.handlers[1:]
		cut = b.call(run, r, w.event) || cut
	}
	if r := w.alone; r != nil {
		w.alone, w.handlers = nil, []*registration{}
		if w.orderErr != nil {
			b.report(withHandler(b.handlerCtx, r.name), w.event, w.orderErr)
		}
		cut = b.call(run, r, w.event)
	}
	if w.handlers == nil {
		w.handlers = []*registration{}
		w.event.care.claim()
		w.shard.forward(w.event)
	}
	if !cut {
		w.end()
	}
	ended = false
	b.endCare(w.event)
}

// handleElsewhere does not let handleRest's variables escape.
func (b *Bot) handleElsewhere(run *dispatch.Run[work], w work, cut bool) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.handleRest(run, w, cut)
	}()
	<-done
}

// call runs one handler, under watch, and reports its error or panic. It is true if the handler
// was cut off by Shutdown: it failed after its context had ended.
func (b *Bot) call(run *dispatch.Run[work], r *registration, e *Event) (cut bool) {
	if r.removed.Load() {
		return false
	}
	ctx := b.handlerCtx
	if !r.internal {
		c := b.watchdog.begin(ctx, r, e, run)
		defer b.watchdog.end(ctx, c)
		ctx = c.ctx
	}
	ended := true
	defer func() {
		if ended { // not in this goroutine, which the error handler might want to end as well
			b.failures.Add(1)
			b.reportAside(e, fmt.Errorf("handler %s: %w", r.name, ErrGoexit))
		}
	}()
	err := protect(func() error { return r.run(ctx, e) })
	ended = false
	if err != nil {
		b.failures.Add(1)
		b.report(withHandler(ctx, r.name), e, err)
		return b.handlerCtx.Err() != nil
	}
	return false
}

// protect calls f and makes an error of its panic.
func protect(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return f()
}

// report gives an error to the error handler and contains its panic.
func (b *Bot) report(ctx context.Context, e *Event, err error) {
	err = redact.Error(err) // what does not come from a session of the bot's may show a URL
	defer func() {
		if v := recover(); v != nil {
			b.cfg.logger.Error("the error handler panicked", "panic", v, "error", err)
		}
	}()
	if b.cfg.onError != nil {
		b.telling.Add(1)
		defer b.telling.Add(-1)
		b.cfg.onError(ctx, e, err)
		return
	}
	b.logError(ctx, e, err)
}

// reportOrLog gives an error to the error handler, or without one has it logged in its own words.
func (b *Bot) reportOrLog(err error, own func(*slog.Logger)) {
	if b.cfg.onError == nil {
		own(b.cfg.logger)
		return
	}
	b.reportAside(nil, err)
}

// handlerKey is the context's key of the name of the handler that an error is of.
type handlerKey struct{}

// withHandler says whose error it is that is reported with the context.
func withHandler(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, handlerKey{}, name)
}

// logError is the default error handler.
func (b *Bot) logError(ctx context.Context, e *Event, err error) {
	attrs := []any{"error", err}
	if name, ok := ctx.Value(handlerKey{}).(string); ok {
		attrs = append(attrs, "handler", name)
	}
	if e != nil {
		attrs = append(attrs, "event", e.Type, "shard", e.ShardID, "guild", e.GuildID)
	}
	if decode, ok := errors.AsType[*DecodeError](err); ok {
		if _, logged := b.decodeErrors.LoadOrStore(decode.Type, true); logged {
			return
		}
	}
	if _, ok := errors.AsType[*UnhandledInteractionError](err); ok {
		b.cfg.logger.Warn("interaction not handled", attrs...)
		return
	}
	if p, ok := errors.AsType[*PanicError](err); ok {
		attrs = append(attrs, "stack", string(p.Stack))
	}
	if slow, ok := errors.AsType[*SlowHandlerError](err); ok {
		attrs = append(attrs, "handler", slow.Handler)
		b.cfg.logger.Warn("slow event handler", append(attrs, "stack", slow.Stack)...)
		return
	}
	switch _, overflow := errors.AsType[*OverflowError](err); {
	case overflow:
		b.cfg.logger.Error("events were dropped", attrs...)
	case ctx.Value(handlerKey{}) != nil:
		b.cfg.logger.Error("event handler failed", attrs...)
	case e != nil:
		b.cfg.logger.Error("event could not be handled", attrs...)
	default:
		b.cfg.logger.Error("the bot had an error", attrs...)
	}
}

func (b *Bot) budgetExhausted(budget gateway.Budget) {
	b.reportAside(nil, &IdentifyBudgetError{
		Remaining: budget.Remaining, ResetAt: budget.ResetAt})
}
