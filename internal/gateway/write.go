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
	beats   uint64    // sent
	acks    uint64    // for them
	acked   bool      // an ACK came since the last regular heartbeat
}

// A writer owns everything that is written to one connection.
type writer struct {
	*conn
	log  sendLog
	next *time.Timer // the next heartbeat
	more *time.Timer // when a command may be sent again

	every     time.Duration   // between heartbeats; 0 before HELLO
	opens     <-chan struct{} // live, until it is closed
	wake      <-chan struct{} // there may be commands; nil before live is closed
	throttled bool            // commands wait for the send limit
}

// write sends heartbeats, the handshake and commands until the connection has failed, and then
// closes it.
func (c *conn) write() {
	w := &writer{conn: c, next: time.NewTimer(math.MaxInt64), more: time.NewTimer(math.MaxInt64),
		opens: c.live}
	defer w.next.Stop()
	defer w.more.Stop()
	if err := w.loop(); err != nil {
		c.fail(ending{err: err})
	}
	w.close()
}

func (w *writer) loop() error {
	for !w.failed() {
		var err error
		select {
		case <-w.next.C: // first: there may always be another command
			err = w.heartbeat()
		default:
			err = w.step()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// step waits for something to do and does it.
func (w *writer) step() error {
	select {
	case <-w.ctx.Done():
		return nil
	case w.every = <-w.hello:
		// All shards of a bot that comes back would beat as one without the jitter.
		w.next.Reset(jitter(w.every))
		return nil
	case <-w.next.C:
		return w.heartbeat()
	case <-w.beatNow:
		return w.beatOnce()
	case b := <-w.handshake:
		err := w.send(b)
		if w.identified {
			w.s.cfg.Gate.Identified(w.s.cfg.ShardID)
		}
		return err
	case <-w.opens:
		w.opens, w.wake = nil, w.s.out.wake
	case <-w.wake:
	case <-w.more.C:
	}
	return w.command()
}

// heartbeat sends the regular heartbeat, unless nothing was acknowledged since the last one. A
// heartbeat that Discord asked for in between does not count: its ACK may be on the way. Nor
// does an ACK that may be there and only has not been read.
func (w *writer) heartbeat() error {
	w.next.Reset(w.every)
	w.beat.mu.Lock()
	acked := w.beat.acked
	w.beat.acked = false
	w.beat.mu.Unlock()
	if !acked && !w.lagging(w.every) {
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
	w.beat.beats++
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
	c.beat.acks = min(c.beat.acks+1, c.beat.beats)
	acks := c.beat.acks
	c.beat.mu.Unlock()
	c.s.out.arrived(acks)
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
	w.beat.mu.Lock()
	beats := w.beat.beats
	w.beat.mu.Unlock()
	w.s.out.sends(cmd, beats)
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
