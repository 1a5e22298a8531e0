package oteltrace_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/bottest"
	"github.com/botwright/botwright/contrib/oteltrace"
	"github.com/botwright/botwright/discordtest"
)

// A receiver takes spans as a collector does: protobuf over HTTP.
type receiver struct {
	mu    sync.Mutex // guards spans
	spans []*tracepb.Span
}

func (x *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var in collector.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(body, &in)
	}
	if err != nil || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" {
		http.Error(w, "not spans", http.StatusBadRequest)
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, resource := range in.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			if scope.GetSchemaUrl() == semconv.SchemaURL {
				x.spans = append(x.spans, scope.GetSpans()...)
			}
		}
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// TestOTLP exports a trace over loopback and looks at what has arrived.
func TestOTLP(t *testing.T) {
	x := &receiver{}
	srv := httptest.NewServer(x)
	defer srv.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", srv.URL)
	exporter, err := otlptracehttp.New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter),
		sdktrace.WithResource(resource.NewSchemaless(semconv.ServiceName("bot"))))
	bot := bottest.Start(t, discordtest.Config{Guilds: 1, Channels: 1},
		func(token string, opts ...botwright.Option) (*botwright.Bot, error) {
			b, err := botwright.New(token, append(opts,
				botwright.WithTracer(oteltrace.New(oteltrace.Config{Provider: provider})))...)
			if err == nil {
				botwright.On(b, reply, botwright.NotBot())
			}
			return b, err
		})
	r := &rig{Bot: bot, t: t}
	r.say("hello")
	ctx := t.Context()
	if err := bot.Server.Wait(ctx, func() bool {
		for _, q := range bot.Server.Requests() {
			if q.Method == http.MethodPut {
				return true
			}
		}
		return false
	}); err != nil {
		t.Fatal(err)
	}
	if err := bot.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	if err := provider.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	byName := make(map[string]*tracepb.Span)
	for _, s := range x.spans {
		byName[s.GetName()] = s
	}
	within := ""
	for _, want := range []struct {
		name string
		kind tracepb.Span_SpanKind
	}{
		{event, tracepb.Span_SPAN_KIND_CONSUMER},
		{"handle oteltrace_test.reply", tracepb.Span_SPAN_KIND_INTERNAL},
		{"call PUT " + route, tracepb.Span_SPAN_KIND_INTERNAL},
		{"PUT " + route, tracepb.Span_SPAN_KIND_CLIENT},
	} {
		s := byName[want.name]
		if s.GetKind() != want.kind || string(s.GetParentSpanId()) != within ||
			s.GetEndTimeUnixNano() < s.GetStartTimeUnixNano() {
			t.Errorf("%s arrived as %v", want.name, s)
		}
		within = string(s.GetSpanId())
	}
}
