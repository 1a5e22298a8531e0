package oteltrace

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"

	"github.com/bwmarrin/discordgo"
	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/botwright/botwright"
)

// Attributes that OpenTelemetry has no convention for.
const (
	keyShard    = attribute.Key("discord.shard.id")
	keySequence = attribute.Key("discord.event.sequence")
	keyReplayed = attribute.Key("discord.event.replayed")
	keyHandler  = attribute.Key("discord.handler.name")
	keyReason   = attribute.Key("discord.wait.reason")
	keyScope    = attribute.Key("discord.rate_limit.scope")
	keyCache    = attribute.Key("discord.cache.type")
)

// describe returns the name and kind of a span.
func describe(s botwright.Span) (string, trace.SpanKind) {
	switch s.Kind {
	case botwright.SpanSession:
		return "session", trace.SpanKindInternal
	case botwright.SpanEvent:
		return "process " + s.Name, trace.SpanKindConsumer
	case botwright.SpanHandler:
		return "handle " + s.Name, trace.SpanKindInternal
	case botwright.SpanDebounced:
		return "handle " + s.Name, trace.SpanKindConsumer
	case botwright.SpanQueue, botwright.SpanRESTWait:
		return waitName(s.Reason), trace.SpanKindInternal
	case botwright.SpanREST:
		return "call " + s.Method + " " + s.Name, trace.SpanKindInternal
	case botwright.SpanAttempt:
		return s.Method + " " + s.Name, trace.SpanKindClient
	case botwright.SpanLoad:
		if s.Reason != "" {
			return "wait for load " + s.Name, trace.SpanKindInternal
		}
		return "load " + s.Name, trace.SpanKindInternal
	case botwright.SpanGather:
		return "gather " + s.Name, trace.SpanKindClient
	case botwright.SpanOperation:
		return "answer " + s.Name, trace.SpanKindServer
	}
	return s.Name, trace.SpanKindInternal
}

// attributes returns what else a span shows.
func (t *Tracer) attributes(s botwright.Span) []attribute.KeyValue {
	switch s.Kind {
	case botwright.SpanSession:
		return []attribute.KeyValue{keyShard.Int(s.Shard)}
	case botwright.SpanEvent:
		return t.event(s)
	case botwright.SpanHandler:
		return []attribute.KeyValue{keyHandler.String(s.Name)}
	case botwright.SpanDebounced:
		return append(t.event(s), keyHandler.String(s.Name),
			semconv.MessagingBatchMessageCount(len(s.Links)+s.More))
	case botwright.SpanQueue, botwright.SpanRESTWait:
		return waitAttributes(s)
	case botwright.SpanREST:
		return route(s)
	case botwright.SpanAttempt:
		return append(route(s), attempt(s)...)
	case botwright.SpanLoad:
		return []attribute.KeyValue{keyCache.String(s.Name)}
	case botwright.SpanGather, botwright.SpanOperation:
		return operation(s)
	}
	return nil
}

func (t *Tracer) event(s botwright.Span) []attribute.KeyValue {
	attrs := []attribute.KeyValue{
		semconv.MessagingSystemKey.String("discord"),
		semconv.MessagingOperationName("process"),
		semconv.MessagingOperationTypeProcess,
		keyShard.Int(s.Shard),
	}
	e := s.Event
	if e == nil {
		return attrs
	}
	attrs = append(attrs,
		semconv.MessagingDestinationName(e.Type),
		semconv.MessagingMessageBodySize(len(e.Raw())),
		keySequence.Int64(e.Sequence),
	)
	if e.Replayed {
		attrs = append(attrs, keyReplayed.Bool(true))
	}
	if t.cfg.Attributes != nil {
		attrs = append(attrs, t.cfg.Attributes(e)...)
	}
	return attrs
}

// waitName says what was waited for.
func waitName(reason string) string {
	switch reason {
	case "":
		return "wait for turn"
	case "user":
		return "wait for bucket"
	case "shared":
		return "wait for shared bucket"
	case "global":
		return "wait for global limit"
	}
	return "wait for " + reason
}

func waitAttributes(s botwright.Span) []attribute.KeyValue {
	reason := s.Reason
	if reason == "" {
		reason = "turn"
	}
	attrs := []attribute.KeyValue{keyReason.String(reason)}
	if s.Attempt > 1 {
		attrs = append(attrs, semconv.HTTPRequestResendCount(s.Attempt-1))
	}
	return attrs
}

func route(s botwright.Span) []attribute.KeyValue {
	return []attribute.KeyValue{semconv.HTTPRequestMethodKey.String(s.Method), semconv.URLTemplate(s.Name)}
}

func attempt(s botwright.Span) []attribute.KeyValue {
	host, port, err := net.SplitHostPort(s.Server)
	if err != nil {
		host, port = s.Server, ""
	}
	attrs := []attribute.KeyValue{semconv.ServerAddress(host)}
	if n, err := strconv.Atoi(port); err == nil {
		attrs = append(attrs, semconv.ServerPort(n))
	}
	if s.Attempt > 1 {
		attrs = append(attrs, semconv.HTTPRequestResendCount(s.Attempt-1))
	}
	return attrs
}

func operation(s botwright.Span) []attribute.KeyValue {
	return []attribute.KeyValue{
		semconv.RPCSystemNameKey.String("botwright"), semconv.RPCMethod(s.Name)}
}

// errorType says in one word how a span failed, of which there are only so many; "" if it did not.
func errorType(e botwright.SpanEnd) string {
	if e.Err == nil {
		if e.Status >= 400 {
			return strconv.Itoa(e.Status)
		}
		return ""
	}
	if rest, ok := errors.AsType[*discordgo.RESTError](e.Err); ok && rest.Response != nil {
		return strconv.Itoa(rest.Response.StatusCode)
	}
	if failed, ok := errors.AsType[*botwright.RequestError](e.Err); ok && failed.Status > 0 {
		return strconv.Itoa(failed.Status)
	}
	if _, ok := errors.AsType[*botwright.PanicError](e.Err); ok {
		return "panic"
	}
	if _, ok := errors.AsType[*botwright.RateLimitError](e.Err); ok {
		return "rate_limit"
	}
	switch {
	case errors.Is(e.Err, context.DeadlineExceeded), errors.Is(e.Err, botwright.ErrHandlerTimeout):
		return "timeout"
	case errors.Is(e.Err, context.Canceled):
		return "canceled"
	}
	return fmt.Sprintf("%T", innermost(e.Err))
}

// innermost returns what an error was made of: the types of those that wrap others say nothing. Of
// several that were joined it is the first.
func innermost(err error) error {
	for {
		switch e := err.(type) { //nolint:errorlint // it goes from one to the next
		case interface{ Unwrap() error }:
			if e.Unwrap() == nil {
				return err
			}
			err = e.Unwrap()
		case interface{ Unwrap() []error }:
			if len(e.Unwrap()) == 0 {
				return err
			}
			err = e.Unwrap()[0]
		default:
			return err
		}
	}
}
