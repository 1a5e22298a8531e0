package botwright

import (
	"context"
	"errors"
	"log/slog"

	"github.com/botwright/botwright/internal/gateway"
	"github.com/botwright/botwright/internal/runner"
)

// report gives an error to the error handler, and waits for it.
func (b *Bot) report(e *Event, err error) { b.runner.Report(e, err) }

// reportAside reports an error from a goroutine that must not wait for the error handler.
func (b *Bot) reportAside(e *Event, err error) { b.runner.ReportAside(e, err) }

// reportOrLog gives an error to the error handler, or without one has it logged in its own words.
func (b *Bot) reportOrLog(err error, own func(*slog.Logger)) {
	if b.cfg.onError == nil {
		own(b.cfg.logger)
		return
	}
	b.reportAside(nil, err)
}

// logError is the default error handler.
func (b *Bot) logError(ctx context.Context, e *Event, err error) {
	attrs := []any{"error", err}
	name, ofHandler := runner.HandlerName(ctx)
	if ofHandler {
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
		b.cfg.logger.WarnContext(ctx, "interaction not handled", attrs...)
		return
	}
	if p, ok := errors.AsType[*PanicError](err); ok {
		attrs = append(attrs, "stack", string(p.Stack))
	}
	if slow, ok := errors.AsType[*SlowHandlerError](err); ok {
		attrs = append(attrs, "handler", slow.Handler)
		b.cfg.logger.WarnContext(ctx, "slow event handler", append(attrs, "stack", slow.Stack)...)
		return
	}
	switch _, overflow := errors.AsType[*OverflowError](err); {
	case overflow:
		b.cfg.logger.ErrorContext(ctx, "events were dropped", attrs...)
	case ofHandler:
		b.cfg.logger.ErrorContext(ctx, "event handler failed", attrs...)
	case e != nil:
		b.cfg.logger.ErrorContext(ctx, "event could not be handled", attrs...)
	default:
		b.cfg.logger.ErrorContext(ctx, "the bot had an error", attrs...)
	}
}

func (b *Bot) budgetExhausted(budget gateway.Budget) {
	b.reportAside(nil, &IdentifyBudgetError{
		Remaining: budget.Remaining, ResetAt: budget.ResetAt})
}
