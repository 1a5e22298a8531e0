package gateway

import (
	"context"
	"io"
	"math"
	"sync"
	"time"
)

// Ending describes the end of a connection to Backoff.
type Ending struct {
	Hello, Stable, Invalid, Restart, Reconnect, Resume bool
	Dialing                                            time.Duration
}

// Backoff returns the wait that follows a connection with that end.
func (s *Shard) Backoff(e Ending) time.Duration {
	end := ending{
		hello: e.Hello, ready: e.Stable, stable: e.Stable, invalid: e.Invalid, resume: e.Resume,
		dialing:  e.Dialing,
		identify: e.Hello && !e.Resume}
	switch {
	case e.Restart:
		end.err = errRestart
	case e.Reconnect:
		end.err = errReconnect
	}
	return s.backoff(end)
}

// A Receiver is the reading half of a connection without a socket. The caller feeds it.
type Receiver struct {
	c  *conn
	wg sync.WaitGroup
}

// NewReceiver returns a Receiver of s, which must not run.
func NewReceiver(s *Shard) *Receiver {
	ctx, cancel := context.WithCancel(context.Background())
	c := &conn{
		s: s, ctx: ctx, cancel: cancel, start: time.Now(),
		resuming:  s.resumable(),
		handshake: make(chan []byte, 1),
		hello:     make(chan time.Duration, 1),
		beatNow:   make(chan struct{}, 1),
		live:      make(chan struct{}),
		helloBy:   time.NewTimer(math.MaxInt64),
		readyBy:   time.NewTimer(math.MaxInt64),
		closeBy:   time.NewTimer(math.MaxInt64),
	}
	c.holding.Store(-1)
	return &Receiver{c: c}
}

// Receive handles one payload as the reader does.
func (r *Receiver) Receive(payload []byte) error { return r.c.receive(&r.wg, payload) }

// Close ends the Receiver.
func (r *Receiver) Close() {
	r.c.fail(ending{})
	r.wg.Wait()
}

// Trusted reports whether a resume URL is to be trusted.
func Trusted(resumeURL, gatewayURL string) bool { return trusted(resumeURL, gatewayURL) }

// A Sequence is a session's numbers.
type Sequence struct{ s sequence }

// Lookback is how late a number may come.
const Lookback = lookback

// StartAt, Has, Add and Low are the sequence's own.
func (s *Sequence) StartAt(n int64)  { s.s.startAt(n) }
func (s *Sequence) Has(n int64) bool { return s.s.has(n) }
func (s *Sequence) Add(n int64)      { s.s.add(n) }
func (s *Sequence) Low() int64       { return s.s.low }

// NewWindowReader returns a reader of a zstd stream.
func NewWindowReader(src io.Reader) (io.Reader, func(), error) {
	w, err := newWindowReader(src)
	return w, w.Close, err
}
