package gateway

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/gorilla/websocket"

	"github.com/botwright/botwright/internal/frame"
)

// A conn is one connection. Its reader is the goroutine in Shard.Run; see write.go for its
// writer.
type conn struct {
	s      *Shard
	ws     *websocket.Conn
	ctx    context.Context // done when the connection has failed
	cancel context.CancelFunc

	resuming bool // until READY
	asked    bool // RESUME was, or would have been, sent

	identified bool // IDENTIFY was sent; set by the goroutine that waits for its turn

	interval  time.Duration // heartbeat interval; 0 before HELLO
	readySeen time.Time
	expected  int  // guilds of READY that have not come yet
	logged    bool // that a frame was malformed

	handshake chan []byte        // the IDENTIFY or RESUME, to the writer
	hello     chan time.Duration // the heartbeat interval, to the writer
	beatNow   chan struct{}      // 1 slot: op 1 came
	live      chan struct{}      // closed when ready: commands may go out
	helloBy   *time.Timer        // fails the connection when HELLO is overdue
	readyBy   *time.Timer        // fails it when READY or RESUMED is
	closeBy   *time.Timer        // closes the socket when the writer cannot
	read      chan struct{}      // closed when the reader has ended
	beat      beatState
	frame     Frame // what Config.Event gets, reused

	// Of the reader: the wait that the last deadline allows, and when it was set, from start on.
	idle, idleSince time.Duration

	start     time.Time
	holding   atomic.Int64 // since when Config.Event is being called, in ns since start; -1 if not
	busyUntil atomic.Int64 // when the reader was last known to lag behind, in ns since start

	once   sync.Once
	ending ending // why it failed; set before ctx is done
}

