package botwright

import (
	"context"

	"github.com/botwright/botwright/internal/frame"
	"github.com/botwright/botwright/internal/gateway"
	"github.com/botwright/botwright/internal/interaction"
	"github.com/botwright/botwright/internal/runner"
	"github.com/botwright/botwright/internal/session"
)

// newRunner returns what runs the bot's handlers.
func (b *Bot) newRunner() *runner.Runner[*Event] {
	cfg := b.cfg
	report := cfg.onError
	if report == nil {
		report = b.logError
	}
	return runner.New(runner.Config[*Event]{
		Queue:  cfg.queue.internal(),
		Slow:   cfg.queue.Slow,
		Logger: cfg.logger,
		Ticket: func(e *Event) *runner.Ticket { return &e.ticket },
		About: func(e *Event) runner.About {
			return runner.About{Type: e.Type, ShardID: e.ShardID, Sequence: e.Sequence,
				GuildID: e.GuildID, ChannelID: e.ChannelID, Raw: e.raw}
		},
		Follow: cfg.follow(),
		Report: func(ctx context.Context, e *Event, err error) { report(e.within(ctx), e, err) },
		Errors: runner.Errors{
			Panic:    newPanicError,
			Slow:     func(s runner.Slow) error { e := SlowHandlerError(s); return &e },
			Overflow: func(o runner.Overflow) error { e := OverflowError(o); return &e },
			Unclaimed: func(n interaction.Name) error {
				return &UnhandledInteractionError{Type: n.Type, Name: n.Text, menu: n.Menu}
			},
		},
	})
}

// newIntake returns what takes a shard's events to the runner.
func (s *shard) newIntake() *runner.Shard[*Event] {
	cfg := runner.ShardConfig[*Event]{
		ID:       s.id,
		Tracker:  &s.tracker,
		Note:     s.note,
		Event:    s.newEvent,
		Forwards: s.bot.sessionEvents,
		Forward:  s.forward,
		Feeds:    s.feeds,
		Feed:     s.feed,
		Admit:    s.admits,
	}
	if s.bot.cfg.cluster != nil {
		cfg.Owns = s.owns
	}
	return s.bot.runner.Shard(cfg)
}

// note counts an event, wanted or not, and opens the session with the first one.
func (s *shard) note(f *gateway.Frame) {
	s.openSession(f)
	s.bot.stats.events.Add(1)
	s.bot.metrics.event(f.Type, f.Data, f.Received)
	s.census.Note(f.Type, f.Data)
	if string(f.Type) == "READY" {
		s.track(s.gateway.Resumable().ID, session.Position{}, 0)
		if s.bot.cfg.tracer != nil {
			s.traceSession()
		}
	}
}

// admits reports whether handlers may have an event: while the bot reshards, two shards receive it.
func (s *shard) admits(f *gateway.Frame) bool {
	o := s.bot.resharded.Load()
	return o == nil || o.Admit(s.fleet == o.next, f.Type, f.Data)
}

// newEvent copies a frame.
func (s *shard) newEvent(eventType string, f *gateway.Frame, route frame.Route) *Event {
	e := &Event{
		Type:     eventType,
		ShardID:  s.id,
		Sequence: f.Seq,
		Received: f.Received,
		Replayed: f.Replayed,
		Session:  s.session,
		home:     &s.bot.home,
		trace:    s.newEventTrace(),
		raw:      append([]byte(nil), f.Data...),
	}
	ids := string(route.Guild) + string(route.Channel) + string(route.User)
	e.GuildID, ids = ids[:len(route.Guild)], ids[len(route.Guild):]
	e.ChannelID, e.UserID = ids[:len(route.Channel)], ids[len(route.Channel):]
	return e
}
