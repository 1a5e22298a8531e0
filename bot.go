package botwright

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/dispatch"
	"github.com/botwright/botwright/internal/gateway"
	"github.com/botwright/botwright/internal/interaction"
	"github.com/botwright/botwright/internal/resource"
)

// A Bot is a Discord bot: the shards that this process has of it, and the handlers of their
// events. Make one with [New], add handlers with [On], and run it with [Bot.Run]. Its methods may
// be called from any goroutine.
type Bot struct {
	cfg           *config
	handlers      handlers
	sessionEvents map[string]bool
	session       *discordgo.Session // of the first shard; made by New
	locator       *gatewayLocator
	gate          *gateway.Queue
	queue         *dispatch.Queue[work]
	metrics       *Metrics // nil without WithMetrics
	stats         stats
	memory        *resource.Monitor
	profiler      *Profiler
	observed      observed
	health        *Health
	admin         *admin
	started       time.Time     // when New made it
	ready         atomic.Bool   // all shards were ready once
	failures      atomic.Uint64 // errors of handlers
	members       memberRequests
	pressure      memoryGuard

	handlerCtx     context.Context // of all handlers
	cancelHandlers context.CancelCauseFunc
	watchdog       *watchdog
	decodeErrors   sync.Map // event types of which one was logged
	answers        interaction.Answers

	ending chan struct{} // closed when Shutdown begins

	intents discordgo.Intent        // set by Open before the first shard runs
	overlap atomic.Pointer[overlap] // while the bot reshards

	mu         sync.Mutex // guards what follows
	state      botState
	fleet      *fleet             // nil until Open has found out how many shards there are
	otherFleet *fleet             // while the bot reshards: the new one, then the old one
	runCtx     context.Context    // of all shards, and of what waits to begin
	stop       context.CancelFunc // ends runCtx
	changed    chan struct{}      // closed and replaced when a shard's state changes
	done       chan struct{}      // closed when Shutdown has finished
	ended      error              // what Shutdown returned
	resharding bool
	reshard    sync.WaitGroup // what Reshard has to do

	waiters    map[string]*waiters // of Next, by event type
	debouncers []attached          // of Debounce
	retired    DebouncerStats      // of those whose handlers were removed

	tasks     sync.WaitGroup // what runs beside the shards
	tasksCtx  context.Context
	stopTasks context.CancelFunc
}

// A botState is where a Bot is in its life, which it lives once.
type botState int

const (
	botNew botState = iota
	botOpen
	botStopping
)

// New returns a Bot with the given token, with or without "Bot " before it. It does no I/O. The
// error lists everything that is wrong with the token and the options.
func New(token string, opts ...Option) (*Bot, error) {
	cfg, err := newConfig(token, opts)
	if err != nil {
		return nil, err
	}
	b := &Bot{
		cfg:           cfg,
		started:       time.Now(),
		sessionEvents: make(map[string]bool),
		waiters:       make(map[string]*waiters),
		changed:       make(chan struct{}),
		ending:        make(chan struct{}),
		done:          make(chan struct{}),
		memory:        resource.NewMonitor(cfg.maxMemory),
	}
	for _, t := range cfg.sessionEvents {
		b.sessionEvents[t] = true
	}
	if cfg.registerer != nil {
		b.metrics = NewMetrics(MetricsConfig{})
		b.handlers.instrument(b.metrics.measure)
	}
	b.profiler = b.newProfiler()
	b.ObserveDebouncer("handlers", b.debouncerStats)
	b.session = b.newSession()
	b.locator = &gatewayLocator{client: b.session.Client, api: cfg.api, token: cfg.token}
	b.gate = gateway.NewQueue(gateway.QueueConfig{
		Limit:     b.locator.limit,
		Exhausted: b.budgetExhausted,
		Logger:    cfg.logger,
	})
	b.queue = dispatch.New(dispatch.Config{
		MaxEvents:   cfg.queue.MaxEvents,
		MaxBytes:    cfg.queue.MaxBytes,
		MaxInFlight: cfg.queue.MaxInFlight,
	}, b.prepare, b.handle)
	b.handlerCtx, b.cancelHandlers = context.WithCancelCause(context.Background())
	b.tasksCtx, b.stopTasks = context.WithCancel(context.Background())
	cfg.tasks = append(cfg.tasks, func(ctx context.Context, b *Bot) { b.watchShards(ctx) })
	b.watchdog = newWatchdog(cfg.queue.Slow, func(e *Event, err error) {
		b.report(b.handlerCtx, e, err)
	})
	if cfg.queue.Slow > 0 {
		cfg.tasks = append(cfg.tasks, func(ctx context.Context, b *Bot) { b.watchdog.watch(ctx) })
	}
	if err := b.registerMetrics(); err != nil {
		return nil, err
	}
	b.health = newHealth(cfg.health)
	b.health.watchBot(b)
	b.admin = newAdmin(b)
	return b, nil
}

