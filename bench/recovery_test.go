//go:build unix

package bench_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/gorilla/websocket"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

// recoveryHeartbeat is short, so that a black hole is found within half a minute.
const recoveryHeartbeat = 5 * time.Second

// A cut is what happens to the link of a bot.
type cut struct {
	name string
	end  error         // what reading ends with; nil: nothing comes any more
	dial error         // what dialling ends with until away is over; nil: it is answered with 503
	away time.Duration // for how long
	hang bool          // dialling does not end until away is over
}

var cuts = []cut{
	{name: "RST", end: syscall.ECONNRESET},
	{name: "RST in a frame", end: io.ErrUnexpectedEOF},
	{name: "FIN", end: io.EOF},
	{name: "gateway away for 3 s", end: syscall.ECONNRESET, dial: syscall.ECONNREFUSED, away: 3 * time.Second},
	{name: "refused for 20 s", end: syscall.ECONNRESET, dial: syscall.ECONNREFUSED, away: 20 * time.Second},
	{name: "hanging for 20 s", end: syscall.ECONNRESET, hang: true, away: 20 * time.Second},
	{name: "503 for 20 s", end: syscall.ECONNRESET, away: 20 * time.Second},
	{name: "black hole"},
}

// BenchmarkRecovery shows how long after a cut a bot handles events again, on a server that resumes
// its session and on one that refuses, beside discordgo. All run at the same time, for a minute or
// two; b.N does not matter.
func BenchmarkRecovery(b *testing.B) {
	var mu sync.Mutex
	var all sync.WaitGroup
	took := make(map[string]time.Duration)
	for _, c := range cuts {
		for _, refuse := range []bool{false, true} {
			for name, start := range map[string]func(*testing.B, *discordtest.Server, *link, func()) func(){
				"botwright": recoverBotwright, "discordgo": recoverDiscordgo,
			} {
				all.Go(func() {
					d := recovery(b, c, refuse, start)
					mu.Lock()
					defer mu.Unlock()
					took[fmt.Sprint(c.name, refuse, name)] = d
				})
			}
		}
	}
	all.Wait()
	var table strings.Builder
	table.WriteString("\n| cut | resumes: Botwright | discordgo | refuses: Botwright | discordgo |\n|---|---|---|---|---|\n")
	for _, c := range cuts {
		fmt.Fprintf(&table, "| %s |", c.name)
		for _, refuse := range []bool{false, true} {
			for _, name := range []string{"botwright", "discordgo"} {
				fmt.Fprintf(&table, " %.1f s |", took[fmt.Sprint(c.name, refuse, name)].Seconds())
			}
		}
		table.WriteString("\n")
	}
	fmt.Println(table.String()) // b.Log cuts it off
}

// recovery returns how long after a cut an event is handled again.
func recovery(
	b *testing.B, c cut, refuse bool, start func(*testing.B, *discordtest.Server, *link, func()) func(),
) time.Duration {
	srv, err := discordtest.New(discordtest.Config{HeartbeatInterval: recoveryHeartbeat})
	if err != nil {
		b.Error(err)
		return 0
	}
	defer srv.Close()
	l := &link{}
	handled := make(chan bool, 1)
	stop := start(b, srv, l, func() {
		select {
		case handled <- true:
		default:
		}
	})
	defer stop()
	say := func() {
		g := srv.Guilds()[0]
		_ = srv.Dispatch(g.ID, "MESSAGE_CREATE", json.RawMessage(fmt.Sprintf(
			`{"id":"5","channel_id":%q,"guild_id":%q,"author":{"id":"7"},"content":"x"}`, g.Channels[0].ID, g.ID)))
	}
	await := func(limit time.Duration) bool {
		for end := time.Now().Add(limit); time.Now().Before(end); {
			say()
			select {
			case <-handled:
				return true
			case <-time.After(20 * time.Millisecond):
			}
		}
		return false
	}
	if !await(30 * time.Second) {
		b.Errorf("%s: no event before the cut", c.name)
		return 0
	}
	time.Sleep(10 * time.Second) // a connection that has lived, and an IDENTIFY that is some time ago
	if refuse {
		srv.DropSessions()
	}
	l.cut(c)
	for len(handled) > 0 {
		<-handled
	}
	began := time.Now()
	if !await(2 * time.Minute) {
		b.Errorf("%s: no event within 2 min", c.name)
	}
	return time.Since(began)
}

