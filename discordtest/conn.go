package discordtest

import (
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/gorilla/websocket"
)

// A Conn is one gateway connection, open or closed. Its methods may be called from any goroutine
// and do not block; what they send is queued behind the events dispatched before, unless their
// comment says otherwise.
type Conn struct {
	srv    *Server
	ws     *websocket.Conn
	wire   *wire
	number int
	path   string
	query  url.Values
	enc    encoder
	done   chan struct{} // closed when the connection has ended

	// Guarded by srv.mu.
	ready    *sync.Cond // something to write, or dead
	session  *session
	cursor   int64  // last sequence written
	resumed  bool   // the session came by RESUME
	resumeAt int64  // sequence of this connection's own RESUMED
	urgent   []item // written before anything else
	queue    []item // written in order, each when the cursor has reached its place
	dead     bool   // the writer must end
	sent     bool   // a close frame is being written, or was
	cut      bool   // the server reset the connection
	ended    bool
	holdACKs bool
	heldACKs int
	sends    []time.Time // times of the last client frames, for the send limit
}

// An item is something to write that is not an event of the session.
type item struct {
	kind   itemKind
	after  int64 // sequence to be written before it
	data   []byte
	code   int // close code, or websocket message type
	reason string
	seq    int64 // of an event
	typ    string
	size   int // of a bomb
}

type itemKind int

const (
	itemPayload   itemKind = iota // a gateway payload, through the compression
	itemEvent                     // an event of the session
	itemMessage                   // a websocket message as it is
	itemBytes                     // bytes on the TCP connection
	itemTruncated                 // the first half of a compressed payload
	itemSplit                     // a compressed payload in two messages
	itemBomb                      // a payload that inflates to size
	itemPong
	itemClose
	itemReset
)

// wakeLocked wakes the connection's writer.
func (c *Conn) wakeLocked() { c.ready.Signal() }

// attachLocked gives the connection a session, of which it has seen everything up to seq.
func (c *Conn) attachLocked(x *session, seq int64) {
	x.conn, c.session, c.cursor = c, x, seq
	for i := range c.queue {
		c.queue[i].after = 0 // its place was in an earlier session
	}
}

// enqueueLocked queues an item behind the events that the session has now.
func (c *Conn) enqueueLocked(it item) {
	if c.ended {
		return
	}
	if c.session != nil && c.session.conn == c {
		it.after = c.session.last()
	}
	c.queue = append(c.queue, it)
	c.wakeLocked()
}

func (c *Conn) enqueue(it item) {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	c.enqueueLocked(it)
}

// sendUrgent sends an item before everything that is queued.
func (c *Conn) sendUrgent(it item) {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	if c.ended {
		return
	}
	c.urgent = append(c.urgent, it)
	c.wakeLocked()
}

// reset cuts the connection with a TCP reset.
func (c *Conn) reset() {
	c.srv.mu.Lock()
	c.cut = true
	c.srv.mu.Unlock()
	c.wire.reset()
	c.kill()
}

// kill ends the connection at once, without a close frame, whatever is paused.
func (c *Conn) kill() {
	c.srv.mu.Lock()
	c.dead = true
	c.wakeLocked()
	c.srv.mu.Unlock()
	_ = c.wire.Close()
}

// releaseLocked marks the connection as ended and lets go of all but what its methods tell: records
// refer to connections long after they have ended, and a compressor alone takes most of a
// megabyte. Reader and writer must have stopped.
func (c *Conn) releaseLocked() {
	c.ended = true
	c.ws, c.enc = nil, encoder{}
	c.urgent, c.queue, c.sends = nil, nil, nil
	c.wire.release()
	if x := c.session; x != nil {
		c.session = &session{id: x.id, shard: x.shard, count: x.count, intents: x.intents}
	}
}

// Number counts the server's connections, from 1.
func (c *Conn) Number() int { return c.number }

// Path is the path of the request that opened the connection: "/gateway" or "/resume", as the
// gateway URL and resume_gateway_url say, perhaps with a slash behind it.
func (c *Conn) Path() string { return c.path }

// OnResumeURL reports whether the connection came to the resume URL rather than the gateway URL.
func (c *Conn) OnResumeURL() bool { return c.path == resumePath || c.path == resumePath+"/" }

// Query returns the query of that request: v, encoding, compress.
func (c *Conn) Query() url.Values {
	q := make(url.Values, len(c.query))
	for k, v := range c.query {
		q[k] = append([]string(nil), v...)
	}
	return q
}

// Done returns a channel that is closed when the connection has ended and its close is recorded.
func (c *Conn) Done() <-chan struct{} { return c.done }

// SessionID returns the id of the connection's session, "" before IDENTIFY or RESUME succeeded.
func (c *Conn) SessionID() string {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	if c.session == nil {
		return ""
	}
	return c.session.id
}

// ShardID returns the shard of the connection's session, -1 before IDENTIFY or RESUME succeeded.
func (c *Conn) ShardID() int {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	return c.shardLocked()
}

func (c *Conn) shardLocked() int {
	if c.session == nil {
		return -1
	}
	return c.session.shard
}

// Intents returns the intents of the connection's session.
func (c *Conn) Intents() discordgo.Intent {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	if c.session == nil {
		return 0
	}
	return c.session.intents
}

// Resumed reports whether the session came by RESUME.
func (c *Conn) Resumed() bool {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	return c.resumed
}

// Sequence returns the sequence of the last event written, or handed to a hook that dropped it.
func (c *Conn) Sequence() int64 {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	return c.cursor
}

// Frames returns those of [Server.Frames] that the client sent on this connection.
func (c *Conn) Frames() []Frame {
	return slices.DeleteFunc(c.srv.Frames(), func(f Frame) bool { return f.Conn != c })
}

// Closed reports whether the connection has ended.
func (c *Conn) Closed() bool {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	return c.ended
}
