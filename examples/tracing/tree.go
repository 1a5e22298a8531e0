package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// A collector is an exporter that keeps spans to print them.
type collector struct {
	mu    sync.Mutex // guards spans
	spans []sdktrace.ReadOnlySpan
}

// ExportSpans implements sdktrace.SpanExporter.
func (c *collector) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.spans = append(c.spans, spans...)
	return nil
}

// Shutdown implements sdktrace.SpanExporter.
func (c *collector) Shutdown(context.Context) error { return nil }

// printSlowest prints the trace that took longest.
func (c *collector) printSlowest(out io.Writer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := tree{out: out, children: make(map[trace.SpanID][]sdktrace.ReadOnlySpan)}
	for _, s := range c.spans {
		parent := s.Parent().SpanID()
		t.children[parent] = append(t.children[parent], s)
	}
	for _, list := range t.children {
		slices.SortFunc(list, func(a, b sdktrace.ReadOnlySpan) int {
			return cmp.Or(a.StartTime().Compare(b.StartTime()), a.EndTime().Compare(b.EndTime()))
		})
	}
	t.root = slices.MaxFunc(t.children[trace.SpanID{}], func(a, b sdktrace.ReadOnlySpan) int {
		return cmp.Compare(length(a), length(b))
	})
	fmt.Fprintf(out, "\ntrace %s\n\n", t.root.SpanContext().TraceID())
	t.print(t.root, "", "")
}

func length(s sdktrace.ReadOnlySpan) time.Duration { return s.EndTime().Sub(s.StartTime()) }

// A tree prints a span and those below it.
type tree struct {
	out      io.Writer
	children map[trace.SpanID][]sdktrace.ReadOnlySpan
	root     sdktrace.ReadOnlySpan
}

func (t *tree) print(s sdktrace.ReadOnlySpan, first, rest string) {
	fmt.Fprintf(t.out, "%-58s %8.1f ms  %s\n", first+s.Name(),
		float64(length(s))/float64(time.Millisecond), t.bar(s))
	children := t.children[s.SpanContext().SpanID()]
	for i, child := range children {
		if i == len(children)-1 {
			t.print(child, rest+"└─ ", rest+"   ")
		} else {
			t.print(child, rest+"├─ ", rest+"│  ")
		}
	}
}

// bar draws when within the trace a span was, in 40 columns.
func (t *tree) bar(s sdktrace.ReadOnlySpan) string {
	const columns = 40
	column := func(at time.Time) int {
		return int(columns * at.Sub(t.root.StartTime()) / max(length(t.root), 1))
	}
	begin, end := column(s.StartTime()), column(s.EndTime())
	return strings.Repeat(" ", begin) + strings.Repeat("▇", max(end-begin, 1))
}
