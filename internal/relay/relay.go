package relay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/gorilla/websocket"
)

const (
	// What Discord's gateway announces, so that user code sees the usual rhythm.
	defaultHeartbeatInterval = 41250 * time.Millisecond

	// A shard's burst of GUILD_CREATE after READY is about a thousand events. The queue takes
	// memory only for what waits in it.
	defaultQueueSize = 1024

	// Without sync handlers nothing keeps a session from reading for longer than the second
	// that its Close sleeps.
	defaultWriteTimeout = 10 * time.Second

	// discordgo gives up after this many intervals without an ACK (FailedHeartbeatAcks).
	failedHeartbeatACKs = 5

	// How long Close lets the session say goodbye, which takes microseconds unless its lock is
	// held, before it drops the connection.
	closeGrace = 100 * time.Millisecond

	// One frame of a session is far below 1 KiB; larger ones pass in pieces.
	bufferSize = 1024
)

// ErrClosed is returned by Open after Close, and seen by a session that dials a closed relay.
var ErrClosed = errors.New("relay: closed")

var (
	errNotOpen   = errors.New("relay: not open")
	errOpenTwice = errors.New("relay: Open called twice")
)

// Config describes a [Relay]. Session and Send are required.
type Config struct {
	// Session is the session to play Discord to. It must not be open. New sets its Dialer,
	// Client (a copy whose Transport answers Session.Gateway locally), Compress,
	// Identify.Compress, ShouldReconnectOnError and ShouldReconnectVoiceOnSessionError; the
	// caller leaves these alone afterwards. StateEnabled and SyncEvents are the caller's choice.
	Session *discordgo.Session

	// Send takes one frame that the session wrote, in the form that Discord documents: d is
	// compact JSON of any length, owned by the callee. It gets every op except 1, 2 and 6, in the
	// order written. It runs on the goroutine of the session's call, which may hold the session's
	// locks: it must not block, nor use the session, nor call Close or Shutdown. A panic in it is
	// contained and counts as an error.
	Send func(op int, d json.RawMessage) error

	// Failed is called for each command of the session that came to nothing: Send refused it, or it
	// is malformed. The session's call returns nil all the same. Failed runs where Send does, and
	// under its rules. Default: log it.
	Failed func(op int, err error)

	// Latency is the real gateway's heartbeat latency. ACKs reach the session after that long,
	// half a HeartbeatInterval at most, so Session.HeartbeatLatency tells the real latency. It is
	// called where Send is and must not block. Default: none, ACKs are sent at once.
	Latency func() time.Duration

	// HeartbeatInterval is announced in HELLO. Default: 41.25 s; discordgo counts in whole
	// milliseconds.
	HeartbeatInterval time.Duration

	// WriteTimeout is how long the session may leave a frame unread before its connection is
	// dropped and opened anew. Default: 10s; with Session.SyncEvents set before New, where a slow
	// handler keeps the session from reading, 5 HeartbeatIntervals, after which the session itself
	// gives up.
	WriteTimeout time.Duration

	// QueueSize is how many events may wait for the session. Default: 1024.
	QueueSize int

	// Logger gets refused frames and reopenings, never a frame's content.
	// Default: discards.
	Logger *slog.Logger
}

