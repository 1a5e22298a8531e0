package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// Version is the version of Discord's gateway that is asked for.
const Version = "10"

// Deadlines of one connection. Discord documents none of them; these are what its other clients
// use, so a link that is merely slow is not cut.
const (
	dialTimeout  = 10 * time.Second
	helloTimeout = 30 * time.Second // Config can change it
	readyTimeout = 60 * time.Second
	writeTimeout = 10 * time.Second
	closeTimeout = 2 * time.Second // from the end of a connection to the end of its socket

	// turnTimeout is how long an open connection waits for its turn to identify. Discord closes
	// it after half a minute.
	turnTimeout = 20 * time.Second
)

// DefaultMaxPayload is the default of Config.MaxPayload. The largest thing that Discord sends is
// the GUILD_CREATE of a guild just short of 75,000 members with presences, some 20 MB.
const DefaultMaxPayload = 32 << 20

// A Gate admits IDENTIFYs. Discord allows one per 5 s and key, and about 1000 a day for all
// shards of a bot. Near returns when the shard's turn is some seconds away at most, so that it may
// dial, and calls waits first if that is not at once; leave is called when the connection has
// ended. Wait returns when the shard may send an IDENTIFY right now. Errors are ctx's. Identified
// is called when that was written, from when Discord counts the next 5 s.
type Gate interface {
	Near(ctx context.Context, shardID int, waits func()) (leave func(), err error)
	Wait(ctx context.Context, shardID int) error
	Identified(shardID int)
}

// Config is what a Shard needs to know. URL, Gate and Event must be set.
type Config struct {
	Token          string // without the "Bot " prefix
	ShardID        int
	ShardCount     int
	Intents        int
	LargeThreshold int             // 0 leaves it out: Discord's default is 50
	Presence       json.RawMessage // sent with IDENTIFY until a presence was sent; may be nil
	Compression    Compression     // what is tried first; the zero value is zstd-stream
	MaxPayload     int             // limit on one decompressed payload; 0 is DefaultMaxPayload
	HelloTimeout   time.Duration   // how long HELLO may take; 0 is 30 s

	// URL returns the gateway's URL. renew says that the last one could not be dialled.
	URL    func(ctx context.Context, renew bool) (string, error)
	Gate   Gate
	Owned  func() bool       // asked before each IDENTIFY and RESUME; nil: always
	Dialer *websocket.Dialer // nil: one with the proxy of the environment

	// Event is called for each dispatch, in order, on the goroutine that reads. It may block:
	// then nothing more is read, while heartbeats go on.
	Event func(*Frame) Outcome

	// Changed is called after each change of state, on the goroutine in Run. May be nil.
	Changed func(Status)

	Session     Session // resumed first, if it has an ID
	KeepSession bool    // at the end of Run, close so that the session can be resumed later
	Logger      *slog.Logger

	// FirstReady is the level of the line that says that the shard is ready for the first time.
	// The zero value is info; a start of hundreds of shards is told in fewer lines.
	FirstReady slog.Level
}

// A Frame is one dispatch. It, its Type and its Data are valid until Event returns.
type Frame struct {
	ShardID  int
	Type     []byte
	Seq      int64
	Data     []byte // d, not checked to be well-formed JSON; see frame.Valid
	Replayed bool   // sent again by Discord after a RESUME
	Received time.Time
}

// An Outcome is what became of a Frame.
type Outcome int

// Outcomes. After Refused, which a receiver that is stopping answers, the frame does not count as
// received and nothing more is read; the connection is kept until Run's context is done.
const (
	Unwanted  Outcome = iota // nobody wants it
	Taken                    // it will be handled
	TakenLate                // so it will, but the reader was held up by a full queue
	Refused                  // the receiver is stopping
	Damaged                  // Data is not well-formed: the frame must be asked for again
)

// A Session is what RESUME needs.
type Session struct {
	ID         string          `json:"id"`
	Seq        int64           `json:"seq"`
	ResumeURL  string          `json:"resume_url"`
	ShardID    int             `json:"shard_id"`
	ShardCount int             `json:"shard_count"`
	Ready      json.RawMessage `json:"ready,omitempty"`  // READY's d without the guilds
	Guilds     []string        `json:"guilds,omitempty"` // ids, in ascending order
}

