package rest

import (
	"context"
	"net/http/httptrace"
	"sync"
	"time"
)

// trips measures round trips, from the last byte of a request to the first of its answer: what it
// takes to connect is not part of them.
type trips struct {
	mu       sync.Mutex // guards what follows
	shortest time.Duration
	measured int
	calls    int
}

const (
	// enoughTrips is how many round trips must have been measured before the shortest counts.
	// With fewer, the next request may well be faster.
	enoughTrips = 32

	// The first requests are measured, and one in measureEvery from then on: it costs memory.
	measureFirst = 256
	measureEvery = 64
)

// half returns half of the shortest round trip; 0 while too little is known.
func (t *trips) half() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.measured < enoughTrips {
		return 0
	}
	return t.shortest / 2
}

// measure reports whether the next request is to be measured.
func (t *trips) measure() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls++
	return t.calls <= measureFirst || t.calls%measureEvery == 0
}

func (t *trips) add(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.measured == 0 || d < t.shortest {
		t.shortest = d
	}
	t.measured++
}

// A stopwatch notes when a request was written.
type stopwatch struct {
	mu    sync.Mutex
	wrote time.Time
}

// start returns a context with which the request that is sent is timed.
func (s *stopwatch) start(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteRequest: func(written httptrace.WroteRequestInfo) {
			if written.Err == nil {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.wrote = time.Now()
			}
		},
	})
}

// stop returns how long ago the request was written; 0 if it was not timed.
func (s *stopwatch) stop(now time.Time) time.Duration {
	if s == nil {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wrote.IsZero() {
		return 0
	}
	return now.Sub(s.wrote)
}
