package oteltrace_test

import (
	"context"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/contrib/oteltrace"
	"github.com/botwright/botwright/discordtest"
	"github.com/botwright/botwright/internal/cluster"
)

// TestCluster follows an operation to another process, and to the calls that it makes there.
func TestCluster(t *testing.T) {
	srv, err := discordtest.New(discordtest.Config{Guilds: 2, Shards: 2, MaxConcurrency: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Close)
	backend := cluster.NewLocal()
	process := func() (*botwright.Bot, *tracetest.InMemoryExporter) {
		spans := tracetest.NewInMemoryExporter()
		tracer := oteltrace.New(oteltrace.Config{
			Provider: sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))})
		bot, err := botwright.New(srv.Token, botwright.WithAPI(srv.URL), botwright.WithCluster(backend),
			botwright.WithShards(0), botwright.WithTracer(tracer))
		if err != nil {
			t.Fatal(err)
		}
		botwright.RegisterOp(bot, "look", func(ctx context.Context, s botwright.ShardSession, _ any) (int, error) {
			_, err := s.Guild(srv.Guilds()[s.ID].ID, discordgo.WithContext(ctx))
			return s.ID, err
		})
		if err := bot.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = bot.Shutdown(context.Background()) })
		return bot, spans
	}
	asker, asked := process()
	other, answered := process()
	for len(asker.Shards()) != 1 || len(other.Shards()) != 1 { // until they share them
		<-time.After(5 * time.Millisecond)
	}
	if _, err := botwright.Gather[int](t.Context(), asker, "look", nil); err != nil {
		t.Fatal(err)
	}
	gather := one(t, asked.GetSpans(), "gather look")
	answer := one(t, answered.GetSpans(), "answer look")
	call := one(t, answered.GetSpans(), "call GET /guilds/{id}")
	if answer.Parent.SpanID() != gather.SpanContext.SpanID() || !answer.Parent.IsRemote() ||
		call.Parent.SpanID() != answer.SpanContext.SpanID() ||
		call.SpanContext.TraceID() != gather.SpanContext.TraceID() {
		t.Errorf("asked\n%sanswered\n%s", tree(asked.GetSpans()), tree(answered.GetSpans()))
	}
	has(t, gather, map[string]string{"rpc.system.name": "botwright", "rpc.method": "look"})
	has(t, answer, map[string]string{"rpc.system.name": "botwright", "rpc.method": "look"})
}