// A link is what is between a bot and its server.
type link struct {
	mu    sync.Mutex
	c     cut
	until time.Time
	conns []*linkConn
}

// cut ends all connections, and dials fail until the cut is over.
func (l *link) cut(c cut) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.c, l.until = c, time.Now().Add(c.away)
	for _, conn := range l.conns {
		conn.cut(c.end)
	}
	l.conns = nil
}

func (l *link) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	l.mu.Lock()
	c, wait := l.c, time.Until(l.until)
	l.mu.Unlock()
	switch {
	case wait <= 0:
	case c.hang:
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
		return nil, context.DeadlineExceeded
	case c.dial != nil:
		return nil, c.dial
	default:
		return unavailable(), nil
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	x := &linkConn{Conn: conn, gone: make(chan struct{}), closed: make(chan struct{})}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns = append(l.conns, x)
	return x, nil
}

// unavailable is a connection whose other end answers 503.
func unavailable() net.Conn {
	ours, theirs := net.Pipe()
	go func() {
		defer theirs.Close()
		if _, err := http.ReadRequest(bufio.NewReader(theirs)); err == nil {
			_, _ = io.WriteString(theirs, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
		}
	}()
	return ours
}

// A linkConn is a connection that can be cut in between.
type linkConn struct {
	net.Conn
	gone, closed chan struct{}
	once         sync.Once

	mu       sync.Mutex
	isGone   bool
	end      error
	deadline time.Time
}

func (c *linkConn) cut(end error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.isGone, c.end = true, end
	close(c.gone)
	_ = c.Conn.SetReadDeadline(time.Unix(1, 0)) // wakes Read
}

func (c *linkConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = t
	if c.isGone {
		return nil
	}
	return c.Conn.SetReadDeadline(t)
}

func (c *linkConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	isGone, end, deadline := c.isGone, c.end, c.deadline
	c.mu.Unlock()
	switch {
	case !isGone:
		return n, err
	case end != nil:
		return 0, end
	}
	expired := make(<-chan time.Time)
	if !deadline.IsZero() {
		expired = time.After(time.Until(deadline))
	}
	select {
	case <-expired:
		return 0, context.DeadlineExceeded
	case <-c.closed:
		return 0, net.ErrClosed
	}
}

func (c *linkConn) Write(p []byte) (int, error) {
	select {
	case <-c.gone:
		return len(p), nil // nobody says that it does not arrive
	default:
		return c.Conn.Write(p)
	}
}

func (c *linkConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

func recoverBotwright(b *testing.B, srv *discordtest.Server, l *link, handled func()) (stop func()) {
	bot, err := botwright.New(srv.Token, botwright.WithAPI(srv.URL), botwright.WithIntents(discordgo.IntentsAll),
		botwright.WithDialer(&websocket.Dialer{NetDialContext: l.dial}),
		botwright.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		b.Error(err)
		return func() {}
	}
	onBotwright[discordgo.MessageCreate](bot, handled)
	if err := bot.Open(context.Background()); err != nil {
		b.Error(err)
	}
	return func() { _ = bot.Shutdown(context.Background()) }
}

func recoverDiscordgo(b *testing.B, srv *discordtest.Server, l *link, handled func()) (stop func()) {
	s, err := discordgo.New("Bot " + srv.Token)
	if err != nil {
		b.Error(err)
		return func() {}
	}
	s.LogLevel = -1
	s.Identify.Intents = discordgo.IntentsAll
	s.Client = &http.Client{Transport: redirect(srv.URL)}
	s.Dialer = &websocket.Dialer{NetDialContext: l.dial, HandshakeTimeout: 45 * time.Second}
	s.AddHandler(func(*discordgo.Session, *discordgo.MessageCreate) { handled() })
	if err := s.Open(); err != nil {
		b.Error(err)
	}
	return func() { _ = s.Close() }
}
