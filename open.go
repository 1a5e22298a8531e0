package botwright

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/botwright/botwright/internal/locator"
)

// Run opens the bot, waits until ctx is done, and shuts it down. It returns nil after an orderly
// stop, a [*ShardError] if Discord refuses a shard for good, and a [*ShutdownError] if handlers did
// not finish in time; see [WithShutdownTimeout].
func (b *Bot) Run(ctx context.Context) error {
	err := b.Open(ctx)
	if err == nil {
		err = b.wait(ctx)
	}
	if errors.Is(err, ErrAlreadyOpen) {
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
	err := b.changes.Await(ctx, nil, func(bool) (bool, error) {
		return false, b.fate(b.currentFleet())
	})
	if errors.Is(err, ErrShutdown) || ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) {
		return nil
	}
	return err
}

// Open connects all shards. It returns when every shard is ready and Session.State has the guilds
// that the bot is in. It keeps trying during an outage of the gateway. For guilds that Discord does
// not send, such as those in an outage, it waits until none has arrived for 5 s, and logs how many
// are missing. If ctx ends first, or a shard can never be ready, Open stops the bot and returns the
// reason. A bot can be opened once.
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
		return nil, ErrAlreadyOpen
	}
	b.state = botOpen
	b.runCtx, b.stop = context.WithCancel(context.Background())
	return b.runCtx, nil
}

func (b *Bot) open(ctx, runCtx context.Context) error {
	if err := b.checkSession(); err != nil {
		return err
	}
	b.runner.Handlers.Seal()
	if err := b.resolveIntents(); err != nil {
		return err
	}
	b.stats.start()
	if b.cfg.openAdmin != nil {
		if err := b.cfg.openAdmin(ctx, b); err != nil {
			return err
		}
	}
	b.restoreAlerts(ctx)
	for _, t := range b.cfg.tasks {
		if !b.startTask(t.name, func(ctx context.Context) { t.run(ctx, b) }) {
			return ErrShutdown
		}
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
	if err := b.awaitShare(ctx, f); err != nil {
		return err
	}
	if err := b.waitReady(ctx, f); err != nil {
		return err
	}
	if err := b.awaitGuilds(ctx, f); err != nil {
		return err
	}
	b.ready.Store(true)
	b.cfg.logger.Info("ready", "shards", len(f.All()),
		"took", time.Since(b.started).Round(time.Millisecond).String())
	b.changes.Notify()
	return nil
}

// newLocator returns what finds Discord's gateway.
func (b *Bot) newLocator() *locator.Locator {
	return locator.New(locator.Config{
		Client: b.session.Client, API: b.cfg.api, Token: b.cfg.token, UserAgent: userAgent,
		Logger: b.cfg.logger,
	})
}

// locate asks for the gateway until there is an answer, or none that could help.
func (b *Bot) locate(ctx context.Context) (locator.Answer, error) {
	found, err := b.locator.Await(ctx)
	if refused, ok := errors.AsType[*locator.StatusError](err); ok {
		if refused.Status == http.StatusUnauthorized {
			return found, fmt.Errorf("%w (%w)", ErrUnauthorized, err)
		}
		return found, fmt.Errorf("%w: see WithAPI", err)
	}
	return found, err
}

// A task runs beside the shards, from Open until all else has been shut down.
type task struct {
	name string // for people, if it does not end
	run  func(context.Context, *Bot)
}

// runs adds a task.
func (c *config) runs(name string, run func(context.Context, *Bot)) {
	c.tasks = append(c.tasks, task{name, run})
}

// setTasks adds the tasks that the options ask for. Only here, so that an option that is given
// twice runs nothing twice.
func (c *config) setTasks() {
	for _, t := range []struct {
		task
		wanted bool
	}{
		{task{"registration of commands", registerCommands}, c.commands != nil},
		{task{"session store", saveSessions}, c.sessionStore != nil},
		{task{"operations", func(ctx context.Context, b *Bot) { b.router.Serve(ctx) }}, c.cluster != nil},
		{task{"automatic resharding", autoReshard}, c.autoReshard},
		{task{"watch of resources", watchResources}, c.resources != nil},
		{task{"report", logReports}, c.reportEvery > 0},
		{task{"profiler", func(ctx context.Context, b *Bot) { b.profiler.Run(ctx) }},
			c.profiler != nil},
		{task{"health checks and alerts", func(ctx context.Context, b *Bot) { b.runHealth(ctx) }},
			c.checksRun()},
	} {
		if t.wanted {
			c.tasks = append(c.tasks, t.task)
		}
	}
	c.tend()
}

// startTask lets a task run, unless the bot is stopping.
func (b *Bot) startTask(name string, run func(ctx context.Context)) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.state == botStopping {
		return false
	}
	b.tasks.Go(name, func() { run(b.tasksCtx) })
	return true
}

// startShards makes the shards and lets them run, unless the bot is being stopped.
func (b *Bot) startShards(ctx, runCtx context.Context, found locator.Answer) (*shardFleet, error) {
	count, ids := b.cfg.shardCount, b.cfg.shardIDs
	if count == 0 {
		count = roundShards(found.Shards, found.Limit.MaxConcurrency)
	}
	count, err := b.agreedCount(ctx, count, found.Limit.MaxConcurrency)
	if err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		ids = allShards(count)
	}
	f, err := b.newFleet(ctx, count, ids)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fleet = f // Shutdown closes it
	if b.state == botStopping {
		return nil, ErrShutdown
	}
	f.Start(found.Limit.MaxConcurrency)
	return f, nil
}

// fail notes why a fleet cannot go on. If it is the bot's, that is the end, and people are told:
// once, whatever the number of shards.
func (b *Bot) fail(f *shardFleet, err error) {
	b.mu.Lock()
	ends := f.fatal == nil && f == b.fleet && b.state != botStopping
	if f.fatal == nil {
		f.fatal = err
	}
	b.mu.Unlock()
	if ends {
		b.cfg.logger.Error("Discord refuses a shard for good: stopping the bot", "error", err)
		b.health.announceFatal(f.Count, err)
	}
	b.changes.Notify()
}