// A Shard is one shard's connection to the gateway. Its methods may be called from any
// goroutine; Run only once.
type Shard struct {
	cfg     Config
	log     *slog.Logger
	out     outbox
	restart chan struct{}
	stats   counters

	mu       sync.Mutex // guards what follows
	status   Status
	session  Session
	high     int64           // the sequence of the last dispatch; Session.Seq may be lower
	guilds   map[uint64]bool // id → available
	guildIDs []string        // of guilds, in ascending order; nil when they have changed
	current  *conn

	// Owned by the goroutine in Run.
	attempts  attempts
	resumes   int // RESUMEs since one brought anything
	seen      sequence
	damagedAt int64 // the sequence at which a frame was damaged last; -1 for none
	renewURL  bool

	compression Compression // of the next connection; see fallBack
	down        outage
	wasReady    bool
}

// New returns a Shard that is not connected yet.
func New(cfg Config) *Shard {
	if cfg.MaxPayload == 0 {
		cfg.MaxPayload = DefaultMaxPayload
	}
	if cfg.HelloTimeout == 0 {
		cfg.HelloTimeout = helloTimeout
	}
	if cfg.Dialer == nil {
		cfg.Dialer = &websocket.Dialer{Proxy: websocket.DefaultDialer.Proxy}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Session.ID == "" {
		cfg.Session = Session{}
	}
	s := &Shard{
		cfg:       cfg,
		log:       cfg.Logger.With("shard", cfg.ShardID),
		restart:   make(chan struct{}, 1),
		session:   cfg.Session,
		guilds:    make(map[uint64]bool),
		damagedAt: -1,
		down:      newOutage(),
		high:      cfg.Session.Seq,

		compression: cfg.Compression,
	}
	s.seen.startAt(cfg.Session.Seq)
	for _, id := range cfg.Session.Guilds {
		s.setGuild([]byte(id), true)
	}
	s.out.init()
	s.status = Status{ShardID: cfg.ShardID, State: Idle, Since: time.Now()}
	return s
}

// Run keeps the shard connected until ctx is done, and then returns nil, or until Discord closes
// the connection with a fatal code, and then returns a *CloseError.
func (s *Shard) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		end := s.connect(ctx)
		if end.verdict == drop {
			s.dropSession()
		}
		if ctx.Err() != nil {
			break
		}
		s.stats.end(end)
		if end.verdict == fatal {
			s.setState(Fatal, end.err)
			return fmt.Errorf("gateway connection of shard %d: %w", s.cfg.ShardID, end.err)
		}
		delay := s.backoff(end)
		s.logEnd(ctx, end, delay)
		s.setRetry(end.err, delay)
		s.sleep(ctx, delay)
	}
	s.setState(Closed, nil)
	return nil //nolint:nilerr // an orderly stop is no error
}

// Send queues a command, such as a presence update, for the gateway. It never blocks. Commands
// wait for the connection and for Discord's limit of 120 a minute; a presence replaces one that
// still waits. The error is [ErrPayloadTooLarge] or [ErrQueueFull].
func (s *Shard) Send(op int, d json.RawMessage) error {
	return s.out.push(op, d)
}

// Presence returns the last presence that was sent or is to be, nil if there was none. It must
// not be changed.
func (s *Shard) Presence() json.RawMessage {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	if s.out.presence == nil {
		return s.cfg.Presence
	}
	return s.out.presence
}

// SetPresence sets the presence to identify with, before Run.
func (s *Shard) SetPresence(d json.RawMessage) { s.cfg.Presence = d }

// Restart drops the connection and resumes at once. It does not wait.
func (s *Shard) Restart() {
	s.mu.Lock()
	c, waiting := s.current, s.status.State == Backoff
	s.mu.Unlock()
	if c != nil {
		c.fail(ending{err: errRestart})
	}
	if !waiting {
		return
	}
	select {
	case s.restart <- struct{}{}:
	default:
	}
}

var errRestart = errors.New("restart was asked for")

// Resumable returns a copy of the session; its ID is empty when there is none. What it refers to
// must not be changed.
func (s *Shard) Resumable() Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.guildIDs == nil {
		ids := slices.Sorted(maps.Keys(s.guilds))
		s.guildIDs = make([]string, len(ids))
		for i, id := range ids {
			s.guildIDs[i] = strconv.FormatUint(id, 10)
		}
	}
	session := s.session
	session.Guilds = s.guildIDs
	return session
}

// SessionID returns the id of the session, empty when there is none.
func (s *Shard) SessionID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.session.ID
}

// currentSession returns the session without its guilds.
func (s *Shard) currentSession() Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.session
}

func (s *Shard) resumable() bool { return s.currentSession().ID != "" }

func (s *Shard) dropSession() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.session, s.high = Session{}, 0
	s.seen.startAt(0)
	s.damagedAt = -1
	s.status.SessionSince = time.Time{}
	s.resumes = 0
}

// sleep waits for d, a restart or the end of ctx.
func (s *Shard) sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-s.restart:
	case <-ctx.Done():
	}
}
