package botwright

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/websocket"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/botwright/botwright/internal/fleet"
	"github.com/botwright/botwright/internal/frame"
	"github.com/botwright/botwright/internal/gateway"
	"github.com/botwright/botwright/internal/health"
	"github.com/botwright/botwright/internal/memory"
	"github.com/botwright/botwright/internal/resource"
)

// SomeEvent returns an event as the gateway delivers it.
func SomeEvent(eventType, raw string) *Event {
	e, err := NewEvent(eventType, []byte(raw))
	if err != nil {
		panic(err)
	}
	return e
}

// NewReader returns a function that does with one prebuilt frame what the goroutine that reads
// does: look at the envelope, and make an event of it if it is wanted. The queue is stopped, so
// that nothing but reading is measured.
func NewReader(eventType, data string, b *Bot) func() {
	read := newReader(eventType, data, b)
	b.runner.Stop()
	return read
}

// NewPath returns a function that takes one prebuilt frame the whole way: it is read and queued,
// and its handlers run on the queue's goroutines. wait waits for them.
func NewPath(eventType, data string, b *Bot) (read, wait func()) {
	return newReader(eventType, data, b), func() { b.runner.Drain(context.Background()) }
}

func newReader(eventType, data string, b *Bot) func() {
	b.runner.Handlers.Seal()
	s := b.newShard(loneFleet(), 0, leftBehind{})
	s.opened = true
	payload := fmt.Appendf(nil, `{"t":%q,"s":1,"op":0,"d":%s}`, eventType, data)
	var f gateway.Frame // the gateway uses one again, too
	return func() {
		e, err := frame.Peek(payload)
		if err != nil {
			panic(err)
		}
		f = gateway.Frame{Type: e.Type, Seq: e.Seq, Data: e.Data}
		s.intake.Receive(&f)
	}
}

// Waiting returns how many calls of Next and Expect watch for events of a type.
func Waiting(b *Bot, eventType string) int { return b.runner.Board.Watching(eventType) }

// WatchHandlers has the watchdog look for slow handlers until ctx is done.
func WatchHandlers(ctx context.Context, b *Bot) { b.runner.Watch(ctx) }

// Failures returns how often handlers have failed.
func Failures(b *Bot) uint64 { return b.runner.Failures() }

// ReadWithFault has the goroutine that reads meet a bot that is not fit for it, whose error handler
// is then told.
func ReadWithFault(ctx context.Context, b *Bot) (unwanted bool) {
	s := b.newShard(loneFleet(), 0, leftBehind{})
	s.opened = true
	f := gateway.Frame{Type: []byte("MESSAGE_CREATE"), Seq: 1, Data: []byte("{}")}
	unwanted = s.intake.Receive(&f) == gateway.Unwanted
	b.runner.TellRest(ctx)
	return unwanted
}

// Enqueue queues an event as if it had been received some time ago.
func Enqueue(b *Bot, eventType, raw string, age time.Duration) {
	Seal(b)
	s := b.newShard(loneFleet(), 0, leftBehind{})
	s.intake.Offer(&gateway.Frame{
		Type: []byte(eventType), Data: []byte(raw), Received: time.Now().Add(-age)})
}

// Judge runs a built-in check of the whole process.
func Judge(b *Bot, name string) CheckResult {
	parts := b.healthParts()
	list := parts.List(b.health.cfg.limits())
	i := slices.IndexFunc(list, func(c health.Check) bool { return c.Name == name })
	readings, err := list[i].Run(context.Background())
	if err != nil {
		panic(err)
	}
	r := readings[0]
	return CheckResult{Status: HealthStatus(r.Status), Value: r.Value, Threshold: r.Threshold,
		Unit: r.Unit, Message: r.Message}
}

// MetricsOf returns the metrics of a bot.
func MetricsOf(b *Bot) *Metrics { return b.metrics }

// Add adds a part to m.
func (m *Metrics) Add(name string, c prometheus.Collector) { m.parts.Add(name, c) }

// FloodEvent counts an event that is received now.
func (m *Metrics) FloodEvent(eventType, d string) { m.event([]byte(eventType), []byte(d), time.Now()) }

// FloodHandler calls a handler of that name and event type, which does nothing.
func (m *Metrics) FloodHandler(name, eventType string) {
	h := m.measure(&registration{Name: name, EventType: eventType},
		func(context.Context, *Event) error { return nil })
	_ = h(context.Background(), &Event{Received: time.Now()})
}

// Measured measures a handler.
func (m *Metrics) Measured(h Handler) Handler {
	return m.measure(&registration{Name: "test", EventType: "MESSAGE_CREATE"}, h)
}

// GuardMemory returns a function that has the bot's caches shrunk as if the process had that much
// alive, of that limit.
func GuardMemory(b *Bot, limit int64) (look func(used int64) MemoryPressure) {
	var u resource.Usage
	guard := memory.NewGuard(memory.GuardConfig{
		Monitor: memory.New(memory.Config{Limit: limit, Read: func() resource.Usage { return u }}),
		Shrink:  b.shrink, Logger: b.cfg.logger,
	})
	return func(used int64) MemoryPressure {
		u = resource.Usage{Live: used, Go: used}
		guard.Look()
		return newPressure(guard.Pressure())
	}
}

// WithHelloTimeout shortens the wait for HELLO.
func WithHelloTimeout(d time.Duration) Option {
	return func(c *config) { c.tuneGateway = func(g *gateway.Config) { g.HelloTimeout = d } }
}

