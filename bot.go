package botwright

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/admin"
	"github.com/botwright/botwright/internal/change"
	"github.com/botwright/botwright/internal/gateway"
	"github.com/botwright/botwright/internal/group"
	"github.com/botwright/botwright/internal/legacy"
	"github.com/botwright/botwright/internal/locator"
	"github.com/botwright/botwright/internal/members"
	"github.com/botwright/botwright/internal/memory"
	"github.com/botwright/botwright/internal/ops"
	"github.com/botwright/botwright/internal/rest"
	"github.com/botwright/botwright/internal/runner"
	"github.com/botwright/botwright/internal/session"
	"github.com/botwright/botwright/internal/state"
	"github.com/botwright/botwright/internal/traffic"
)

// A Bot is a Discord bot: the shards that this process runs, and the handlers of their events. Make
// one with [New], add handlers with [On], and run it with [Bot.Run]. Its methods may be called from
// any goroutine.
type Bot struct {
	cfg           *config
	runner        *runner.Runner[*Event]
	home          home     // of its events
	decodeErrors  sync.Map // event types of which one was logged
	sessionEvents map[string]bool
	session       *discordgo.Session // of the first shard; made by New
	settings      legacy.Settings    // of that session, as New left it
	sessionTaken  atomic.Bool        // a shard has it
	locator       *locator.Locator
	gate          *gateway.Queue
	rest          *rest.Transport
	ready         atomic.Bool // all shards were ready once
	members       members.Requests

	operations

	changes change.Signal // of what the shards, and the bot itself, are at

	ending chan struct{} // closed when Shutdown begins

	intents      discordgo.Intent          // set by Open before the first shard runs
	intentsGiven bool                      // by the program, not found out
	resharded    atomic.Pointer[resharded] // while the bot reshards

	mu         sync.Mutex // guards what follows
	state      botState
	opened     bool               // it was open before it was stopping
	fleet      *shardFleet        // nil until Open has found out how many shards there are
	otherFleet *shardFleet        // while the bot reshards: the new one, then the old one
	runCtx     context.Context    // of all shards, and of what waits to begin
	stop       context.CancelFunc // ends runCtx
	done       chan struct{}      // closed when Shutdown has finished
	ended      error              // what Shutdown returned
	resharding bool
	reshard    sync.WaitGroup // what Reshard has to do

	router    *ops.Router    // see RegisterOp
	saver     *session.Saver // of sessions and alerts, for the SessionStore
	packer    state.Packer   // of what is saved of State
	storeTurn chan struct{}  // holds the turn of who calls the SessionStore

	tasks     group.Group // what runs beside the shards
	tasksCtx  context.Context
	stopTasks context.CancelFunc
}

// operations is what those who run a bot look at: it watches the other parts, and none of them needs
// it. All of it is made by New, except for the admin server.
type operations struct {
	started  time.Time // when New made it
	stats    stats
	metrics  *Metrics // nil without WithMetrics
	profiler *Profiler

	health      *Health
	traffic     traffic.Sensor // of calls of the API
	healthEnded chan struct{}  // is closed when the last alerts were sent

	memory         *memory.Monitor
	guard          *memory.Guard
	cacheStats     observed[TTLCacheStats]
	debouncerStats observed[DebouncerStats]

	adminOnce sync.Once
	admin     *admin.Server            // see adminServer
	adminAddr atomic.Pointer[net.Addr] // nil unless WithAdmin has a port
}

// A botState is where a Bot is in its life, which it lives once.
type botState int

const (
	botNew botState = iota
	botOpen
	botStopping
)

// New returns a Bot with the given token, with or without "Bot " before it. It does no I/O, except
// to check that the directory of a session file exists. The error lists everything that is wrong
// with the token and the options.
func New(token string, opts ...Option) (*Bot, error) {
	cfg, err := newConfig(token, opts)
	if err != nil {
		return nil, err
	}
	b := &Bot{
		cfg:           cfg,
		sessionEvents: make(map[string]bool),
		ending:        make(chan struct{}), done: make(chan struct{}),
		storeTurn: make(chan struct{}, 1),
	}
	b.started, b.healthEnded = time.Now(), make(chan struct{})
	b.memory = memory.New(memory.Config{Limit: cfg.memoryLimit, Warn: cfg.maxMemory()})
	for _, t := range cfg.sessionEvents {
		b.sessionEvents[t] = true
	}
	b.runner = b.newRunner()
	b.home.runner, b.home.now = b.runner, cfg.now
	if cfg.registerer != nil {
		b.metrics = NewMetrics(cfg.metrics())
		b.runner.Handlers.Instrument(b.metrics.measure)
	}
	b.profiler = b.newProfiler()
	b.ObserveDebouncer("handlers", b.handlerDebounces)
	for _, c := range cfg.caches {
		b.ObserveCache(c.name, c.cache.Stats)
	}
	b.guard = b.newGuard()
	b.rest = b.newREST()
	if err := b.newFirstSession(); err != nil {
		return nil, err
	}
	b.cfg.dialer = cfg.gatewayDialer()
	b.locator = b.newLocator()
	b.gate = gateway.NewQueue(cfg.gateConfig(b))
	b.tasksCtx, b.stopTasks = context.WithCancel(context.Background())
	b.addTasks()
	b.health = newHealth(cfg.health, b.memory, b.changes.Notify)
	b.health.together = b.newTogether()
	b.saver = b.newSaver()
	b.router = b.newRouter()
	b.health.watching.Store(true)
	b.health.watch(b.healthParts())
	if err := b.registerMetrics(); err != nil {
		return nil, err
	}
	return b, nil
}

// addTasks adds what runs beside the shards in any case.
func (b *Bot) addTasks() {
	b.cfg.runs("watch of shards", func(ctx context.Context, b *Bot) { b.watchShards(ctx) })
	b.cfg.runs("error handler", func(ctx context.Context, b *Bot) { b.runner.Tell(ctx) })
	if b.cfg.queue.Slow > 0 {
		b.cfg.runs("watchdog", func(ctx context.Context, b *Bot) { b.runner.Watch(ctx) })
	}
}

// Session returns the discordgo session of the first shard, for REST calls from anywhere. It exists
// before Open. What you send over the gateway, such as a presence, reaches that shard only; see
// SessionFor and EachShard.
func (b *Bot) Session() *discordgo.Session {
	if shards := b.ownShards(); len(shards) > 0 {
		return shards[0].session
	}
	return b.session
}

// Shards returns the status of each shard of this process, ordered by id, and nothing before Open.
// It never waits for the network or a handler.
func (b *Bot) Shards() []ShardStatus {
	var statuses []ShardStatus
	for _, s := range b.ownShards() {
		statuses = append(statuses, s.status())
	}
	return statuses
}
