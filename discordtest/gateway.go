package discordtest

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// The two ways to the gateway. READY names the second, so that tests see which one a client used.
const (
	gatewayPath = "/gateway"
	resumePath  = "/resume"
)

// Gateway opcodes.
const (
	opDispatch          = 0
	opHeartbeat         = 1
	opIdentify          = 2
	opPresence          = 3
	opVoiceState        = 4
	opResume            = 6
	opReconnect         = 7
	opRequestMembers    = 8
	opInvalidSession    = 9
	opHello             = 10
	opHeartbeatACK      = 11
	opRequestSounds     = 31
	opRequestChannels   = 43
	maxPayload          = 4096
	sendLimit           = 120
	sendWindow          = time.Minute
	maxClientMessage    = 1 << 20
	missedHeartbeatTime = 3 // halves of an interval
)

// serveGateway is the life of a gateway connection: it reads, and waits for the writer at the end.
func (s *Server) serveGateway(w http.ResponseWriter, r *http.Request) {
	resume := r.URL.Path == resumePath || r.URL.Path == resumePath+"/"
	part := refuseGateway
	if resume {
		part = refuseResume
	}
	if s.refuses(refuseAll) || s.refuses(part) {
		resetRequest(w)
		return
	}
	x := &exchange{Server: s, req: r}
	if f := s.findFault(x, s.handshakeHooks()); f != nil && (f.Status != 0 || f.Reset) {
		s.serveFault(w, x, f, nil)
		return
	}
	c, ok := s.accept(w, r)
	if !ok {
		return
	}
	defer close(c.done)
	var writer sync.WaitGroup
	writer.Go(c.writeLoop)
	c.greet()
	err := c.readLoop()
	c.part(err)
	c.kill()
	writer.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.detachLocked(c)
	c.releaseLocked()
	s.record.live = slices.DeleteFunc(s.record.live, func(x *Conn) bool { return x == c })
	s.changedLocked()
}

var upgrader = websocket.Upgrader{
	ReadBufferSize: 4096, WriteBufferSize: 4096, CheckOrigin: func(*http.Request) bool { return true },
}

// accept upgrades a request and registers the connection.
func (s *Server) accept(w http.ResponseWriter, r *http.Request) (*Conn, bool) {
	q := r.URL.Query()
	c := &Conn{srv: s, path: r.URL.Path, query: q, done: make(chan struct{})}
	c.ready = sync.NewCond(&s.mu)
	err := c.enc.open(q.Get("compress"))
	if err != nil || (q.Has("encoding") && q.Get("encoding") != "json") {
		http.Error(w, "the gateway speaks JSON, plain, zlib-stream or zstd-stream", http.StatusBadRequest)
		return nil, false
	}
	ws, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return nil, false
	}
	c.ws, c.wire = ws, ws.NetConn().(*wire)
	c.wire.cork()
	ws.SetReadLimit(maxClientMessage)
	ws.SetCloseHandler(func(int, string) error { return nil })
	ws.SetPingHandler(func(data string) error {
		c.sendUrgent(item{kind: itemPong, data: []byte(data)})
		return nil
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = c.wire.Close()
		return nil, false
	}
	s.serial++
	c.number = s.serial
	s.record.live = append(s.record.live, c)
	s.record.connections.add(c)
	s.cfg.Logger.Debug("gateway connection", "number", c.number, "path", c.path)
	s.changedLocked()
	return c, true
}

// greet sends HELLO, unless a hook has taken the connection over or the version is wrong.
func (c *Conn) greet() {
	for _, h := range c.srv.connectHooks() {
		if h.fn(c) {
			return
		}
	}
	switch c.query.Get("v") {
	case "", "6", "7", "8", "9", "10":
		c.Hello(c.srv.cfg.HeartbeatInterval)
	default:
		c.Close(4012, "Invalid API version.")
	}
}

// readLoop handles what the client sends until the connection fails.
func (c *Conn) readLoop() error {
	for {
		_, msg, err := c.ws.ReadMessage()
		if err != nil {
			return err
		}
		c.receive(msg)
	}
}

