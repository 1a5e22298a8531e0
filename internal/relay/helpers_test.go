package relay_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"
	"go.uber.org/goleak"

	"github.com/botwright/botwright/internal/relay"
	"github.com/botwright/botwright/internal/testkit"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(patientM{m})
}

// patience is how long a test waits for what takes milliseconds before it calls it lost.
const patience = 30 * time.Second

// shutdowns are those of finished tests. A session's Close takes a second, and tests run only as
// many at a time as there are processors, so nobody waits for it but the end of all.
var shutdowns struct {
	sync.WaitGroup
	failed atomic.Bool
}

type patientM struct{ *testing.M }

func (m patientM) Run() int {
	code := m.M.Run()
	shutdowns.Wait()
	if shutdowns.failed.Load() {
		fmt.Println("FAIL: a session did not close")
		return 1
	}
	return code
}

const readyPayload = `{"v":9,"session_id":"upstream","user":{"id":"42","username":"bot"},` +
	`"guilds":[{"id":"10","unavailable":true}],"application":{"id":"43","flags":0},` +
	`"resume_gateway_url":"wss://example.com"}`

type sent struct {
	op int
	d  string
}

// bench is an open relay with its session and what it sent.
type bench struct {
	*relay.Relay
	session *discordgo.Session
	sent    chan sent
}

// setup returns a relay that is not open yet; cfg's Session and Send are set unless given.
func setup(t *testing.T, cfg relay.Config) *bench {
	t.Helper()
	b := &bench{session: cfg.Session, sent: make(chan sent, 10_000)}
	if b.session == nil {
		b.session = newSession(t)
		cfg.Session = b.session
	}
	if cfg.Send == nil {
		cfg.Send = func(op int, d json.RawMessage) error {
			b.sent <- sent{op, string(d)}
			return nil
		}
	}
	b.Relay = relay.New(cfg)
	t.Cleanup(func() {
		b.Close()
		shutdowns.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			if b.Shutdown(ctx) != nil {
				shutdowns.failed.Store(true)
			}
		})
	})
	return b
}

// start is setup with the relay open.
func start(t *testing.T, cfg relay.Config) *bench {
	t.Helper()
	b := setup(t, cfg)
	b.open(t)
	return b
}

func (b *bench) open(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := b.Open(ctx, json.RawMessage(readyPayload)); err != nil {
		t.Fatalf("Open: %v", err)
	}
}

func newSession(t testing.TB) *discordgo.Session {
	t.Helper()
	s, err := discordgo.New("Bot token")
	if err != nil {
		t.Fatal(err)
	}
	s.StateEnabled = false
	s.Client = &http.Client{Transport: roundTripper(noREST)}
	return s
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func noREST(r *http.Request) (*http.Response, error) {
	return nil, errors.New("unexpected call of " + r.URL.String())
}

func shutdown(t testing.TB, r *relay.Relay) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := r.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

// within fails the test when f takes longer than patience, and returns how long it took.
func within(t testing.TB, what string, f func()) time.Duration {
	t.Helper()
	began := time.Now()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	testkit.Receive(t, done, "end of "+what)
	return time.Since(began)
}

// tap watches the connections of a session at its own end.
type tap struct {
	conns chan *tappedConn // every dial
	mute  bool             // the first connection stops reading after READY
}

// tapSession makes s dial through a tap. It must come after relay.New.
func tapSession(s *discordgo.Session, mute bool) *tap {
	tp := &tap{conns: make(chan *tappedConn, 100), mute: mute}
	dial := s.Dialer.NetDialContext
	var first sync.Once
	s.Dialer.NetDialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		c := &tappedConn{Conn: conn, ack: make(chan time.Time, 1), closed: make(chan struct{})}
		first.Do(func() { c.mute = tp.mute })
		tp.conns <- c
		return c, nil
	}
	return tp
}

type tappedConn struct {
	net.Conn
	ack    chan time.Time // first ACK read; one slot
	closed chan struct{}

	mu        sync.Mutex
	mute      bool
	sawReady  bool
	frames    strings.Builder // what the relay wrote
	lastWrite time.Time
	once      sync.Once
}

func (c *tappedConn) Read(p []byte) (int, error) {
	c.mu.Lock()
	deaf := c.mute && c.sawReady
	c.mu.Unlock()
	if deaf {
		<-c.closed
		return 0, io.EOF
	}
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.frames.Write(p[:n])
	// READY may come in pieces; it ends in the braces of its d and of the frame.
	c.sawReady = c.sawReady || strings.Contains(c.frames.String(), `"READY"`) &&
		strings.HasSuffix(c.frames.String(), "}}")
	if strings.Contains(string(p[:n]), `{"op":11}`) {
		select {
		case c.ack <- time.Now():
		default:
		}
	}
	return n, err
}

func (c *tappedConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	c.lastWrite = time.Now()
	c.mu.Unlock()
	return c.Conn.Write(p)
}

func (c *tappedConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// written returns when the session last wrote.
func (c *tappedConn) written() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lastWrite
}

// read returns all that the relay wrote so far, handshake and frame headers included.
func (c *tappedConn) read() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.frames.String()
}
