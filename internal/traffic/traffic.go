// Package traffic judges an API by the calls that are made anyway: how many there were lately, how
// many of them failed, and how long they took.
package traffic

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Recent is the window that a Sensor looks at.
const Recent = time.Minute

// slots are the parts of the window: old calls leave it one part at a time.
const slots = 6

// A Sample is what a Sensor knows of the last minute.
type Sample struct {
	Calls  int
	Failed int           // no answer, or one with a status from 500 on
	Mean   time.Duration // until the header of the answer
	Last   time.Time     // when the last call was answered that did not fail, ever
	Error  string        // of the last one that did fail
}

// A Sensor counts calls. The zero value is ready; its methods may be called from any goroutine.
type Sensor struct {
	mu    sync.Mutex // guards what follows
	slots [slots]slot
	last  time.Time
	err   string
}

// A slot counts the calls of a sixth of the window.
type slot struct {
	number        int64 // since 1970
	calls, failed int
	total         time.Duration
}

// Note counts a call.
func (s *Sensor) Note(took time.Duration, failure string) {
	now := time.Now()
	number := now.UnixNano() / int64(Recent/slots)
	s.mu.Lock()
	defer s.mu.Unlock()
	at := &s.slots[number%slots]
	if at.number != number {
		*at = slot{number: number}
	}
	at.calls++
	at.total += took
	if failure == "" {
		s.last = now
		return
	}
	at.failed++
	s.err = failure
}

// Sample returns what there was in the last minute.
func (s *Sensor) Sample() Sample {
	number := time.Now().UnixNano() / int64(Recent/slots)
	s.mu.Lock()
	defer s.mu.Unlock()
	sample := Sample{Last: s.last, Error: s.err}
	var total time.Duration
	for _, at := range s.slots {
		if number-at.number < slots {
			sample.Calls += at.calls
			sample.Failed += at.failed
			total += at.total
		}
	}
	if sample.Calls > 0 {
		sample.Mean = total / time.Duration(sample.Calls)
	}
	return sample
}

// Transport returns a RoundTripper that notes the calls of next to a host's /api/.
func (s *Sensor) Transport(host string, next http.RoundTripper) http.RoundTripper {
	return &transport{sensor: s, host: host, next: next}
}

type transport struct {
	sensor *Sensor
	host   string
	next   http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != t.host || !strings.Contains(r.URL.Path, "/api/") {
		return t.next.RoundTrip(r)
	}
	start := time.Now()
	resp, err := t.next.RoundTrip(r)
	took := time.Since(start)
	switch {
	case err != nil && errors.Is(r.Context().Err(), context.Canceled):
		// The caller did not want to wait, which says nothing.
	case err != nil:
		t.sensor.Note(took, err.Error())
	case resp.StatusCode >= http.StatusInternalServerError:
		t.sensor.Note(took, resp.Status)
	default:
		t.sensor.Note(took, "")
	}
	return resp, err
}