// receive handles one client frame: it is recorded, held against the limits, shown to hooks and
// then carried out.
func (c *Conn) receive(msg []byte) {
	var f struct {
		Op *int            `json:"op"`
		D  json.RawMessage `json:"d"`
	}
	err := json.Unmarshal(msg, &f)
	if err != nil || f.Op == nil || len(msg) > maxPayload {
		c.Close(4002, "Error while decoding payload.")
		return
	}
	s := c.srv
	s.mu.Lock()
	if c.sent {
		s.mu.Unlock()
		return
	}
	now := s.nowLocked()
	s.record.frames.add(
		Frame{Time: now, Conn: c, ShardID: c.shardLocked(), Op: *f.Op, D: f.D, Size: len(msg)})
	tooMany := c.countSendLocked(now)
	hooks := s.faults.onFrame
	s.changedLocked()
	s.mu.Unlock()
	if tooMany {
		c.Close(4008, "You are being rate limited.")
		return
	}
	for _, h := range hooks {
		if h.fn(c, *f.Op, f.D) {
			return
		}
	}
	c.Execute(*f.Op, f.D)
}

// countSendLocked counts a client frame and reports whether it is one too many in the last minute.
func (c *Conn) countSendLocked(now time.Time) bool {
	c.sends = slices.DeleteFunc(c.sends, func(t time.Time) bool { return now.Sub(t) >= sendWindow })
	c.sends = append(c.sends, now)
	return len(c.sends) > sendLimit
}

// Execute does what Discord does with a command, as if the client had just sent it. With it a hook
// that has handled a frame can carry it out after all, later or changed.
func (c *Conn) Execute(op int, d json.RawMessage) {
	switch op {
	case opHeartbeat:
		c.heartbeat()
		return
	case opIdentify:
		c.identify(d)
		return
	case opResume:
		c.resume(d)
		return
	}
	if !c.identified() {
		c.Close(4003, "Not authenticated.")
		return
	}
	switch op {
	case opPresence:
		c.updatePresence(d)
	case opVoiceState:
		c.updateVoice(d)
	case opRequestMembers:
		c.requestMembers(d)
	case opRequestSounds:
		c.requestSounds(d)
	case opRequestChannels: // recorded; there is nothing to tell about text channels
	default:
		c.Close(4001, "Unknown opcode.")
	}
}

func (c *Conn) identified() bool {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	return c.session != nil && c.session.conn == c
}

// heartbeat answers op 1 and gives the client another interval and a half.
func (c *Conn) heartbeat() {
	s := c.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	c.extendLocked()
	if c.holdACKs {
		c.heldACKs++
		return
	}
	c.urgent = append(c.urgent, item{data: []byte(ackFrame)})
	c.wakeLocked()
}

const ackFrame = `{"t":null,"s":null,"op":11,"d":null}`

// extendLocked sets the time by which the next heartbeat must come.
func (c *Conn) extendLocked() {
	if !c.sent {
		_ = c.wire.SetReadDeadline(time.Now().Add(c.srv.patience()))
	}
}

// patience is how long the server waits for a heartbeat.
func (s *Server) patience() time.Duration { return s.cfg.HeartbeatInterval * missedHeartbeatTime / 2 }

// part ends the connection in an orderly way after its reader has stopped: a client's close frame
// is recorded and echoed, a silent client is told so.
func (c *Conn) part(err error) {
	s := c.srv
	code, reason := 1006, ""
	if closed, ok := errors.AsType[*websocket.CloseError](err); ok {
		code, reason = closed.Code, closed.Text
	}
	var timeout net.Error // gorilla hides os.ErrDeadlineExceeded
	silent := errors.As(err, &timeout) && timeout.Timeout()
	s.mu.Lock()
	if c.sent || c.cut || s.closed {
		s.mu.Unlock()
		return
	}
	reply := code
	if silent {
		reply, reason = 4009, "Session timed out."
	} else {
		s.record.closes.add(Close{
			Time: s.nowLocked(), Conn: c, ShardID: c.shardLocked(), Code: code, Reason: reason,
		})
	}
	x := c.session
	if attached := x != nil && x.conn == c; attached && endsSession(reply, !silent) {
		delete(s.sessions, x.id)
	}
	s.detachLocked(c)
	s.changedLocked()
	if code != 1006 || silent {
		c.queue = append(c.queue[:0], item{kind: itemClose, code: reply, reason: reason})
		c.wakeLocked()
	}
	s.mu.Unlock()
	if code != 1006 || silent {
		_ = c.wire.SetReadDeadline(time.Now().Add(closeLinger))
		_, _ = io.Copy(io.Discard, c.wire)
	}
}
