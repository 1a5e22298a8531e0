package metrics_test

import (
	"testing"
	"time"

	"github.com/botwright/botwright/internal/metrics"
)

// BenchmarkEvent is what each event costs on the goroutine that reads.
func BenchmarkEvent(b *testing.B) {
	m, t := metrics.New("discord", nil), []byte("MESSAGE_CREATE")
	b.ReportAllocs()
	for b.Loop() {
		m.Event(t)
	}
}

// BenchmarkHandler is what each call of a handler costs, clock included.
func BenchmarkHandler(b *testing.B) {
	h, received := metrics.New("discord", nil).Handler("main.onMessage", "MESSAGE_CREATE"), time.Now()
	b.ReportAllocs()
	for b.Loop() {
		wait := time.Since(received)
		h.Done(b.Context(), wait, time.Since(received)-wait, metrics.None)
	}
}

// BenchmarkClock is the part of BenchmarkHandler that reads the clock.
func BenchmarkClock(b *testing.B) {
	received, sink := time.Now(), time.Duration(0)
	for b.Loop() {
		sink += time.Since(received) + time.Since(received)
	}
}