// connect dials, runs one connection to its end and returns why it ended.
func (s *Shard) connect(ctx context.Context) ending {
	session := s.currentSession()
	if session.ID == "" {
		leave, err := s.cfg.Gate.Near(ctx, s.cfg.ShardID, func() { s.setState(Identifying, nil) })
		if err != nil {
			return ending{err: err}
		}
		defer leave()
	}
	s.setState(Connecting, nil)
	began := time.Now()
	ws, err := s.dial(ctx, session)
	if err != nil {
		return ending{err: err, dialing: time.Since(began)}
	}
	c := &conn{
		s: s, ws: ws, start: time.Now(),
		resuming:  session.ID != "",
		asked:     session.ID != "",
		handshake: make(chan []byte, 1),
		hello:     make(chan time.Duration, 1),
		beatNow:   make(chan struct{}, 1),
		live:      make(chan struct{}),
		read:      make(chan struct{}),
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.busyUntil.Store(math.MinInt64)
	c.holding.Store(-1)
	c.beat.acked = true
	c.closeBy = time.AfterFunc(math.MaxInt64, func() { _ = ws.NetConn().Close() })
	defer c.closeBy.Stop()
	c.helloBy = time.AfterFunc(s.cfg.HelloTimeout, func() { c.fail(ending{err: errHello}) })
	defer c.helloBy.Stop()
	c.readyBy = time.AfterFunc(math.MaxInt64, c.readyOverdue)
	defer c.readyBy.Stop()
	defer context.AfterFunc(ctx, func() {
		c.fail(ending{err: context.Cause(ctx), stop: true})
	})()
	s.setCurrent(c)
	defer s.setCurrent(nil)
	return c.run()
}

// run reads until the connection ends, and waits for its other goroutines.
func (c *conn) run() ending {
	var wg sync.WaitGroup
	wg.Go(c.write)
	in := stream{ws: c.ws, limit: c.s.cfg.MaxPayload, emit: func(p []byte) error {
		return c.receive(&wg, p)
	}, wait: c.setReadDeadline}
	// Discord's close is answered with a code that leaves the session alone. That it cannot be
	// answered must not hide it.
	c.ws.SetCloseHandler(func(int, string) error {
		msg := websocket.FormatCloseMessage(closeResumable, "")
		_ = c.ws.WriteControl(websocket.CloseMessage, msg, time.Now().Add(closeTimeout))
		return nil
	})
	err := in.run(c.s.compression)
	close(c.read)
	end := endingOf(err)
	if c.interval == 0 && (errors.Is(err, errEncoding) || end.code == closeDecode) {
		c.s.fallBack(err)
	}
	if errors.Is(err, errTooLarge) {
		c.s.stats.malformed.Add(1)
		if c.readySeen.IsZero() && c.resuming {
			// The replay brings the same payload again and again.
			end.verdict = drop
		}
	}
	c.fail(end)
	wg.Wait()
	c.s.out.landed()
	end = c.ending
	end.dialed, end.hello = true, c.interval > 0
	if end.stop && !c.s.cfg.KeepSession {
		end.verdict = drop // 1000 has ended it
	}
	end.ready = !c.readySeen.IsZero()
	end.resume, end.identify = c.asked, c.identified
	end.stable = end.ready && time.Since(c.readySeen) >= stableAfter
	if c.resuming && end.hello && c.readySeen.IsZero() {
		if c.s.resumes++; c.s.resumes >= maxResumes && end.verdict == keep {
			end.verdict = drop
		}
	}
	return end
}

// fail ends the connection. The first reason counts. The writer closes the socket, which ends
// the reader.
func (c *conn) fail(e ending) {
	c.once.Do(func() {
		c.ending = e
		c.cancel()
		// A write that the peer does not take must not hold up the close.
		c.closeBy.Reset(closeTimeout)
	})
}

func (c *conn) failed() bool { return c.ctx.Err() != nil }

// setReadDeadline runs before each read. Discord acknowledges every heartbeat, so a link on
// which nothing at all has come for one and a half intervals is dead. As a deadline costs more than
// reading a small event, the one before stays if that makes hardly a difference.
func (c *conn) setReadDeadline() error {
	if c.failed() {
		return nil // closeBy ends the reading
	}
	idle := c.s.cfg.HelloTimeout
	if c.interval > 0 {
		idle = c.interval * 3 / 2
	}
	since := time.Since(c.start)
	if idle == c.idle && since-c.idleSince < idle/64 {
		return nil
	}
	c.idle, c.idleSince = idle, since
	return c.ws.SetReadDeadline(time.Now().Add(idle))
}

// receive handles one payload. An error ends the connection.
func (c *conn) receive(wg *sync.WaitGroup, payload []byte) error {
	if c.failed() {
		return nil // only waiting for the close
	}
	e, err := frame.Peek(payload)
	if err != nil {
		return c.malformed(e, err)
	}
	switch e.Op {
	case opDispatch:
		return c.dispatch(e)
	case opHeartbeat:
		select {
		case c.beatNow <- struct{}{}:
		default:
		}
	case opReconnect:
		c.fail(ending{err: errReconnect})
	case opInvalidSession:
		c.invalidSession(e.Data)
	case opHello:
		return c.onHello(wg, e.Data)
	case opHeartbeatACK:
		c.acknowledged()
	}
	return nil
}

// malformed counts a frame that is not a gateway payload. If it may have been a dispatch, the
// connection is given up so that RESUME brings it again; once. If it comes damaged again, it is
// damaged at Discord's.
func (c *conn) malformed(e frame.Envelope, err error) error {
	c.s.stats.malformed.Add(1)
	if !c.logged {
		c.logged = true
		c.s.log.Warn("Discord sent something that is not a gateway payload", "error", err,
			"op", e.Op, "event", string(e.Type[:min(len(e.Type), 64)]), "sequence", e.Seq)
	}
	if errors.Is(err, frame.ErrKind) {
		return nil
	}
	session := c.s.currentSession()
	if session.ID != "" && c.s.damagedAt == session.Seq {
		return nil
	}
	c.s.damagedAt = session.Seq
	return fmt.Errorf("damaged frame behind sequence %d: %w", session.Seq, err)
}

var errTurn = errors.New("the turn to identify is not near any more")

var errReconnect = errors.New("reconnect asked for by Discord (op 7)")

func (c *conn) onHello(wg *sync.WaitGroup, d []byte) error {
	if c.interval > 0 {
		return nil
	}
	var hello struct {
		Interval int64 `json:"heartbeat_interval"`
	}
	if err := json.Unmarshal(d, &hello, lenient); err != nil {
		return fmt.Errorf("decode HELLO: %w", err)
	}
	if hello.Interval <= 0 || hello.Interval > time.Hour.Milliseconds() {
		return fmt.Errorf("HELLO with a heartbeat interval of %d ms", hello.Interval)
	}
	c.interval = time.Duration(hello.Interval) * time.Millisecond
	c.hello <- c.interval
	c.helloBy.Stop()
	if c.resuming {
		c.s.setState(Resuming, nil)
		c.s.stats.resumes.Add(1)
		return c.shake(c.resume())
	}
	c.s.setState(Identifying, nil)
	wg.Go(c.identify)
	return nil
}

// errNotOwned ends a connection before it could take the session of the shard's next owner: a
// process that goes on after a pause finds its connection closed before it is told that the shard
// is another one's.
var errNotOwned = errors.New("another process may have the shard")

// shake hands the handshake to the writer and starts the wait for READY or RESUMED.
func (c *conn) shake(payload any) error {
	if owned := c.s.cfg.Owned; owned != nil && !owned() {
		return errNotOwned
	}
	b, err := json.Marshal(payload)
	if err != nil {
		return fmt.Errorf("encode handshake: %w", err)
	}
	c.readyBy.Reset(readyTimeout)
	c.handshake <- b
	return nil
}

// readyOverdue fails the connection, unless the reader is held up amid a replay.
func (c *conn) readyOverdue() {
	select {
	case <-c.live:
	default:
		if c.lagging(readyTimeout) {
			c.readyBy.Reset(readyTimeout)
			return
		}
		c.fail(ending{err: errReady})
	}
}

type resumePayload struct {
	Op int        `json:"op"`
	D  resumeData `json:"d"`
}

type resumeData struct {
	Token     string `json:"token"`
	SessionID string `json:"session_id"`
	Seq       int64  `json:"seq"`
}

func (c *conn) resume() resumePayload {
	session := c.s.currentSession()
	return resumePayload{opResume, resumeData{c.s.cfg.Token, session.ID, session.Seq}}
}

type identifyPayload struct {
	Op int          `json:"op"`
	D  identifyData `json:"d"`
}

type identifyData struct {
	Token          string            `json:"token"`
	Intents        int               `json:"intents"`
	Shard          [2]int            `json:"shard"`
	LargeThreshold int               `json:"large_threshold,omitzero"`
	Presence       jsontext.Value    `json:"presence,omitzero"`
	Properties     map[string]string `json:"properties"`
}

// identify waits for its turn and sends IDENTIFY. It runs on a goroutine of its own, because
// heartbeats and op 7 must be served meanwhile.
func (c *conn) identify() {
	s := c.s
	ctx, cancel := context.WithTimeoutCause(c.ctx, turnTimeout, errTurn)
	defer cancel()
	if err := s.cfg.Gate.Wait(ctx, s.cfg.ShardID); err != nil {
		c.fail(ending{err: fmt.Errorf("wait to identify: %w", context.Cause(ctx))})
		return
	}
	c.identified = true
	presence := s.out.takePresence()
	if presence == nil {
		presence = s.cfg.Presence
	}
	s.stats.identifies.Add(1)
	err := c.shake(identifyPayload{opIdentify, identifyData{
		Token:          s.cfg.Token,
		Intents:        s.cfg.Intents,
		Shard:          [2]int{s.cfg.ShardID, s.cfg.ShardCount},
		LargeThreshold: s.cfg.LargeThreshold,
		Presence:       jsontext.Value(presence),
		Properties: map[string]string{
			"os": runtime.GOOS, "browser": "botwright", "device": "botwright",
		},
	}})
	if err != nil {
		c.fail(ending{err: err})
	}
}

// invalidSession handles op 9: d says whether the session may still be resumed.
func (c *conn) invalidSession(d []byte) {
	e := ending{verdict: drop, invalid: true,
		err: errors.New("session declared invalid by Discord (op 9)")}
	if string(d) == "true" && c.s.resumable() {
		e.verdict, e.invalid = keep, false
	}
	c.fail(e)
}

func (s *Shard) setCurrent(c *conn) {
	s.mu.Lock()
	s.current = c
	s.mu.Unlock()
}