// WithGuildWait sets how long Open waits for another guild.
func WithGuildWait(d time.Duration) Option { return func(c *config) { c.guildWait = d } }

// WithoutCompression leaves the gateway's compression off.
func WithoutCompression() Option {
	return func(c *config) { c.tuneGateway = func(g *gateway.Config) { g.Compression = gateway.Plain } }
}

// Deliver runs a bot's handlers of an event as the queue does, on the caller's goroutine. The bot
// need not be open. prepare, if any, may change the payload, as State does.
func Deliver(b *Bot, eventType, raw string, prepare func(payload any)) {
	Seal(b)
	e := SomeEvent(eventType, raw)
	e.home, e.Session = &b.home, b.session
	if prepare != nil {
		payload, err := e.Payload()
		if err != nil {
			panic(err)
		}
		prepare(payload)
	}
	w := b.runner.Handlers.Find([]byte(eventType))
	for _, h := range append(w.Together, w.Alone...) {
		b.runner.Call(h, e, nil)
	}
}

// DeliverOrphan does with an interaction what is done when nobody wants it.
func DeliverOrphan(b *Bot, raw string) {
	Seal(b)
	s := b.newShard(loneFleet(), 0, leftBehind{})
	s.intake.Offer(&gateway.Frame{
		Type: []byte("INTERACTION_CREATE"), Data: []byte(raw), Received: time.Now()})
	b.runner.Drain(context.Background())
}

// NewDispatch returns a function that runs the handlers of one event, decoded before, as the
// queue does.
func NewDispatch(b *Bot, eventType, raw string) func() {
	Seal(b)
	e := SomeEvent(eventType, raw)
	e.home, e.Session = &b.home, b.session
	w := b.runner.Handlers.Find([]byte(eventType))
	return func() {
		for _, h := range w.Together {
			b.runner.Call(h, e, nil)
		}
	}
}

// Debouncers returns how many debouncers a bot holds.
func Debouncers(b *Bot) int {
	return b.home.debouncers.Len()
}

// HandlerDebounces returns what the Debounce middleware of all handlers has done.
func HandlerDebounces(b *Bot) DebouncerStats { return b.handlerDebounces() }

// NewShow returns a function that shows an event to those who expect it.
func NewShow(b *Bot, eventType, raw string) func() {
	e := SomeEvent(eventType, raw)
	e.home, e.Session = &b.home, b.session
	return func() { b.runner.Board.Show(eventType, b.runner.Board.Arrive(), e) }
}

// Seal ends the time of Use, as Open does: for tests that call Deliver from several goroutines,
// which do so when it has returned.
func Seal(b *Bot) { b.runner.Handlers.Seal() }

// WithSaveEvery changes how often sessions are saved.
func WithSaveEvery(d time.Duration) Option { return func(c *config) { c.saveEvery = d } }

// WithoutSessions keeps the discordgo sessions closed: their Close sleeps with a lock held that
// their listen waits for (CloseWithCode in wsapi.go), for which time does not pass in a bubble.
func WithoutSessions() Option {
	return func(c *config) {
		c.tuneShard = func(s *shard) {
			s.opened = true
			s.usable.Store(true)
		}
	}
}

// WithGatewayDial makes the shards dial with a function that is told which shard it is for.
func WithGatewayDial(dial func(ctx context.Context, shard int) (net.Conn, error)) Option {
	return func(c *config) {
		c.tuneGateway = func(g *gateway.Config) {
			shard := g.ShardID
			g.Compression = gateway.Plain
			g.Dialer = &websocket.Dialer{NetDialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return dial(ctx, shard)
			}}
		}
	}
}

// OpenTooLate lets Shutdown overtake Open, and returns what Open then returns and which tasks run.
func OpenTooLate(ctx context.Context, b *Bot) (tasks []string, err error) {
	runCtx, err := b.begin()
	if err != nil {
		return nil, err
	}
	if err := b.Shutdown(ctx); err != nil {
		return nil, err
	}
	err = b.open(ctx, runCtx)
	ended, cancel := context.WithCancel(ctx)
	cancel()
	return b.tasks.Wait(ended), err
}

// Settings shows what the options of a bot have come to, and what it runs beside its shards.
func Settings(b *Bot) string {
	var s strings.Builder
	c := b.cfg
	fmt.Fprintln(&s, c.shardCount, c.shardIDs, c.intents, c.api, c.httpClient.Timeout, c.compression,
		c.shutdownTimeout, c.namespace, c.memoryLimit, c.reportEvery, c.autoReshard, c.rest.MaxWait,
		c.admin.Addr, c.health.Interval, c.queue.MaxEvents, c.state.MembersPerGuild)
	if c.profiler != nil {
		fmt.Fprintln(&s, c.profiler.Slow)
	}
	if c.resources != nil {
		fmt.Fprintln(&s, *c.resources)
	}
	for _, t := range c.tasks {
		fmt.Fprintln(&s, t.name)
	}
	return s.String()
}

// loneFleet returns a fleet of one shard, without that.
func loneFleet() *shardFleet {
	return &shardFleet{Fleet: fleet.New[*shard](fleet.Config{Count: 1})}
}

// ThereAndBack turns what package health says into what this package says, and back.
func ThereAndBack(r health.Report) health.Report {
	return (&Health{}).report(r).internal()
}
