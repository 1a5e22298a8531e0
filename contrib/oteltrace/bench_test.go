package oteltrace_test

import (
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/contrib/oteltrace"
)

// BenchmarkHandledEvent is the three spans of an event with one handler.
func BenchmarkHandledEvent(b *testing.B) {
	e, err := botwright.NewEvent("MESSAGE_CREATE", []byte(`{"guild_id":"1","channel_id":"2","author":{"id":"3"}}`))
	if err != nil {
		b.Fatal(err)
	}
	for name, sampler := range map[string]sdktrace.Sampler{
		"sampled": sdktrace.AlwaysSample(), "unsampled": sdktrace.NeverSample(),
	} {
		b.Run(name, func(b *testing.B) {
			provider := sdktrace.NewTracerProvider(sdktrace.WithSampler(sampler),
				sdktrace.WithBatcher(tracetest.NewNoopExporter()))
			defer func() { _ = provider.Shutdown(b.Context()) }()
			tracer := oteltrace.New(oteltrace.Config{Provider: provider})
			b.ReportAllocs()
			for b.Loop() {
				ctx, end := tracer.Start(b.Context(), botwright.Span{
					Kind: botwright.SpanEvent, Name: e.Type, Event: e, Start: e.Received})
				_, waited := tracer.Start(ctx, botwright.Span{Kind: botwright.SpanQueue, Start: e.Received})
				waited(botwright.SpanEnd{})
				_, handled := tracer.Start(ctx, botwright.Span{Kind: botwright.SpanHandler, Name: "main.onMessage"})
				handled(botwright.SpanEnd{})
				end(botwright.SpanEnd{})
			}
		})
	}
}
