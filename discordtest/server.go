package discordtest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// ErrClosed is returned by methods of a [Server] that was closed.
var ErrClosed = errors.New("discordtest: server closed")

// A Server is a fake Discord that listens on loopback. Make one with [New] and end it with
// [Server.Close]. All methods may be called from any goroutine.
type Server struct {
	// URL is the REST base without a path, for example "http://127.0.0.1:40123". Requests go to URL
	// + "/api/v10/…"; "/api/…" without a version and any other version are served alike.
	URL string
	// Token is the bot's token, without "Bot ".
	Token string

	cfg      Config
	listener net.Listener
	http     *http.Server
	routes   router
	host     string         // host:port of the listener
	work     sync.WaitGroup // every goroutine of the server
	done     chan struct{}  // closed by Close

	mu       sync.Mutex // guards everything below; never held over I/O or a hook
	closed   bool
	changed  chan struct{} // closed and replaced by changedLocked
	watched  bool          // somebody waits on changed
	offset   time.Duration // added to the real time, see Advance
	ids      snowflakes
	world    world
	sessions map[string]*session
	gate     identifyGate
	faults   faults
	limits   rateLimits
	record   record
	serial   int // numbers connections
}

// New starts a server with the world that cfg describes. It returns an error when cfg is invalid or
// the address cannot be listened on. The caller must call [Server.Close].
func New(cfg Config) (*Server, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("discordtest: listen: %w", err)
	}
	s := &Server{
		cfg:      cfg,
		host:     l.Addr().String(),
		done:     make(chan struct{}),
		changed:  make(chan struct{}),
		sessions: make(map[string]*session),
		limits:   newRateLimits(),
		record:   newRecord(cfg.RecordLimit),
	}
	s.URL = "http://" + s.host
	s.world = newWorld(cfg)
	if s.Token = cfg.Token; s.Token == "" {
		s.Token = newToken(s.world.bot.ID)
	}
	s.gate = newIdentifyGate(cfg)
	s.listener = &listener{Listener: l, srv: s}
	s.routes = newRouter()
	s.http = &http.Server{
		Handler: http.HandlerFunc(s.serveHTTP), ConnState: s.trackConn,
		// net/http would report every connection that a fault resets.
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	s.work.Go(func() { _ = s.http.Serve(s.listener) })
	return s, nil
}

// Close ends every connection without a close frame, stops the server and waits for all of its
// goroutines. Hooks that block keep it waiting. Close may be called more than once; it must not be
// called from a hook.
func (s *Server) Close() {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.done)
	}
	conns := s.liveLocked()
	s.changedLocked()
	s.mu.Unlock()
	for _, c := range conns {
		c.kill()
	}
	_ = s.http.Close()
	s.work.Wait()
}

// Wait blocks until cond returns true and evaluates it again after every change in the server: a
// frame received or sent, a request answered, a connection opened or closed, a change in the world.
// Cond runs on the caller's goroutine and may call methods of s. Wait returns nil, or an error that
// wraps the cause of ctx, or [ErrClosed].
func (s *Server) Wait(ctx context.Context, cond func() bool) error {
	for {
		s.mu.Lock()
		s.watched = true
		changed := s.changed
		s.mu.Unlock()
		if cond() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("discordtest: condition not met (%s): %w", s.summary(), context.Cause(ctx))
		case <-s.done:
			return ErrClosed
		}
	}
}

// summary says in a line what the server saw, for the message of a failed Wait.
func (s *Server) summary() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprintf("%d live connections, %d identifies, %d resumes, %d commands, %d requests",
		len(s.liveLocked()), len(s.record.identifies.entries), len(s.record.resumes.entries),
		len(s.record.frames.entries), len(s.record.requests.entries))
}

// changedLocked wakes everybody who is in Wait.
func (s *Server) changedLocked() {
	if !s.watched {
		return
	}
	close(s.changed)
	s.changed = make(chan struct{})
	s.watched = false
}

// Advance moves the server's clock forward by d, at once. Whatever the server measures is affected:
// identify windows, session start resets, resume windows, send limits, rate limits, interaction
// deadlines, the times in records and new snowflakes. Heartbeat timeouts and delays of faults are
// real time and are not. A bot that is to move along takes its time from [Server.Now].
func (s *Server) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset += max(d, 0)
	s.changedLocked()
}

// Now returns the server's time: the real time, and what [Server.Advance] has added to it. A bot on
// Botwright takes it from there with botwright.WithClock(srv.Now), so that an hour of cooldown
// passes at once.
func (s *Server) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.nowLocked()
}

// nowLocked returns the server's time.
func (s *Server) nowLocked() time.Time { return time.Now().Add(s.offset) }

// newIDLocked returns a fresh snowflake of the present.
func (s *Server) newIDLocked() string { return s.ids.next(s.nowLocked()) }

// serveHTTP sends gateway connections to the gateway and the rest to the REST routes.
func (s *Server) serveHTTP(w http.ResponseWriter, r *http.Request) {
	s.work.Add(1) // a hijack ends what trackConn counts, but not this goroutine
	defer s.work.Done()
	switch r.URL.Path {
	case gatewayPath, gatewayPath + "/", resumePath, resumePath + "/":
		s.serveGateway(w, r)
	default:
		s.serveREST(w, r)
	}
}

// trackConn makes Close wait for the goroutines of net/http.
func (s *Server) trackConn(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.work.Add(1)
	case http.StateClosed, http.StateHijacked:
		s.work.Done()
	}
}
