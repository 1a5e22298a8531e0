package botwright

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/census"
	"github.com/botwright/botwright/internal/events"
	"github.com/botwright/botwright/internal/gateway"
	"github.com/botwright/botwright/internal/relay"
	"github.com/botwright/botwright/internal/runner"
	"github.com/botwright/botwright/internal/session"
	"github.com/botwright/botwright/internal/silence"
	"github.com/botwright/botwright/internal/state"
)

// A shard ties one gateway connection to one discordgo session and to the bot's queue.
type shard struct {
	bot     *Bot
	id      int
	session *discordgo.Session
	fleet   *shardFleet
	left    leftBehind // what an earlier process has left to resume
	gateway *gateway.Shard
	intake  *runner.Shard[*Event]
	relay   *relay.Relay
	census  census.Census
	state   *state.Keeper  // of the session's State; nil with StateNone
	journal *state.Journal // of State; nil without a StateStore
	opened  bool           // the session was opened; used by the gateway's reader alone
	usable  atomic.Bool    // so that the session can be used

	lobby atomic.Int64 // how long the last Near took, in ns
	gone  atomic.Bool  // it is another process's, or nobody knows whose

	passOnce sync.Once
	passed   chan struct{} // closed when the next shard of the same key may connect
	silence  silence.Detector

	tracker atomic.Pointer[session.Tracker] // of the current session; nil without a SessionStore
	traced  atomic.Pointer[sessionTrace]    // of the current session; see traceSession
}

func (b *Bot) newShard(f *shardFleet, id int, left leftBehind) *shard {
	session := b.sessionOf(id, f.Count)
	s := &shard{bot: b, fleet: f, left: left, id: id, session: session,
		passed: make(chan struct{})}
	if b.cfg.state.Guilds {
		s.state = state.New(session.State, b.cfg.state.internal())
	}
	s.recordState()
	s.intake = s.newIntake()
	cfg := gateway.Config{
		Token:          b.cfg.token,
		ShardID:        id,
		ShardCount:     f.Count,
		Intents:        int(b.intents),
		LargeThreshold: session.Identify.LargeThreshold,
		Presence:       initialPresence(session),
		URL:            b.locator.URL,
		Gate:           s,
		Owned:          s.owns,
		Dialer:         b.cfg.dialer,
		Compression:    b.cfg.compression,
		Event:          s.intake.Receive,
		Changed:        s.changed,
		Logger:         b.cfg.logger,
		Session:        left.session(),
		KeepSession:    b.cfg.sessionStore != nil,
		FirstReady:     f.firstReady,
	}
	if b.cfg.tuneGateway != nil {
		b.cfg.tuneGateway(&cfg)
	}
	s.gateway = gateway.New(cfg)
	s.restored(cfg)
	s.relay = relay.New(relay.Config{
		Session: session,
		Send:    s.send,
		Failed:  s.sendFailed,
		Latency: func() time.Duration { return s.gateway.Status().Latency },
		Logger:  b.cfg.logger.With("shard", id),
	})
	if b.cfg.tuneShard != nil {
		b.cfg.tuneShard(s)
	}
	return s
}

// Near is the gateway's Gate: it waits for the bot's identify queue before the shard dials.
func (s *shard) Near(
	ctx context.Context, shardID int, waits func(),
) (leave func(), err error) {
	start := time.Now()
	defer func() { s.lobby.Store(int64(time.Since(start))) }()
	return s.bot.gate.Near(ctx, shardID, waits)
}

// Wait does so when it is connected. Once it is through, the next shard of the key may connect and
// wait in turn.
func (s *shard) Wait(ctx context.Context, shardID int) error {
	start := time.Now().Add(-time.Duration(s.lobby.Load()))
	if err := s.bot.gate.Wait(ctx, shardID); err != nil {
		return err
	}
	s.bot.metrics.identified(time.Since(start))
	s.started()
	return nil
}

// Identified is told when the IDENTIFY was written.
func (s *shard) Identified(shardID int) { s.bot.gate.Identified(shardID) }

// started lets the next shard of the same max_concurrency key connect.
func (s *shard) started() { s.passOnce.Do(func() { close(s.passed) }) }

