// Package testkit is what tests of several packages share: a log that they read, and waits that
// fail with the name of what did not come.
package testkit

import (
	"bytes"
	"log/slog"
	"sync"
	"testing"
	"time"
)

// Patience is how long a wait may take. Nothing waits for it unless something is broken.
const Patience = time.Minute

// A Log is a log that may be read while it is written. The zero value is empty and ready to use.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write appends to the log.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String returns what was written.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Text returns a logger that writes to the log in the format of [slog.TextHandler].
func (l *Log) Text() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// JSON returns a logger that writes to the log in the format of [slog.JSONHandler].
func (l *Log) JSON() *slog.Logger { return slog.New(slog.NewJSONHandler(l, nil)) }

// Await waits until cond is true, which it asks again and again. If it stays false the test fails and
// says that it waited for what.
func Await(t testing.TB, what string, cond func() bool) {
	t.Helper()
	deadline := time.NewTimer(Patience)
	defer deadline.Stop()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for !cond() {
		select {
		case <-again.C:
		case <-deadline.C:
			t.Fatalf("waited for %v in vain: %s", Patience, what)
		}
	}
}

// Receive returns the next value of from. If none comes the test fails and says that it was what.
func Receive[T any](t testing.TB, from <-chan T, what string) T {
	t.Helper()
	timer := time.NewTimer(Patience)
	defer timer.Stop()
	select {
	case v := <-from:
		return v
	case <-timer.C:
		t.Fatalf("%s did not come within %v", what, Patience)
		panic("unreachable")
	}
}
