package botwright

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/botwright/botwright/internal/deadline"
	"github.com/botwright/botwright/internal/frame"
	"github.com/botwright/botwright/internal/redact"
	"github.com/botwright/botwright/internal/runner"
)

// A Middleware wraps a [Handler]: it may do something before and after calling next, call it
// with another context, or not call it at all. Add it to all handlers with [Bot.Use] or to one
// as a [HandlerOption].
//
// A middleware that decides from the fields of the Event, and not from its Payload, runs before the
// event is decoded, so events that it rejects cost almost nothing.
type Middleware func(next Handler) Handler

func (m Middleware) apply(r *registration) {
	if m == nil {
		panic("botwright: a handler was given a nil middleware: leave it out")
	}
	r.Middleware = append(r.Middleware, m.wrap)
}

func (m Middleware) wrap(next runner.Func[*Event]) runner.Func[*Event] { return m(next) }

// Chain makes one middleware of several, the first one outermost.
func Chain(mw ...Middleware) Middleware {
	mw = slices.Clone(mw)
	return func(next Handler) Handler {
		for _, m := range slices.Backward(mw) {
			next = m(next)
		}
		return next
	}
}

// Timeout ends the handler's context after d, with [ErrHandlerTimeout] as its cause. The handler
// has to return then; Timeout does not abandon it. Timeout panics if d is not positive.
func Timeout(d time.Duration) Middleware {
	if d <= 0 {
		panic(fmt.Sprintf("botwright: Timeout(%v): pass a positive duration", d))
	}
	return func(next Handler) Handler {
		return func(ctx context.Context, e *Event) error {
			ctx, end := deadline.New(ctx, d, ErrHandlerTimeout)
			defer end()
			return next(ctx, e)
		}
	}
}

// Logging logs each handled event and how long it took, at debug level, or at error level if the
// handler failed. A panic is logged too, and becomes a [*PanicError] for the middleware around
// Logging. A nil logger means slog.Default. What users wrote is not logged.
func Logging(l *slog.Logger) Middleware {
	return func(next Handler) Handler {
		return func(ctx context.Context, e *Event) error {
			log := l
			if log == nil {
				log = slog.Default()
			}
			start := time.Now()
			err := protect(func() error { return next(ctx, e) })
			level, attrs := slog.LevelDebug, []slog.Attr{
				slog.String("event", e.Type), slog.Int("shard", e.ShardID),
				slog.String("guild", e.GuildID), slog.String("duration", time.Since(start).String()),
			}
			if err != nil {
				level, attrs = slog.LevelError, append(attrs, slog.Any("error", redact.Error(err)))
			}
			log.LogAttrs(ctx, level, "event handled", attrs...)
			return err
		}
	}
}

// Filter passes the events that keep accepts. To decide before the event is decoded, keep must not
// call Payload. Filter panics if keep is nil.
func Filter(keep func(e *Event) bool) Middleware {
	if keep == nil {
		panic("botwright: Filter was given a nil function: pass a func(*botwright.Event) bool")
	}
	return func(next Handler) Handler {
		return func(ctx context.Context, e *Event) error {
			if !keep(e) {
				return nil
			}
			return next(ctx, e)
		}
	}
}

// NotBot rejects what bots, including this one, and webhooks did, because a bot that answers bots
// may end up in a conversation with one, or with itself. Where Discord does not say whether the
// user is a bot, as when a reaction is removed, NotBot rejects only this bot. It decides before the
// event is decoded.
func NotBot() Middleware {
	return Filter(func(e *Event) bool {
		var author, user, member, webhook bool
		frame.Members(e.raw, func(name, v []byte) {
			switch string(name) {
			case "author":
				author = flag(author, v, "bot")
			case "user":
				user = flag(user, v, "bot")
			case "member":
				member = flag(member, v, "user", "bot")
			case "webhook_id":
				webhook = string(v) != "null"
			}
		})
		return !author && !user && !member && !webhook && !e.isOwn()
	})
}

// flag reads a flag in an object as a decoder does that has read another one of the same name.
func flag(before bool, object []byte, path ...string) bool {
	if string(object) == "null" {
		return false
	}
	v, ok := frame.Find(object, path...)
	if !ok || string(v) == "null" {
		return before
	}
	return string(v) == "true"
}

// isOwn reports whether the bot itself did it. State.User is not changed once a session is open.
func (e *Event) isOwn() bool {
	s := e.Session
	return s != nil && s.State != nil && s.State.User != nil && e.UserID == s.State.User.ID
}

// GuildOnly passes what happened in a guild, as opposed to a direct message. It decides before the
// event is decoded.
func GuildOnly() Middleware {
	return Filter(func(e *Event) bool { return e.GuildID != "" })
}

// Prefix passes messages whose content begins with prefix. It decides before the event is decoded.
// Without the privileged intent MESSAGE_CONTENT Discord leaves the content empty, except in direct
// messages and messages that mention the bot.
func Prefix(prefix string) Middleware {
	return Filter(func(e *Event) bool {
		v, _ := frame.Find(e.raw, "content")
		content, ok := frame.Text(v)
		return ok && len(content) >= len(prefix) && string(content[:len(prefix)]) == prefix
	})
}
