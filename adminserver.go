package botwright

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/botwright/botwright/internal/status"
)

// listen opens the port, so that Open fails if it is taken. It is nil if none is wanted.
func (a *admin) listen(ctx context.Context) (net.Listener, error) {
	if a.cfg.Addr == noAdminAddr {
		return nil, nil
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", a.cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("open the admin server's port: %w", err)
	}
	a.bot.mu.Lock()
	a.bot.adminListener = l
	a.bot.mu.Unlock()
	a.bot.cfg.logger.Info("the admin server listens", "url", "http://"+l.Addr().String()+"/")
	return l, nil
}

// run serves until ctx is done, if there is a port, and takes samples for the page.
func (a *admin) run(ctx context.Context, listener net.Listener) {
	srv := &http.Server{
		Handler:           a.handler,
		ReadHeaderTimeout: adminReadTimeout,
		ReadTimeout:       adminReadTimeout,
		// Writing has a deadline too; it depends on what is asked for: see secure.
		IdleTimeout:    adminIdleTimeout,
		MaxHeaderBytes: adminMaxHeader,
		ErrorLog:       slog.NewLogLogger(a.bot.cfg.logger.Handler(), slog.LevelWarn),
	}
	var serving sync.WaitGroup
	if listener != nil {
		serving.Go(func() { _ = srv.Serve(listener) }) // it returns ErrServerClosed
	}
	tick := time.NewTicker(status.Step)
	defer tick.Stop()
	for ctx.Err() == nil {
		a.sample()
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	close(a.stop)
	stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), adminStopTimeout)
	defer cancel()
	if srv.Shutdown(stopCtx) != nil {
		_ = srv.Close()
	}
	serving.Wait()
}

func (b *Bot) stopping() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state == botStopping
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
