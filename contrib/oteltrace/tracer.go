package oteltrace

import (
	"context"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/botwright/botwright"
)

// scope is the name of the instrumentation.
const scope = "github.com/botwright/botwright/contrib/oteltrace"

// Config configures a [Tracer]. Zero fields have their defaults.
type Config struct {
	// Provider makes the tracer. Default: that of otel.GetTracerProvider.
	Provider trace.TracerProvider

	// Propagator carries spans to the other processes of a cluster. Default: W3C Trace Context.
	Propagator propagation.TextMapPropagator

	// Attributes returns what the span of an event shows beyond its type, such as [IDs]. It is called
	// once for each event that is handled, and must not block. Without it no span says which guild,
	// channel or user it was about. Default: none.
	Attributes func(e *botwright.Event) []attribute.KeyValue

	// ErrorText shows the texts of errors, which may have ids or what users wrote in them. Tokens in
	// the URLs of webhooks and interactions are left out in any case. Default: the types of errors.
	ErrorText bool
}

// A Tracer is a [botwright.Tracer] that makes spans of OpenTelemetry. Its methods may be called from
// any goroutine.
type Tracer struct {
	cfg    Config
	tracer trace.Tracer
}

// New returns a Tracer.
func New(cfg Config) *Tracer {
	if cfg.Provider == nil {
		cfg.Provider = otel.GetTracerProvider()
	}
	if cfg.Propagator == nil {
		cfg.Propagator = propagation.TraceContext{}
	}
	return &Tracer{cfg: cfg,
		tracer: cfg.Provider.Tracer(scope, trace.WithSchemaURL(semconv.SchemaURL))}
}

// IDs returns the ids of the guild, channel and user of an event, for [Config].
func IDs(e *botwright.Event) []attribute.KeyValue {
	var ids []attribute.KeyValue
	for _, id := range []struct{ key, value string }{
		{"discord.guild.id", e.GuildID},
		{"discord.channel.id", e.ChannelID},
		{"discord.user.id", e.UserID},
	} {
		if id.value != "" {
			ids = append(ids, attribute.String(id.key, id.value))
		}
	}
	return ids
}

// Start implements [botwright.Tracer]. A sampler sees the attributes of a span that begins a trace;
// those of the spans within it are left out if it is not sampled, because they cost more than the rest.
func (t *Tracer) Start(
	ctx context.Context, s botwright.Span,
) (context.Context, func(botwright.SpanEnd)) {
	name, kind := describe(s)
	options := make([]trace.SpanStartOption, 0, 4)
	options = append(options, trace.WithSpanKind(kind))
	if !s.Start.IsZero() {
		options = append(options, trace.WithTimestamp(s.Start))
	}
	if len(s.Links) > 0 {
		options = append(options, trace.WithLinks(links(s)...))
	}
	begins := !trace.SpanContextFromContext(ctx).IsValid()
	if begins {
		options = append(options, trace.WithAttributes(t.attributes(s)...))
	}
	ctx, span := t.tracer.Start(ctx, name, options...)
	if !begins && span.IsRecording() {
		span.SetAttributes(t.attributes(s)...)
	}
	return ctx, func(e botwright.SpanEnd) {
		t.finish(span, e)
		span.End()
	}
}

func links(s botwright.Span) []trace.Link {
	var all []trace.Link
	for _, ctx := range s.Links {
		if link := trace.LinkFromContext(ctx); link.SpanContext.IsValid() {
			all = append(all, link)
		}
	}
	return all
}

// finish notes how a span ended.
func (t *Tracer) finish(span trace.Span, e botwright.SpanEnd) {
	if !span.IsRecording() {
		return
	}
	if e.Status > 0 {
		span.SetAttributes(semconv.HTTPResponseStatusCode(e.Status))
	}
	if e.Scope != "" {
		span.SetAttributes(keyScope.String(e.Scope))
	}
	failure := errorType(e)
	if failure == "" {
		return
	}
	span.SetAttributes(semconv.ErrorTypeKey.String(failure))
	text := ""
	if t.cfg.ErrorText && e.Err != nil {
		text = e.Err.Error()
	}
	span.SetStatus(codes.Error, text)
}

// TraceID implements [botwright.Tracer]. A trace that is not sampled has none: nobody could look at
// it.
func (t *Tracer) TraceID(ctx context.Context) string {
	if sc := trace.SpanContextFromContext(ctx); sc.IsSampled() {
		return sc.TraceID().String()
	}
	return ""
}

// Inject implements [botwright.Tracer].
func (t *Tracer) Inject(ctx context.Context, carrier map[string]string) {
	t.cfg.Propagator.Inject(ctx, propagation.MapCarrier(carrier))
}

// Extract implements [botwright.Tracer].
func (t *Tracer) Extract(ctx context.Context, carrier map[string]string) context.Context {
	return t.cfg.Propagator.Extract(ctx, propagation.MapCarrier(carrier))
}
