package relay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// handshakeTimeout bounds the time up to the session's op 2 or 6. The session takes its steps in
// one breath; the limit is for whatever else may dial.
const handshakeTimeout = 10 * time.Second

// link is one connection of the session, and the relay's end of it at the same time: Write is
// given what the session says, and Read asks for what the session is told next.
type link struct {
	relay *Relay
	wake  chan struct{} // one slot: Read should look again
	done  chan struct{} // closed when the connection has ended

	// Owned by the goroutine in Write.
	in       []byte // the start of a frame or of the handshake
	message  []byte // the start of a message of several frames
	opcode   byte   // its kind
	upgraded bool   // the handshake is over

	mu         sync.Mutex // guards what follows
	ended      bool
	accepted   bool   // the session has been, or is being, answered
	helloed    bool   // and has got its HELLO,
	identified bool   // has sent op 2 or 6,
	welcomed   bool   // and has got its READY or RESUMED
	ack        bool   // an ACK is due; two are one
	out        []byte // what the session has not read of the frame it reads
	reads      part   // what that frame is
	deadline   time.Time
	stall      *time.Timer   // ends the connection of a session that does not read
	patience   time.Duration // after so long
	stalled    time.Time     // since when there has been something to read; zero: nothing
}

// part is a frame with which the relay has to do something once the session has read it.
type part int

const (
	other part = iota
	ready
	event
)

// dial is the session's Dialer.NetDialContext. It ends the connection before, if there is one.
func (r *Relay) dial(context.Context, string, string) (net.Conn, error) {
	r.mu.Lock()
	switch {
	case r.closed:
		r.mu.Unlock()
		return nil, ErrClosed
	case r.ready == nil:
		r.mu.Unlock()
		return nil, errNotOpen
	}
	l := &link{
		relay:    r,
		wake:     make(chan struct{}, 1),
		done:     make(chan struct{}),
		patience: handshakeTimeout,
		stalled:  time.Now(),
	}
	l.stall = time.AfterFunc(handshakeTimeout, l.overdue)
	prev := r.link
	r.link = l
	r.mu.Unlock()
	// Before the session can take an event from the new one.
	prev.drop()
	return l, nil
}

// drop ends the connection at once.
func (l *link) drop() {
	if l == nil {
		return
	}
	l.mu.Lock()
	ended := l.ended
	l.ended = true
	l.mu.Unlock()
	if ended {
		return
	}
	l.stall.Stop()
	close(l.done)
	l.relay.lost(l)
}

// Close implements [net.Conn].
func (l *link) Close() error {
	l.drop()
	return nil
}

// Write takes what the session writes, and acts on each frame as it is complete. It never blocks.
// The websocket calls it from one goroutine at a time.
func (l *link) Write(p []byte) (int, error) {
	if !l.enter() {
		return 0, io.ErrClosedPipe
	}
	defer l.relay.writes.Done()
	rest := p
	if len(l.in) > 0 {
		rest = append(l.in, p...)
	}
	rest, err := l.take(rest)
	l.in = append([]byte(nil), rest...) // p is the caller's
	switch {
	case err != nil && !l.upgraded:
		l.relay.cfg.Logger.Warn("session connected without a websocket handshake", "error", err)
		l.drop()
	case err != nil: // a close frame, or what is not a websocket's
		l.drop()
	}
	return len(p), nil
}

// enter counts a Write that Close has to wait for.
func (l *link) enter() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return false
	}
	l.relay.writes.Add(1)
	return true
}

// take deals with all that is complete in b and returns what is not.
func (l *link) take(b []byte) (rest []byte, err error) {
	if !l.upgraded {
		answer, after, err := upgrade(b)
		if err != nil || answer == nil {
			return b, err
		}
		b, l.upgraded = after, true
		l.mu.Lock()
		l.accepted, l.out = true, answer
		l.mu.Unlock()
		put(l.wake)
	}
	for {
		f, after, err := cutFrame(b)
		if err != nil || f == nil {
			return b, err
		}
		b = after
		if err := l.frame(f); err != nil {
			return b, err
		}
	}
}

// frame takes one frame of the session.
func (l *link) frame(f *frame) error {
	switch f.opcode {
	case opcodeText, opcodeBinary:
		l.opcode, l.message = f.opcode, f.payload
	case opcodeContinuation:
		l.message = append(l.message, f.payload...)
	case opcodeClose:
		return io.EOF
	default:
		return nil // pings and pongs mean nothing here
	}
	if !f.final {
		return nil
	}
	message := l.message
	l.message = nil
	if l.opcode != opcodeText {
		l.relay.refuse(len(message), errBinary)
		return nil
	}
	l.receive(message)
	return nil
}

var errBinary = errors.New("binary frame")

// receive classifies one message of the session and hands it over, without blocking.
func (l *link) receive(message []byte) {
	op, d, err := parse(message)
	if err != nil {
		l.relay.refuse(len(message), fmt.Errorf("malformed frame: %w", err))
		return
	}
	switch op {
	case opHeartbeat:
		l.acknowledge()
	case opIdentify, opResume:
		l.mu.Lock()
		l.identified, l.patience, l.stalled = true, l.relay.cfg.WriteTimeout, time.Time{}
		l.mu.Unlock()
		l.notify()
	default:
		l.relay.forward(op, d)
	}
}

// acknowledge makes an ACK due after the real gateway's latency.
func (l *link) acknowledge() {
	// A latency beyond the next heartbeat would make the session's difference of the two times
	// negative, and beyond five make it close itself.
	latency := min(l.relay.cfg.Latency(), l.relay.cfg.HeartbeatInterval/2)
	if latency <= 0 {
		l.acknowledgeNow()
		return
	}
	// The callback cannot block, and harms nobody when the connection has ended by then.
	time.AfterFunc(latency, l.acknowledgeNow)
}

func (l *link) acknowledgeNow() {
	l.mu.Lock()
	l.ack = true
	l.mu.Unlock()
	l.notify()
}

// notify says that there may be something to read, and starts the clock for reading it.
func (l *link) notify() {
	if l == nil {
		return
	}
	l.mu.Lock()
	if l.identified && !l.ended && l.stalled.IsZero() {
		l.stalled = time.Now()
		l.stall.Reset(l.patience)
	}
	l.mu.Unlock()
	put(l.wake)
}

// put leaves a token in a channel of one slot; two tokens are one.
func put(slot chan<- struct{}) {
	select {
	case slot <- struct{}{}:
	default:
	}
}

// overdue ends the connection of a session that has not read for too long.
func (l *link) overdue() {
	l.mu.Lock()
	late := !l.stalled.IsZero() && time.Since(l.stalled) >= l.patience
	identified, after := l.identified, l.patience
	l.mu.Unlock()
	if !late {
		return // it has just read something
	}
	if identified {
		l.relay.cfg.Logger.Warn("session does not read, dropping its connection", "after", after)
	}
	l.drop()
}
