package botwright

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// closeReserve is what Shutdown keeps of its time for closing the shards.
const closeReserve = 2 * time.Second

// Shutdown stops the bot: it takes no more events, waits for the handlers of those that it has,
// and closes the connections. When ctx is about to end it cancels the context of the handlers
// that still run, with [ErrShutdown] as the cause, and returns a [*ShutdownError]. The
// bot appears offline at once, unless it has a [SessionStore] and may be resumed. The discordgo
// sessions close by themselves in the second that follows, which discordgo spends asleep: a test
// that counts goroutines has to wait for that.
//
// Before Open it makes Open impossible. A further call waits for the first one or for its own
// ctx, and returns what that returned. A handler that calls Shutdown waits for itself: let it end
// the context of Run instead.
func (b *Bot) Shutdown(ctx context.Context) error {
	b.mu.Lock()
	first, stop, opened := b.state != botStopping, b.stop, b.state == botOpen
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
	begun := time.Now()
	if opened {
		b.cfg.logger.Info("shutting down", "events_waiting", b.queue.Stats().Events)
	}
	b.notify()
	close(b.ending)
	b.queue.Stop()
	b.ended = b.drain(ctx)
	if stop != nil {
		stop()
	}
	b.reshard.Wait()
	b.closeFleets()
	b.stopTasks()
	if !waitFor(ctx, &b.tasks) {
		b.ended = errors.Join(b.ended, errTasks)
	}
	b.unregisterMetrics()
	b.session.Client.CloseIdleConnections()
	if opened {
		b.logStopped(time.Since(begun))
	}
	close(b.done)
	return b.ended
}

func (b *Bot) logStopped(took time.Duration) {
	attrs := []any{"took", took.Round(time.Millisecond).String()}
	if b.ended != nil {
		b.cfg.logger.Warn("stopped, not in order", append(attrs, "error", b.ended)...)
		return
	}
	b.cfg.logger.Info("stopped", attrs...)
}

// This file is what Shutdown waits for: handlers, debounced ones, tasks.

// drain waits for the handlers, as long as ctx allows, and cuts off those that are left.
func (b *Bot) drain(ctx context.Context) error {
	defer b.cancelHandlers(ErrShutdown)
	wait := ctx
	if deadline, ok := ctx.Deadline(); ok {
		early := max(time.Until(deadline)-closeReserve, time.Until(deadline)/2)
		var cancel context.CancelFunc
		wait, cancel = context.WithTimeout(ctx, early)
		defer cancel()
	}
	defer b.closeDebouncers(ctx)
	b.flushDebouncers(wait) // not to wait out their delays
	left := b.queue.Drain(wait)
	running, waiting := b.flushDebouncers(wait) // what the last events have triggered
	if left+running+waiting == 0 {
		return nil
	}
	// What heeds its context returns now.
	discarded := b.queue.Discard()
	b.cancelHandlers(ErrShutdown)
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeReserve/4)
	defer cancel()
	left = b.queue.Drain(grace)
	running, waiting = b.flushDebouncers(grace)
	cut := &ShutdownError{Running: left + running, Waiting: discarded + waiting}
	if cut.Running+cut.Waiting == 0 {
		return nil
	}
	cut.Handlers = b.watchdog.running()
	return cut
}

// waitFor waits for wg, as long as ctx allows and in any case for a moment, and reports whether
// it is done.
func waitFor(ctx context.Context, wg *sync.WaitGroup) bool {
	done := make(chan struct{})
	go func() {
		defer close(done)
		wg.Wait()
	}()
	select {
	case <-done:
		return true
	case <-ctx.Done():
	}
	select {
	case <-done:
		return true
	case <-time.After(closeReserve / 4):
		return false
	}
}

// attached is the debouncer of a handler.
type attached struct {
	debouncer *Debouncer[string]
	handler   *registration // nil: unknown
}

// spent reports whether the debouncer has nothing to do and never will have.
func (a attached) spent() bool {
	if a.handler == nil || !a.handler.removed.Load() {
		return false
	}
	running, waiting := a.debouncer.left()
	return running+waiting == 0
}

// addDebouncer lets Shutdown know of a debouncer whose callbacks must not be lost, and forgets
// those of handlers that were removed.
func (b *Bot) addDebouncer(d *Debouncer[string], of *registration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.debouncers = slices.DeleteFunc(b.debouncers, func(a attached) bool {
		if !a.spent() {
			return false
		}
		b.retired.add(a.debouncer.Stats())
		return true
	})
	b.debouncers = append(b.debouncers, attached{d, of})
}

// attachedDebouncers returns the debouncers of handlers, and the counters of those before them.
func (b *Bot) attachedDebouncers() (list []attached, retired DebouncerStats) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.debouncers), b.retired
}

// flushDebouncers runs what waits in debouncers and returns how many callbacks have not returned
// and how many have not begun when ctx ended. No debouncer waits for another.
func (b *Bot) flushDebouncers(ctx context.Context) (running, waiting int) {
	debouncers, _ := b.attachedDebouncers()
	var flushes sync.WaitGroup
	for _, a := range debouncers {
		flushes.Go(func() { _ = a.debouncer.Flush(ctx) })
	}
	flushes.Wait()
	for _, a := range debouncers {
		r, w := a.debouncer.left()
		running, waiting = running+r, waiting+w
	}
	return running, waiting
}

// closeDebouncers ends the debouncers. Only one whose callback does not return outlives ctx.
func (b *Bot) closeDebouncers(ctx context.Context) {
	debouncers, _ := b.attachedDebouncers()
	var closing sync.WaitGroup
	for _, a := range debouncers {
		closing.Go(a.debouncer.Close)
	}
	waitFor(ctx, &closing)
}
