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

// openFirst opens the session, reports the outcome, and supervises it. If it fails, nobody will.
func (r *Relay) openFirst(opened chan<- error) {
	err := r.cfg.Session.Open()
	opened <- err
	if err != nil {
		close(r.finished)
		return
	}
	r.supervise()
}

// lost is called at the end of each connection. The session may hold its lock.
func (r *Relay) lost(l *link) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.link == l && !r.closed {
		r.startSupervisor()
	}
}

// startSupervisor sees to it that a supervisor is at work. The caller holds r.mu.
func (r *Relay) startSupervisor() {
	if r.ready != nil && !r.supervised {
		r.supervised = true
		go r.supervise()
	}
}

// supervise opens the session until it has a connection, or closes it when the relay is closed.
func (r *Relay) supervise() {
	wait := reopenMin
	for {
		switch r.task() {
		case nothing:
			return
		case closeSession:
			// The error is always nil (CloseWithCode in wsapi.go shadows it).
			_ = r.cfg.Session.Close()
			close(r.finished)
			return
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
		case <-time.After(wait):
		}
		wait = min(2*wait, reopenMax)
	}
}

// A task is what a supervisor has to do next.
type task int

const (
	nothing task = iota
	openSession
	closeSession
)

// task returns what is to be done. After nothing, the next lost connection needs a new supervisor.
func (r *Relay) task() task {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return closeSession
	}
	select {
	case <-r.link.done:
		return openSession
	default:
		r.supervised = false
		return nothing
	}
}

func (r *Relay) isClosing() bool {
	select {
	case <-r.closing:
		return true
	default:
		return false
	}
}
