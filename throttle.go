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
	// event.
	KeepBefore bool
}

// Debounce handles of a burst of events with the same key only the last one, when there has been
// none for the time of wait. It returns at once and the handler runs later, on a goroutine of
// its own: middleware around it does not see the handler's error, which goes to the bot's
// [ErrorHandler], and its context is the bot's. What waits when the bot shuts down is handled
// then. Debounce panics if wait is not positive or key is nil.
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
			next:       next,
			debouncer:  NewDebouncer[string](cfg.DebouncerConfig),
			keepBefore: cfg.KeepBefore && !cfg.LeadingOnly,
			firsts:     make(map[string]*Event),
		}
		return func(ctx context.Context, e *Event) error {
			k := key(e)
			if k == "" {
				return next(ctx, e)
			}
			d.trigger(k, e)
			return nil
		}
	}
}

// debounce is the state of one debounced handler.
type debounce struct {
	next       Handler
	debouncer  *Debouncer[string]
	keepBefore bool
	attach     sync.Once

	mu     sync.Mutex
	firsts map[string]*Event // the first event of each burst; guarded by mu
}

func (d *debounce) trigger(key string, e *Event) {
	d.attach.Do(func() { e.bot.addDebouncer(d.debouncer) })
	if d.keepBefore {
		d.mu.Lock()
		if _, waits := d.firsts[key]; !waits {
			d.firsts[key] = e
		}
		d.mu.Unlock()
	}
	if !d.debouncer.Trigger(key, func() { d.run(key, e) }) {
		d.run(key, e) // the debouncer is closed or overwhelmed: late beats never
	}
}

// run handles the event that is left of a burst.
func (d *debounce) run(key string, e *Event) {
	if d.keepBefore {
		d.mu.Lock()
		first := d.firsts[key]
		delete(d.firsts, key)
		d.mu.Unlock()
		e = withBefore(e, first)
	}
	e.bot.call(&registration{name: "debounced handler", run: d.next}, e)
}

// withBefore returns a copy of e with the BeforeUpdate of first, or e if there is nothing to take
// over.
func withBefore(e, first *Event) *Event {
	if first == nil || first == e {
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

// maxThrottled is how many keys Throttle remembers: as many as Debounce by default. Beyond it the
// key that was handled longest ago may be handled again early.
const maxThrottled = defaultDebounceMaxKeys

// Throttle handles of the events with the same key the first one, and then none until interval
// has passed. Throttle panics if interval is not positive or key is nil.
func Throttle(interval time.Duration, key KeyFunc) Middleware {
	if interval <= 0 {
		panic(fmt.Sprintf("botwright: Throttle(%v): pass a positive duration", interval))
	}
	checkKey("Throttle", key)
	return func(next Handler) Handler {
		handled := NewTTLCache(TTLCacheConfig[string, struct{}]{
			TTL: interval, MaxSize: maxThrottled})
		return func(ctx context.Context, e *Event) error {
			k := key(e)
			if k == "" {
				return next(ctx, e)
			}
			if _, recent := handled.GetOrSet(k, struct{}{}); recent {
				return nil
			}
			return next(ctx, e)
		}
	}
}
