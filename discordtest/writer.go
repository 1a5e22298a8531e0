package discordtest

import (
	"strconv"
	"time"

	"github.com/gorilla/websocket"
)

// batchSize is how many events a writer takes at a time: enough to make locking and flushing cheap,
// few enough that a close or a hook takes effect soon.
const batchSize = 64

// A batch is what a writer writes between two looks at the state.
type batch struct {
	items    []item
	hooks    []*dispatchHook
	compress bool // payload compression
}

// writeLoop is the connection's only writer. It ends when the connection is dead or cannot be
// written to.
func (c *Conn) writeLoop() {
	var b batch
	var frame []byte
	for c.next(&b) {
		for i := range b.items {
			if !c.write(&b.items[i], &b, &frame) {
				c.kill()
				return
			}
		}
		if c.wire.flush() != nil {
			c.kill()
			return
		}
		c.wrote(&b)
	}
}

// next waits for something to write and takes it. It returns false when the connection is dead.
func (c *Conn) next(b *batch) bool {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	b.items = b.items[:0]
	for {
		if c.dead {
			return false
		}
		c.takeLocked(b)
		if len(b.items) > 0 {
			b.hooks = c.srv.faults.onDispatch
			b.compress = c.session != nil && c.session.compress
			return true
		}
		c.ready.Wait()
	}
}

// takeLocked moves what may be written now into b: urgent items, then queued items whose place is
// reached, then events up to the place of the next item.
func (c *Conn) takeLocked(b *batch) {
	if c.sent {
		return // nothing follows a close frame
	}
	b.items = append(b.items, c.urgent...)
	c.urgent = c.urgent[:0]
	x := c.session
	attached := x != nil && x.conn == c
	for len(c.queue) > 0 && (!attached || c.queue[0].after <= c.cursor) {
		it := c.queue[0]
		c.queue = c.queue[1:]
		b.items = append(b.items, it)
		if it.kind == itemClose {
			c.closeLocked(it.code)
			return
		}
	}
	if len(b.items) > 0 || !attached {
		return
	}
	if c.cursor+1 < x.first { // the log has forgotten what this client has not read
		delete(c.srv.sessions, x.id)
		x.conn = nil
		b.items = append(b.items, item{kind: itemReset})
		return
	}
	limit := min(x.last(), c.cursor+batchSize)
	if len(c.queue) > 0 {
		limit = min(limit, c.queue[0].after)
	}
	for ; c.cursor < limit; c.cursor++ {
		seq := c.cursor + 1
		e := x.events[seq-x.first]
		if e.typ == "RESUMED" && seq != c.resumeAt {
			continue // it told of an earlier RESUME
		}
		b.items = append(b.items, item{kind: itemEvent, seq: seq, typ: e.typ, data: e.data})
	}
}

// closeLocked parts the connection from its session before a close frame is written, so that a
// client which resumes at once finds it ready, or gone.
func (c *Conn) closeLocked(code int) {
	c.sent = true
	if x := c.session; x != nil && x.conn == c {
		c.srv.detachLocked(c)
		if endsSession(code, false) {
			delete(c.srv.sessions, x.id)
		}
	}
}

// wrote publishes that a batch is on its way.
func (c *Conn) wrote(b *batch) {
	clear(b.items) // the payloads can be large
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	c.srv.changedLocked()
}

// write writes one item and reports whether the connection can still be used.
func (c *Conn) write(it *item, b *batch, frame *[]byte) bool {
	switch it.kind {
	case itemEvent:
		*frame = appendDispatch((*frame)[:0], it.typ, it.seq, it.data)
		payload := *frame
		for _, h := range b.hooks {
			if payload = h.fn(c, it.seq, it.typ, append([]byte(nil), payload...)); payload == nil {
				return true
			}
		}
		return c.writePayload(payload, b.compress) == nil
	case itemPayload:
		return c.writePayload(it.data, b.compress) == nil
	case itemMessage:
		return c.ws.WriteMessage(it.code, it.data) == nil
	case itemBytes:
		_, err := c.wire.Write(it.data)
		return err == nil
	case itemTruncated:
		typ, data, err := c.enc.encode(it.data, b.compress)
		return err == nil && c.ws.WriteMessage(typ, data[:len(data)/2]) == nil
	case itemSplit:
		typ, data, err := c.enc.encode(it.data, b.compress)
		half := len(data) / 2
		return err == nil && c.ws.WriteMessage(typ, data[:half]) == nil &&
			c.ws.WriteMessage(typ, data[half:]) == nil
	case itemBomb:
		typ, data, err := c.enc.bomb(it.size)
		return err == nil && c.ws.WriteMessage(typ, data) == nil
	case itemPong:
		return c.ws.WriteMessage(websocket.PongMessage, it.data) == nil
	case itemClose:
		return c.writeClose(it.code, it.reason)
	case itemReset:
		_ = c.wire.flush()
		c.reset()
	}
	return false
}

func (c *Conn) writePayload(payload []byte, compress bool) error {
	typ, data, err := c.enc.encode(payload, compress)
	if err != nil {
		return err
	}
	return c.ws.WriteMessage(typ, data)
}

// closeLinger is how long a client has to answer a close frame; its answer is thrown away.
const closeLinger = time.Second

// writeClose writes a close frame and a FIN. The reader goes on until the client has closed its
// side.
func (c *Conn) writeClose(code int, reason string) bool {
	frame := websocket.FormatCloseMessage(code, reason)
	if c.ws.WriteMessage(websocket.CloseMessage, frame) != nil || c.wire.flush() != nil {
		return false
	}
	c.wire.closeWrite()
	_ = c.wire.Conn.SetReadDeadline(time.Now().Add(closeLinger))
	return true
}

// appendDispatch appends an op 0 frame, its fields in Discord's order.
func appendDispatch(b []byte, typ string, seq int64, data []byte) []byte {
	b = append(b, `{"t":"`...)
	b = append(b, typ...)
	b = append(b, `","s":`...)
	b = strconv.AppendInt(b, seq, 10)
	b = append(b, `,"op":0,"d":`...)
	b = append(b, data...)
	return append(b, '}')
}
