package gateway_test

import (
	"context"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// Hosts of the fake. All of them lead to the same server, which tells them apart.
const (
	gatewayURL = "ws://gateway.fake.test/"
	resumeURL  = "ws://resume.fake.test/"
)

// patience is how long a test waits for what must happen: nothing in a bubble, and long enough
// for any machine outside of one.
const patience = 30 * time.Minute

// A fake is the gateway that a Shard under test dials. Each connection comes out of accept as a
// peer that the test plays. Whatever the test does, the fake checks that
//
//   - there are never two connections at once,
//   - no IDENTIFY comes that its gate has not admitted,
//   - no session is resumed that was declared dead,
//   - nothing is closed with 1000 or 1001 before the stop, and nothing is dialled after it.
type fake struct {
	t      testing.TB
	dialer *websocket.Dialer
	dial   func() (net.Conn, error)
	srv    *http.Server
	peers  chan *peer
	done   chan struct{}
	wg     sync.WaitGroup

	mu         sync.Mutex // guards what follows
	onDial     func(ctx context.Context, host string) error
	knows      func(compress string) bool // nil: all
	hosts      []string                   // that were dialled
	open       int                        // connections that the client has not closed
	all        []*peer
	admitted   int // by the gate
	identifies int
	dead       map[string]bool // sessions
	stopping   bool
}

// newFake returns a fake in memory, for use in a bubble.
func newFake(t testing.TB) *fake {
	l := &memoryListener{conns: make(chan net.Conn), done: make(chan struct{})}
	f := &fake{t: t, dial: l.dial}
	f.serve(l)
	return f
}

// newLoopbackFake returns a fake on a real socket.
func newLoopbackFake(t testing.TB) *fake {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	f := &fake{t: t, dial: func() (net.Conn, error) { return net.Dial("tcp", addr) }}
	f.serve(l)
	return f
}

func (f *fake) serve(l net.Listener) {
	f.peers = make(chan *peer, 1<<12)
	f.done = make(chan struct{})
	f.dead = make(map[string]bool)
	f.dialer = &websocket.Dialer{NetDialContext: f.dialContext}
	f.srv = &http.Server{Handler: f, ReadHeaderTimeout: time.Minute}
	f.wg.Go(func() { _ = f.srv.Serve(l) })
}

func (f *fake) close() {
	close(f.done)
	_ = f.srv.Close()
	f.mu.Lock()
	all := f.all
	f.mu.Unlock()
	for _, p := range all {
		_ = p.ws.NetConn().Close()
	}
	f.wg.Wait()
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	knows := f.knows
	f.mu.Unlock()
	if knows != nil && !knows(r.URL.Query().Get("compress")) {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	up := websocket.Upgrader{}
	ws, err := up.Upgrade(w, r, nil)
	if err != nil {
		return // the client hung up
	}
	p := newPeer(f, ws, r)
	f.mu.Lock()
	f.all = append(f.all, p)
	f.mu.Unlock()
	f.wg.Add(2)
	go func() { defer f.wg.Done(); p.write() }()
	go func() { defer f.wg.Done(); p.read() }()
	f.peers <- p
}

// accept returns the next connection.
func (f *fake) accept() *peer {
	f.t.Helper()
	select {
	case p := <-f.peers:
		return p
	case <-time.After(patience):
		f.t.Fatal("no connection came")
		return nil
	}
}

// refuse makes dialling a host fail; "" stands for all.
func (f *fake) refuse(host string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.onDial = func(_ context.Context, h string) error {
		if host == "" || h == host {
			return err
		}
		return nil
	}
}

func (f *fake) dialled() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.hosts...)
}

func (f *fake) dialContext(ctx context.Context, _, addr string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	if f.open > 0 {
		f.t.Errorf("dialled %s while another connection is open", host)
	}
	if f.stopping && ctx.Err() == nil {
		f.t.Errorf("dialled %s after the stop", host)
	}
	f.hosts = append(f.hosts, host)
	hook := f.onDial
	f.mu.Unlock()
	if hook != nil {
		if err := hook(ctx, host); err != nil {
			return nil, err
		}
	}
	c, err := f.dial()
	if err != nil {
		return nil, err
	}
	f.count(1)
	return &countedConn{Conn: c, closed: sync.OnceFunc(func() { f.count(-1) })}, nil
}

func (f *fake) count(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.open += n
}

// Near and Wait make the fake a Gate that admits everything.
func (f *fake) Near(context.Context, int, func()) (leave func(), err error) {
	return func() {}, nil
}

func (f *fake) Wait(context.Context, int) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.admitted++
	return nil
}

func (f *fake) Identified(int) {}

func (f *fake) identified() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.identifies++; f.identifies > f.admitted {
		f.t.Errorf("IDENTIFY %d came, but only %d were admitted", f.identifies, f.admitted)
	}
}

func (f *fake) counts() (admitted, identifies int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.admitted, f.identifies
}

// kill declares a session dead.
func (f *fake) kill(session string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dead[session] = true
}

func (f *fake) resumed(session string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dead[session] {
		f.t.Errorf("dropped session %q was resumed", session)
	}
}

func (f *fake) closedWith(code int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if (code == 1000 || code == 1001) && !f.stopping {
		f.t.Errorf("closed with %d before the stop", code)
	}
}

// A memoryListener accepts what its dial dials.
type memoryListener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (l *memoryListener) dial() (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *memoryListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *memoryListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *memoryListener) Addr() net.Addr { return &net.UnixAddr{Name: "memory"} }

// A countedConn tells when the client closes it.
type countedConn struct {
	net.Conn
	closed func()
}

func (c *countedConn) Close() error {
	err := c.Conn.Close()
	c.closed()
	return err
}
