package discordtest

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/gorilla/websocket"
)

// Hello sends HELLO with an interval, which may be one that Discord would never send. Without a
// heartbeat within one and a half of [Config.HeartbeatInterval] the connection is closed with 4009.
// A server sends HELLO by itself unless an [Server.OnConnect] hook has taken the connection over.
func (c *Conn) Hello(interval time.Duration) {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	c.extendLocked()
	d := fmt.Appendf(nil, `{"heartbeat_interval":%d,"_trace":["discordtest"]}`, interval.Milliseconds())
	c.enqueueLocked(item{data: opFrame(opHello, d)})
}

// Close closes the connection with a close frame. The codes of Discord that mean the session is
// lost (4001, 4003 to 4005, 4007, 4009 to 4014) end the session; after any other it can be resumed.
// That includes 1000 and 1001, which end it only when the client sends them.
func (c *Conn) Close(code int, reason string) {
	c.enqueue(item{kind: itemClose, code: code, reason: reason})
}

// Reset cuts the connection at once with a TCP reset; what is queued is not sent. The session can
// be resumed.
func (c *Conn) Reset() { c.reset() }

// ResetMidFrame sends the beginning of a websocket frame and then a TCP reset.
func (c *Conn) ResetMidFrame() {
	c.SendBytes([]byte{0x81, 0x7e, 0x10, 0x00, '{', '"', 't', '"'})
	c.enqueue(item{kind: itemReset})
}

// Reconnect sends op 7. The connection stays open.
func (c *Conn) Reconnect() { c.SendOp(opReconnect, nil) }

// InvalidSession sends op 9 and takes the session from the connection, which may identify again. A
// session that is not resumable is gone.
func (c *Conn) InvalidSession(resumable bool) {
	s := c.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	if x := c.session; x != nil && x.conn == c {
		s.detachLocked(c)
		if !resumable {
			delete(s.sessions, x.id)
		}
	}
	c.enqueueLocked(item{data: opFrame(opInvalidSession, strconv.AppendBool(nil, resumable))})
	s.changedLocked()
}

// RequestHeartbeat sends op 1, to be answered with a heartbeat at once.
func (c *Conn) RequestHeartbeat() { c.SendOp(opHeartbeat, nil) }

// HoldACKs starts or stops holding back the answers to heartbeats. Those held are sent when it
// stops.
func (c *Conn) HoldACKs(on bool) {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	c.holdACKs = on
	for ; !on && c.heldACKs > 0; c.heldACKs-- {
		c.urgent = append(c.urgent, item{data: []byte(ackFrame)})
	}
	c.wakeLocked()
}

// PauseReads stops or resumes reading: while it is on, what the client sends stays in the socket,
// until the client can no longer write. The time is not counted as a lack of heartbeats.
func (c *Conn) PauseReads(on bool) { c.wire.holdReads(on, c.srv.patience()) }

// PauseWrites stops or resumes writing. Together with [Conn.PauseReads] it makes a connection that
// is open but dead, like one behind a router that lost its state.
func (c *Conn) PauseWrites(on bool) { c.wire.holdWrites(on) }

// SendOp sends a payload with an opcode and d field, outside of the session's sequence. It panics
// if d cannot be marshalled.
func (c *Conn) SendOp(op int, d any) {
	raw, err := json.Marshal(d)
	if err != nil {
		panic(fmt.Sprintf("discordtest: marshal op %d: %v", op, err))
	}
	c.SendRaw(opFrame(op, raw))
}

// SendRaw sends bytes as one gateway payload through the connection's compression, outside of the
// session's sequence: null, truncated JSON, anything.
func (c *Conn) SendRaw(payload []byte) {
	c.enqueue(item{kind: itemPayload, data: append([]byte(nil), payload...)})
}

// SendMessage sends a websocket message past the compression, which breaks a compressed stream. The
// type is [websocket.TextMessage] or [websocket.BinaryMessage].
func (c *Conn) SendMessage(messageType int, data []byte) {
	if messageType != websocket.TextMessage && messageType != websocket.BinaryMessage {
		panic("discordtest: SendMessage takes text or binary messages")
	}
	c.enqueue(item{kind: itemMessage, code: messageType, data: append([]byte(nil), data...)})
}

// SendBytes sends bytes on the TCP connection, past the websocket framing.
func (c *Conn) SendBytes(raw []byte) {
	c.enqueue(item{kind: itemBytes, data: append([]byte(nil), raw...)})
}

// SendTruncated compresses a payload and sends the first half of the result as one message. Without
// compression half the payload is sent.
func (c *Conn) SendTruncated(payload []byte) {
	c.enqueue(item{kind: itemTruncated, data: append([]byte(nil), payload...)})
}

// SendSplit compresses a payload and sends it as two websocket messages, of which only the second
// ends with zlib's flush marker.
func (c *Conn) SendSplit(payload []byte) {
	c.enqueue(item{kind: itemSplit, data: append([]byte(nil), payload...)})
}

// SendBomb sends one payload of about size bytes of text; compressed it is a thousandth of that.
func (c *Conn) SendBomb(size int) { c.enqueue(item{kind: itemBomb, size: size}) }
