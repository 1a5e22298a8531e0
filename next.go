package botwright

import (
	"context"
	"maps"
	"slices"
	"sync"
)

// Next waits for the next event of type E that all filters let through, and returns it: the reply
// to a question, a reaction to a message. It may be called from handlers, also of events of the
// same channel; register one that is not for interactions with [Concurrent], or the channel waits for
// it as it waits. Events that came before the call do not count. The error is ctx's cause, or
// [ErrShutdown] once the bot is stopping: from then on no event would come.
//
// Filters are middleware that decides from the event alone, such as [GuildOnly], [NotBot] or
// [Filter]. Each event of the type is shown to every caller that waits, at the cost of its
// filters: some ten nanoseconds for one that compares ids. Those waiting cost no goroutine of the
// bot's.
func Next[E GatewayEvent](ctx context.Context, b *Bot, filters ...Middleware) (*E, error) {
	found := make(chan *E, 1)
	show := Chain(filters...)(func(_ context.Context, e *Event) error {
		e.care.claim()
		payload, err := e.Payload()
		if event, ok := payload.(*E); err == nil && ok {
			select {
			case found <- event:
			default: // it has one
			}
		}
		return nil
	})
	waiters := b.waitersFor(eventType[E]())
	defer waiters.add(&show)()
	select {
	case event := <-found:
		return event, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-b.ending:
		return nil, ErrShutdown
	}
}

// waiters are the calls of [Next] that wait for events of one type. A handler is registered while
// there are any. It has an order of its own, so that its events do not stand behind a handler
// that waits for one of them.
type waiters struct {
	bot       *Bot
	eventType string

	mu         sync.Mutex // guards what follows
	shows      map[*Handler]struct{}
	list       []*Handler // shows for an event to go through; nil when they have changed
	unregister func()
}

func (b *Bot) waitersFor(eventType string) *waiters {
	b.mu.Lock()
	defer b.mu.Unlock()
	w := b.waiters[eventType]
	if w == nil {
		w = &waiters{bot: b, eventType: eventType, shows: make(map[*Handler]struct{})}
		b.waiters[eventType] = w
	}
	return w
}

// add lets show be called with each event until remove is called.
func (w *waiters) add(show *Handler) (remove func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.shows[show], w.list = struct{}{}, nil
	if len(w.shows) == 1 {
		r := &registration{
			eventType: w.eventType, name: "botwright.Next", handler: w.showAll, internal: true,
			order: func(*Event) string { return "botwright.Next " + w.eventType },
		}
		w.bot.handlers.add(r)
		w.bot.checkLate(r)
		w.unregister = func() { w.bot.handlers.remove(r) }
	}
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.shows, show)
		w.list = nil
		if len(w.shows) == 0 {
			w.unregister()
		}
	}
}

// showAll shows an event to all that wait. One filter's panic is not the others' loss.
func (w *waiters) showAll(ctx context.Context, e *Event) error {
	w.mu.Lock()
	if w.list == nil {
		w.list = slices.AppendSeq(make([]*Handler, 0, len(w.shows)), maps.Keys(w.shows))
	}
	list := w.list
	w.mu.Unlock()
	for _, show := range list {
		if err := protect(func() error { return (*show)(ctx, e) }); err != nil {
			w.bot.report(withHandler(ctx, "Next"), e, err)
		}
	}
	return nil
}