// newSession returns a session that has everything but its shard number.
func (b *Bot) newSession() *discordgo.Session {
	s, err := discordgo.New("Bot " + b.cfg.token)
	if err != nil { // it never is
		panic(fmt.Sprintf("botwright: make a discordgo session: %v", err))
	}
	client := *b.cfg.httpClient
	next := client.Transport
	if next == nil {
		next = http.DefaultTransport
	}
	client.Transport = &apiTransport{
		base: b.cfg.api, next: b.metrics.transport(next), calls: &b.stats.calls}
	client.Transport = b.answering(client.Transport)
	s.Client = &client
	s.Identify.LargeThreshold = 0
	if b.session != nil {
		s.Ratelimiter = b.session.Ratelimiter
	}
	if b.cfg.sessionConfig != nil {
		b.cfg.sessionConfig(s)
		s.Token, s.Client = "Bot "+b.cfg.token, &client
	}
	s.StateEnabled = false // the bot feeds it, see WithState
	return s
}

// Use adds middleware around all handlers, those that are there already included: the first one
// is outermost, and all are outside the middleware of a single handler. Use panics after Open.
func (b *Bot) Use(mw ...Middleware) { b.handlers.use(mw) }

// Run opens the bot, waits until ctx is done, and shuts it down. It returns nil after an orderly
// stop, a [*ShardError] if Discord will not have a shard back, and a [*ShutdownError] if handlers
// did not finish in time; see [WithShutdownTimeout].
func (b *Bot) Run(ctx context.Context) error {
	err := b.Open(ctx)
	if err == nil {
		err = b.wait(ctx)
	}
	if errors.Is(err, ErrOpened) {
		return err
	}
	if ctx.Err() != nil {
		err = nil // told to stop: that is not an error, even if it was not ready yet
	}
	stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), b.cfg.shutdownTimeout)
	defer cancel()
	return errors.Join(err, b.Shutdown(stopCtx))
}

// wait returns when ctx is done, or with the reason why a shard has given up.
func (b *Bot) wait(ctx context.Context) error {
	for {
		b.mu.Lock()
		fatal, changed, stopping := b.fleet.fatal, b.changed, b.state == botStopping
		b.mu.Unlock()
		if fatal != nil || stopping {
			return fatal
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
	}
}

// Open connects all shards and returns when every one of them is ready. An outage of Discord it
// waits out. When ctx ends first, or a shard cannot ever be ready, it stops the bot and returns
// the reason. A bot can be opened once.
func (b *Bot) Open(ctx context.Context) error {
	runCtx, err := b.begin()
	if err != nil {
		return err
	}
	if err := b.open(ctx, runCtx); err != nil {
		stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), b.cfg.shutdownTimeout)
		defer cancel()
		return errors.Join(fmt.Errorf("open the bot: %w", err), b.Shutdown(stopCtx))
	}
	return nil
}

// begin takes the bot from new to open. The context ends with Shutdown.
func (b *Bot) begin() (context.Context, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.state != botNew {
		return nil, ErrOpened
	}
	b.state = botOpen
	b.runCtx, b.stop = context.WithCancel(context.Background())
	return b.runCtx, nil
}

func (b *Bot) open(ctx, runCtx context.Context) error {
	b.handlers.seal()
	if err := b.resolveIntents(); err != nil {
		return err
	}
	b.stats.start()
	if err := b.admin.listen(ctx); err != nil {
		return err
	}
	for _, task := range b.cfg.tasks {
		b.tasks.Go(func() { task(b.tasksCtx, b) })
	}
	locateCtx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(runCtx, func() { cancel(ErrShutdown) })()
	found, err := b.locate(locateCtx)
	if err != nil {
		return err
	}
	f, err := b.startShards(ctx, runCtx, found)
	if err != nil {
		return err
	}
	if err := b.waitReady(ctx, f); err != nil {
		return err
	}
	b.ready.Store(true)
	b.notify()
	return nil
}

// startShards makes the shards and lets them run, unless the bot is being stopped.
func (b *Bot) startShards(ctx, runCtx context.Context, found gatewayBot) (*fleet, error) {
	count, ids := b.cfg.shardCount, b.cfg.shardIDs
	if count == 0 {
		count = roundShards(found.Shards, found.Limit.MaxConcurrency)
	}
	if len(ids) == 0 {
		ids = allShards(count)
	}
	f := b.newFleet(count, ids, b.restoreSessions(ctx, count, ids))
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.state == botStopping {
		return nil, ErrShutdown
	}
	b.fleet = f
	f.start(runCtx, found.Limit.MaxConcurrency, b.fail)
	return f, nil
}

// fail notes why a fleet cannot go on.
func (b *Bot) fail(f *fleet, err error) {
	b.mu.Lock()
	if f.fatal == nil {
		f.fatal = err
	}
	b.mu.Unlock()
	b.notify()
}

// notify wakes those who wait for a change of some shard.
func (b *Bot) notify() {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.changed)
	b.changed = make(chan struct{})
}

