package gateway

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

var (
	errZombie = errors.New("heartbeat was not acknowledged")
	errHello  = errors.New("no HELLO in time")
	errReady  = errors.New("no READY or RESUMED within 60 s of the handshake")
)

// beatState is what reader and writer share of the heartbeat.
type beatState struct {
	mu      sync.Mutex
	sent    time.Time // when the first of those without an ACK was sent
	pending bool      // there is one without an ACK
	acked   bool      // an ACK came since the last regular heartbeat
}

// A writer owns everything that is written to one connection.
type writer struct {
	*conn
	log  sendLog
	next *time.Timer // the next heartbeat
	more *time.Timer // when a command may be sent again

	throttled bool // commands wait for the send limit
}

// write sends heartbeats, the handshake and commands until the connection has failed, and then
// closes it.
func (c *conn) write() {
	w := &writer{conn: c, next: time.NewTimer(math.MaxInt64), more: time.NewTimer(math.MaxInt64)}
	defer w.next.Stop()
	defer w.more.Stop()
	if err := w.loop(); err != nil {
		c.fail(ending{err: err})
	}
	w.close()
}

func (w *writer) loop() error {
	var interval time.Duration
	wake := (<-chan struct{})(nil) // not before ready
	live := w.live
	for !w.failed() {
		var err error
		select {
		case <-w.ctx.Done():
			return nil
		case interval = <-w.hello:
			// All shards of a bot that comes back would beat as one without the jitter.
			w.next.Reset(jitter(interval))
		case <-w.next.C:
			err = w.heartbeat(interval)
			w.next.Reset(interval)
		case <-w.beatNow:
			err = w.beatOnce()
		case b := <-w.handshake:
			err = w.send(b)
		case <-live:
			live, wake = nil, w.s.out.wake
			err = w.command()
		case <-wake:
			err = w.command()
		case <-w.more.C:
			err = w.command()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// heartbeat sends the regular heartbeat, unless nothing was acknowledged since the last one. A
// heartbeat that Discord asked for in between does not count: its ACK may be on the way. Nor
// does an ACK that may be there and only has not been read.
func (w *writer) heartbeat(interval time.Duration) error {
	w.beat.mu.Lock()
	acked := w.beat.acked
	w.beat.acked = false
	w.beat.mu.Unlock()
	if !acked && !w.lagging(interval) {
		return errZombie
	}
	return w.beatOnce()
}

func (w *writer) beatOnce() error {
	d := "null"
	if seq := w.s.sequence(); seq > 0 {
		d = strconv.FormatInt(seq, 10)
	}
	w.beat.mu.Lock()
	if !w.beat.pending {
		w.beat.sent, w.beat.pending = time.Now(), true
	}
	w.beat.mu.Unlock()
	return w.send([]byte(`{"op":1,"d":` + d + `}`))
}

// acknowledged notes an ACK. It runs on the reader.
func (c *conn) acknowledged() {
	now := time.Now()
	c.beat.mu.Lock()
	pending, latency := c.beat.pending, now.Sub(c.beat.sent)
	c.beat.pending, c.beat.acked = false, true
	c.beat.mu.Unlock()
	if pending {
		c.s.stats.ack(latency, now)
	}
}

// command sends the first command that waits, if the limits allow it, and sees to it that the
// next has its turn. Between two a heartbeat can go out.
func (w *writer) command() error {
	now := time.Now()
	if d := w.log.wait(now); d > 0 {
		if !w.throttled {
			w.throttled = true
			w.s.stats.throttled.Add(1)
		}
		w.more.Reset(d)
		return nil
	}
	cmd, wait, ok := w.s.out.next(now)
	if !ok {
		if wait > 0 {
			w.more.Reset(wait)
		}
		return nil
	}
	if err := w.send(cmd.frame); err != nil {
		w.s.out.unsend(cmd)
		return err
	}
	w.throttled = false
	w.s.stats.command(cmd.op)
	w.more.Reset(0)
	return nil
}

func (w *writer) send(b []byte) error {
	if err := w.ws.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	if err := w.ws.WriteMessage(websocket.TextMessage, b); err != nil {
		return fmt.Errorf("write to the gateway: %w", err)
	}
	// Not before: the peer may have been slow to take it.
	w.log.add(time.Now())
	return nil
}

// close says goodbye and closes the socket. Only when Run is over is the peer's answer waited
// for, until closeBy at most: closing a socket with unread input resets it, and the close frame
// might be lost.
func (w *writer) close() {
	stop := w.ending.stop
	code := closeResumable
	if stop && !w.s.cfg.KeepSession {
		code = websocket.CloseNormalClosure
	}
	msg := websocket.FormatCloseMessage(code, "")
	err := w.ws.WriteControl(websocket.CloseMessage, msg, time.Now().Add(closeTimeout))
	if err == nil && stop {
		<-w.read
	}
	_ = w.ws.Close()
}