// changed is called for each change of the gateway's state. A shard that is in trouble does not
// hold up the start of the next.
func (s *shard) changed(st gateway.Status) {
	if st.State == gateway.Ready || st.State == gateway.Backoff {
		s.started()
	}
	s.bot.changes.Notify()
}

// initialPresence returns the presence that the session was configured with, if any, in the form
// that Discord documents.
func initialPresence(s *discordgo.Session) json.RawMessage {
	p := s.Identify.Presence
	if p.Status == "" && p.Game.Name == "" {
		return nil
	}
	type activity struct {
		Name string                 `json:"name"`
		Type discordgo.ActivityType `json:"type"`
		URL  string                 `json:"url,omitempty"`
	}
	activities := []activity{}
	if p.Game.Name != "" {
		activities = append(activities, activity{p.Game.Name, p.Game.Type, p.Game.URL})
	}
	if p.Status == "" {
		p.Status = string(discordgo.StatusOnline)
	}
	d, err := json.Marshal(map[string]any{
		"since": nil, "activities": activities, "status": p.Status, "afk": p.AFK})
	if err != nil {
		return nil
	}
	return d
}

// track begins to note which events of a session have been handled, for the SessionStore.
func (s *shard) track(sessionID string, earlier session.Position, fed int64) {
	if s.bot.cfg.sessionStore != nil {
		s.tracker.Store(session.NewTracker(sessionID, earlier, fed))
	}
}

// openTimeout bounds the opening of a session, which takes milliseconds unless a handler that
// was added to the session blocks it.
const openTimeout = 10 * time.Second

// openSession opens the session when the shard's first event comes, so that handlers find it
// open. With a later READY it tells the session its new id and nothing else: State.User is read
// by handlers without a lock.
func (s *shard) openSession(f *gateway.Frame) {
	if s.opened {
		if string(f.Type) == "READY" {
			s.session.State.Lock()
			s.session.State.SessionID = s.gateway.Resumable().ID
			s.session.State.Unlock()
		}
		return
	}
	s.open()
}

func (s *shard) open() {
	s.opened = true
	ctx, cancel := context.WithTimeout(s.bot.runner.Context(), openTimeout)
	defer cancel()
	defer s.bot.changes.Notify()
	defer s.usable.Store(true) // or never will be: no reason to wait
	err := s.relay.Open(ctx, s.gateway.Resumable().Ready)
	stops := errors.Is(err, relay.ErrClosed) || errors.Is(err, ErrShutdown)
	if err != nil && !stops {
		err = fmt.Errorf("open the discordgo session of shard %d: %w", s.id, err)
		s.bot.reportAside(nil, err)
	}
}

// forward gives an event to the handlers that were added to the session itself. discordgo
// crashes on what does not decode.
func (s *shard) forward(e *Event) {
	if events.Known(e.Type) {
		if _, err := e.Payload(); err != nil {
			s.bot.report(e, err)
			return
		}
	}
	if !s.relay.Dispatch(e.Sequence, e.Type, e.raw) {
		s.bot.report(e, fmt.Errorf("forward %s to the discordgo session of "+
			"shard %d: it does not keep up, or is closed", e.Type, s.id))
	}
}

// ID implements fleet.Shard, as do the methods below it.
func (s *shard) ID() int { return s.id }

// Run keeps the shard connected until ctx is done. An error is fatal for the bot.
func (s *shard) Run(ctx context.Context) error {
	defer s.started()
	s.restoreState()
	err := s.gateway.Run(ctx)
	if closed, ok := errors.AsType[*gateway.CloseError](err); ok {
		return &ShardError{
			ShardID: s.id, Code: closed.Code, Err: err, intents: events.PortalNames(s.bot.intents)}
	}
	return err
}

// Passed is closed when the next shard of the same max_concurrency key may connect.
func (s *shard) Passed() <-chan struct{} { return s.passed }

// Close waits until nothing is served to the session any more. That closes by itself: discordgo
// sleeps for a second while it does (CloseWithCode in wsapi.go), which is nothing to wait for.
func (s *shard) Close() { s.relay.Close() }

// Ready reports whether the shard is, and its session can be used.
func (s *shard) Ready() bool { return s.gateway.State() == gateway.Ready && s.usable.Load() }
