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
	"slices"
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
	half bool          // what the bot writes still arrives
}

var cuts = []cut{
	{name: "RST", end: syscall.ECONNRESET},
	{name: "RST in a frame", end: io.ErrUnexpectedEOF},
	{name: "FIN", end: io.EOF},
	{name: "half-close", end: io.EOF, half: true},
	{name: "gateway away for 3 s", end: syscall.ECONNRESET, dial: syscall.ECONNREFUSED, away: 3 * time.Second},
	{name: "refused for 20 s", end: syscall.ECONNRESET, dial: syscall.ECONNREFUSED, away: 20 * time.Second},
	{name: "hanging for 20 s", end: syscall.ECONNRESET, hang: true, away: 20 * time.Second},
	{name: "503 for 20 s", end: syscall.ECONNRESET, away: 20 * time.Second},
	{name: "black hole"},
}

// A recovered is how long after a cut an event was handled again, and how much of that passed
// between op 9, the server's answer to a RESUME that it refuses, and the next IDENTIFY.
type recovered struct{ took, op9 time.Duration }

// BenchmarkRecovery shows how long after a cut a bot handles events again, on a server that resumes
// its session and on one that refuses, beside discordgo. All rows run at the same time, for the
// better part of a minute in each iteration; what is printed at the end counts, not ns/op.
func BenchmarkRecovery(b *testing.B) {
	rounds := make(map[string][]recovered)
	for b.Loop() {
		recoveryRound(b, rounds)
	}
	seconds := func(c cut, refuse bool, name string, of func(recovered) time.Duration) []float64 {
		var all []float64
		for _, r := range rounds[fmt.Sprint(c.name, refuse, name)] {
			all = append(all, of(r).Seconds())
		}
		slices.Sort(all)
		return all
	}
	median := func(all []float64) float64 { return all[len(all)/2] }
	took := func(r recovered) time.Duration { return r.took }
	var table strings.Builder
	table.WriteString("\n| cut | resumes: Botwright | discordgo " +
		"| refuses: Botwright | op 9's wait | the rest | at most | discordgo |\n" +
		"|---|---|---|---|---|---|---|---|\n")
	for _, c := range cuts {
		rest := seconds(c, true, "botwright", func(r recovered) time.Duration { return r.took - r.op9 })
		fmt.Fprintf(&table, "| %s | %.1f | %.1f | %.1f | %.1f | %.1f | %.1f | %.1f |\n", c.name,
			median(seconds(c, false, "botwright", took)), median(seconds(c, false, "discordgo", took)),
			median(seconds(c, true, "botwright", took)),
			median(seconds(c, true, "botwright", func(r recovered) time.Duration { return r.op9 })),
			median(rest), rest[len(rest)-1], median(seconds(c, true, "discordgo", took)))
	}
	fmt.Println(table.String()) // b.Log cuts it off
}

// recoveryRound adds one run of every row.
func recoveryRound(b *testing.B, rounds map[string][]recovered) {
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, c := range cuts {
		for _, refuse := range []bool{false, true} {
			for name, start := range map[string]func(*testing.B, *discordtest.Server, *link, func()) func(){
				"botwright": recoverBotwright, "discordgo": recoverDiscordgo,
			} {
				all.Go(func() {
					r := recovery(b, c, name, refuse, start)
					mu.Lock()
					defer mu.Unlock()
					key := fmt.Sprint(c.name, refuse, name)
					rounds[key] = append(rounds[key], r)
				})
			}
		}
	}
	all.Wait()
}

// op9Wait returns how long after its refused RESUMEs a bot identified.
func op9Wait(srv *discordtest.Server) (d time.Duration) {
	identifies := srv.Identifies()
	for _, r := range srv.Resumes() {
		next := slices.IndexFunc(identifies, func(i discordtest.Identify) bool { return i.Time.After(r.Time) })
		if !r.Accepted && next >= 0 {
			d += identifies[next].Time.Sub(r.Time)
		}
	}
	return d
}

// recovery cuts a bot off and waits until it handles an event again.
func recovery(
	b *testing.B, c cut, name string, refuse bool, start func(*testing.B, *discordtest.Server, *link, func()) func(),
) recovered {
	srv, err := discordtest.New(discordtest.Config{HeartbeatInterval: recoveryHeartbeat})
	if err != nil {
		b.Error(err)
		return recovered{}
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
		b.Errorf("%s, %s: no event before the cut", name, c.name)
		return recovered{}
	}
	// The connection has lived, the IDENTIFY is some time ago, and no heartbeat is due: where one
	// fails at the moment of the cut, discordgo reconnects twice at once and may stay away.
	time.Sleep(12 * time.Second)
	if refuse {
		srv.DropSessions()
	}
	l.cut(c)
	for len(handled) > 0 {
		<-handled
	}
	began := time.Now()
	if !await(2 * time.Minute) {
		b.Errorf("%s, %s, RESUME refused %t: no event within 2 min", name, c.name, refuse)
	}
	took := time.Since(began)
	return recovered{took, op9Wait(srv)}
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
		conn.cut(c)
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
	x := &linkConn{Conn: conn, closed: make(chan struct{})}
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
	closed chan struct{}
	once   sync.Once

	mu       sync.Mutex
	isGone   bool
	end      error
	half     bool
	deadline time.Time
}

func (c *linkConn) cut(how cut) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.isGone, c.end, c.half = true, how.end, how.half
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
	c.mu.Lock()
	isGone, end, half := c.isGone, c.end, c.half
	c.mu.Unlock()
	switch {
	case !isGone, half:
		return c.Conn.Write(p)
	case end != nil:
		return 0, syscall.EPIPE
	}
	return len(p), nil // nobody says that it does not arrive
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
