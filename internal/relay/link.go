package relay

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// handshakeTimeout bounds each step up to the session's op 2 or 6. The session takes them in
// one breath; the limit is for whatever else may dial.
const handshakeTimeout = 10 * time.Second

// link is one connection of the session: the relay's end of a pipe, with its reader and writer.
type link struct {
	relay *Relay
	conn  net.Conn
	prev  *link // the connection before; nil once that is gone

	hello chan struct{} // one slot: the session has identified or asked to resume
	acks  chan struct{} // one slot: an ACK is due
	gone  chan struct{} // closed when the reader has ended
	done  chan struct{} // closed when the writer has ended too
}

// dial is the session's Dialer.NetDialContext. It ends the connection before, if there is one.
func (r *Relay) dial(context.Context, string, string) (net.Conn, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.closed:
		return nil, ErrClosed
	case r.ready == nil:
		return nil, errNotOpen
	}
	ours, theirs := net.Pipe()
	l := &link{
		relay: r,
		conn:  ours,
		prev:  r.link,
		hello: make(chan struct{}, 1),
		acks:  make(chan struct{}, 1),
		gone:  make(chan struct{}),
		done:  make(chan struct{}),
	}
	r.link = l
	r.links.Go(l.serve)
	return theirs, nil
}

// drop ends the connection at once.
func (l *link) drop() {
	if l != nil {
		_ = l.conn.Close() // a pipe's Close cannot fail
	}
}

// serve is the reader. It starts when the connection before has ended, and ends after its writer.
func (l *link) serve() {
	defer close(l.done)
	defer l.drop()
	if l.prev != nil {
		l.prev.drop()
		<-l.prev.done
		l.prev = nil // or every connection would keep all those before
	}
	ws, err := accept(l.conn)
	if err != nil {
		l.relay.cfg.Logger.Warn("session connected without a websocket handshake", "error", err)
		close(l.gone)
		return
	}
	var writer sync.WaitGroup
	writer.Go(func() { l.write(ws) })
	l.read(ws)
	close(l.gone)
	l.drop()
	writer.Wait()
}

// read reads until the connection ends.
func (l *link) read(ws *websocket.Conn) {
	// The automatic replies would make the reader wait for the writer.
	ws.SetCloseHandler(func(int, string) error { return nil })
	ws.SetPingHandler(func(string) error { return nil })
	_ = ws.SetReadDeadline(time.Now().Add(handshakeTimeout))
	for {
		kind, message, err := ws.ReadMessage()
		if err != nil {
			return
		}
		if kind != websocket.TextMessage {
			l.relay.refuse(len(message), errBinary)
			continue
		}
		l.receive(ws, message)
	}
}

var errBinary = errors.New("binary frame")

// receive classifies one frame of the session and hands it over, without blocking.
func (l *link) receive(ws *websocket.Conn, message []byte) {
	op, d, err := parse(message)
	if err != nil {
		l.relay.refuse(len(message), fmt.Errorf("malformed frame: %w", err))
		return
	}
	switch op {
	case opHeartbeat:
		l.acknowledge()
	case opIdentify, opResume:
		_ = ws.SetReadDeadline(time.Time{})
		put(l.hello)
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
		put(l.acks)
		return
	}
	// The callback cannot block, and harms nobody when the connection has ended by then.
	time.AfterFunc(latency, func() { put(l.acks) })
}

// put leaves a token in a channel of one slot; two tokens are one.
func put(slot chan<- struct{}) {
	select {
	case slot <- struct{}{}:
	default:
	}
}

// write is the writer: HELLO, READY or RESUMED, then ACKs and events until the connection ends.
func (l *link) write(ws *websocket.Conn) {
	defer l.drop()
	if !l.greet(ws) {
		return
	}
	events := l.relay.events
	for {
		select {
		case <-l.gone:
			return
		case <-l.acks:
			if !l.send(ws, []byte(heartbeatACK)) {
				return
			}
			continue
		default:
		}
		if frame := events.front(); frame != nil {
			if !l.send(ws, frame) {
				return
			}
			events.pop()
			continue
		}
		select {
		case <-l.gone:
			return
		case <-l.acks:
			if !l.send(ws, []byte(heartbeatACK)) {
				return
			}
		case <-events.wake:
		}
	}
}

// greet does what Discord does before the first event.
func (l *link) greet(ws *websocket.Conn) bool {
	r := l.relay
	if !l.send(ws, helloFrame(r.cfg.HeartbeatInterval)) {
		return false
	}
	select {
	case <-l.hello:
	case <-l.gone:
		return false
	}
	if r.greeted {
		return l.send(ws, []byte(resumedFrame))
	}
	// A pipe's write succeeds when the peer has read it all, so the session has its READY.
	r.greeted = l.send(ws, r.ready)
	return r.greeted
}

// send writes one frame; false means that the connection is lost.
func (l *link) send(ws *websocket.Conn, frame []byte) bool {
	_ = ws.SetWriteDeadline(time.Now().Add(l.relay.cfg.WriteTimeout))
	err := ws.WriteMessage(websocket.TextMessage, frame)
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		l.relay.cfg.Logger.Warn("session does not read, dropping its connection",
			"after", l.relay.cfg.WriteTimeout)
	}
	return err == nil
}
