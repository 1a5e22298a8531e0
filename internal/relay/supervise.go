package relay

import (
	"errors"
	"time"

	"github.com/bwmarrin/discordgo"
)

// Pauses between attempts to open a session that closed itself. The first is short, as mostly
// the session just has not noticed yet; a session stuck in a handler notices with its next
// heartbeat.
const (
	reopenMin = 20 * time.Millisecond
	reopenMax = 5 * time.Second
)

// supervise opens the session, reports the outcome, keeps it open until Close, and closes it.
func (r *Relay) supervise(opened chan<- error, finished chan<- struct{}) {
	defer close(finished)
	err := r.cfg.Session.Open()
	opened <- err
	if err != nil {
		return
	}
	r.keepOpen()
	// The error is always nil (CloseWithCode in wsapi.go shadows it).
	_ = r.cfg.Session.Close()
}

// keepOpen opens the session whenever it is without a connection, until Close.
func (r *Relay) keepOpen() {
	wait := reopenMin
	for {
		select {
		case <-r.closing:
			return
		case <-r.newest().done:
		}

		// Open waits for the session's own Close, which holds the lock.
		err := r.cfg.Session.Open()
		switch {
		case err == nil:
			r.counts.reopened.Add(1)
			r.cfg.Logger.Warn("session closed itself and was opened again")
			wait = reopenMin
			continue
		case !errors.Is(err, discordgo.ErrWSAlreadyOpen) && !r.isClosing():
			r.cfg.Logger.Warn("cannot open the session again", "error", err,
				"retry_in", wait.String())
		}

		select {
		case <-r.closing:
			return
		case <-time.After(wait):
		}
		wait = min(2*wait, reopenMax)
	}
}

// newest returns the latest connection. There is one once Session.Open has succeeded.
func (r *Relay) newest() *link {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.link
}

func (r *Relay) isClosing() bool {
	select {
	case <-r.closing:
		return true
	default:
		return false
	}
}