// closeReserve is what Shutdown keeps of its time for closing the shards.
const closeReserve = 2 * time.Second

// Shutdown stops the bot: it takes no more events, waits for the handlers of those that it has,
// and closes the connections. When ctx is about to end it cancels the context of the handlers
// that still run, with [ErrShutdown] as the cause, and returns a [*ShutdownError]. The
// bot appears offline at once, unless it has a [SessionStore] and may be resumed.
//
// Before Open it makes Open impossible. A further call waits for the first one or for its own
// ctx, and returns what that returned. A handler that calls Shutdown waits for itself: let it end
// the context of Run instead.
func (b *Bot) Shutdown(ctx context.Context) error {
	b.mu.Lock()
	first, stop := b.state != botStopping, b.stop
	b.state = botStopping
	b.mu.Unlock()
	if !first {
		select {
		case <-b.done:
			return b.ended
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	b.notify()
	close(b.ending)
	b.queue.Stop()
	b.ended = b.drain(ctx)
	if stop != nil {
		stop()
	}
	b.reshard.Wait()
	b.closeFleets(ctx)
	b.stopTasks()
	if !waitFor(ctx, &b.tasks) {
		b.ended = errors.Join(b.ended, errTasks)
	}
	b.unregisterMetrics()
	b.session.Client.CloseIdleConnections()
	close(b.done)
	return b.ended
}

// Session returns the discordgo session of the first shard, for REST calls from anywhere. It is
// there before Open. What goes over the gateway, such as a presence, is for that shard alone; see
// SessionFor.
func (b *Bot) Session() *discordgo.Session {
	if f := b.currentFleet(); f != nil {
		return f.shards[0].session
	}
	return b.session
}

// SessionFor returns the discordgo session of the shard that a guild is on; shard 0 for "", as
// in an event without a guild. The error is [ErrNotOpen], [ErrNotOwned] if another process has that
// shard, or says that this is no guild's id.
func (b *Bot) SessionFor(guildID string) (*discordgo.Session, error) {
	s, err := b.shardOf(guildID)
	if err != nil {
		return nil, err
	}
	return s.session, nil
}

// Shards returns the status of each shard of this process, in the order of their ids; nothing
// before Open. It never waits for the network or a handler.
func (b *Bot) Shards() []ShardStatus {
	f := b.currentFleet()
	if f == nil {
		return nil
	}
	statuses := make([]ShardStatus, len(f.shards))
	for i, s := range f.shards {
		statuses[i] = s.status()
	}
	return statuses
}

// handle runs the handlers of one event. It runs on the queue's goroutines.
func (b *Bot) handle(w work) {
	defer w.end()
	switch {
	case w.handlers != nil:
		for _, r := range w.handlers {
			b.call(r, w.event)
		}
	case w.alone != nil:
		b.call(w.alone, w.event)
	default:
		w.shard.forward(w.event)
	}
}

// call runs one handler, under watch, and reports its error or panic.
func (b *Bot) call(r *registration, e *Event) {
	if r.removed.Load() {
		return
	}
	ctx := b.handlerCtx
	if !r.internal {
		c := b.watchdog.begin(ctx, r, e)
		defer b.watchdog.end(ctx, c)
		ctx = c.ctx
	}
	if err := protect(func() error { return r.run(ctx, e) }); err != nil {
		b.failures.Add(1)
		b.report(ctx, e, err)
	}
}

// protect calls f and makes an error of its panic.
func protect(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return f()
}

// report gives an error to the error handler and contains its panic.
func (b *Bot) report(ctx context.Context, e *Event, err error) {
	defer func() {
		if v := recover(); v != nil {
			b.cfg.logger.Error("the error handler panicked", "panic", v, "error", err)
		}
	}()
	if b.cfg.onError != nil {
		b.cfg.onError(ctx, e, err)
		return
	}
	b.logError(e, err)
}

// logError is the default error handler.
func (b *Bot) logError(e *Event, err error) {
	attrs := []any{"error", err}
	if e != nil {
		attrs = append(attrs, "event", e.Type, "shard", e.ShardID, "guild", e.GuildID)
	}
	if decode, ok := errors.AsType[*DecodeError](err); ok {
		if _, logged := b.decodeErrors.LoadOrStore(decode.Type, true); logged {
			return
		}
	}
	if p, ok := errors.AsType[*PanicError](err); ok {
		attrs = append(attrs, "stack", string(p.Stack))
	}
	if slow, ok := errors.AsType[*SlowHandlerError](err); ok {
		b.cfg.logger.Warn("slow event handler", append(attrs, "stack", slow.Stack)...)
		return
	}
	b.cfg.logger.Error("event handler failed", attrs...)
}

func (b *Bot) budgetExhausted(budget gateway.Budget) {
	b.report(b.handlerCtx, nil, &IdentifyBudgetError{
		Remaining: budget.Remaining, ResetAt: budget.ResetAt})
}
