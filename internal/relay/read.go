package relay

import (
	"io"
	"net"
	"os"
	"time"
)

// Read gives the session the next it is to be told, and waits until there is something. It is the
// only consumer of the relay's queue.
func (l *link) Read(p []byte) (int, error) {
	for {
		n, deadline, err := l.read(p)
		if n > 0 || err != nil {
			return n, err
		}
		if err := l.wait(deadline); err != nil {
			return 0, err
		}
	}
}

// wait waits until Read should look again.
func (l *link) wait(deadline time.Time) error {
	var expired <-chan time.Time
	if !deadline.IsZero() {
		timer := time.NewTimer(time.Until(deadline))
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case <-l.wake:
	case <-l.done:
	case <-expired:
		return os.ErrDeadlineExceeded
	}
	return nil
}

// read is Read, but does not wait: n is 0 when there is nothing to read.
func (l *link) read(p []byte) (n int, deadline time.Time, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return 0, l.deadline, io.EOF
	}
	if len(l.out) == 0 {
		l.next()
	}
	n = copy(p, l.out)
	l.out = l.out[n:]
	if n > 0 && len(l.out) == 0 {
		l.out = nil
		l.hasRead()
	}
	if l.identified {
		l.stalled = time.Time{}
		if l.pending() {
			l.stalled = time.Now()
			l.stall.Reset(l.patience)
		} else {
			l.stall.Stop()
		}
	}
	return n, l.deadline, nil
}

// pending reports whether there is something to read. The caller holds l.mu.
func (l *link) pending() bool {
	return len(l.out) > 0 || !l.welcomed || l.ack || l.relay.events.front() != nil
}

// next chooses what the session is told next: HELLO, READY or RESUMED, then ACKs and events. The
// caller holds l.mu.
func (l *link) next() {
	r := l.relay
	var message []byte
	switch {
	case !l.accepted:
		return
	case !l.helloed:
		l.helloed = true
		message = helloFrame(r.cfg.HeartbeatInterval)
	case !l.identified:
		return
	case !l.welcomed && r.greeted.Load():
		l.welcomed = true
		message = []byte(resumedFrame)
	case !l.welcomed:
		l.welcomed, l.reads = true, ready
		message = r.ready
	case l.ack:
		l.ack = false
		message = []byte(heartbeatACK)
	default:
		if message = r.events.front(); message == nil {
			return
		}
		l.reads = event
	}
	l.out = textFrame(message)
}

// hasRead runs when the session has read a frame to its end. The caller holds l.mu.
func (l *link) hasRead() {
	switch l.reads {
	case ready:
		l.relay.greeted.Store(true)
	case event:
		l.relay.events.pop()
	}
	l.reads = other
}

// SetDeadline implements [net.Conn].
func (l *link) SetDeadline(t time.Time) error { return l.SetReadDeadline(t) }

// SetReadDeadline implements [net.Conn].
func (l *link) SetReadDeadline(t time.Time) error {
	l.mu.Lock()
	l.deadline = t
	l.mu.Unlock()
	put(l.wake)
	return nil
}

// SetWriteDeadline implements [net.Conn]. Write does not block.
func (l *link) SetWriteDeadline(time.Time) error { return nil }

// LocalAddr implements [net.Conn].
func (l *link) LocalAddr() net.Addr { return address{} }

// RemoteAddr implements [net.Conn].
func (l *link) RemoteAddr() net.Addr { return address{} }

// address is that of both ends.
type address struct{}

func (address) Network() string { return "relay" }
func (address) String() string  { return "relay" }
