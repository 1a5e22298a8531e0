package botwright

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/bwmarrin/discordgo"
)

// DebounceConfig is what [DebounceWith] can be told beyond [Debounce].
type DebounceConfig struct {
	DebouncerConfig // OnPanic is not used: a panic goes to the ErrorHandler

	// KeepBefore gives the event that is handled the BeforeUpdate of the first event of its
	// burst, so that the handler sees what changed over all of them. It decodes that first
	// event. BeforeUpdate is filled from State; without one it is nil.
	KeepBefore bool
}

// Debounce handles of a burst of events with the same key only the last one, when there has been
// none for the time of wait. It returns at once and the handler runs later, on a goroutine of
// its own: middleware around it does not see the handler's error, which goes to the bot's
// [ErrorHandler], and its context is the bot's. What waits when the bot shuts down is handled
// then; after the handler was removed, nothing is. For a [SessionStore] the event that waits has
// not been handled, so that the next process gets it again if this one is killed; those before it
// in the burst have been. An event that a test has made, rather than a bot received, is handled at
// once. Debounce panics if wait is not positive or key is nil.
func Debounce(wait time.Duration, key KeyFunc) Middleware {
	if wait <= 0 {
		panic(fmt.Sprintf("botwright: Debounce(%v): pass a positive duration", wait))
	}
	return DebounceWith(DebounceConfig{DebouncerConfig: DebouncerConfig{Wait: wait}}, key)
}

// DebounceWith is [Debounce] with more to say: handle the first of a burst as well or instead,
// limit how long a burst can put the handler off, keep the first BeforeUpdate.
func DebounceWith(cfg DebounceConfig, key KeyFunc) Middleware {
	checkKey("Debounce", key)
	return func(next Handler) Handler {
		d := &debounce{
			next:      next,
			key:       key,
			debouncer: NewDebouncer[string](cfg.DebouncerConfig),
		}
		if cfg.KeepBefore && !cfg.LeadingOnly { // which handles the first event itself
			d.bursts = make(map[string]*burst)
		}
		return d.handle
	}
}

// debounce is the state of one debounced handler.
type debounce struct {
	next      Handler
	key       KeyFunc
	debouncer *Debouncer[string]
	attach    sync.Once
	inner     *registration // how run calls next; set by attach

	mu     sync.Mutex
	bursts map[string]*burst // guarded by mu; nil unless the first event of a burst is kept
}

// A burst is the events of a key that one call of the handler stands for. The first and the last
// of them count as unhandled until that has returned.
type burst struct{ first, last *Event }

func (d *debounce) handle(ctx context.Context, e *Event) error {
	key := d.key(e)
	if key == "" || e.bot == nil {
		return d.next(ctx, e)
	}
	e.care.claim() // its turn comes later
	d.attach.Do(func() {
		handler := e.bot.watchdog.registrationOf(ctx)
		d.inner = &registration{name: "debounced handler", run: d.next}
		if handler != nil {
			d.inner.name = handler.name
		}
		e.bot.addDebouncer(d.debouncer, handler)
	})
	if d.bursts != nil {
		return d.handleBurst(ctx, key, e)
	}
	e.tracked.Hold()
	switch d.debouncer.trigger(key, func() { d.run(e, e.tracked.Release) }, e.tracked.Release) {
	case triggerTaken:
		return nil
	case triggerSkipped:
		e.tracked.Release()
		return nil
	}
	defer e.tracked.Release()
	return d.next(ctx, e) // the debouncer is closed or overwhelmed: late beats never
}

// run handles an event and then calls handled, unless Shutdown has cut that off: the event then
// counts as unhandled.
func (d *debounce) run(e *Event, handled func()) {
	if !e.bot.call(nil, d.inner, e) {
		handled()
	}
}

// handleBurst is handle for an event that may need the first one of its burst.
func (d *debounce) handleBurst(ctx context.Context, key string, e *Event) error {
	b := d.join(key, e)
	run := func() {
		if d.end(key, b) {
			d.run(withBefore(b.last, b.first), b.release)
		}
	}
	if d.debouncer.Trigger(key, run) || !d.end(key, b) {
		return nil
	}
	defer b.release()
	return d.next(ctx, withBefore(b.last, b.first))
}

// join adds an event to the burst of its key. One that joins when the burst's turn has come and its
// goroutine has not begun is handled by that one.
func (d *debounce) join(key string, e *Event) *burst {
	d.mu.Lock()
	defer d.mu.Unlock()
	e.tracked.Hold() // as the last one
	b := d.bursts[key]
	if b == nil {
		e.tracked.Hold() // as the first one
		b = &burst{first: e}
		d.bursts[key] = b
	} else {
		b.last.tracked.Release()
	}
	b.last = e
	return b
}

// end ends a burst. It is false if that has been done.
func (d *debounce) end(key string, b *burst) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.bursts[key] != b {
		return false
	}
	delete(d.bursts, key)
	return true
}

// release notes that a burst which has ended was handled.
func (b *burst) release() {
	b.first.tracked.Release()
	b.last.tracked.Release()
}

// withBefore returns a copy of e with the BeforeUpdate of first, or e if there is nothing to take
// over.
func withBefore(e, first *Event) *Event {
	if first == e {
		return e
	}
	before, err := first.Payload()
	if err != nil {
		return e
	}
	payload, err := e.Payload()
	if err != nil {
		return e
	}
	var merged any
	switch p := payload.(type) {
	case *discordgo.GuildMemberUpdate:
		merged = merge(p, before, func(to, from *discordgo.GuildMemberUpdate) {
			to.BeforeUpdate = from.BeforeUpdate
		})
	case *discordgo.MessageUpdate:
		merged = merge(p, before, func(to, from *discordgo.MessageUpdate) {
			to.BeforeUpdate = from.BeforeUpdate
		})
	case *discordgo.ChannelUpdate:
		merged = merge(p, before, func(to, from *discordgo.ChannelUpdate) {
			to.BeforeUpdate = from.BeforeUpdate
		})
	case *discordgo.ThreadUpdate:
		merged = merge(p, before, func(to, from *discordgo.ThreadUpdate) {
			to.BeforeUpdate = from.BeforeUpdate
		})
	case *discordgo.VoiceStateUpdate:
		merged = merge(p, before, func(to, from *discordgo.VoiceStateUpdate) {
			to.BeforeUpdate = from.BeforeUpdate
		})
	}
	if merged == nil {
		return e
	}
	return e.withPayload(merged)
}

// merge copies last and lets set take over from first, which shares its type.
func merge[E any](last *E, first any, set func(to, from *E)) any {
	from, ok := first.(*E)
	if !ok {
		return nil
	}
	to := *last
	set(&to, from)
	return &to
}
