package gateway_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

const interval = 41250 * time.Millisecond

// A peer is the server's end of one connection. It reads all the time, acknowledges heartbeats
// unless mute, and sends from a queue without end, as the buffers of a real socket would.
type peer struct {
	f     *fake
	ws    *websocket.Conn
	host  string
	query url.Values
	since time.Time

	out  chan func() error
	in   chan payload  // what came, except heartbeats
	gone chan struct{} // closed when the connection has ended
	code int           // the client's close code, 0 without one; set before gone
	mute atomic.Bool   // heartbeats are not acknowledged
	deaf atomic.Bool   // nothing more is read after the next payload

	delay atomic.Int64 // before each read

	mu    sync.Mutex
	beats []payload // heartbeats
	all   []time.Time

	encode io.WriteCloser // nil without compression
	buf    bytes.Buffer
}

type payload struct {
	at time.Time
	Op int             `json:"op"`
	D  json.RawMessage `json:"d"`
}

func newPeer(f *fake, ws *websocket.Conn, r *http.Request) *peer {
	p := &peer{
		f: f, ws: ws, host: r.Host, query: r.URL.Query(), since: time.Now(),
		out:  make(chan func() error, 1<<16),
		in:   make(chan payload, 1<<12),
		gone: make(chan struct{}),
	}
	switch p.query.Get("compress") {
	case "zstd-stream":
		p.encode, _ = zstd.NewWriter(&p.buf, zstd.WithEncoderConcurrency(1),
			zstd.WithWindowSize(128<<10))
	case "zlib-stream":
		p.encode = zlib.NewWriter(&p.buf)
	}
	return p
}

func (p *peer) read() {
	defer close(p.gone)
	defer p.ws.NetConn().Close()
	for !p.deaf.Load() {
		if d := time.Duration(p.delay.Load()); d > 0 {
			time.Sleep(d)
		}
		_, b, err := p.ws.ReadMessage()
		var ce *websocket.CloseError
		if errors.As(err, &ce) && ce.Code != websocket.CloseAbnormalClosure {
			p.code = ce.Code
			p.f.closedWith(ce.Code)
		}
		if err != nil {
			return
		}
		p.received(b)
	}
	<-p.f.done
}

func (p *peer) received(b []byte) {
	m := payload{at: time.Now()}
	if err := json.Unmarshal(b, &m); err != nil {
		p.f.t.Errorf("client sent %q: %v", b, err)
		return
	}
	p.mu.Lock()
	p.all = append(p.all, m.at)
	if m.Op == 1 {
		p.beats = append(p.beats, m)
	}
	p.mu.Unlock()
	switch m.Op {
	case 1:
		if !p.mute.Load() {
			p.send(`{"t":null,"s":null,"op":11,"d":null}`)
		}
		return
	case 2:
		p.f.identified()
	case 6:
		var d struct {
			SessionID string `json:"session_id"`
		}
		_ = json.Unmarshal(m.D, &d)
		p.f.resumed(d.SessionID)
	}
	p.in <- m
}

func (p *peer) write() {
	for {
		select {
		case send := <-p.out:
			if send() != nil {
				return
			}
		case <-p.gone:
			return
		}
	}
}

// send queues a payload, compressed as the client has asked for.
func (p *peer) send(format string, args ...any) {
	p.sendBytes(fmt.Appendf(nil, format, args...))
}

func (p *peer) sendBytes(b []byte) {
	p.out <- func() error {
		if p.encode == nil {
			return p.ws.WriteMessage(websocket.TextMessage, b)
		}
		return p.ws.WriteMessage(websocket.BinaryMessage, p.compress(b))
	}
}

// compress is called by the writing goroutine only.
func (p *peer) compress(b []byte) []byte {
	p.buf.Reset()
	_, _ = p.encode.Write(b)
	_ = p.encode.(interface{ Flush() error }).Flush()
	return bytes.Clone(p.buf.Bytes())
}

// raw queues a message as it is.
func (p *peer) raw(kind int, b []byte) {
	p.out <- func() error { return p.ws.WriteMessage(kind, b) }
}

func (p *peer) hello() { p.send(`{"t":null,"s":null,"op":10,"d":{"heartbeat_interval":41250}}`) }

func (p *peer) dispatch(seq int, eventType, d string) {
	p.send(`{"t":"%s","s":%d,"op":0,"d":%s}`, eventType, seq, d)
}

// ready sends READY with a resume URL and guilds that are to come.
func (p *peer) ready(session string, guilds ...string) {
	list := make([]string, len(guilds))
	for i, g := range guilds {
		list[i] = fmt.Sprintf(`{"id":%q,"unavailable":true}`, g)
	}
	p.dispatch(1, "READY", fmt.Sprintf(
		`{"v":10,"session_id":%q,"resume_gateway_url":%q,"guilds":[%s],"user":{"id":"1"}}`,
		session, resumeURL, strings.Join(list, ",")))
}

// close sends a close frame.
func (p *peer) close(code int) {
	p.out <- func() error {
		return p.ws.WriteControl(websocket.CloseMessage,
			websocket.FormatCloseMessage(code, "why"), time.Now().Add(time.Minute))
	}
}

// reset ends the connection without a word, after all that was sent before.
func (p *peer) reset() { p.out <- p.ws.NetConn().Close }

// next returns the next payload from the client that is no heartbeat.
func (p *peer) next() payload {
	p.f.t.Helper()
	select {
	case m := <-p.in:
		return m
	case <-p.gone:
	case <-time.After(patience):
		p.f.t.Fatal("nothing came from the client")
	}
	select { // it may have come before the end
	case m := <-p.in:
		return m
	default:
		p.f.t.Fatalf("the client has closed the connection (code %d)", p.code)
		return payload{}
	}
}

// expect returns the d of the next payload, which must have the given op.
func (p *peer) expect(op int) map[string]any {
	p.f.t.Helper()
	m := p.next()
	if m.Op != op {
		p.f.t.Fatalf("client sent op %d with %s, want op %d", m.Op, m.D, op)
	}
	var d map[string]any
	if err := json.Unmarshal(m.D, &d); err != nil {
		p.f.t.Fatalf("d of op %d: %v", op, err)
	}
	return d
}

// ended waits for the end of the connection and returns the client's close code.
func (p *peer) ended() int {
	p.f.t.Helper()
	select {
	case <-p.gone:
	case <-time.After(patience):
		p.f.t.Fatal("the client has not closed the connection")
	}
	return p.code
}

func (p *peer) heartbeats() []payload {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]payload(nil), p.beats...)
}

// arrivals returns when each payload came, heartbeats included.
func (p *peer) arrivals() []time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]time.Time(nil), p.all...)
}
