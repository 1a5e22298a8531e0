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

// Expect begins to watch for events of type E that all filters let through, and returns at once:
// call it before asking a question, and [Expectation.Wait] afterwards, so that no answer is too
// quick. Only events that are received after the call count, not the one that is being handled.
//
// Filters are middleware that decides from the event alone, such as [GuildOnly], [NotBot] or
// [Filter]. They run one event after the other, before its handlers, and hold up all events of
// the shard meanwhile: they must not block. A filter that panics ends the Expectation with a
// [*PanicError]. Each event of the type is shown to everybody who watches, at the cost of the
// filters: some ten nanoseconds for one that compares ids.
//
// Up to 1,024 events are kept until they are taken; one more ends the Expectation with an error
// that says so. Close it when you are done:
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

// Wait returns the next event: the reply to a question, a reaction to a message. Events that came
// since the last call are there already. While a handler waits here, the events of its channel or
// guild wait for it, unless it was registered with [Concurrent] or is for interactions; but it
// holds no worker that others need, see [QueueConfig]. The error is ctx's
// cause, or [ErrShutdown] once the bot is stopping: from then on no event would come. The event is
// shared with its handlers: treat it as read-only.
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

// Collect returns the next n events, or those that have come when ctx ends, any number if n is 0:
// the votes of a minute, say. The error is nil if there are n or ctx's own deadline has passed, and
// otherwise that of [Expectation.Wait]; the events that have come are returned with it.
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

// Close ends the watch. Wait returns what has come before, and then an error. Closing twice is
// fine.
func (x *Expectation[E]) Close() { x.end(errClosed) }

// Next waits for the next event of type E that all filters let through, and returns it: [Expect]
// and [Expectation.Wait] in one. It may be called from handlers, also of events of the same channel;
// register one that is not for interactions with [Concurrent], or the channel waits for it as it
// waits. Events that were received before the call do not count. If you ask a question first, the
// answer may come before the call: use Expect then.
func Next[E GatewayEvent](ctx context.Context, b *Bot, filters ...Middleware) (*E, error) {
	x := Expect[E](b, filters...)
	defer x.Close()
	return x.Wait(ctx)
}
