package admin

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/botwright/botwright/internal/status"
	"github.com/botwright/botwright/internal/tick"
)

// Limits of the server.
const (
	readTimeout  = 10 * time.Second // requests have no body to speak of
	writeTimeout = 30 * time.Second // for an answer; long enough for a restart
	idleTimeout  = 2 * time.Minute
	maxHeader    = 16 << 10
	stopTimeout  = 2 * time.Second
)

// Listen opens a port, before Run serves on it, so that one that is taken is known at once.
func (s *Server) Listen(ctx context.Context, addr string) (net.Addr, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("open the admin server's port: %w", err)
	}
	s.listener = l
	s.cfg.Logger.Info("the admin server listens", "url", "http://"+l.Addr().String()+"/")
	return l.Addr(), nil
}

// Close closes the port if Run is not to be called.
func (s *Server) Close() {
	if s.listener != nil {
		_ = s.listener.Close()
	}
}

// Run takes samples for the page, and serves if there is a port, until ctx is done.
func (s *Server) Run(ctx context.Context) {
	srv := &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: readTimeout,
		ReadTimeout:       readTimeout,
		// Writing has a deadline too; it depends on what is asked for: see secure.
		IdleTimeout:    idleTimeout,
		MaxHeaderBytes: maxHeader,
		ErrorLog:       slog.NewLogLogger(s.cfg.Logger.Handler(), slog.LevelWarn),
	}
	var serving sync.WaitGroup
	if s.listener != nil {
		serving.Go(func() { _ = srv.Serve(s.listener) }) // it returns ErrServerClosed
	}
	tick.Now(ctx, status.Step, s.cfg.View.Sample)
	close(s.stop)
	stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if srv.Shutdown(stopCtx) != nil {
		_ = srv.Close()
	}
	serving.Wait()
}

// livenessTimeout is how long the bot's locks may be taken. They are held for microseconds.
const livenessTimeout = 5 * time.Second

// A liveness finds out whether a function returns. However often it is asked, the function
// runs once at a time.
type liveness struct {
	touch func()

	mu      sync.Mutex // guards what follows
	running chan struct{}
}

// check reports whether touch returns in time.
func (l *liveness) check(ctx context.Context) bool {
	l.mu.Lock()
	done := l.running
	if done == nil {
		done = make(chan struct{})
		l.running = done
		go func() {
			l.touch()
			l.mu.Lock()
			l.running = nil
			l.mu.Unlock()
			close(done)
		}()
	}
	l.mu.Unlock()
	timer := time.NewTimer(livenessTimeout)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	case <-ctx.Done(): // nobody reads the answer
		return true
	}
}