// withDefaults returns a copy of c in which every optional field is set.
func (c Config) withDefaults() Config {
	if c.Latency == nil {
		c.Latency = func() time.Duration { return 0 }
	}
	if c.HeartbeatInterval <= 0 {
		c.HeartbeatInterval = defaultHeartbeatInterval
	}
	if c.WriteTimeout <= 0 {
		c.WriteTimeout = defaultWriteTimeout
		if c.Session.SyncEvents {
			c.WriteTimeout = failedHeartbeatACKs * c.HeartbeatInterval
		}
	}
	if c.QueueSize <= 0 {
		c.QueueSize = defaultQueueSize
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Failed == nil {
		logger := c.Logger
		c.Failed = func(op int, err error) {
			logger.Error("cannot send a payload of the session", "op", op, "error", err)
		}
	}
	return c
}

// Relay is a gateway for one session. Its methods are safe for concurrent use.
// A Relay is opened once and closed once.
type Relay struct {
	cfg    Config
	events *queue
	counts counters

	closing  chan struct{}  // closed by stop
	finished chan struct{}  // closed when the session has closed
	writes   sync.WaitGroup // of the session, under way
	greeted  atomic.Bool    // the session has got its READY

	mu         sync.Mutex
	closed     bool
	supervised bool   // there is a supervisor
	ready      []byte // READY for the session; nil before Open
	link       *link  // newest connection; nil before the first dial
}

// New prepares cfg.Session for being opened by the relay. It does no I/O and starts no goroutine.
// It panics when Session or Send is nil.
func New(cfg Config) *Relay {
	if cfg.Session == nil || cfg.Send == nil {
		panic("relay: Config needs a Session and a Send")
	}
	cfg = cfg.withDefaults()
	r := &Relay{
		cfg:      cfg,
		events:   newQueue(cfg.QueueSize),
		closing:  make(chan struct{}),
		finished: make(chan struct{}),
	}

	s := cfg.Session
	s.Compress, s.Identify.Compress = false, false
	// discordgo's own reconnect loop cannot be stopped, and its voice part sleeps a second per
	// connection with the Session lock held (reconnect in wsapi.go).
	s.ShouldReconnectOnError = false
	s.ShouldReconnectVoiceOnSessionError = false
	s.Dialer = &websocket.Dialer{
		NetDialContext:   r.dial,
		HandshakeTimeout: handshakeTimeout,
		ReadBufferSize:   bufferSize,
		WriteBufferSize:  bufferSize,
	}
	var client http.Client
	if s.Client != nil {
		client = *s.Client
	}
	client.Transport = &localGateway{next: client.Transport}
	s.Client = &client
	return r
}

// Open opens the session with ready, the d of Discord's READY, of which the guilds are left out,
// and returns when Session.Open has: READY and Connect handlers have been started by then, with
// SyncEvents they have returned. It takes about a millisecond.
//
// When ctx ends first, or on any error, the relay is closed and cannot be opened again; what
// discordgo still does then ends by itself, and Shutdown waits for it. Only a handler of READY or
// Connect that never returns can prevent that.
func (r *Relay) Open(ctx context.Context, ready json.RawMessage) error {
	frame, err := readyFrame(ready)
	if err != nil {
		return fmt.Errorf("relay: prepare READY: %w", err)
	}
	if err := r.begin(frame); err != nil {
		return err
	}
	opened := make(chan error, 1)
	go r.openFirst(opened)

	select {
	case err = <-opened:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if err != nil {
		r.stop().drop()
		r.writes.Wait()
		return fmt.Errorf("relay: open session: %w", err)
	}
	return nil
}

// begin takes the relay from new to open.
func (r *Relay) begin(ready []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.closed:
		return ErrClosed
	case r.ready != nil:
		return errOpenTwice
	}
	r.ready, r.supervised = ready, true
	r.events.open()
	return nil
}

// Dispatch queues one event for the session's handlers. It copies d and never blocks. False
// means that the event was not taken: the queue is full, the relay is not open (it is from the
// moment Open is called until Close, also while a session that closed itself is being reopened),
// the type is READY or RESUMED, which are the relay's own, or the arguments are no event: the type
// must be a wire name and d a JSON object.
//
// d must be valid JSON that discordgo decodes: it calls handlers and its own code with nil
// pointers otherwise, and no panic on its goroutines can be recovered.
func (r *Relay) Dispatch(seq int64, eventType string, d []byte) bool {
	if eventType == "READY" || eventType == "RESUMED" || !isEvent(eventType, d) {
		return false
	}
	if !r.events.push(dispatchFrame(seq, eventType, d)) {
		return false
	}
	r.newest().notify()
	return true
}

// newest returns the latest connection, nil if there was none.
func (r *Relay) newest() *link {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.link
}

// Close ends the session's connection and returns when the relay no longer serves it: at once,
// or after 100 ms if the session cannot be told because its lock is held. It does not wait for the
// session, whose Close sleeps for a second with the lock held; calls that need the
// connection block for that long and then fail with [discordgo.ErrWSNotFound], REST calls do not.
// Events still waiting are dropped. Close may be called repeatedly, and before Open.
func (r *Relay) Close() {
	link := r.stop()
	if link != nil {
		// The supervisor is closing the session now, and the close frame ends the connection.
		// Dropping it first would make discordgo's listen close the session a second time,
		// with a second Disconnect event.
		grace := time.NewTimer(closeGrace)
		defer grace.Stop()
		select {
		case <-link.done:
		case <-grace.C:
			link.drop()
		}
	}
	r.writes.Wait()
}

// Shutdown is Close, and then waits until the session has closed, which takes a second, and
// discordgo's goroutines end. It returns the cause of ctx if that ends first; what is left then
// still ends by itself, and another Shutdown may wait for it.
func (r *Relay) Shutdown(ctx context.Context) error {
	r.Close()
	r.mu.Lock()
	opened := r.ready != nil
	r.mu.Unlock()
	if !opened {
		return nil
	}
	select {
	case <-r.finished:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("relay: wait for the session to close: %w", context.Cause(ctx))
	}
}

// stop refuses whatever is new, wakes the supervisor, and returns the newest connection, if any.
func (r *Relay) stop() *link {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed {
		r.closed = true
		close(r.closing)
		r.events.close()
		r.startSupervisor()
	}
	return r.link
}

// Stats counts what happened since New. Counters only grow.
type Stats struct {
	Sent       int64 // frames of the session that Send took
	SendErrors int64 // frames that Send refused, or panicked on
	Refused    int64 // frames that never reached Send: malformed
	Reopened   int64 // times that the session closed itself and was opened again
}

type counters struct {
	sent, sendErrors, refused, reopened atomic.Int64
}

// Stats returns the current counts.
func (r *Relay) Stats() Stats {
	return Stats{
		Sent:       r.counts.sent.Load(),
		SendErrors: r.counts.sendErrors.Load(),
		Refused:    r.counts.refused.Load(),
		Reopened:   r.counts.reopened.Load(),
	}
}
