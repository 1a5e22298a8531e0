package oteltrace

import (
	"context"
	"log/slog"
	"slices"

	"go.opentelemetry.io/otel/trace"
)

// NewLogHandler returns a handler of log lines that adds trace_id and span_id to those that are
// logged with the context of a span, and passes all of them to next:
//
//	botwright.WithLogger(slog.New(oteltrace.NewLogHandler(slog.NewJSONHandler(os.Stderr, nil))))
//
// The ids are never inside a group. The bot logs what goes wrong in a handler with its context, and
// so does code of yours with slog.Logger.InfoContext and the like.
func NewLogHandler(next slog.Handler) slog.Handler { return &logHandler{next: next} }

type logHandler struct {
	next slog.Handler

	// Of a logger with a group: the handler before the first one, and what has been done to it since.
	ungrouped slog.Handler
	then      []func(slog.Handler) slog.Handler
}

// Enabled implements slog.Handler.
func (h *logHandler) Enabled(ctx context.Context, l slog.Level) bool { return h.next.Enabled(ctx, l) }

// Handle implements slog.Handler.
func (h *logHandler) Handle(ctx context.Context, r slog.Record) error {
	sc := trace.SpanContextFromContext(ctx)
	if !sc.IsValid() {
		return h.next.Handle(ctx, r)
	}
	ids := []slog.Attr{slog.String("trace_id", sc.TraceID().String()),
		slog.String("span_id", sc.SpanID().String())}
	if h.ungrouped == nil {
		r = r.Clone()
		r.AddAttrs(ids...)
		return h.next.Handle(ctx, r)
	}
	next := h.ungrouped.WithAttrs(ids)
	for _, f := range h.then {
		next = f(next)
	}
	return next.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := func(x slog.Handler) slog.Handler { return x.WithAttrs(attrs) }
	if h.ungrouped == nil {
		return &logHandler{next: with(h.next)}
	}
	return h.and(h.ungrouped, with)
}

// WithGroup implements slog.Handler.
func (h *logHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	ungrouped := h.ungrouped
	if ungrouped == nil {
		ungrouped = h.next
	}
	return h.and(ungrouped, func(x slog.Handler) slog.Handler { return x.WithGroup(name) })
}

func (h *logHandler) and(ungrouped slog.Handler, f func(slog.Handler) slog.Handler) slog.Handler {
	return &logHandler{next: f(h.next), ungrouped: ungrouped, then: append(slices.Clip(h.then), f)}
}
