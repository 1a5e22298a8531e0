package botwright

import (
	"context"
	"errors"
	"fmt"

	"github.com/botwright/botwright/internal/expect"
)

// errClosed is what an Expectation returns that was closed.
var errClosed = errors.New("botwright: the expectation was closed")

// An Expectation watches for events of type E, from the call of [Expect] until Close. Its methods
// may be called from any goroutine.
type Expectation[E GatewayEvent] struct {
	inbox  *expect.Inbox[*E]
	stop   func()
	park   func(context.Context) (resume func())
	ending <-chan struct{}
}

// Expect starts to watch for events of type E that pass all filters, and returns at once. Call it
// before you ask a question, and [Expectation.Wait] afterwards, so that no answer is too quick.
// Only events received after the call count, not the one being handled.
//
// Filters are middleware that decides from the event alone, such as GuildOnly, NotBot or Filter.
// They run before the event's handlers, one event at a time, and must not block, because they hold
// up all events of the shard. A filter that panics ends the Expectation with a [*PanicError]. Every
// open Expectation sees each event of its type, which costs its filters: about ten nanoseconds for
// one that compares ids.
//
// Up to 1,024 events are kept until you take them. One more ends the Expectation with an error that
// says so. Close it when you are done:
//
//	replies := botwright.Expect[discordgo.MessageCreate](bot, botwright.NotBot())
//	defer replies.Close()
func Expect[E GatewayEvent](b *Bot, filters ...Middleware) *Expectation[E] {
	x := &Expectation[E]{
		inbox: expect.NewInbox[*E](), park: b.runner.Park, ending: b.ending,
	}
	t := eventType[E]()
	show := Chain(filters...)(func(_ context.Context, e *Event) error { return x.take(e) })
	x.stop = b.runner.Board.Watch(t, func(e *Event) {
		err := protect(func() error { return show(b.runner.Context(), e) })
		if _, panicked := errors.AsType[*PanicError](err); panicked {
			x.end(fmt.Errorf("botwright: a filter of %s: %w", t, err))
		} else if err != nil {
			b.reportAside(nil, fmt.Errorf("show %s to those who expect it: %w", t, err))
		}
	})
	b.checkLate(wantedType{t, "botwright.Expect"})
	return x
}

// take is shown what the filters let through.
func (x *Expectation[E]) take(e *Event) error {
	e.ticket.Claim()
	payload, err := e.Payload()
	if err != nil {
		return err
	}
	if event, ok := payload.(*E); ok && !x.inbox.Add(event) {
		x.stop()
	}
	return nil
}

func (x *Expectation[E]) end(err error) {
	x.stop()
	x.inbox.End(err)
}

// Wait returns the next event, such as the reply to a question or a reaction to a message. Events
// that arrived since the last call are returned first. While a handler waits here, the events of
// its channel or guild wait for it, unless it was registered with [Concurrent] or is for
// interactions. It does not occupy a worker; see [QueueConfig]. The error is ctx's cause, or
// [ErrShutdown] once the bot is stopping and no event will arrive any more. The event is shared
// with its handlers: treat it as read-only.
func (x *Expectation[E]) Wait(ctx context.Context) (*E, error) {
	if event, ok, err := x.inbox.Poll(); ok || err != nil {
		return event, err
	}
	defer x.park(ctx)()
	event, err := x.inbox.Take(ctx, x.ending)
	if errors.Is(err, expect.ErrStopped) {
		return nil, ErrShutdown
	}
	return event, err
}

// Collect returns the next n events, or those that have arrived when ctx ends. If n is 0 it returns
// any number, such as the votes of a minute. The error is nil if there are n events or if ctx's own
// deadline has passed. Otherwise it is that of [Expectation.Wait], and comes with the events that
// have arrived.
func (x *Expectation[E]) Collect(ctx context.Context, n int) ([]*E, error) {
	var events []*E
	for n <= 0 || len(events) < n {
		event, err := x.Wait(ctx)
		switch {
		case err == nil:
			events = append(events, event)
		case errors.Is(err, context.DeadlineExceeded):
			return events, nil
		default:
			return events, err
		}
	}
	return events, nil
}

// Close stops watching. Wait still returns the events that arrived before, and then an error.
// Closing twice is fine.
func (x *Expectation[E]) Close() { x.end(errClosed) }

// Next waits for the next event of type E that passes all filters, and returns it. It is [Expect]
// and [Expectation.Wait] in one. You may call it from a handler, even of an event in the same
// channel, but register that handler with [Concurrent] unless it is for interactions: otherwise the
// channel waits for the handler while the handler waits for the channel. Events that were received
// before the call do not count. If you ask a question first, use [Expect], because the answer may
// arrive before Next is called.
func Next[E GatewayEvent](ctx context.Context, b *Bot, filters ...Middleware) (*E, error) {
	x := Expect[E](b, filters...)
	defer x.Close()
	return x.Wait(ctx)
}
